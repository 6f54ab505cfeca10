#include "kernel_pgcopy_encode.h"
#include "kernel_pgcopy.h"

#include <string.h>

typedef kernel_pgcopy_source source_t;

#define DAYS_1970_TO_2000 10957
#define FIRST_DAY (-719162) /* 0001-01-01 */
#define LAST_DAY 2932896    /* 9999-12-31 */
#define MICROSECONDS_A_DAY INT64_C(86400000000)
/* 38 digits lie in eleven groups of four at most, whatever the scale. */
#define MOST_GROUPS 11

static void store16(uint8_t *p, uint16_t v)
{
    v = __builtin_bswap16(v);
    memcpy(p, &v, 2);
}
static void store32(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, 4);
}
static void store64(uint8_t *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, 8);
}

static int is_null(const source_t *c, size_t row) { return c->validity && !(c->validity[row >> 3] >> (row & 7) & 1); }

/* Bytes that a value of a fixed width takes at most. */
static size_t fixed_bound(int32_t kind)
{
    switch (kind) {
    case KERNEL_PGCOPY_BOOLEAN: return 1;
    case KERNEL_PGCOPY_INT16: return 2;
    case KERNEL_PGCOPY_32:
    case KERNEL_PGCOPY_DATE: return 4;
    case KERNEL_PGCOPY_64:
    case KERNEL_PGCOPY_TIMESTAMP: return 8;
    case KERNEL_PGCOPY_DECIMAL: return 8 + 2 * MOST_GROUPS;
    default: return 0;
    }
}

static size_t span(const source_t *c, size_t start, size_t end)
{
    return c->offsets ? (size_t)(c->offsets[end] - c->offsets[start]) : 0;
}

/* Bytes that a field takes at most, its length included. */
static size_t field_bound(const source_t *c, size_t row)
{
    switch (c->kind) {
    case KERNEL_PGCOPY_TEXT:
    case KERNEL_PGCOPY_BINARY: return 4 + span(c, row, row + 1);
    case KERNEL_PGCOPY_LIST: {
        size_t first = (size_t)c->offsets[row], last = (size_t)c->offsets[row + 1];
        size_t variable = c->elements->offsets ? span(c->elements, first, last) : 0;
        return 4 + 20 + (last - first) * (4 + fixed_bound(c->elements->kind)) + variable;
    }
    default: return 4 + fixed_bound(c->kind);
    }
}

static const uint16_t power_of_ten[4] = {1, 10, 100, 1000};

/* numeric: groups of four digits from the decimal point outwards, without zeros at either end. */
static size_t encode_decimal(const uint8_t *value, int scale, uint8_t *out)
{
    __int128 number;
    memcpy(&number, value, 16); /* the targets are little endian */
    unsigned __int128 rest = number < 0 ? -(unsigned __int128)number : (unsigned __int128)number;
    uint16_t groups[MOST_GROUPS + 1]; /* the lowest first */
    int count = 0, below = (scale + 3) / 4;
    if (scale % 4) {
        unsigned part = power_of_ten[scale % 4];
        groups[count++] = (uint16_t)((unsigned)(rest % part) * power_of_ten[4 - scale % 4]);
        rest /= part;
    }
    while (rest >> 64) {
        groups[count++] = (uint16_t)(rest % 10000);
        rest /= 10000;
    }
    for (uint64_t low = (uint64_t)rest; low; low /= 10000) groups[count++] = (uint16_t)(low % 10000);
    /* A value below one: the groups between its digits and the point are zero. */
    int weight = count - below - 1, first = 0;
    while (count > 0 && groups[count - 1] == 0) {
        count--;
        weight--;
    }
    while (first < count && groups[first] == 0) first++;
    if (first == count) weight = 0;
    store16(out, (uint16_t)(count - first));
    store16(out + 2, (uint16_t)weight);
    store16(out + 4, number < 0 ? 0x4000 : 0);
    store16(out + 6, (uint16_t)scale);
    for (int i = count - 1, at = 8; i >= first; i--, at += 2) store16(out + at, groups[i]);
    return 8 + 2 * (size_t)(count - first);
}

static int encode_field(const source_t *c, size_t row, uint8_t **out);

static int encode_list(const source_t *c, size_t row, uint8_t **out)
{
    size_t first = (size_t)c->offsets[row], last = (size_t)c->offsets[row + 1];
    uint8_t *at = *out;
    uint32_t has_null = 0;
    for (size_t i = first; i < last && !has_null; i++) has_null = is_null(c->elements, i) ? 1 : 0;
    store32(at, first == last ? 0 : 1);
    store32(at + 4, has_null);
    store32(at + 8, c->element_type);
    at += 12;
    if (first < last) {
        store32(at, (uint32_t)(last - first));
        store32(at + 4, 1);
        at += 8;
    }
    for (size_t i = first; i < last; i++) {
        int result = encode_field(c->elements, i, &at);
        if (result) return result;
    }
    *out = at;
    return KERNEL_PGCOPY_OK;
}

/* int32 length and bytes; moves *out behind them. */
static int encode_field(const source_t *c, size_t row, uint8_t **out)
{
    uint8_t *at = *out + 4;
    if (is_null(c, row)) {
        store32(*out, UINT32_MAX);
        *out = at;
        return KERNEL_PGCOPY_OK;
    }
    switch (c->kind) {
    case KERNEL_PGCOPY_BOOLEAN: *at++ = c->values[row >> 3] >> (row & 7) & 1; break;
    case KERNEL_PGCOPY_INT16: {
        uint16_t v;
        memcpy(&v, c->values + 2 * row, 2);
        store16(at, v);
        at += 2;
        break;
    }
    case KERNEL_PGCOPY_32: {
        uint32_t v;
        memcpy(&v, c->values + 4 * row, 4);
        store32(at, v);
        at += 4;
        break;
    }
    case KERNEL_PGCOPY_64: {
        uint64_t v;
        memcpy(&v, c->values + 8 * row, 8);
        store64(at, v);
        at += 8;
        break;
    }
    case KERNEL_PGCOPY_DATE: {
        int32_t v;
        memcpy(&v, c->values + 4 * row, 4);
        if (v < FIRST_DAY || v > LAST_DAY) return KERNEL_PGCOPY_YEAR;
        store32(at, (uint32_t)(v - DAYS_1970_TO_2000));
        at += 4;
        break;
    }
    case KERNEL_PGCOPY_TIMESTAMP: {
        int64_t v;
        memcpy(&v, c->values + 8 * row, 8);
        if (v < FIRST_DAY * MICROSECONDS_A_DAY || v >= (LAST_DAY + 1) * MICROSECONDS_A_DAY) return KERNEL_PGCOPY_YEAR;
        store64(at, (uint64_t)(v - DAYS_1970_TO_2000 * MICROSECONDS_A_DAY));
        at += 8;
        break;
    }
    case KERNEL_PGCOPY_DECIMAL: at += encode_decimal(c->values + 16 * row, c->scale, at); break;
    case KERNEL_PGCOPY_TEXT:
    case KERNEL_PGCOPY_BINARY: {
        size_t length = span(c, row, row + 1);
        const uint8_t *bytes = c->bytes + c->offsets[row];
        if (c->kind == KERNEL_PGCOPY_TEXT && length && memchr(bytes, 0, length)) return KERNEL_PGCOPY_NUL;
        if (length) memcpy(at, bytes, length);
        at += length;
        break;
    }
    case KERNEL_PGCOPY_LIST: {
        int result = encode_list(c, row, &at);
        if (result) return result;
        break;
    }
    default: return KERNEL_PGCOPY_BROKEN;
    }
    store32(*out, (uint32_t)(at - *out - 4));
    *out = at;
    return KERNEL_PGCOPY_OK;
}

int kernel_pgcopy_encode(const source_t *columns, size_t column_count, size_t *row, size_t row_limit, uint8_t *out,
                         size_t capacity, size_t *used, size_t *needed, size_t *failed_column)
{
    uint8_t *at = out;
    *used = 0;
    for (; *row < row_limit; ++*row) {
        size_t bound = 2;
        for (size_t i = 0; i < column_count; i++) bound += field_bound(&columns[i], *row);
        if (bound > capacity - (size_t)(at - out)) {
            if (at > out) break;
            *needed = bound;
            return KERNEL_PGCOPY_FULL;
        }
        store16(at, (uint16_t)column_count);
        at += 2;
        for (size_t i = 0; i < column_count; i++) {
            int result = encode_field(&columns[i], *row, &at);
            if (result) {
                *failed_column = i;
                return result;
            }
        }
    }
    *used = (size_t)(at - out);
    return KERNEL_PGCOPY_OK;
}
