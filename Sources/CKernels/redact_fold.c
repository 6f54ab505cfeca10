/* Typography folded to ASCII: blanks, hyphens, digits and full-width forms to the character that they stand for, characters
 * without width to nothing. docs/verbs.md (`redact`) has the list. */
#include "kernel_redact.h"

#include <string.h>

enum { NO_WIDTH = 0 };

/* First digits of other scripts, U+0966 to U+0F20: Devanagari, Bengali, Gurmukhi, Gujarati, Oriya, Tamil, Telugu, Kannada,
 * Malayalam, Thai, Lao, Tibetan. */
static const uint16_t zeros[] = {0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0xf20};

static int is_within(uint8_t c, uint8_t low, uint8_t high) { return (uint8_t)(c - low) <= (uint8_t)(high - low); }

/* U+00A0 to U+06F9. */
static int fold_of_two(uint8_t a, uint8_t b, uint8_t *to)
{
    switch (a) {
    case 0xc2: *to = b == 0xa0 ? ' ' : NO_WIDTH; return b == 0xa0 || b == 0xad;
    case 0xcd: *to = NO_WIDTH; return b == 0x8f;
    case 0xd8: *to = NO_WIDTH; return b == 0x9c;
    case 0xd9: *to = (uint8_t)(b - 0xa0 + '0'); return is_within(b, 0xa0, 0xa9);
    case 0xdb: *to = (uint8_t)(b - 0xb0 + '0'); return is_within(b, 0xb0, 0xb9);
    default: return 0;
    }
}

/* U+2000 to U+206F. */
static int fold_of_punctuation(uint8_t b, uint8_t c, uint8_t *to)
{
    if (b == 0x80) {
        if (is_within(c, 0x80, 0x8a) || c == 0xaf)
            *to = ' ';
        else if (is_within(c, 0x8b, 0x8f) || is_within(c, 0xaa, 0xae))
            *to = NO_WIDTH;
        else if (is_within(c, 0x90, 0x95))
            *to = '-';
        else if (c == 0xa4)
            *to = '.';
        else if (is_within(c, 0xa8, 0xa9))
            *to = '\n';
        else
            return 0;
        return 1;
    }
    *to = c == 0x9f ? ' ' : NO_WIDTH;
    return b == 0x81 && is_within(c, 0x9f, 0xaf);
}

/* U+FE00 to U+FF5E. */
static int fold_of_forms(uint8_t b, uint8_t c, uint8_t *to)
{
    switch (b) {
    case 0xb8: *to = NO_WIDTH; return is_within(c, 0x80, 0x8f);
    case 0xb9:
        *to = c == 0x92 ? '.' : c == 0x95 ? ':' : c == 0xab ? '@' : '-';
        return c == 0x92 || c == 0x95 || c == 0x98 || c == 0xa3 || c == 0xab;
    case 0xbb: *to = NO_WIDTH; return c == 0xbf;
    case 0xbc: *to = (uint8_t)(c - 0x81 + '!'); return is_within(c, 0x81, 0xbf);
    case 0xbd: *to = (uint8_t)(c - 0x80 + '`'); return is_within(c, 0x80, 0x9e);
    default: return 0;
    }
}

static int fold_of_three(uint8_t a, uint8_t b, uint8_t c, uint8_t *to)
{
    if (a == 0xe2 && (b == 0x80 || b == 0x81)) return fold_of_punctuation(b, c, to);
    if (a == 0xef) return fold_of_forms(b, c, to);
    const unsigned code = (a & 0xfu) << 12 | (b & 0x3fu) << 6 | (c & 0x3fu);
    if (a == 0xe0) {
        for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++) {
            if (code - zeros[i] >= 10) continue;
            *to = (uint8_t)(code - zeros[i] + '0');
            return 1;
        }
        return 0;
    }
    *to = code == 0x2212 ? '-' : ' ';
    return code == 0x2212 || code == 0x3000;
}

/* Bytes of the character at `from` that is folded, or 0; *to: what it becomes. */
static size_t fold_of(const uint8_t *from, size_t left, uint8_t *to)
{
    const uint8_t lead = from[0];
    if (lead < 0xe0) return left >= 2 && (from[1] & 0xc0) == 0x80 && fold_of_two(lead, from[1], to) ? 2 : 0;
    if (lead < 0xf0) {
        const int is_whole = left >= 3 && (from[1] & 0xc0) == 0x80 && (from[2] & 0xc0) == 0x80;
        return is_whole && fold_of_three(lead, from[1], from[2], to) ? 3 : 0;
    }
    /* Mathematical digits, U+1D7CE to U+1D7FF. */
    if (left < 4 || from[1] != 0x9d || from[2] != 0x9f || !is_within(from[3], 0x8e, 0xbf)) return 0;
    *to = (uint8_t)((from[3] - 0x8e) % 10 + '0');
    return 4;
}

/* First bytes of what may be folded. */
static const uint8_t may_fold[256] = {
    [0xc2] = 1, [0xcd] = 1, [0xd8] = 1, [0xd9] = 1, [0xdb] = 1,
    [0xe0] = 1, [0xe2] = 1, [0xe3] = 1, [0xef] = 1, [0xf0] = 1,
};

/* One of 64 bytes is in the table; without a branch, so that it is done 16 at a time. */
static int any_may_fold(const uint8_t *bytes)
{
    uint8_t any = 0;
    for (int i = 0; i < 64; i++) {
        const uint8_t c = bytes[i];
        any |= (c == 0xc2) | (c == 0xcd) | (c == 0xd8) | (c == 0xd9) | (c == 0xdb) | (c == 0xe0) | (c == 0xe2) |
               (c == 0xe3) | (c == 0xef) | (c == 0xf0);
    }
    return any;
}

static int is_ascii(const uint8_t *bytes)
{
    uint64_t words[8], all = 0;
    memcpy(words, bytes, sizeof words);
    for (int i = 0; i < 8; i++) all |= words[i];
    return (all & 0x8080808080808080u) == 0;
}

size_t kernel_next_fold(const uint8_t *bytes, size_t from, size_t length)
{
    uint8_t to;
    for (size_t i = from; i < length;) {
        const size_t end = length - i < 64 ? length : i + 64;
        if (end == i + 64 && (is_ascii(bytes + i) || !any_may_fold(bytes + i))) i = end;
        for (; i < end; i++)
            if (may_fold[bytes[i]] && fold_of(bytes + i, length - i, &to)) return i;
    }
    return length;
}

/* Bytes of the character at i that is folded, or 0; *to: what it becomes, NO_WIDTH: nothing. */
static size_t step(const uint8_t *bytes, size_t i, size_t length, uint8_t no_width, uint8_t *to)
{
    const size_t size = may_fold[bytes[i]] ? fold_of(bytes + i, length - i, to) : 0;
    if (size && *to == NO_WIDTH) *to = no_width;
    return size;
}

size_t kernel_fold_text(const uint8_t *bytes, size_t length, uint8_t no_width, uint8_t *out)
{
    size_t count = 0;
    for (size_t i = 0; i < length;) {
        uint8_t to;
        const size_t size = step(bytes, i, length, no_width, &to);
        if (size == 0)
            out[count++] = bytes[i];
        else if (to != NO_WIDTH)
            out[count++] = to;
        i += size ? size : 1;
    }
    return count;
}

size_t kernel_unfold(const uint8_t *bytes, size_t length, size_t from, uint8_t no_width, size_t count)
{
    for (size_t i = from; i < length;) {
        uint8_t to;
        const size_t size = step(bytes, i, length, no_width, &to);
        if ((size == 0 || to != NO_WIDTH) && count-- == 0) return i;
        i += size ? size : 1;
    }
    return length;
}
