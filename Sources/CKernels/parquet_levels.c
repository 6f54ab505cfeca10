#include "kernel_parquet_levels.h"

#include <string.h>

static inline int is_valid(const uint8_t *bits, size_t row) { return !bits || (bits[row >> 3] >> (row & 7) & 1); }

void kernel_parquet_bits_to_bytes(const uint8_t *bits, size_t first, size_t count, uint8_t *out)
{
    size_t row = first, end = first + count;
    for (; row < end && (row & 7); row++) *out++ = bits[row >> 3] >> (row & 7) & 1;
    for (; row + 8 <= end; row += 8, out += 8) {
        /* The multiplication places bit i (i < 7) at the lowest bit of byte i; bit 7 follows apart. */
        uint64_t byte = bits[row >> 3];
        uint64_t spread = ((byte & 0x7f) * 0x02040810204081ULL & 0x0101010101010101ULL) | (byte >> 7) << 56;
        memcpy(out, &spread, 8);
    }
    for (; row < end; row++) *out++ = bits[row >> 3] >> (row & 7) & 1;
}

size_t kernel_parquet_select(const uint8_t *bits, size_t first, size_t count, int32_t *out)
{
    size_t written = 0;
    for (size_t row = first; row < first + count; row++) {
        out[written] = (int32_t)row;
        written += bits[row >> 3] >> (row & 7) & 1;
    }
    return written;
}

void kernel_parquet_frame(size_t first, size_t count, uint8_t *definition, uint8_t *repetition, int32_t *index)
{
    memset(definition, 0, count);
    memset(repetition, 0, count);
    for (size_t i = 0; i < count; i++) index[i] = (int32_t)(first + i);
}

void kernel_parquet_frame_present(const uint8_t *definition, const int32_t *index, size_t count,
                                  const uint8_t *validity, uint8_t *out_definition, int32_t *out_index)
{
    for (size_t i = 0; i < count; i++) {
        int32_t row = index[i];
        int present = row >= 0 && is_valid(validity, (size_t)row);
        out_definition[i] = definition[i] + (uint8_t)present;
        out_index[i] = present ? row : -1;
    }
}

size_t kernel_parquet_frame_list_count(const int32_t *index, size_t count, const uint8_t *validity,
                                       const int32_t *offsets)
{
    size_t entries = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t row = index[i], elements = 0;
        if (row >= 0 && is_valid(validity, (size_t)row)) elements = offsets[row + 1] - offsets[row];
        entries += elements > 0 ? (size_t)elements : 1;
    }
    return entries;
}

void kernel_parquet_frame_list(const uint8_t *definition, const uint8_t *repetition, const int32_t *index, size_t count,
                               const uint8_t *validity, const int32_t *offsets, uint8_t level, uint8_t *out_definition,
                               uint8_t *out_repetition, int32_t *out_index)
{
    for (size_t i = 0; i < count; i++) {
        int32_t row = index[i], elements = 0;
        uint8_t depth = definition[i];
        if (row >= 0 && is_valid(validity, (size_t)row)) {
            depth += 1;
            elements = offsets[row + 1] - offsets[row];
        }
        if (elements <= 0) {
            *out_definition++ = depth;
            *out_repetition++ = repetition[i];
            *out_index++ = -1;
            continue;
        }
        memset(out_definition, depth + 1, (size_t)elements);
        memset(out_repetition, level, (size_t)elements);
        out_repetition[0] = repetition[i];
        int32_t start = offsets[row];
        for (int32_t element = 0; element < elements; element++) out_index[element] = start + element;
        out_definition += elements;
        out_repetition += elements;
        out_index += elements;
    }
}

size_t kernel_parquet_frame_leaf(const uint8_t *definition, const int32_t *index, size_t count, const uint8_t *validity,
                                 uint8_t *out_definition, int32_t *rows)
{
    size_t written = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t row = index[i];
        int present = row >= 0 && is_valid(validity, (size_t)row);
        out_definition[i] = definition[i] + (uint8_t)present;
        rows[written] = row;
        written += (size_t)present;
    }
    return written;
}

/* ---- the hybrid of run lengths and packed groups ---- */

size_t kernel_parquet_hybrid_bound(size_t count, int width)
{
    /* Worst case: each eight numbers are a group of their own, with a header of at most ten bytes. */
    return (count / 8 + 1) * ((size_t)width + 10) + 32;
}

static inline uint8_t *put_varint(uint8_t *out, uint64_t value)
{
    while (value >= 0x80) {
        *out++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *out++ = (uint8_t)value;
    return out;
}

static inline uint8_t *put_run(uint8_t *out, size_t length, uint32_t value, int width)
{
    out = put_varint(out, (uint64_t)length << 1);
    for (int bits = 0; bits < width; bits += 8) *out++ = (uint8_t)(value >> bits);
    return out;
}

static inline uint32_t pack_eight_flags(const uint8_t *flags)
{
    uint64_t word;
    memcpy(&word, flags, 8);
    return (uint32_t)(((word & 0x0101010101010101ULL) * 0x0102040810204080ULL) >> 56);
}

size_t kernel_parquet_pack_bits(const uint8_t *flags, size_t count, uint8_t *out)
{
    size_t i = 0;
    uint8_t *start = out;
    for (; i + 8 <= count; i += 8) *out++ = (uint8_t)pack_eight_flags(flags + i);
    if (i < count) {
        uint8_t last = 0;
        for (size_t bit = 0; i + bit < count; bit++) last |= (uint8_t)((flags[i + bit] & 1) << bit);
        *out++ = last;
    }
    return (size_t)(out - start);
}

static uint8_t *pack_levels(const uint8_t *levels, size_t count, int width, uint8_t *out)
{
    if (width == 1) return out + kernel_parquet_pack_bits(levels, count, out);
    size_t i = 0;
    for (; i + 8 <= count; i += 8, out += width) {
        uint64_t packed = 0;
        for (int j = 0; j < 8; j++) packed |= (uint64_t)levels[i + (size_t)j] << (j * width);
        for (int j = 0; j < width; j++) out[j] = (uint8_t)(packed >> (8 * j));
    }
    if (i < count) {
        uint64_t packed = 0;
        for (size_t j = 0; i + j < count; j++) packed |= (uint64_t)levels[i + j] << ((int)j * width);
        for (int j = 0; j < width; j++) *out++ = (uint8_t)(packed >> (8 * j));
    }
    return out;
}

static uint8_t *pack_indexes(const uint32_t *indexes, size_t count, int width, uint8_t *out)
{
    size_t padded = (count + 7) / 8 * 8;
    uint64_t pending = 0;
    int bits = 0;
    for (size_t i = 0; i < padded; i++) {
        pending |= (uint64_t)(i < count ? indexes[i] : 0) << bits;
        bits += width;
        if (bits >= 32) {
            uint32_t word = (uint32_t)pending;
            memcpy(out, &word, 4);
            out += 4;
            pending >>= 32;
            bits -= 32;
        }
    }
    for (; bits > 0; bits -= 8, pending >>= 8) *out++ = (uint8_t)pending;
    return out;
}

static inline size_t run_of_levels(const uint8_t *levels, size_t count)
{
    uint64_t same = levels[0] * 0x0101010101010101ULL, word;
    size_t length = 0;
    for (; length + 8 <= count; length += 8) {
        memcpy(&word, levels + length, 8);
        if (word != same) return length + (size_t)__builtin_ctzll(word ^ same) / 8;
    }
    while (length < count && levels[length] == levels[0]) length++;
    return length;
}

static inline size_t run_of_indexes(const uint32_t *indexes, size_t count)
{
    size_t length = 1;
    while (length < count && indexes[length] == indexes[0]) length++;
    return length;
}

/* The two encoders differ in their element alone. `packed` starts the numbers that wait to be packed: always a multiple
 * of eight of them, except at the very end, where the format allows padding. */
#define HYBRID(name, element, run_of, pack)                                                                            \
    size_t name(const element *numbers, size_t count, int width, uint8_t *out)                                         \
    {                                                                                                                  \
        uint8_t *start = out;                                                                                          \
        size_t packed = 0, i = 0;                                                                                      \
        while (i < count) {                                                                                            \
            size_t run = run_of(numbers + i, count - i);                                                               \
            int is_run = run >= 8;                                                                                     \
            if (!is_run) i += count - i < 8 ? count - i : 8;                                                           \
            if ((is_run || i == count) && i > packed) {                                                                \
                out = put_varint(out, (uint64_t)((i - packed + 7) / 8) << 1 | 1);                                      \
                out = pack(numbers + packed, i - packed, width, out);                                                  \
            }                                                                                                          \
            if (is_run) {                                                                                              \
                out = put_run(out, run, (uint32_t)numbers[i], width);                                                  \
                i += run;                                                                                              \
                packed = i;                                                                                            \
            }                                                                                                          \
        }                                                                                                              \
        return (size_t)(out - start);                                                                                  \
    }

HYBRID(kernel_parquet_hybrid_levels, uint8_t, run_of_levels, pack_levels)
HYBRID(kernel_parquet_hybrid_indexes, uint32_t, run_of_indexes, pack_indexes)
