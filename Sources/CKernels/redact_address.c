/* IP addresses in text (RFC 791, RFC 4291). */
#include "redact.h"

size_t redact_match_ipv4(text t, size_t start)
{
    size_t i = start;
    /* Five numbers with dots between are a version or a section. */
    if (before(t, i, 1) == '.' && is_digit(before(t, i, 2))) return 0;
    for (int octet = 0; octet < 4; octet++) {
        unsigned value = 0;
        size_t first = i;
        while (is_digit(at(t, i)) && i - first < 3) value = value * 10 + (unsigned)(t.bytes[i++] - '0');
        if (i == first || value > 255) return 0;
        if (octet < 3 && at(t, i++) != '.') return 0;
    }
    if (is_alnum(at(t, i)) || (at(t, i) == '.' && is_digit(at(t, i + 1)))) return 0;
    return i;
}

/* One or two digits and a colon at i are the end of a date: `2026-11-05:`. */
static int is_day(text t, size_t i)
{
    const size_t count = is_digit(at(t, i + 1)) ? 2 : 1;
    const uint8_t mark = before(t, i, 1);
    return is_digit(at(t, i)) && at(t, i + count) == ':' && (mark == '-' || mark == '/' || mark == '.') &&
           is_digit(before(t, i, 2));
}

/* What stands before the colon in front of i belongs to the address: a colon, or a word of one to four hexadecimal digits
 * that is not the end of a date. */
static int continues_groups(text t, size_t i)
{
    if (before(t, i, 1) != ':') return 0;
    size_t count = 0;
    while (count < 5 && is_hex(before(t, i, 2 + count))) count++;
    if (count == 0) return before(t, i, 2) == ':';
    return count <= 4 && !is_alnum(before(t, i, 2 + count)) && !is_day(t, i - 1 - count);
}

size_t redact_match_ipv6(text t, size_t start)
{
    size_t i = start;
    int groups = 0, is_short = 0, has_digit = 0, is_dotted = 0;
    if (at(t, i) == ':' && at(t, i + 1) != ':') return 0;
    if (!starts_word(t, i) || continues_groups(t, i) || is_day(t, i)) return 0;
    for (;;) {
        if (at(t, i) == ':' && at(t, i + 1) == ':') {
            if (is_short) return 0;
            is_short = 1;
            i += 2;
            if (!is_hex(at(t, i))) break;
        } else if (groups > 0) {
            if (at(t, i) != ':' || !is_hex(at(t, i + 1))) break;
            i++;
        }
        size_t end = groups > 0 || is_short ? redact_match_ipv4(t, i) : 0;
        if (end) {
            groups += 2;
            i = end;
            has_digit = is_dotted = 1;
            break;
        }
        size_t first = i;
        while (is_hex(at(t, i)) && i - first < 5) has_digit |= is_digit(t.bytes[i++]);
        if (i == first || i - first > 4) return 0;
        if (++groups > 8) return 0;
    }
    if (is_alnum(at(t, i))) return 0;
    if (at(t, i) == ':' && !is_dotted && (t.bytes[i - 1] == ':' || at(t, i + 1) == ':' || is_hex(at(t, i + 1))))
        return 0;
    if (is_short ? groups > 7 || groups == 0 || (groups < 3 && !has_digit) : groups != 8) return 0;
    return i;
}
