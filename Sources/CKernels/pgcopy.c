#include "kernel_pgcopy.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef kernel_pgcopy_column column_t;

static uint16_t load16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, 2);
    return __builtin_bswap16(v);
}
static uint32_t load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}
static uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}

/* ---- Memory ---- */

size_t kernel_pgcopy_width(int32_t kind)
{
    switch (kind) {
    case KERNEL_PGCOPY_INT16: return 2;
    case KERNEL_PGCOPY_32:
    case KERNEL_PGCOPY_DATE: return 4;
    case KERNEL_PGCOPY_64:
    case KERNEL_PGCOPY_UNSIGNED:
    case KERNEL_PGCOPY_TIMESTAMP: return 8;
    case KERNEL_PGCOPY_DECIMAL: return 16;
    default: return 0;
    }
}

static int has_offsets(int32_t kind)
{
    switch (kind) {
    case KERNEL_PGCOPY_TEXT:
    case KERNEL_PGCOPY_JSONB:
    case KERNEL_PGCOPY_BINARY:
    case KERNEL_PGCOPY_UUID:
    case KERNEL_PGCOPY_TIME:
    case KERNEL_PGCOPY_INET_TEXT:
    case KERNEL_PGCOPY_LIST: return 1;
    default: return 0;
    }
}

static int grow(void *slot, size_t byte_count)
{
    void *old, *moved;
    memcpy(&old, slot, sizeof old);
    moved = realloc(old, byte_count ? byte_count : 1);
    if (!moved) return KERNEL_PGCOPY_NO_MEMORY;
    memcpy(slot, &moved, sizeof moved);
    return KERNEL_PGCOPY_OK;
}

/* Bits that are added are zero: an append sets the ones. */
static int grow_bits(uint8_t **bits, size_t old_rows, size_t rows)
{
    size_t from = *bits ? (old_rows + 7) / 8 : 0, to = (rows + 7) / 8;
    if (grow(bits, to)) return KERNEL_PGCOPY_NO_MEMORY;
    memset(*bits + from, 0, to - from);
    return KERNEL_PGCOPY_OK;
}

int kernel_pgcopy_reserve(column_t *c, size_t rows)
{
    size_t width = kernel_pgcopy_width(c->kind);
    if (rows <= c->row_capacity) return KERNEL_PGCOPY_OK;
    if (width && grow(&c->values, rows * width)) return KERNEL_PGCOPY_NO_MEMORY;
    if (c->kind == KERNEL_PGCOPY_BOOLEAN && grow_bits(&c->values, c->row_capacity, rows))
        return KERNEL_PGCOPY_NO_MEMORY;
    if (c->validity && grow_bits(&c->validity, c->row_capacity, rows)) return KERNEL_PGCOPY_NO_MEMORY;
    if (has_offsets(c->kind)) {
        int is_first = c->offsets == NULL;
        if (grow(&c->offsets, 4 * (rows + 1))) return KERNEL_PGCOPY_NO_MEMORY;
        if (is_first) c->offsets[0] = 0;
    }
    c->row_capacity = rows;
    return KERNEL_PGCOPY_OK;
}

static int reserve_bytes(column_t *c, size_t count)
{
    size_t wanted = c->byte_count + count, capacity;
    if (wanted <= c->byte_capacity) return KERNEL_PGCOPY_OK;
    if (wanted > INT32_MAX) return KERNEL_PGCOPY_CELL_TOO_LARGE;
    /* A large cell gets what it needs: doubling would hold twice the cell. */
    capacity = count > ((size_t)1 << 20) ? wanted : 2 * c->byte_capacity;
    if (capacity < wanted) capacity = wanted;
    if (capacity < 256) capacity = 256;
    if (grow(&c->bytes, capacity)) return KERNEL_PGCOPY_NO_MEMORY;
    c->byte_capacity = capacity;
    return KERNEL_PGCOPY_OK;
}

void kernel_pgcopy_reset(column_t *c)
{
    free(c->validity);
    free(c->values);
    free(c->offsets);
    free(c->bytes);
    c->validity = c->values = c->bytes = NULL;
    c->offsets = NULL;
    c->rows = c->row_capacity = c->byte_count = c->byte_capacity = 0;
    for (size_t i = 0; i < c->child_count; i++) kernel_pgcopy_reset(&c->children[i]);
}

/* ---- Rows ---- */

static int more_rows(column_t *c) { return kernel_pgcopy_reserve(c, c->row_capacity < 64 ? 64 : 2 * c->row_capacity); }

static void end_valid(column_t *c)
{
    if (c->validity) c->validity[c->rows >> 3] |= (uint8_t)(1u << (c->rows & 7));
    c->rows++;
}

static int append_null(column_t *c)
{
    size_t width = kernel_pgcopy_width(c->kind);
    if (c->rows == c->row_capacity && more_rows(c)) return KERNEL_PGCOPY_NO_MEMORY;
    if (!c->validity) {
        if (grow_bits(&c->validity, 0, c->row_capacity)) return KERNEL_PGCOPY_NO_MEMORY;
        memset(c->validity, 0xff, c->rows >> 3);
        if (c->rows & 7) c->validity[c->rows >> 3] = (uint8_t)((1u << (c->rows & 7)) - 1);
    }
    if (width) memset(c->values + c->rows * width, 0, width);
    if (c->offsets) c->offsets[c->rows + 1] = c->offsets[c->rows];
    if (c->kind == KERNEL_PGCOPY_STRUCT)
        for (size_t i = 0; i < c->child_count; i++)
            if (append_null(&c->children[i])) return KERNEL_PGCOPY_NO_MEMORY;
    c->rows++;
    return KERNEL_PGCOPY_OK;
}

static int append_special(column_t *c, int result)
{
    if (!c->nulls_specials) return result;
    c->specials++;
    return append_null(c);
}

/* Copies and gives the pages that were copied back to the system, so that a large cell is not there twice. */
static void move_bytes(uint8_t *to, const uint8_t *from, size_t length)
{
    const size_t step = (size_t)1 << 20;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t given = ((uintptr_t)from + page - 1) & ~(uintptr_t)(page - 1);
    for (size_t done = 0; done < length;) {
        size_t count = length - done < step ? length - done : step;
        memcpy(to + done, from + done, count);
        done += count;
        uintptr_t end = ((uintptr_t)from + done) & ~(uintptr_t)(page - 1);
        if (end <= given) continue;
        madvise((void *)given, end - given, MADV_DONTNEED); /* failing costs memory only */
        given = end;
    }
}

static int append_bytes(column_t *c, const uint8_t *bytes, size_t length)
{
    int failure = reserve_bytes(c, length);
    if (failure) return failure;
    if (c->takes_bytes && length >= KERNEL_PGCOPY_LARGE_CELL)
        move_bytes(c->bytes + c->byte_count, bytes, length);
    else if (length)
        memcpy(c->bytes + c->byte_count, bytes, length);
    c->byte_count += length;
    c->offsets[c->rows + 1] = (int32_t)c->byte_count;
    end_valid(c);
    return KERNEL_PGCOPY_OK;
}

/* ---- Values ---- */

int kernel_pgcopy_is_utf8(const uint8_t *s, size_t n)
{
    size_t i = 0;
    while (i < n) {
        while (n - i >= 8) {
            uint64_t word;
            memcpy(&word, s + i, 8);
            if (word & 0x8080808080808080u) break;
            i += 8;
        }
        if (i == n) break;
        uint8_t a = s[i];
        if (a < 0x80) {
            i++;
            continue;
        }
        size_t more = a >= 0xc2 && a <= 0xdf ? 1 : (a & 0xf0) == 0xe0 ? 2 : a >= 0xf0 && a <= 0xf4 ? 3 : 0;
        if (!more || n - i <= more) return 0;
        uint8_t low = a == 0xe0 ? 0xa0 : a == 0xf0 ? 0x90 : 0x80;  /* no overlong forms */
        uint8_t high = a == 0xed ? 0x9f : a == 0xf4 ? 0x8f : 0xbf; /* no surrogates, nothing above U+10FFFF */
        if (s[i + 1] < low || s[i + 1] > high) return 0;
        for (size_t k = 2; k <= more; k++)
            if ((s[i + k] & 0xc0) != 0x80) return 0;
        i += more + 1;
    }
    return 1;
}

static const uint16_t power_of_ten[5] = {1, 10, 100, 1000, 10000};

int kernel_pgcopy_numeric(const uint8_t *b, size_t length, int precision, int scale, uint8_t *out)
{
    if (length < 8) return KERNEL_PGCOPY_BROKEN;
    int count = (int16_t)load16(b), weight = (int16_t)load16(b + 2);
    uint16_t sign = load16(b + 4);
    if (count < 0 || length != 8 + 2 * (size_t)count) return KERNEL_PGCOPY_BROKEN;
    if (sign == 0xC000 || sign == 0xD000 || sign == 0xF000) return KERNEL_PGCOPY_NOT_A_NUMBER;
    if (sign != 0 && sign != 0x4000) return KERNEL_PGCOPY_BROKEN;

    __int128 value = 0;
    int exponent = 0; /* of ten, of the last digit taken in, in units of 10^-scale */
    int is_wide = 0;
    for (int i = 0; i < count; i++) {
        uint16_t digit = load16(b + 8 + 2 * i);
        if (digit > 9999) return KERNEL_PGCOPY_BROKEN;
        exponent = 4 * (weight - i) + scale;
        unsigned step = 10000;
        if (exponent < 0) {
            /* This group lies partly or wholly below the scale; what lies below must be zero. */
            unsigned below = exponent <= -4 ? 10000 : power_of_ten[-exponent];
            if (digit % below) return KERNEL_PGCOPY_TOO_PRECISE;
            if (exponent <= -4) continue;
            step = 10000 / below;
            digit = (uint16_t)(digit / below);
        }
        if (!is_wide && (__builtin_mul_overflow(value, (__int128)step, &value) ||
                         __builtin_add_overflow(value, (__int128)digit, &value)))
            is_wide = 1; /* later digits may still be too precise, which is told first */
    }
    if (is_wide) return KERNEL_PGCOPY_TOO_WIDE;
    if (value) {
        if (exponent > 40) return KERNEL_PGCOPY_TOO_WIDE;
        for (; exponent > 0; exponent--)
            if (__builtin_mul_overflow(value, (__int128)10, &value)) return KERNEL_PGCOPY_TOO_WIDE;
    }
    __int128 limit = 1;
    for (int i = 0; i < precision; i++) limit *= 10;
    if (value >= limit) return KERNEL_PGCOPY_TOO_WIDE;
    if (sign) value = -value;
    memcpy(out, &value, 16); /* the targets are little endian */
    return KERNEL_PGCOPY_OK;
}

static void put_two(uint8_t *out, unsigned value)
{
    out[0] = (uint8_t)('0' + value / 10);
    out[1] = (uint8_t)('0' + value % 10);
}

static int append_time(column_t *c, uint64_t time)
{
    uint8_t text[15];
    size_t length = 8;
    unsigned seconds = (unsigned)(time / 1000000), fraction = (unsigned)(time % 1000000);
    put_two(text, seconds / 3600);
    text[2] = ':';
    put_two(text + 3, seconds / 60 % 60);
    text[5] = ':';
    put_two(text + 6, seconds % 60);
    if (fraction) {
        text[8] = '.';
        put_two(text + 9, fraction / 10000);
        put_two(text + 11, fraction / 100 % 100);
        put_two(text + 13, fraction % 100);
        for (length = 15; text[length - 1] == '0';) length--;
    }
    return append_bytes(c, text, length);
}

static int append_uuid(column_t *c, const uint8_t *b)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t text[36], *out = text;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
        *out++ = (uint8_t)digits[b[i] >> 4];
        *out++ = (uint8_t)digits[b[i] & 15];
    }
    return append_bytes(c, text, sizeof text);
}

static size_t without_host_mask(const uint8_t *b, size_t n)
{
    if (n > 4 && !memcmp(b + n - 4, "/128", 4)) return n - 4;
    if (n > 3 && !memcmp(b + n - 3, "/32", 3) && !memchr(b, ':', n)) return n - 3;
    return n;
}

static int append_cell(column_t *c, const uint8_t *b, size_t n);

/* A field of an array or composite: int32 length, bytes. Moves *b past it. */
static int append_field(column_t *c, const uint8_t **b, const uint8_t *end)
{
    if (end - *b < 4) return KERNEL_PGCOPY_BROKEN;
    int32_t length = (int32_t)load32(*b);
    *b += 4;
    if (length == -1) return append_null(c);
    if (length < 0 || length > end - *b) return KERNEL_PGCOPY_BROKEN;
    int result = append_cell(c, *b, (size_t)length);
    *b += length;
    return result;
}

static int append_list(column_t *c, const uint8_t *b, size_t n)
{
    const uint8_t *end = b + n;
    if (n < 12) return KERNEL_PGCOPY_BROKEN;
    int32_t dimensions = (int32_t)load32(b), size = 0;
    if (dimensions < 0 || dimensions > 6) return KERNEL_PGCOPY_BROKEN;
    b += 12;
    if (end - b < 8 * (ptrdiff_t)dimensions) return KERNEL_PGCOPY_BROKEN;
    if (dimensions > 1 || (dimensions == 1 && load32(b + 4) != 1)) return append_special(c, KERNEL_PGCOPY_DIMENSIONS);
    if (dimensions == 1) {
        size = (int32_t)load32(b);
        b += 8;
        /* Each element takes four bytes at least: no size can ask for more than the message holds. */
        if (size < 0 || size > (end - b) / 4) return KERNEL_PGCOPY_BROKEN;
    }
    column_t *elements = &c->children[0];
    for (int32_t i = 0; i < size; i++) {
        int result = append_field(elements, &b, end);
        if (result) return result;
    }
    if (b != end) return KERNEL_PGCOPY_BROKEN;
    if (elements->rows > INT32_MAX) return KERNEL_PGCOPY_CELL_TOO_LARGE;
    c->offsets[c->rows + 1] = (int32_t)elements->rows;
    end_valid(c);
    return KERNEL_PGCOPY_OK;
}

static int append_struct(column_t *c, const uint8_t *b, size_t n)
{
    const uint8_t *end = b + n;
    if (n < 4 || load32(b) != c->child_count) return KERNEL_PGCOPY_BROKEN;
    b += 4;
    for (size_t i = 0; i < c->child_count; i++) {
        if (end - b < 4) return KERNEL_PGCOPY_BROKEN;
        b += 4; /* the field's type: the plan's, by the schema's fingerprint */
        int result = append_field(&c->children[i], &b, end);
        if (result) return result;
    }
    if (b != end) return KERNEL_PGCOPY_BROKEN;
    end_valid(c);
    return KERNEL_PGCOPY_OK;
}

#define DAYS_1970_TO_2000 10957
#define FIRST_DAY (-719162) /* 0001-01-01 */
#define LAST_DAY 2932896    /* 9999-12-31 */
#define MICROSECONDS_A_DAY INT64_C(86400000000)

/* Stores a fixed-width value of `type`. */
#define STORE(type, expression)                                                                                        \
    do {                                                                                                               \
        type stored = (type)(expression);                                                                              \
        memcpy(c->values + c->rows * sizeof(type), &stored, sizeof(type));                                             \
        end_valid(c);                                                                                                  \
        return KERNEL_PGCOPY_OK;                                                                                       \
    } while (0)

static int append_cell(column_t *c, const uint8_t *b, size_t n)
{
    if (c->rows == c->row_capacity && more_rows(c)) return KERNEL_PGCOPY_NO_MEMORY;
    switch (c->kind) {
    case KERNEL_PGCOPY_BOOLEAN: {
        if (n != 1 || b[0] > 1) return KERNEL_PGCOPY_BROKEN;
        uint8_t bit = (uint8_t)(1u << (c->rows & 7));
        /* The bit was zeroed when the bytes were made. */
        if (b[0]) c->values[c->rows >> 3] |= bit;
        end_valid(c);
        return KERNEL_PGCOPY_OK;
    }
    case KERNEL_PGCOPY_INT16:
        if (n != 2) return KERNEL_PGCOPY_BROKEN;
        STORE(uint16_t, load16(b));
    case KERNEL_PGCOPY_32:
        if (n != 4) return KERNEL_PGCOPY_BROKEN;
        STORE(uint32_t, load32(b));
    case KERNEL_PGCOPY_64:
        if (n != 8) return KERNEL_PGCOPY_BROKEN;
        STORE(uint64_t, load64(b));
    case KERNEL_PGCOPY_UNSIGNED:
        if (n != 4) return KERNEL_PGCOPY_BROKEN;
        STORE(int64_t, load32(b));
    case KERNEL_PGCOPY_DECIMAL: {
        int result = kernel_pgcopy_numeric(b, n, c->precision, c->scale, c->values + 16 * c->rows);
        if (result == KERNEL_PGCOPY_BROKEN) return result;
        if (result) return append_special(c, result);
        end_valid(c);
        return KERNEL_PGCOPY_OK;
    }
    case KERNEL_PGCOPY_JSONB:
        if (n < 1 || b[0] != 1) return KERNEL_PGCOPY_BROKEN;
        if (!kernel_pgcopy_is_utf8(b + 1, n - 1)) return KERNEL_PGCOPY_INVALID_UTF8;
        return append_bytes(c, b + 1, n - 1);
    case KERNEL_PGCOPY_TEXT:
        if (!kernel_pgcopy_is_utf8(b, n)) return KERNEL_PGCOPY_INVALID_UTF8;
        return append_bytes(c, b, n);
    case KERNEL_PGCOPY_INET_TEXT:
        if (!kernel_pgcopy_is_utf8(b, n)) return KERNEL_PGCOPY_INVALID_UTF8;
        return append_bytes(c, b, without_host_mask(b, n));
    case KERNEL_PGCOPY_BINARY: return append_bytes(c, b, n);
    case KERNEL_PGCOPY_UUID:
        if (n != 16) return KERNEL_PGCOPY_BROKEN;
        return append_uuid(c, b);
    case KERNEL_PGCOPY_DATE: {
        if (n != 4) return KERNEL_PGCOPY_BROKEN;
        int32_t days = (int32_t)load32(b);
        if (days == INT32_MIN || days == INT32_MAX) return append_special(c, KERNEL_PGCOPY_INFINITE);
        int64_t unix_days = (int64_t)days + DAYS_1970_TO_2000;
        if (unix_days < FIRST_DAY || unix_days > LAST_DAY) return append_special(c, KERNEL_PGCOPY_YEAR);
        STORE(int32_t, unix_days);
    }
    case KERNEL_PGCOPY_TIMESTAMP: {
        if (n != 8) return KERNEL_PGCOPY_BROKEN;
        int64_t time = (int64_t)load64(b);
        if (time == INT64_MIN || time == INT64_MAX) return append_special(c, KERNEL_PGCOPY_INFINITE);
        if (time < (FIRST_DAY - DAYS_1970_TO_2000) * MICROSECONDS_A_DAY ||
            time >= (LAST_DAY + 1 - DAYS_1970_TO_2000) * MICROSECONDS_A_DAY)
            return append_special(c, KERNEL_PGCOPY_YEAR);
        STORE(int64_t, time + DAYS_1970_TO_2000 * MICROSECONDS_A_DAY);
    }
    case KERNEL_PGCOPY_TIME: {
        if (n != 8) return KERNEL_PGCOPY_BROKEN;
        uint64_t time = load64(b);
        if (time == (uint64_t)MICROSECONDS_A_DAY) return append_special(c, KERNEL_PGCOPY_HOUR_24);
        if (time > (uint64_t)MICROSECONDS_A_DAY) return KERNEL_PGCOPY_BROKEN;
        return append_time(c, time);
    }
    case KERNEL_PGCOPY_LIST: return append_list(c, b, n);
    case KERNEL_PGCOPY_STRUCT: return append_struct(c, b, n);
    default: return KERNEL_PGCOPY_BROKEN;
    }
}

int kernel_pgcopy_append(column_t *columns, size_t column_count, const uint8_t *bytes, size_t length, size_t cell_limit,
                         size_t *used, size_t *failed_column)
{
    const uint8_t *b = bytes, *end = bytes + length;
    *failed_column = column_count;
    if (length < 2) return KERNEL_PGCOPY_BROKEN;
    if (load16(b) != column_count) return KERNEL_PGCOPY_FIELD_COUNT;
    b += 2;
    for (size_t i = 0; i < column_count; i++) {
        if (end - b < 4) return KERNEL_PGCOPY_BROKEN;
        int32_t field = (int32_t)load32(b);
        int result;
        b += 4;
        if (field == -1) {
            result = append_null(&columns[i]);
        } else if (field < 0 || field > end - b) {
            return KERNEL_PGCOPY_BROKEN;
        } else if ((size_t)field > cell_limit) {
            result = KERNEL_PGCOPY_CELL_TOO_LARGE;
        } else {
            result = append_cell(&columns[i], b, (size_t)field);
            b += field;
        }
        if (result) {
            *failed_column = i;
            return result;
        }
    }
    *used = (size_t)(b - bytes);
    return KERNEL_PGCOPY_OK;
}
