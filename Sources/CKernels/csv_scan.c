#include "kernel_csv.h"

#include <string.h>

/* Clang's vectors of 64 bytes: SSE2, AVX or NEON, whichever the target has. */
typedef uint8_t bytes64 __attribute__((ext_vector_type(64)));
typedef _Bool flags64 __attribute__((ext_vector_type(64)));

/* The bytes that the splitter stops at, 64 at a time; whatever is between them is content. */
typedef struct {
    const kernel_csv_dialect *dialect;
    const uint8_t *bytes;
    size_t count;
    size_t base;   /* of the 64 bytes that `mask` describes */
    uint64_t mask; /* special bytes not yet passed */
} cursor;

/* Which of the 64 bytes at `bytes` are a newline or one of `a`, `b`, `c`. Not inlined: its vectors want all registers. */
static __attribute__((noinline)) uint64_t special_mask(const uint8_t *bytes, uint8_t a, uint8_t b, uint8_t c)
{
    bytes64 v;
    memcpy(&v, bytes, 64);
    bytes64 hit = (bytes64)(v == (bytes64)(uint8_t)'\n') | (bytes64)(v == (bytes64)(uint8_t)'\r') |
                  (bytes64)(v == (bytes64)a) | (bytes64)(v == (bytes64)b) | (bytes64)(v == (bytes64)c);
    flags64 flags = __builtin_convertvector(hit, flags64);
    uint64_t mask;
    memcpy(&mask, &flags, sizeof mask);
    return mask;
}

static inline uint64_t specials_at(const cursor *c, size_t at)
{
    const kernel_csv_dialect *d = c->dialect;
    /* May reach into the padding. A byte that the dialect does not have is looked for as the delimiter again. */
    uint64_t mask = special_mask(c->bytes + at, d->delimiter, d->has_quote ? d->quote : d->delimiter,
                                 d->has_escape ? d->escape : d->delimiter);
    if (at + 64 > c->count) mask &= ~(~(uint64_t)0 << (c->count - at));
    return mask;
}

static inline cursor cursor_at(const kernel_csv_dialect *dialect, const uint8_t *bytes, size_t count)
{
    cursor c = {dialect, bytes, count, 0, 0};
    if (count > 0) c.mask = specials_at(&c, 0);
    return c;
}

/* The next special byte, which is passed; `count` when there is none. */
static inline size_t next_special(cursor *c)
{
    while (c->mask == 0) {
        if (c->base + 64 >= c->count) return c->count;
        c->base += 64;
        c->mask = specials_at(c, c->base);
    }
    size_t at = c->base + (size_t)__builtin_ctzll(c->mask);
    c->mask &= c->mask - 1;
    return at;
}

/* Which of the 64 bytes at `bytes` are `a` or `b`. */
static inline uint64_t mark_mask(const uint8_t *bytes, uint8_t a, uint8_t b)
{
    bytes64 v;
    memcpy(&v, bytes, 64);
    flags64 flags = __builtin_convertvector((bytes64)(v == (bytes64)a) | (bytes64)(v == (bytes64)b), flags64);
    uint64_t mask;
    memcpy(&mask, &flags, sizeof mask);
    return mask;
}

/* Within quotes: the next quote or escape, which is passed with all before it; `count` when there is none. Delimiters and
 * newlines are content here, and stopping at each costs a branch that nothing predicts. */
static inline size_t next_mark(cursor *c)
{
    const uint8_t quote = c->dialect->quote, escape = c->dialect->has_escape ? c->dialect->escape : quote;
    size_t base = c->base;
    uint64_t marks = mark_mask(c->bytes + base, quote, escape) & c->mask;
    while (marks == 0) {
        if (base + 64 >= c->count) {
            c->base = base;
            c->mask = 0;
            return c->count;
        }
        base += 64;
        marks = mark_mask(c->bytes + base, quote, escape);
        if (base + 64 > c->count) marks &= ~(~(uint64_t)0 << (c->count - base));
    }
    if (base != c->base) {
        c->base = base;
        c->mask = specials_at(c, base);
    }
    /* All above the lowest mark. */
    c->mask &= ~(marks ^ (marks - 1));
    return base + (size_t)__builtin_ctzll(marks);
}

/* Passes every special byte up to and including `at`. */
static inline void pass(cursor *c, size_t at)
{
    if (at >= c->base + 64) {
        size_t base = at & ~(size_t)63;
        c->base = base;
        c->mask = base < c->count ? specials_at(c, base) : 0;
    }
    size_t bit = at - c->base;
    c->mask &= bit == 63 ? 0 : ~(uint64_t)0 << (bit + 1);
}

enum { INCOMPLETE = -1, FIELD_ENDS, RECORD_ENDS };

/* Whether the CR at `at` ends a line; INCOMPLETE when the next byte, which the block lacks, may be its LF. */
static inline int cr_ends_line(const cursor *c, size_t at, int is_last)
{
    if (at + 1 >= c->count) return is_last ? 1 : INCOMPLETE;
    return c->dialect->cr_ends || c->bytes[at + 1] == '\n';
}

/* What follows the field that ends at `at`, whose CR is no content: more fields, or the next record at `*next`. */
static inline int end_of_field(cursor *c, size_t at, int is_last, size_t *next)
{
    if (at >= c->count) {
        *next = c->count;
        return is_last ? RECORD_ENDS : INCOMPLETE;
    }
    uint8_t byte = c->bytes[at];
    *next = at + 1;
    if (byte == c->dialect->delimiter) return FIELD_ENDS;
    if (byte == '\r') {
        if (at + 1 == c->count && !is_last) return INCOMPLETE; /* an LF may follow */
        if (at + 1 < c->count && c->bytes[at + 1] == '\n') {
            pass(c, at + 1);
            *next = at + 2;
        }
    }
    return RECORD_ENDS;
}

/* The end of unquoted content: the next delimiter or newline. A CR that ends nothing is content and a reason. */
static inline size_t unquoted_end(cursor *c, int is_last, uint32_t *reason)
{
    const kernel_csv_dialect *d = c->dialect;
    for (;;) {
        size_t at = next_special(c);
        if (at >= c->count) return at;
        uint8_t byte = c->bytes[at];
        if (byte == d->delimiter || byte == '\n') return at;
        if (byte != '\r') continue;
        if (cr_ends_line(c, at, is_last) != 0) return at;
        if (*reason == 0) *reason = KERNEL_CSV_LONE_CR;
    }
}

/* Reads the field that starts at `at`. Returns what follows it, as end_of_field does. */
static __attribute__((noinline)) int split_field(cursor *c, size_t at, int is_last, kernel_csv_field *field,
                                                 uint32_t *reason, size_t *next)
{
    const kernel_csv_dialect *d = c->dialect;
    if (!d->has_quote || at >= c->count || c->bytes[at] != d->quote) {
        size_t end = unquoted_end(c, is_last, reason);
        field->start = (uint32_t)at;
        field->size = (uint32_t)(end - at);
        return end_of_field(c, end, is_last, next);
    }
    pass(c, at);
    uint32_t flags = KERNEL_CSV_QUOTED;
    size_t end;
    for (;;) {
        end = next_mark(c);
        if (end >= c->count) {
            if (!is_last) return INCOMPLETE;
            *reason = KERNEL_CSV_UNTERMINATED; /* whatever else is wrong: the rest of the file is in it */
            break;
        }
        uint8_t byte = c->bytes[end];
        if (d->has_escape && byte == d->escape) {
            if (end + 1 >= c->count) {
                if (!is_last) return INCOMPLETE;
                continue;
            }
            pass(c, end + 1);
            flags |= KERNEL_CSV_ESCAPED;
        } else if (byte == d->quote) {
            if (end + 1 >= c->count) {
                if (!is_last) return INCOMPLETE; /* it may be doubled */
                break;
            }
            if (c->bytes[end + 1] != d->quote) break;
            pass(c, end + 1);
            flags |= KERNEL_CSV_ESCAPED;
        }
    }
    field->start = (uint32_t)(at + 1);
    field->size = (uint32_t)(end - at - 1) | flags;
    size_t after = end < c->count ? end + 1 : end;
    if (after < c->count) {
        uint8_t byte = c->bytes[after];
        int is_lone_cr = byte == '\r' && cr_ends_line(c, after, is_last) == 0;
        if (is_lone_cr || (byte != d->delimiter && byte != '\n' && byte != '\r')) {
            if (*reason == 0) *reason = is_lone_cr ? KERNEL_CSV_LONE_CR : KERNEL_CSV_TEXT_AFTER_QUOTE;
            after = unquoted_end(c, is_last, reason);
        } else {
            pass(c, after);
        }
    }
    return end_of_field(c, after, is_last, next);
}

/* Where the line that the cursor stands in ends, its newline included; SIZE_MAX when that is not known. `*has_lone_cr`: a CR
 * that ends nothing stands in it. */
static inline size_t pass_line(cursor *c, int is_last, int *has_lone_cr)
{
    size_t end = next_special(c);
    *has_lone_cr = 0;
    while (end < c->count && c->bytes[end] != '\n' && (c->bytes[end] != '\r' || cr_ends_line(c, end, is_last) == 0)) {
        *has_lone_cr |= c->bytes[end] == '\r';
        end = next_special(c);
    }
    size_t next;
    /* A delimiter never stands at `end`, so what ends is the line. */
    return end_of_field(c, end, is_last, &next) == INCOMPLETE ? SIZE_MAX : next;
}

/* Passes what is no record: blank lines and comments. Returns where a record starts, `count` when there is none;
 * SIZE_MAX when the block ends in what is passed, then `*at` is its start. A comment with a CR that ends nothing is taken for a
 * malformed record, which `*reason` says: a record may stand behind the CR. */
static __attribute__((noinline)) size_t record_start(cursor *c, size_t *at, int is_last, uint32_t *reason)
{
    const kernel_csv_dialect *d = c->dialect;
    while (*at < c->count) {
        uint8_t byte = c->bytes[*at];
        int is_comment = d->has_comment && byte == d->comment;
        int is_blank = !d->keeps_blank && (byte == '\n' || (byte == '\r' && cr_ends_line(c, *at, is_last) != 0));
        if (!is_comment && !is_blank) return *at;
        const cursor before = *c;
        int has_lone_cr;
        size_t next = pass_line(c, is_last, &has_lone_cr);
        if (next == SIZE_MAX) return SIZE_MAX;
        if (has_lone_cr) {
            *c = before;
            *reason = KERNEL_CSV_LONE_CR;
            return *at;
        }
        *at = next;
    }
    return c->count;
}

/* U+FEFF before a record. The block holds whole characters. */
static inline int is_mark(const uint8_t *bytes, size_t count)
{
    return count >= 3 && bytes[0] == 0xef && bytes[1] == 0xbb && bytes[2] == 0xbf;
}

/* The commonest field: unquoted, ended by a delimiter or LF. Stores it and returns what follows, as end_of_field does;
 * DIFFERENT, with nothing changed, for any other field. `base` and `mask` are the cursor's, kept in registers. */
enum { DIFFERENT = -2 };

static inline __attribute__((always_inline)) int split_plain(const cursor *c, size_t *base, uint64_t *mask,
                                                             size_t *next, kernel_csv_field *field)
{
    size_t at = *next, b = *base;
    uint64_t m = *mask;
    while (m == 0) {
        if (b + 64 >= c->count) return DIFFERENT;
        b += 64;
        m = specials_at(c, b);
    }
    size_t end = b + (size_t)__builtin_ctzll(m);
    uint8_t byte = c->bytes[end];
    /* A quoted field's first byte is special, so it is not passed over here. */
    if (byte != c->dialect->delimiter && byte != '\n') return DIFFERENT;
    field->start = (uint32_t)at;
    field->size = (uint32_t)(end - at);
    *next = end + 1;
    *base = b;
    *mask = m & (m - 1);
    return byte == '\n' ? RECORD_ENDS : FIELD_ENDS;
}

void kernel_csv_split(const kernel_csv_dialect *dialect, const uint8_t *bytes, size_t count, int is_last, size_t width,
                      size_t row_limit, kernel_csv_field *fields, uint32_t *row_record, uint32_t *row_end,
                      kernel_csv_bad *bad, size_t bad_limit, kernel_csv_split_result *result)
{
    const kernel_csv_dialect own = *dialect; /* never handed out, so it stays in registers */
    cursor c = cursor_at(dialect, bytes, count);
    size_t base = c.base;
    uint64_t mask = c.mask;
    size_t rows = 0, records = 0, bad_count = 0, at = 0;
    uint32_t longest = 0;
    int needs_more = 0;
    while (rows < row_limit && bad_count < bad_limit && at < count) {
        uint8_t first = bytes[at];
        uint32_t reason = 0;
        if ((own.has_comment && first == own.comment) || (!own.keeps_blank && (first == '\n' || first == '\r'))) {
            cursor slow = {dialect, bytes, count, base, mask};
            size_t start = record_start(&slow, &at, is_last, &reason);
            base = slow.base;
            mask = slow.mask;
            if (start == SIZE_MAX) {
                needs_more = 1;
                break;
            }
            if (start >= count) break;
        }
        kernel_csv_field *row = fields + rows * width;
        size_t field_count = 0;
        if (is_mark(bytes + at, count - at)) reason = KERNEL_CSV_MARK_INSIDE;
        int follows;
        size_t next = at;
        do {
            kernel_csv_field field;
            cursor plain = {&own, bytes, count, base, mask};
            follows = split_plain(&plain, &base, &mask, &next, &field);
            if (follows == DIFFERENT) {
                cursor slow = {dialect, bytes, count, base, mask};
                kernel_csv_field other; /* `field` and the like stay in registers when their addresses stay here */
                uint32_t why = reason;
                size_t after;
                follows = split_field(&slow, next, is_last, &other, &why, &after);
                base = slow.base;
                mask = slow.mask;
                if (follows == INCOMPLETE) break;
                field = other;
                reason = why;
                next = after;
            }
            if (field_count < width) {
                row[field_count] = field;
                uint32_t length = field.size & KERNEL_CSV_LENGTH;
                longest = length > longest ? length : longest;
            }
            field_count++;
        } while (follows == FIELD_ENDS);
        if (follows == INCOMPLETE) {
            needs_more = 1;
            break;
        }
        size_t start = at;
        at = next;
        if (reason == 0 && field_count != width) reason = KERNEL_CSV_WRONG_WIDTH;
        if (reason == 0) {
            row_record[rows] = (uint32_t)records;
            row_end[rows] = (uint32_t)at;
            rows++;
        } else {
            bad[bad_count] =
                (kernel_csv_bad){(uint32_t)records, (uint32_t)start, (uint32_t)at, (uint32_t)field_count, reason};
            bad_count++;
        }
        records++;
    }
    *result = (kernel_csv_split_result){at, rows, records, bad_count, longest, needs_more};
}

size_t kernel_csv_split_one(const kernel_csv_dialect *dialect, const uint8_t *bytes, size_t count, int is_last,
                            kernel_csv_field *fields, size_t limit, uint32_t *reason, kernel_csv_split_result *result)
{
    cursor c = cursor_at(dialect, bytes, count);
    size_t at = 0, field_count = 0, longest = 0;
    *reason = 0;
    *result = (kernel_csv_split_result){0};
    size_t start = record_start(&c, &at, is_last, reason);
    result->consumed = at;
    if (start == SIZE_MAX) {
        result->needs_more = 1;
        return 0;
    }
    if (start >= count) return 0;
    if (is_mark(bytes + start, count - start)) *reason = KERNEL_CSV_MARK_INSIDE;
    int follows;
    size_t next = start;
    do {
        kernel_csv_field field;
        follows = split_field(&c, next, is_last, &field, reason, &next);
        if (follows == INCOMPLETE) {
            result->needs_more = 1;
            return 0;
        }
        if (field_count < limit) fields[field_count] = field;
        size_t length = field.size & KERNEL_CSV_LENGTH;
        longest = length > longest ? length : longest;
        field_count++;
    } while (follows == FIELD_ENDS);
    *result = (kernel_csv_split_result){next, *reason == 0, 1, *reason != 0, longest, 0};
    return field_count;
}

size_t kernel_csv_line(const uint8_t *bytes, size_t count, int is_last)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\n') return i + 1;
        if (bytes[i] == '\r') {
            if (i + 1 < count) return bytes[i + 1] == '\n' ? i + 2 : i + 1;
            return is_last ? i + 1 : SIZE_MAX;
        }
    }
    return is_last ? count : SIZE_MAX;
}

/* Length of the valid sequence at `bytes`; 0 when it is not valid, -1 when it is a proper beginning. */
static inline int sequence_length(const uint8_t *bytes, size_t count)
{
    uint8_t b = bytes[0];
    if (b < 0x80) return 1;
    if (b < 0xc2 || b > 0xf4) return 0;
    int length = b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
    /* Overlong forms, surrogates and scalars past U+10FFFF show in the second byte. */
    uint8_t low = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80;
    uint8_t high = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;
    for (int i = 1; i < length; i++) {
        if ((size_t)i >= count) return -1;
        if (bytes[i] < low || bytes[i] > high) return 0;
        low = 0x80;
        high = 0xbf;
    }
    return length;
}

size_t kernel_csv_valid_utf8(const uint8_t *bytes, size_t count)
{
    size_t at = 0;
    while (at < count) {
        /* 64 bytes at a time while they are ASCII */
        while (at + 64 <= count) {
            uint64_t any = 0, word;
            for (size_t i = 0; i < 64; i += 8) {
                memcpy(&word, bytes + at + i, 8);
                any |= word;
            }
            if (any & 0x8080808080808080u) break;
            at += 64;
        }
        size_t stop = count - at < 64 ? count : at + 64;
        while (at < stop) {
            /* Few of a text's bytes are not ASCII: eight at a time as far as the next of them. */
            uint64_t word;
            if (at + 8 <= count) {
                memcpy(&word, bytes + at, 8);
                word &= 0x8080808080808080u;
                if (word == 0) {
                    at += 8;
                    continue;
                }
                at += (size_t)__builtin_ctzll(word) >> 3; /* the first byte in memory is the lowest */
            }
            int length = sequence_length(bytes + at, count - at);
            if (length <= 0) return at;
            at += (size_t)length;
        }
    }
    return at;
}

int kernel_csv_is_partial_utf8(const uint8_t *bytes, size_t count)
{
    return count > 0 && count < 4 && sequence_length(bytes, count) == -1;
}

size_t kernel_csv_count_scalars(const uint8_t *bytes, size_t count)
{
    size_t scalars = 0;
    for (size_t i = 0; i < count; i++) scalars += (bytes[i] & 0xc0) != 0x80;
    return scalars;
}

static inline uint8_t *put_scalar(uint8_t *out, uint32_t scalar)
{
    if (scalar < 0x80) {
        *out++ = (uint8_t)scalar;
    } else if (scalar < 0x800) {
        *out++ = (uint8_t)(0xc0 | scalar >> 6);
        *out++ = (uint8_t)(0x80 | (scalar & 0x3f));
    } else if (scalar < 0x10000) {
        *out++ = (uint8_t)(0xe0 | scalar >> 12);
        *out++ = (uint8_t)(0x80 | (scalar >> 6 & 0x3f));
        *out++ = (uint8_t)(0x80 | (scalar & 0x3f));
    } else {
        *out++ = (uint8_t)(0xf0 | scalar >> 18);
        *out++ = (uint8_t)(0x80 | (scalar >> 12 & 0x3f));
        *out++ = (uint8_t)(0x80 | (scalar >> 6 & 0x3f));
        *out++ = (uint8_t)(0x80 | (scalar & 0x3f));
    }
    return out;
}

size_t kernel_csv_from_single_byte(const uint8_t *bytes, size_t count, const uint16_t *high, uint8_t *out,
                                   size_t *written)
{
    uint8_t *to = out;
    size_t at = 0;
    while (at < count) {
        uint64_t word;
        if (at + 8 <= count && (memcpy(&word, bytes + at, 8), (word & 0x8080808080808080u) == 0)) {
            memcpy(to, &word, 8);
            to += 8;
            at += 8;
            continue;
        }
        uint8_t b = bytes[at];
        uint32_t scalar = b < 0x80 ? b : high[b - 0x80];
        if (b >= 0x80 && scalar == 0) break;
        to = put_scalar(to, scalar);
        at++;
    }
    *written = (size_t)(to - out);
    return at;
}

size_t kernel_csv_from_utf16(const uint8_t *bytes, size_t count, int is_big_endian, uint8_t *out, size_t *written)
{
    uint8_t *to = out;
    size_t at = 0;
    int low = is_big_endian ? 1 : 0, high = 1 - low;
    while (at + 2 <= count) {
        uint32_t unit = (uint32_t)bytes[at + (size_t)high] << 8 | bytes[at + (size_t)low];
        if (unit >= 0xd800 && unit <= 0xdfff) {
            if (unit > 0xdbff || at + 4 > count) break;
            uint32_t second = (uint32_t)bytes[at + 2 + (size_t)high] << 8 | bytes[at + 2 + (size_t)low];
            if (second < 0xdc00 || second > 0xdfff) break;
            to = put_scalar(to, 0x10000 + ((unit - 0xd800) << 10) + (second - 0xdc00));
            at += 4;
            continue;
        }
        to = put_scalar(to, unit);
        at += 2;
    }
    *written = (size_t)(to - out);
    return at;
}
