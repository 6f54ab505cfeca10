/* Inside of redaction: what the searches for the kinds share. docs/verbs.md states the forms. */
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

/* Of two words, so that calls pass it in registers. */
typedef struct {
    const uint8_t *bytes;
    uint32_t length;
    uint32_t floor; /* end of the last finding: behind it the text goes on as if it began there */
} text;

/* The byte at i, or 0 outside. */
static inline uint8_t at(text t, size_t i) { return i < t.length ? t.bytes[i] : 0; }
static inline uint8_t before(text t, size_t i, size_t by) { return i >= t.floor + by ? t.bytes[i - by] : 0; }

/* Position i follows an escape such as `\n`, as JSON text has it: the letter is no part of what comes. */
static inline int follows_escape(text t, size_t i)
{
    uint8_t c = before(t, i, 1);
    return (c == 'n' || c == 'r' || c == 't' || c == 'b' || c == 'f') && before(t, i, 2) == '\\';
}

/* No letter or digit touches position i from the left. */
static inline int starts_word(text t, size_t i) { return !is_alnum(before(t, i, 1)) || follows_escape(t, i); }

/* A run of digits starts at i. */
static inline int starts_digits(text t, size_t i) { return is_digit(at(t, i)) && !is_digit(before(t, i, 1)); }

/* The gap between two groups of digits at i: one or two blanks; a hyphen, alone or between blanks; a dot. Its length,
 * or 0; *mark: ' ', '-' or '.'. */
static inline size_t gap(text t, size_t i, uint8_t *mark)
{
    const int blanks = at(t, i) != ' ' ? 0 : at(t, i + 1) != ' ' ? 1 : 2;
    const uint8_t c = at(t, i + (size_t)blanks);
    if (c == '-' && blanks < 2) {
        const int closed = at(t, i + (size_t)blanks + 1) == ' ';
        if (blanks == closed) {
            *mark = '-';
            return (size_t)(1 + 2 * blanks);
        }
    }
    if (c == '.' && blanks == 0) {
        *mark = '.';
        return 1;
    }
    *mark = ' ';
    return (size_t)blanks;
}

/* The line break at i, with at most one blank before and behind: its length, or 0. */
static inline size_t line_break(text t, size_t i)
{
    size_t end = i;
    if (at(t, end) == ' ') end++;
    if (at(t, end) == '\r') end++;
    if (at(t, end) != '\n') return 0;
    end++;
    return at(t, end) == ' ' ? end + 1 - i : end - i;
}

/* Three, two and four digits with two gaps of the same mark between them, whatever they are: the end, or start. */
size_t redact_ssn_groups(text t, size_t start, uint8_t digits[9], uint8_t *mark);

/* Words in lower case that tell what a number near them is. `firsts`: a bit for each letter that one begins with. */
typedef struct {
    uint32_t firsts;
    const char *list[12]; /* NULL behind the last */
} redact_words;
#define FIRST(letter) ((uint32_t)1 << ((letter) - 'a'))

/* One of the words stands wholly within bytes `from` to `to`, whatever its case. */
int redact_word_within(text t, size_t from, size_t to, const redact_words *words);

/* One of the words is among the `window` bytes before `start`. */
static inline int redact_word_before(text t, size_t start, size_t window, const redact_words *words)
{
    return redact_word_within(t, start > window ? start - window : 0, start, words);
}

/* ---- The kinds: what starts at a position, its end, or 0 ---- */

/* The address around the @ at `mark`, not before the floor: its end, or 0. */
size_t redact_find_email(text t, size_t mark, kernel_entity *out);
/* What ends at `end` reaches into the address around the @ at `mark`: shortens the address to what is left of it. False, and
 * the address stays, when nothing of its local part is. */
int redact_shorten_email(text t, size_t end, size_t mark, kernel_entity *email);
size_t redact_match_iban(text t, size_t start);
size_t redact_match_card(text t, size_t start);
size_t redact_match_ssn(text t, size_t start);
size_t redact_match_ipv4(text t, size_t start);
size_t redact_match_ipv6(text t, size_t start);
size_t redact_match_phone(text t, size_t start);

/* A card of a known network in its usual form. */
size_t redact_match_usual_card(text t, size_t start);
/* A card in its usual form, an SSN in groups or an IPv4 address: a phone number ends before it. */
size_t redact_match_surer(text t, size_t start);

/* What starts at i, e-mail apart: its end, or 0. */
size_t redact_match(text t, size_t i, uint32_t wanted, uint32_t *kind);

/* End of a run of three or more groups of four digits, as cards are written, that starts at i; or i. Without the check
 * digit it is no card, and its groups are no phone numbers either. It ends before what is surer. */
size_t redact_run_of_fours(text t, size_t i);

/* Something may start at i. */
static inline int redact_is_start(text t, size_t i)
{
    const uint8_t c = t.bytes[i];
    return c == '(' || c == '+' || c == ':' || is_alpha(c) || starts_digits(t, i);
}

#endif
