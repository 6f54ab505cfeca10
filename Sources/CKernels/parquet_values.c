#include "kernel_parquet_values.h"

#include "kernel_parquet_levels.h"

#include <string.h>

void kernel_parquet_plain_int16(const int16_t *values, const int32_t *rows, size_t first, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++) {
        int32_t value = values[rows ? (size_t)rows[i] : first + i];
        memcpy(out + 4 * i, &value, 4);
    }
}

void kernel_parquet_plain_4(const uint8_t *values, const int32_t *rows, size_t first, size_t count, uint8_t *out)
{
    if (!rows) {
        memcpy(out, values + 4 * first, 4 * count);
        return;
    }
    for (size_t i = 0; i < count; i++) memcpy(out + 4 * i, values + 4 * (size_t)rows[i], 4);
}

void kernel_parquet_plain_8(const uint8_t *values, const int32_t *rows, size_t first, size_t count, uint8_t *out)
{
    if (!rows) {
        memcpy(out, values + 8 * first, 8 * count);
        return;
    }
    for (size_t i = 0; i < count; i++) memcpy(out + 8 * i, values + 8 * (size_t)rows[i], 8);
}

void kernel_parquet_plain_decimal_8(const uint8_t *values, const int32_t *rows, size_t first, size_t count,
                                    uint8_t *out)
{
    for (size_t i = 0; i < count; i++) memcpy(out + 8 * i, values + 16 * (rows ? (size_t)rows[i] : first + i), 8);
}

void kernel_parquet_plain_decimal_fixed(const uint8_t *values, const int32_t *rows, size_t first, size_t count,
                                        int width, uint8_t *out)
{
    uint8_t reversed[32] = {0};
    for (size_t i = 0; i < count; i++, out += width) {
        uint64_t low, high;
        const uint8_t *value = values + 16 * (rows ? (size_t)rows[i] : first + i);
        memcpy(&low, value, 8);
        memcpy(&high, value + 8, 8);
        low = __builtin_bswap64(low);
        high = __builtin_bswap64(high);
        memcpy(reversed, &high, 8);
        memcpy(reversed + 8, &low, 8);
        /* A fixed copy of sixteen is quicker than one of `width`; what is too much falls into the slack. */
        memcpy(out, reversed + 16 - width, 16);
    }
}

void kernel_parquet_plain_boolean(const uint8_t *bits, const int32_t *rows, size_t first, size_t count, uint8_t *out)
{
    if (!rows) {
        kernel_parquet_bits_to_bytes(bits, first, count, out);
        return;
    }
    for (size_t i = 0; i < count; i++) out[i] = bits[rows[i] >> 3] >> (rows[i] & 7) & 1;
}

size_t kernel_parquet_plain_bytes(const int32_t *offsets, const uint8_t *bytes, size_t byte_count, const int32_t *rows,
                                  size_t first, size_t count, uint8_t *out)
{
    uint8_t *start = out;
    for (size_t i = 0; i < count; i++) {
        size_t row = rows ? (size_t)rows[i] : first + i;
        size_t from = (size_t)offsets[row];
        uint32_t length = (uint32_t)(offsets[row + 1] - offsets[row]);
        memcpy(out, &length, 4);
        /* Most strings are short: a fixed copy of 32 avoids a call, where the source has that much left. */
        if (length <= 32 && from + 32 <= byte_count)
            memcpy(out + 4, bytes + from, 32);
        else if (length)
            memcpy(out + 4, bytes + from, length);
        out += 4 + (size_t)length;
    }
    return (size_t)(out - start);
}
