/* Text that is shown in part. Columns are in Arrow layout: row i is bytes[offsets[i]] up to bytes[offsets[i + 1]],
 * null rows are empty. Text is valid UTF-8; characters are Unicode scalars. Nothing is allocated, no pointer kept. */
#ifndef KERNEL_MASK_H
#define KERNEL_MASK_H

#include <stddef.h>
#include <stdint.h>

/* Replaces each scalar but the first `keep_first` and the last `keep_last` of a row by the `with_length` (1 to 4) bytes of
 * `with`. With `hides_short`, a row of at most keep_first + keep_last scalars is replaced whole, otherwise it stays.
 * out_offsets: rows + 1 elements. out: room for the bytes of the column times with_length.
 * Returns the bytes written. Plain version in the tests: MaskTests. */
size_t kernel_mask_text(const int32_t *offsets, const uint8_t *bytes, size_t rows, size_t keep_first, size_t keep_last,
                        const uint8_t *with, size_t with_length, int hides_short, int32_t *out_offsets, uint8_t *out);

/* Keeps the first `count` scalars of each row. out: room for the bytes of the column. Returns the bytes written. */
size_t kernel_prefix_text(const int32_t *offsets, const uint8_t *bytes, size_t rows, size_t count, int32_t *out_offsets,
                          uint8_t *out);

#endif
