#include "kernel_parquet_read.h"

#include <string.h>

static inline uint64_t load8(const uint8_t *p)
{
    uint64_t value;
    memcpy(&value, p, 8);
    return value;
}

static inline uint32_t load4(const uint8_t *p)
{
    uint32_t value;
    memcpy(&value, p, 4);
    return value;
}

/* NULL: the number does not end, or needs more than 35 bits. */
static inline const uint8_t *get_varint(const uint8_t *p, const uint8_t *end, uint64_t *value)
{
    uint64_t number = 0;
    for (int shift = 0; shift < 35 && p < end; shift += 7) {
        uint8_t byte = *p++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = number;
            return p;
        }
    }
    return NULL;
}

/* The two decoders differ in their element alone. A group of packed numbers is padded to eight: at the end some of them are
 * nobody's. Eight bytes can be loaded anywhere because of the slack. */
#define HYBRID(name, element)                                                                                          \
    size_t name(const uint8_t *bytes, size_t size, int width, element largest, size_t count, element *out)             \
    {                                                                                                                  \
        const uint8_t *p = bytes, *end = bytes + size;                                                                 \
        const uint64_t mask = (1ULL << width) - 1;                                                                     \
        size_t done = 0, run_bytes = ((size_t)width + 7) / 8;                                                          \
        while (done < count) {                                                                                         \
            uint64_t header;                                                                                           \
            p = get_varint(p, end, &header);                                                                           \
            if (!p) return KERNEL_PARQUET_MALFORMED;                                                                   \
            uint64_t length = header >> 1;                                                                             \
            if (header & 1) {                                                                                          \
                if (length == 0 || length * (uint64_t)width > (uint64_t)(end - p)) return KERNEL_PARQUET_MALFORMED;    \
                size_t n = length * 8 < count - done ? (size_t)length * 8 : count - done;                              \
                if (length * 8 - n >= 8) return KERNEL_PARQUET_MALFORMED;                                              \
                element highest = 0;                                                                                   \
                size_t bit = 0;                                                                                        \
                for (size_t i = 0; i < n; i++, bit += (size_t)width) {                                                 \
                    element number = (element)(load8(p + (bit >> 3)) >> (bit & 7) & mask);                             \
                    out[done + i] = number;                                                                            \
                    highest = number > highest ? number : highest;                                                     \
                }                                                                                                      \
                if (highest > largest) return KERNEL_PARQUET_MALFORMED;                                                \
                p += length * (uint64_t)width;                                                                         \
                done += n;                                                                                             \
            } else {                                                                                                   \
                if (length == 0 || length > count - done || run_bytes > (size_t)(end - p))                             \
                    return KERNEL_PARQUET_MALFORMED;                                                                   \
                uint64_t number = load8(p) & ((1ULL << (8 * run_bytes)) - 1);                                          \
                if (number > largest) return KERNEL_PARQUET_MALFORMED;                                                 \
                for (size_t i = 0; i < length; i++) out[done + i] = (element)number;                                   \
                p += run_bytes;                                                                                        \
                done += (size_t)length;                                                                                \
            }                                                                                                          \
        }                                                                                                              \
        return (size_t)(p - bytes);                                                                                    \
    }

HYBRID(kernel_parquet_read_levels, uint8_t)
HYBRID(kernel_parquet_read_indexes, uint32_t)

int kernel_parquet_levels_agree(const uint8_t *definition, const uint8_t *repetition, size_t count,
                                const uint8_t *element)
{
    if (count && repetition[0]) return 0;
    int good = 1;
    for (size_t i = 1; i < count; i++) {
        uint8_t least = repetition[i] ? element[repetition[i]] : 0;
        good &= (definition[i] >= least) & (definition[i - 1] >= least);
    }
    return good;
}

size_t kernel_parquet_rows(const uint8_t *repetition, size_t count, size_t rows, size_t *found)
{
    size_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        if (repetition[i]) continue;
        if (seen == rows) {
            *found = seen;
            return i;
        }
        seen++;
    }
    *found = seen;
    return count;
}

size_t kernel_parquet_count_level(const uint8_t *definition, size_t count, uint8_t level)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) found += definition[i] == level;
    return found;
}

size_t kernel_parquet_slots(const uint8_t *definition, const uint8_t *repetition, size_t count, uint8_t depth,
                            uint8_t slot, uint8_t valid, uint8_t *flags)
{
    size_t rows = 0;
    if (!repetition && !slot) {
        for (size_t i = 0; i < count; i++) flags[i] = definition[i] >= valid;
        return count;
    }
    for (size_t i = 0; i < count; i++) {
        /* Written in any case, kept only if the entry is a row: the place is written again otherwise. */
        flags[rows] = definition[i] >= valid;
        rows += (!repetition || repetition[i] <= depth) & (definition[i] >= slot);
    }
    return rows;
}

size_t kernel_parquet_list_offsets(const uint8_t *definition, const uint8_t *repetition, size_t count, uint8_t depth,
                                   uint8_t slot, uint8_t valid, int32_t *out)
{
    size_t rows = 0;
    int32_t elements = 0;
    for (size_t i = 0; i < count; i++) {
        out[rows] = elements;
        rows += (repetition[i] <= depth) & (definition[i] >= slot);
        elements += (repetition[i] <= depth + 1) & (definition[i] > valid);
    }
    out[rows] = elements;
    return rows;
}

int kernel_parquet_read_int16(const uint8_t *values, size_t count, uint8_t *out)
{
    int32_t lost = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t value = (int32_t)load4(values + 4 * i);
        int16_t narrow = (int16_t)value;
        lost |= value ^ narrow;
        memcpy(out + 2 * i, &narrow, 2);
    }
    return lost == 0;
}

void kernel_parquet_read_decimal_8(const uint8_t *values, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++) {
        int64_t pair[2];
        pair[0] = (int64_t)load8(values + 8 * i);
        pair[1] = pair[0] >> 63;
        memcpy(out + 16 * i, pair, 16);
    }
}

void kernel_parquet_read_decimal_fixed(const uint8_t *values, size_t count, int width, uint8_t *out)
{
    for (size_t i = 0; i < count; i++, values += width, out += 16) {
        /* Sixteen bytes from the value's first on; what does not belong to it is shifted out, with the sign coming in. */
        uint64_t high = __builtin_bswap64(load8(values)), low = __builtin_bswap64(load8(values + 8));
        __int128 number = (__int128)((unsigned __int128)high << 64 | low) >> (8 * (16 - width));
        memcpy(out, &number, 16);
    }
}

size_t kernel_parquet_read_bytes(const uint8_t *values, size_t size, size_t count, int32_t start, int32_t *ends,
                                 uint8_t *out)
{
    const uint8_t *p = values, *end = values + size;
    uint8_t *first = out;
    for (size_t i = 0; i < count; i++) {
        if (end - p < 4) return KERNEL_PARQUET_MALFORMED;
        size_t length = load4(p);
        p += 4;
        if (length > (size_t)(end - p)) return KERNEL_PARQUET_MALFORMED;
        /* Most strings are short: a fixed copy of 32, whose end lies in the slack at worst, avoids a call. */
        if (length <= 32)
            memcpy(out, p, 32);
        else
            memcpy(out, p, length);
        p += length;
        out += length;
        ends[i] = start + (int32_t)(out - first);
    }
    return (size_t)(p - values);
}

int kernel_parquet_begin_characters(const uint8_t *bytes, int32_t start, const int32_t *ends, size_t count)
{
    int32_t from = start;
    int bad = 0;
    for (size_t i = 0; i < count; i++) {
        /* An empty string looks at the byte of another one or of the slack, and does not mind it. */
        bad |= ((bytes[from - start] & 0xc0) == 0x80) & (ends[i] > from);
        from = ends[i];
    }
    return !bad;
}

static inline __attribute__((always_inline)) void pick(const uint8_t *entries, size_t width, const uint32_t *indexes,
                                                       size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++) memcpy(out + width * i, entries + width * indexes[i], width);
}

void kernel_parquet_pick(const uint8_t *entries, int width, const uint32_t *indexes, size_t count, uint8_t *out)
{
    switch (width) {
    case 2: pick(entries, 2, indexes, count, out); break;
    case 4: pick(entries, 4, indexes, count, out); break;
    case 8: pick(entries, 8, indexes, count, out); break;
    default: pick(entries, 16, indexes, count, out);
    }
}

uint64_t kernel_parquet_picked_size(const int32_t *entry_ends, const uint32_t *indexes, size_t count)
{
    uint64_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += (uint32_t)(entry_ends[indexes[i]] - (indexes[i] ? entry_ends[indexes[i] - 1] : 0));
    return size;
}

void kernel_parquet_pick_bytes(const int32_t *entry_ends, const uint8_t *entries, const uint32_t *indexes, size_t count,
                               int32_t start, int32_t *ends, uint8_t *out)
{
    uint8_t *first = out;
    for (size_t i = 0; i < count; i++) {
        size_t from = indexes[i] ? (size_t)entry_ends[indexes[i] - 1] : 0;
        size_t length = (size_t)entry_ends[indexes[i]] - from;
        if (length <= 32)
            memcpy(out, entries + from, 32);
        else
            memcpy(out, entries + from, length);
        out += length;
        ends[i] = start + (int32_t)(out - first);
    }
}

/* From the last row to the first: a value never moves to a place in front of its own. */
static inline __attribute__((always_inline)) void spread(uint8_t *values, size_t width, const uint8_t *flags,
                                                         size_t rows, size_t count)
{
    static const uint8_t zeros[16];
    for (size_t row = rows; row-- > 0 && count <= row;) {
        uint8_t value[16];
        size_t has = flags[row];
        count -= has;
        memcpy(value, has ? values + width * count : zeros, width);
        memcpy(values + width * row, value, width);
    }
}

void kernel_parquet_spread(uint8_t *values, int width, const uint8_t *flags, size_t rows)
{
    size_t count = kernel_parquet_count_level(flags, rows, 1);
    switch (width) {
    case 1: spread(values, 1, flags, rows, count); break;
    case 2: spread(values, 2, flags, rows, count); break;
    case 4: spread(values, 4, flags, rows, count); break;
    case 8: spread(values, 8, flags, rows, count); break;
    default: spread(values, 16, flags, rows, count);
    }
}

void kernel_parquet_spread_ends(const int32_t *ends, const uint8_t *flags, size_t rows, int32_t *out)
{
    int32_t end = 0;
    out[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        if (flags[row]) end = *ends++;
        out[row + 1] = end;
    }
}
