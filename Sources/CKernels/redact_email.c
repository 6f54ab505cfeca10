/* E-mail addresses in text (RFC 5322, RFC 6531), found around their @. */
#include "redact.h"

#include <string.h>

enum { longest_local = 256, longest_domain = 255 };

/* Code points that are no letters, above U+007F: punctuation, symbols, blanks, private use. */
static int is_letter(uint32_t c)
{
    static const uint32_t others[][2] = {
        {0x80, 0xa9},     {0xab, 0xb4},     {0xb6, 0xb9},       {0xbb, 0xbf},        {0xd7, 0xd7},     {0xf7, 0xf7},
        {0x589, 0x58a},   {0x5be, 0x5be},   {0x60c, 0x60d},     {0x61b, 0x61f},      {0x66a, 0x66d},   {0x6d4, 0x6d4},
        {0x964, 0x965},   {0x2000, 0x2bff}, {0x2e00, 0x2e7f},   {0x3000, 0x3004},    {0x3008, 0x3020}, {0x3030, 0x3030},
        {0x30fb, 0x30fb}, {0xe000, 0xf8ff}, {0xfe10, 0xfe6f},   {0xfeff, 0xff0f},    {0xff1a, 0xff20}, {0xff3b, 0xff40},
        {0xff5b, 0xff65}, {0xffe0, 0xffff}, {0x1f000, 0x1faff}, {0xe0000, 0x10ffff},
    };
    size_t low = 0, high = sizeof others / sizeof others[0];
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (others[middle][1] < c)
            low = middle + 1;
        else
            high = middle;
    }
    return low == sizeof others / sizeof others[0] || c < others[low][0];
}

/* Bytes of the letter beyond ASCII at i, or 0. */
static size_t wide_letter(text t, size_t i)
{
    const uint8_t lead = at(t, i);
    const size_t length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (length == 0) return 0;
    uint32_t c = lead & (0xffu >> (length + 1));
    for (size_t k = 1; k < length; k++) {
        if ((at(t, i + k) & 0xc0) != 0x80) return 0;
        c = c << 6 | (at(t, i + k) & 0x3fu);
    }
    return is_letter(c) ? length : 0;
}

/* Bytes of the letter beyond ASCII that ends before i, or 0. */
static size_t wide_letter_before(text t, size_t i)
{
    size_t length = 1;
    while (length < 4 && (before(t, i, length) & 0xc0) == 0x80) length++;
    return before(t, i, length) >= 0xc2 && wide_letter(t, i - length) == length ? length : 0;
}

static int is_local(uint8_t c)
{
    return is_alnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-' || c == '&' || c == '\'' ||
           c == '~' || c == '/';
}

/* Where the local part in quotes begins that ends before the @ at `mark`, or `mark`. The quotes may be escaped as JSON or CSV
 * text has them: `\"` or `""`. */
static size_t quoted_start(text t, size_t mark)
{
    if (before(t, mark, 1) != '"') return mark;
    const uint8_t escape = before(t, mark, 2);
    const size_t width = escape == '\\' || escape == '"' ? 2 : 1;
    for (size_t back = width + 2; back <= longest_local; back++) {
        const uint8_t c = before(t, mark, back);
        if (c == 0 || c == '\n' || c == '\r') return mark;
        if (c != '"') continue;
        if (width == 2) {
            if (before(t, mark, back + 1) == escape) return mark - back - 1;
        } else if (before(t, mark, back + 1) != '\\') {
            return mark - back;
        }
    }
    return mark;
}

static size_t local_start(text t, size_t mark)
{
    const size_t quoted = quoted_start(t, mark);
    if (quoted != mark) return quoted;
    const size_t limit = mark > t.floor + longest_local ? mark - longest_local : t.floor;
    size_t i = mark;
    while (i > limit) {
        const size_t wide = is_local(t.bytes[i - 1]) ? 1 : wide_letter_before(t, i);
        if (wide == 0 || i < limit + wide) break;
        i -= wide;
    }
    while (i < mark && !is_alnum(t.bytes[i]) && t.bytes[i] != '_' && !wide_letter(t, i)) i++;
    if (i + 1 < mark && follows_escape(t, i + 1)) i++;
    return i;
}

/* End of the label at i. *letters: how many letters it begins with. */
static size_t label_end(text t, size_t i, size_t limit, size_t *letters)
{
    const size_t start = i;
    size_t first_other = 0;
    while (i < limit) {
        const size_t wide = wide_letter(t, i);
        if (!wide && !is_alnum(t.bytes[i]) && t.bytes[i] != '-') break;
        if (!wide && !is_alpha(t.bytes[i]) && !first_other) first_other = i + 1;
        i += wide ? wide : 1;
    }
    *letters = (first_other ? first_other - 1 : i) - start;
    return i;
}

/* End of the domain that starts at i, or i when there is none. A label that an @ follows belongs to the next address. */
static size_t domain_end(text t, size_t i)
{
    const size_t limit = i + longest_domain < t.length ? i + longest_domain : t.length;
    size_t end = i, cut = i; /* behind a whole label; before a hyphen */
    for (int labels = 1; i < limit; labels++) {
        size_t letters;
        const size_t label = i;
        i = label_end(t, i, limit, &letters);
        size_t stop = i;
        while (stop > label && t.bytes[stop - 1] == '-') stop--;
        if (stop == label) break;
        const int last = stop != i || at(t, i) != '.', other = at(t, i) == '@';
        const int puny = stop - label > 4 && memcmp(t.bytes + label, "xn--", 4) == 0;
        if (labels >= 2) {
            if (!other && (puny || (letters >= 2 && label + letters == stop))) end = stop;
            if (letters >= 2 && at(t, label + letters) == '-') cut = label + letters;
            /* `b.org-c@d.org`: letters before a hyphen end the domain where another address or nothing follows. */
            if (cut > end && (other || (last && cut > label))) end = cut;
        }
        if (last) break;
        i++;
    }
    return end;
}

size_t redact_find_email(text t, size_t mark, kernel_entity *out)
{
    const size_t start = local_start(t, mark), end = domain_end(t, mark + 1);
    if (start == mark || end == mark + 1) return 0;
    *out = (kernel_entity){(uint32_t)start, (uint32_t)end, KERNEL_ENTITY_EMAIL};
    return end;
}

int redact_shorten_email(text t, size_t end, size_t mark, kernel_entity *email)
{
    kernel_entity rest;
    t.floor = (uint32_t)end;
    if (end >= mark || !redact_find_email(t, mark, &rest)) return 0;
    *email = rest;
    return 1;
}
