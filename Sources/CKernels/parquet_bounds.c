#include "kernel_parquet_bounds.h"

#include <string.h>

#define INTEGER_BOUNDS(name, element)                                                                                  \
    void name(const uint8_t *values, size_t count, int64_t *low, int64_t *high)                                        \
    {                                                                                                                  \
        if (!count) return;                                                                                            \
        element least, most, value;                                                                                    \
        memcpy(&least, values, sizeof value);                                                                          \
        most = least;                                                                                                  \
        for (size_t i = 1; i < count; i++) {                                                                           \
            memcpy(&value, values + i * sizeof value, sizeof value);                                                   \
            least = value < least ? value : least;                                                                     \
            most = value > most ? value : most;                                                                        \
        }                                                                                                              \
        if (least < *low) *low = least;                                                                                \
        if (most > *high) *high = most;                                                                                \
    }

INTEGER_BOUNDS(kernel_parquet_bounds_int32, int32_t)
INTEGER_BOUNDS(kernel_parquet_bounds_int64, int64_t)
INTEGER_BOUNDS(kernel_parquet_bounds_flags, uint8_t)

/* Comparisons with NaN are false, so NaN never becomes a bound. */
#define FLOAT_BOUNDS(name, element)                                                                                    \
    size_t name(const uint8_t *values, size_t count, double *low, double *high)                                        \
    {                                                                                                                  \
        element least = (element) * low, most = (element) * high, value;                                               \
        size_t missing = 0;                                                                                            \
        for (size_t i = 0; i < count; i++) {                                                                           \
            memcpy(&value, values + i * sizeof value, sizeof value);                                                   \
            least = value < least ? value : least;                                                                     \
            most = value > most ? value : most;                                                                        \
            missing += value != value;                                                                                 \
        }                                                                                                              \
        *low = least;                                                                                                  \
        *high = most;                                                                                                  \
        return missing;                                                                                                \
    }

FLOAT_BOUNDS(kernel_parquet_bounds_float, float)
FLOAT_BOUNDS(kernel_parquet_bounds_double, double)

static inline int is_less(const uint8_t *a, const uint8_t *b, int width)
{
    /* With the sign bit turned over, two's complement has the order of its bytes. */
    uint8_t first_a = a[0] ^ 0x80, first_b = b[0] ^ 0x80;
    if (first_a != first_b) return first_a < first_b;
    return memcmp(a + 1, b + 1, (size_t)width - 1) < 0;
}

void kernel_parquet_bounds_decimal(const uint8_t *values, size_t count, int width, uint8_t *low, uint8_t *high)
{
    for (size_t i = 0; i < count; i++, values += width) {
        if (is_less(values, low, width)) memcpy(low, values, (size_t)width);
        if (is_less(high, values, width)) memcpy(high, values, (size_t)width);
    }
}

/* Below, equal or above zero, for strings of which only the first 64 bytes count and whether there are more. */
static int compare(const uint8_t *a, size_t length_a, const uint8_t *b, size_t length_b)
{
    if (length_a > KERNEL_PARQUET_BOUND_BYTES) length_a = KERNEL_PARQUET_BOUND_BYTES + 1;
    if (length_b > KERNEL_PARQUET_BOUND_BYTES) length_b = KERNEL_PARQUET_BOUND_BYTES + 1;
    size_t common = length_a < length_b ? length_a : length_b;
    int order = memcmp(a, b, common < KERNEL_PARQUET_BOUND_BYTES ? common : KERNEL_PARQUET_BOUND_BYTES);
    return order ? order : (length_a > length_b) - (length_a < length_b);
}

static void keep(const uint8_t *value, size_t length, uint64_t head, uint8_t *bound, uint32_t *bound_length,
                 uint64_t *bound_head)
{
    memcpy(bound, value, length < KERNEL_PARQUET_BOUND_BYTES ? length : KERNEL_PARQUET_BOUND_BYTES);
    *bound_length = (uint32_t)length;
    *bound_head = head;
}

static inline void widen(const uint8_t *value, size_t length, uint64_t head, struct kernel_parquet_byte_bounds *bounds)
{
    if (!bounds->is_set) {
        keep(value, length, head, bounds->low, &bounds->low_length, &bounds->low_head);
        keep(value, length, head, bounds->high, &bounds->high_length, &bounds->high_head);
        bounds->is_set = 1;
        return;
    }
    if (head <= bounds->low_head &&
        (head < bounds->low_head || compare(value, length, bounds->low, bounds->low_length) < 0))
        keep(value, length, head, bounds->low, &bounds->low_length, &bounds->low_head);
    if (head >= bounds->high_head &&
        (head > bounds->high_head || compare(value, length, bounds->high, bounds->high_length) > 0))
        keep(value, length, head, bounds->high, &bounds->high_length, &bounds->high_head);
}

void kernel_parquet_bounds_bytes(const uint8_t *values, size_t count, struct kernel_parquet_byte_bounds *bounds)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t length;
        uint64_t head;
        memcpy(&length, values, 4);
        memcpy(&head, values + 4, 8);
        head = __builtin_bswap64(head);
        if (length < 8) head = length ? head & ~0ULL << (64 - 8 * length) : 0;
        widen(values + 4, length, head, bounds);
        values += 4 + (size_t)length;
    }
}

void kernel_parquet_bounds_one(const uint8_t *value, size_t length, struct kernel_parquet_byte_bounds *bounds)
{
    uint8_t padded[8] = {0};
    uint64_t head;
    memcpy(padded, value, length < 8 ? length : 8);
    memcpy(&head, padded, 8);
    widen(value, length, __builtin_bswap64(head), bounds);
}
