/* Definition and repetition levels of Parquet: from validity bits and list offsets to levels, from levels to bytes.
 *
 * A level frame describes one node of a schema tree as `count` entries: definition[i], repetition[i], and index[i],
 * the row of the node's column that entry i stands for, or -1 where an ancestor is null or an empty list.
 * Validity pointers may be NULL: no row is null. Nothing here allocates, keeps a pointer or can fail. */
#ifndef KERNEL_PARQUET_LEVELS_H
#define KERNEL_PARQUET_LEVELS_H

#include <stddef.h>
#include <stdint.h>

/* Spreads `count` bits from bit `first` on to bytes of 0 and 1. */
void kernel_parquet_bits_to_bytes(const uint8_t *bits, size_t first, size_t count, uint8_t *out);

/* Writes the numbers of the rows first ..< first + count whose bit is 1, ascending; returns how many.
 * out: room for `count` numbers. */
size_t kernel_parquet_select(const uint8_t *bits, size_t first, size_t count, int32_t *out);

/* The frame of the rows first ..< first + count of a whole column: levels 0, index = row. */
void kernel_parquet_frame(size_t first, size_t count, uint8_t *definition, uint8_t *repetition, int32_t *index);

/* Passes an optional node: entries whose row holds a value get definition + 1, others index -1.
 * The out arrays may be the in arrays. */
void kernel_parquet_frame_present(const uint8_t *definition, const int32_t *index, size_t count,
                                  const uint8_t *validity, uint8_t *out_definition, int32_t *out_index);

/* Number of entries that kernel_parquet_frame_list makes of a frame. */
size_t kernel_parquet_frame_list_count(const int32_t *index, size_t count, const uint8_t *validity,
                                       const int32_t *offsets);

/* Passes an optional list: a null list keeps its definition, an empty one gets + 1, and each element of others is an
 * entry with + 2, whose index is the element's row and whose repetition is `level` unless it is the list's first. */
void kernel_parquet_frame_list(const uint8_t *definition, const uint8_t *repetition, const int32_t *index, size_t count,
                               const uint8_t *validity, const int32_t *offsets, uint8_t level, uint8_t *out_definition,
                               uint8_t *out_repetition, int32_t *out_index);

/* Passes an optional leaf: like kernel_parquet_frame_present, and `rows` gets the rows that hold values, in order
 * (room for `count`). Returns how many. */
size_t kernel_parquet_frame_leaf(const uint8_t *definition, const int32_t *index, size_t count, const uint8_t *validity,
                                 uint8_t *out_definition, int32_t *rows);

/* Bytes that an encoding of `count` numbers of `width` bits may take. */
size_t kernel_parquet_hybrid_bound(size_t count, int width);

/* The RLE / bit-packed hybrid of levels (width 1 ... 8). Returns the bytes written.
 * Runs of eight or more equal numbers become run-length groups, the rest groups of eight packed numbers;
 * the last group is padded with zeros. */
size_t kernel_parquet_hybrid_levels(const uint8_t *levels, size_t count, int width, uint8_t *out);

/* The same for dictionary indexes (width 1 ... 32). */
size_t kernel_parquet_hybrid_indexes(const uint32_t *indexes, size_t count, int width, uint8_t *out);

/* Packs bytes of 0 and 1 into bits, least significant first; the last byte is padded with zeros.
 * Returns the bytes written. This is PLAIN for booleans. */
size_t kernel_parquet_pack_bits(const uint8_t *flags, size_t count, uint8_t *out);

#endif
