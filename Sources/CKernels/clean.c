#include "kernel_clean.h"

#include <string.h>

int kernel_is_ascii(const uint8_t *bytes, size_t length)
{
    uint8_t seen = 0;
    for (size_t i = 0; i < length; i++) seen |= bytes[i];
    return seen < 0x80;
}

/* Length of the white space scalar that starts here, or 0. */
static inline size_t space_at(const uint8_t *p, size_t length)
{
    if (p[0] < 0x80) return p[0] == ' ' || (p[0] >= 9 && p[0] <= 13);
    if (length >= 2 && p[0] == 0xc2) return p[1] == 0x85 || p[1] == 0xa0 ? 2 : 0;
    if (length < 3) return 0;
    if (p[0] == 0xe1) return p[1] == 0x9a && p[2] == 0x80 ? 3 : 0; /* U+1680 */
    if (p[0] == 0xe2) {
        if (p[1] == 0x80) return (p[2] >= 0x80 && p[2] <= 0x8a) || p[2] == 0xa8 || p[2] == 0xa9 || p[2] == 0xaf ? 3 : 0;
        return p[1] == 0x81 && p[2] == 0x9f ? 3 : 0; /* U+205F */
    }
    return p[0] == 0xe3 && p[1] == 0x80 && p[2] == 0x80 ? 3 : 0; /* U+3000 */
}

/* Length of the white space scalar that ends at `end`, or 0. */
static inline size_t space_before(const uint8_t *start, const uint8_t *end)
{
    size_t length = (size_t)(end - start);
    if (length == 0) return 0;
    if (end[-1] < 0x80) return space_at(end - 1, 1);
    if (length >= 2 && end[-2] == 0xc2) return space_at(end - 2, 2);
    return length >= 3 && end[-3] >= 0xe1 ? space_at(end - 3, 3) : 0;
}

size_t kernel_trim_text(const int32_t *offsets, const uint8_t *bytes, size_t rows, int32_t *out_offsets, uint8_t *out)
{
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        const uint8_t *start = bytes + offsets[row], *end = bytes + offsets[row + 1];
        size_t space;
        while (start < end && (space = space_at(start, (size_t)(end - start))) > 0) start += space;
        while ((space = space_before(start, end)) > 0) end -= space;
        memcpy(out + written, start, (size_t)(end - start));
        written += (size_t)(end - start);
        out_offsets[row + 1] = (int32_t)written;
    }
    return written;
}

size_t kernel_collapse_spaces(const int32_t *offsets, const uint8_t *bytes, size_t rows, int32_t *out_offsets,
                              uint8_t *out)
{
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        const uint8_t *p = bytes + offsets[row], *end = bytes + offsets[row + 1];
        int in_space = 0;
        while (p < end) {
            size_t space = space_at(p, (size_t)(end - p));
            if (space == 0) {
                out[written++] = *p++;
                in_space = 0;
                continue;
            }
            if (!in_space) out[written++] = ' ';
            in_space = 1;
            p += space;
        }
        out_offsets[row + 1] = (int32_t)written;
    }
    return written;
}

void kernel_lowercase_ascii(const uint8_t *bytes, size_t length, uint8_t *out)
{
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = bytes[i];
        out[i] = byte | (uint8_t)((uint8_t)(byte - 'A') < 26 ? 0x20 : 0);
    }
}

void kernel_uppercase_ascii(const uint8_t *bytes, size_t length, uint8_t *out)
{
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = bytes[i];
        out[i] = byte & (uint8_t)~((uint8_t)(byte - 'a') < 26 ? 0x20 : 0);
    }
}

static inline int is_valid(const uint8_t *validity, size_t row)
{
    return !validity || (validity[row >> 3] >> (row & 7) & 1);
}

size_t kernel_count_changed_text(const int32_t *offsets, const uint8_t *bytes, const uint8_t *validity,
                                 const int32_t *new_offsets, const uint8_t *new_bytes, const uint8_t *new_validity,
                                 size_t rows)
{
    size_t changed = 0;
    for (size_t row = 0; row < rows; row++) {
        size_t length = (size_t)(offsets[row + 1] - offsets[row]);
        size_t new_length = (size_t)(new_offsets[row + 1] - new_offsets[row]);
        changed += is_valid(validity, row) != is_valid(new_validity, row) || length != new_length ||
                   memcmp(bytes + offsets[row], new_bytes + new_offsets[row], length) != 0;
    }
    return changed;
}

size_t kernel_count_changed_fixed(const uint8_t *values, const uint8_t *validity, const uint8_t *new_values,
                                  const uint8_t *new_validity, size_t width, size_t rows)
{
    size_t changed = 0;
    for (size_t row = 0; row < rows; row++)
        changed += is_valid(validity, row) != is_valid(new_validity, row) ||
                   memcmp(values + width * row, new_values + width * row, width) != 0;
    return changed;
}
