#include "kernel_number_text.h"

#include <string.h>

static inline int is_valid(const uint8_t *validity, size_t row)
{
    return !validity || (validity[row >> 3] >> (row & 7) & 1);
}

static size_t write_integer(int64_t value, uint8_t *out)
{
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint8_t digits[20];
    size_t count = 0, written = 0;
    do {
        digits[count++] = (uint8_t)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) out[written++] = '-';
    while (count > 0) out[written++] = digits[--count];
    return written;
}

static inline int64_t integer_at(const void *values, size_t width, size_t row)
{
    switch (width) {
    case 2: return ((const int16_t *)values)[row];
    case 4: return ((const int32_t *)values)[row];
    default: return ((const int64_t *)values)[row];
    }
}

size_t kernel_text_integer(const void *values, size_t width, const uint8_t *validity, size_t rows, int32_t *out_offsets,
                           uint8_t *out)
{
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        if (is_valid(validity, row)) written += write_integer(integer_at(values, width, row), out + written);
        out_offsets[row + 1] = (int32_t)written;
    }
    return written;
}

static size_t write_decimal(__int128 value, int scale, uint8_t *out)
{
    unsigned __int128 rest = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
    uint8_t digits[40];
    int count = 0;
    size_t written = 0;
    while (rest > 0 || count <= scale) {
        digits[count++] = (uint8_t)('0' + (int)(rest % 10));
        rest /= 10;
    }
    if (value < 0) out[written++] = '-';
    while (count > 0) {
        if (count == scale) out[written++] = '.';
        out[written++] = digits[--count];
    }
    return written;
}

size_t kernel_text_decimal(const uint8_t *values, int scale, const uint8_t *validity, size_t rows, int32_t *out_offsets,
                           uint8_t *out)
{
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        if (is_valid(validity, row)) {
            __int128 value;
            memcpy(&value, values + 16 * row, 16);
            written += write_decimal(value, scale, out + written);
        }
        out_offsets[row + 1] = (int32_t)written;
    }
    return written;
}

size_t kernel_text_boolean(const uint8_t *bits, const uint8_t *validity, size_t rows, int32_t *out_offsets,
                           uint8_t *out)
{
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        if (is_valid(validity, row)) {
            int value = bits[row >> 3] >> (row & 7) & 1;
            memcpy(out + written, value ? "true" : "false", value ? 4 : 5);
            written += value ? 4 : 5;
        }
        out_offsets[row + 1] = (int32_t)written;
    }
    return written;
}
