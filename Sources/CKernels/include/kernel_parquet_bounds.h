/* Smallest and largest of PLAIN values, for column statistics. Each call widens the bounds that it is given.
 * Nothing here allocates, keeps a pointer or can fail. */
#ifndef KERNEL_PARQUET_BOUNDS_H
#define KERNEL_PARQUET_BOUNDS_H

#include <stddef.h>
#include <stdint.h>

/* Start with *low = INT64_MAX and *high = INT64_MIN. */
void kernel_parquet_bounds_int32(const uint8_t *values, size_t count, int64_t *low, int64_t *high);
void kernel_parquet_bounds_int64(const uint8_t *values, size_t count, int64_t *low, int64_t *high);
/* Bytes of 0 and 1. */
void kernel_parquet_bounds_flags(const uint8_t *values, size_t count, int64_t *low, int64_t *high);

/* NaN is left out; returns how many there were. Start with *low = infinity and *high = -infinity. */
size_t kernel_parquet_bounds_float(const uint8_t *values, size_t count, double *low, double *high);
size_t kernel_parquet_bounds_double(const uint8_t *values, size_t count, double *low, double *high);

/* Big-endian two's complement of `width` bytes (1 ... 16): low and high are values of the same form, which hold
 * something from the start. */
void kernel_parquet_bounds_decimal(const uint8_t *values, size_t count, int width, uint8_t *low, uint8_t *high);

/* Byte strings in unsigned byte order. Only the first 64 bytes of a bound are kept: a longer string stands above all
 * that its first 64 bytes are equal to, which is all that bounds cut off there can tell. */
#define KERNEL_PARQUET_BOUND_BYTES 64
struct kernel_parquet_byte_bounds {
    uint8_t low[KERNEL_PARQUET_BOUND_BYTES];
    uint8_t high[KERNEL_PARQUET_BOUND_BYTES];
    uint64_t low_head; /* the first eight bytes as a big-endian number, padded with zeros */
    uint64_t high_head;
    uint32_t low_length; /* of the whole string */
    uint32_t high_length;
    int32_t is_set;
};

/* PLAIN byte strings; readable for 16 bytes behind the last. */
void kernel_parquet_bounds_bytes(const uint8_t *values, size_t count, struct kernel_parquet_byte_bounds *bounds);
/* One byte string, without a length in front; nothing behind it is read. */
void kernel_parquet_bounds_one(const uint8_t *value, size_t length, struct kernel_parquet_byte_bounds *bounds);

#endif
