/* Inside of redaction: what the search in one text and the search in a column share. */
#ifndef CKERNELS_REDACT_H
#define CKERNELS_REDACT_H

#include "kernel_redact.h"

/* ---- Characters ---- */

static inline int is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }
static inline int is_upper(uint8_t c) { return (uint8_t)(c - 'A') < 26; }
static inline int is_alpha(uint8_t c) { return (uint8_t)((c | 0x20) - 'a') < 26; }
static inline int is_alnum(uint8_t c) { return is_digit(c) || is_alpha(c); }
static inline int is_hex(uint8_t c) { return is_digit(c) || (uint8_t)((c | 0x20) - 'a') < 6; }
static inline uint8_t upper(uint8_t c) { return is_alpha(c) ? c & 0xdf : c; }

typedef struct {
    const uint8_t *bytes;
    size_t length;
} text;

/* The byte at i, or 0 outside. */
static inline uint8_t at(text t, size_t i) { return i < t.length ? t.bytes[i] : 0; }
static inline uint8_t before(text t, size_t i, size_t by) { return i >= by ? t.bytes[i - by] : 0; }

/* Position i follows an escape such as `\n`, as JSON text has it: the letter is no part of what comes. */
static inline int follows_escape(text t, size_t i)
{
    uint8_t c = before(t, i, 1);
    return (c == 'n' || c == 'r' || c == 't' || c == 'b' || c == 'f') && before(t, i, 2) == '\\';
}

/* No letter, digit or underscore touches position i from the left. */
static inline int starts_word(text t, size_t i)
{
    return (!is_alnum(before(t, i, 1)) && before(t, i, 1) != '_') || follows_escape(t, i);
}

/* Position i is the tail of a longer number: `3.14`, `2020-01`, `12:30`. */
static inline int continues_number(text t, size_t i)
{
    uint8_t mark = before(t, i, 1);
    return (mark == '.' || mark == '-' || mark == '/' || mark == ':' || mark == ',') && is_digit(before(t, i, 2));
}

/* The address around the @ at `mark`, not before `floor`: its end, or 0. */
size_t redact_find_email(text t, size_t mark, size_t floor, kernel_entity *out);

/* What starts at i, e-mail apart: its end, or 0. i is where a word starts, or is one of + ( and : . */
size_t redact_match(text t, size_t i, uint32_t wanted, uint32_t *kind);

/* End of a run of three or more groups of four digits, as cards are written, that starts at i; or i. Without the check
 * digit it is no card, and its groups are no phone numbers either. */
size_t redact_run_of_fours(text t, size_t i);

/* Something may start at i. */
static inline int redact_is_start(text t, size_t i)
{
    uint8_t c = t.bytes[i];
    return c == '(' || c == '+' || c == ':' || (is_alnum(c) && starts_word(t, i));
}

#endif
