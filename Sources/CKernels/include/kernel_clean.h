/* White space and letter case. Columns are in Arrow layout: row i is bytes[offsets[i]] up to bytes[offsets[i + 1]], null rows
 * are empty. Text is valid UTF-8; white space is the Unicode property White_Space. Nothing is allocated, no pointer kept. */
#ifndef KERNEL_CLEAN_H
#define KERNEL_CLEAN_H

#include <stddef.h>
#include <stdint.h>

/* 1 when all bytes are below 0x80. */
int kernel_is_ascii(const uint8_t *bytes, size_t length);

/* Removes white space from both ends of each row. out: room for the bytes of the column. Returns the bytes written. */
size_t kernel_trim_text(const int32_t *offsets, const uint8_t *bytes, size_t rows, int32_t *out_offsets, uint8_t *out);

/* Each run of white space becomes one U+0020. Sizes as above. */
size_t kernel_collapse_spaces(const int32_t *offsets, const uint8_t *bytes, size_t rows, int32_t *out_offsets,
                              uint8_t *out);

/* Changes the case of ASCII letters and leaves all other bytes. out: `length` bytes, may be `bytes` itself. */
void kernel_lowercase_ascii(const uint8_t *bytes, size_t length, uint8_t *out);
void kernel_uppercase_ascii(const uint8_t *bytes, size_t length, uint8_t *out);

/* Rows that differ between two columns of variable storage with equal row counts: other bytes, or null on one side.
 * Validities may be NULL (all valid). */
size_t kernel_count_changed_text(const int32_t *offsets, const uint8_t *bytes, const uint8_t *validity,
                                 const int32_t *new_offsets, const uint8_t *new_bytes, const uint8_t *new_validity,
                                 size_t rows);

/* The same for fixed storage of `width` bytes an element. */
size_t kernel_count_changed_fixed(const uint8_t *values, const uint8_t *validity, const uint8_t *new_values,
                                  const uint8_t *new_validity, size_t width, size_t rows);

#endif
