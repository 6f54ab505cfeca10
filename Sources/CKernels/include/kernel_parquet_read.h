/* The way back from Parquet's pages to columns: levels, dictionary indexes and PLAIN values.
 *
 * The bytes come from the world: what they say about themselves is checked before it is believed, and a function that
 * finds a lie answers KERNEL_PARQUET_MALFORMED. Memory that is read as well as memory that is written has
 * KERNEL_PARQUET_SLACK bytes behind its end which may be read and written. Little-endian machines.
 * Nothing here allocates or keeps a pointer. */
#ifndef KERNEL_PARQUET_READ_H
#define KERNEL_PARQUET_READ_H

#include "kernel_parquet_values.h"

#include <stddef.h>
#include <stdint.h>

#define KERNEL_PARQUET_MALFORMED SIZE_MAX

/* `count` numbers of the RLE / bit-packed hybrid, `width` bits each (levels 1 ... 8, indexes 1 ... 32), none above `largest`.
 * Returns how many of the `size` bytes they take. */
size_t kernel_parquet_read_levels(const uint8_t *bytes, size_t size, int width, uint8_t largest, size_t count,
                                  uint8_t *out);
size_t kernel_parquet_read_indexes(const uint8_t *bytes, size_t size, int width, uint32_t largest, size_t count,
                                   uint32_t *out);

/* Whether levels of a page form rows: the first entry begins one, and an entry within list number k (repetition k, from 1)
 * and the entry before it both reach into that list (definition at least element[k]). */
int kernel_parquet_levels_agree(const uint8_t *definition, const uint8_t *repetition, size_t count,
                                const uint8_t *element);

/* Entries of the first `rows` rows; `*found`: how many rows there were (fewer when the entries end). */
size_t kernel_parquet_rows(const uint8_t *repetition, size_t count, size_t rows, size_t *found);

/* How many levels are equal to `level`. */
size_t kernel_parquet_count_level(const uint8_t *definition, size_t count, uint8_t level);

/* The rows of a node: entries whose repetition is at most `depth` (NULL: all) and whose definition is at least `slot`.
 * flags: 1 where the definition is at least `valid`. Returns how many rows there are. */
size_t kernel_parquet_slots(const uint8_t *definition, const uint8_t *repetition, size_t count, uint8_t depth,
                            uint8_t slot, uint8_t valid, uint8_t *flags);

/* The offsets of a list node, whose rows are as in kernel_parquet_slots and whose elements are entries of repetition at most
 * depth + 1 and definition above `valid`. out: one more than there are rows. Returns how many rows there are. */
size_t kernel_parquet_list_offsets(const uint8_t *definition, const uint8_t *repetition, size_t count, uint8_t depth,
                                   uint8_t slot, uint8_t valid, int32_t *out);

/* INT32 to 16 bits; returns 0 when one does not fit. */
int kernel_parquet_read_int16(const uint8_t *values, size_t count, uint8_t *out);
/* INT64 and big-endian bytes (`width` 1 ... 16) to 16-byte little-endian integers. */
void kernel_parquet_read_decimal_8(const uint8_t *values, size_t count, uint8_t *out);
void kernel_parquet_read_decimal_fixed(const uint8_t *values, size_t count, int width, uint8_t *out);

/* `count` PLAIN byte strings: their bytes one after the other, and where each ends, counted from `start`.
 * out: room for `size` bytes. Returns how many of the `size` bytes they take, the lengths in front of them included. */
size_t kernel_parquet_read_bytes(const uint8_t *values, size_t size, size_t count, int32_t start, int32_t *ends,
                                 uint8_t *out);

/* Whether the first byte of each string that has one can begin a character: strings that end at ends[i] and begin where
 * the one before ends, the first at `start`; `bytes` begins with the first. */
int kernel_parquet_begin_characters(const uint8_t *bytes, int32_t start, const int32_t *ends, size_t count);

/* Entries of a dictionary by number; width 2, 4, 8 or 16. */
void kernel_parquet_pick(const uint8_t *entries, int width, const uint32_t *indexes, size_t count, uint8_t *out);

/* Byte strings of a dictionary by number: entry i is bytes[ends[i - 1] .. ends[i]). First the size of them all, then they. */
uint64_t kernel_parquet_picked_size(const int32_t *entry_ends, const uint32_t *indexes, size_t count);
void kernel_parquet_pick_bytes(const int32_t *entry_ends, const uint8_t *entries, const uint32_t *indexes, size_t count,
                               int32_t start, int32_t *ends, uint8_t *out);

/* Makes room for nulls: the values, `width` bytes each (1, 2, 4, 8 or 16), move to the rows whose flag is 1, and zeros come
 * into the others. There are as many values as ones. In place. */
void kernel_parquet_spread(uint8_t *values, int width, const uint8_t *flags, size_t rows);
/* The same for ends of strings: out[0] is 0 and out[row + 1] the row's end; a row without a value is empty. */
void kernel_parquet_spread_ends(const int32_t *ends, const uint8_t *flags, size_t rows, int32_t *out);

#endif
