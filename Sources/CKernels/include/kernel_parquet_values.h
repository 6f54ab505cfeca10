/* Values of columns as Parquet's PLAIN encoding, nulls left out.
 *
 * Rows are picked by `rows` (ascending numbers, `count` of them) or, where it is NULL, are first ..< first + count.
 * `out` has room for the result and KERNEL_PARQUET_SLACK bytes, which may be written. Little-endian machines.
 * Nothing here allocates, keeps a pointer or can fail. */
#ifndef KERNEL_PARQUET_VALUES_H
#define KERNEL_PARQUET_VALUES_H

#include <stddef.h>
#include <stdint.h>

#define KERNEL_PARQUET_SLACK 32

/* 16-bit integers, widened to INT32. */
void kernel_parquet_plain_int16(const int16_t *values, const int32_t *rows, size_t first, size_t count, uint8_t *out);
/* Elements of four and of eight bytes, as they are. */
void kernel_parquet_plain_4(const uint8_t *values, const int32_t *rows, size_t first, size_t count, uint8_t *out);
void kernel_parquet_plain_8(const uint8_t *values, const int32_t *rows, size_t first, size_t count, uint8_t *out);
/* 16-byte little-endian integers that fit in eight bytes, to INT64. */
void kernel_parquet_plain_decimal_8(const uint8_t *values, const int32_t *rows, size_t first, size_t count,
                                    uint8_t *out);
/* 16-byte little-endian integers that fit in `width` bytes (1 ... 16), to big-endian bytes. */
void kernel_parquet_plain_decimal_fixed(const uint8_t *values, const int32_t *rows, size_t first, size_t count,
                                        int width, uint8_t *out);
/* Bits to bytes of 0 and 1; packing comes with the page. */
void kernel_parquet_plain_boolean(const uint8_t *bits, const int32_t *rows, size_t first, size_t count, uint8_t *out);
/* Byte strings: each as its length in four bytes and then its bytes. `byte_count` is the size of `bytes`.
 * Returns the bytes written: the strings' and four for each. */
size_t kernel_parquet_plain_bytes(const int32_t *offsets, const uint8_t *bytes, size_t byte_count, const int32_t *rows,
                                  size_t first, size_t count, uint8_t *out);

#endif
