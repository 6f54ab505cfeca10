/* Finds structured identifiers in free text by their form and check digits: no model, no names, no places.
 *
 * docs/verbs.md (`redact`) states the forms of the six kinds: e-mail, phone, IBAN, payment card, US SSN, IP address. Form and
 * check digits decide; behind a finding the text goes on as if it began there.
 * Cost is linear: every attempt looks at a bounded
 * number of bytes. Nothing is allocated, no pointer kept. */
#ifndef KERNEL_REDACT_H
#define KERNEL_REDACT_H

#include <stddef.h>
#include <stdint.h>

enum {
    KERNEL_ENTITY_EMAIL = 1,
    KERNEL_ENTITY_PHONE = 2,
    KERNEL_ENTITY_IBAN = 4,
    KERNEL_ENTITY_CARD = 8,
    KERNEL_ENTITY_SSN = 16,
    KERNEL_ENTITY_IP = 32
};

typedef struct {
    uint32_t start, end; /* bytes of the text, end not included */
    uint32_t kind;       /* one of KERNEL_ENTITY_… */
} kernel_entity;

/* Writes the identifiers of the `wanted` kinds (a sum of KERNEL_ENTITY_…), ascending and without overlap, at most
 * `capacity` of them; returns how many. A text of n bytes holds at most n / 4 + 1. */
size_t kernel_find_entities(const uint8_t *bytes, size_t length, uint32_t wanted, kernel_entity *out, size_t capacity);

typedef struct {
    uint32_t row;
    uint32_t start, end; /* bytes of the row's text, end not included */
    uint32_t kind;
} kernel_row_entity;

/* What kernel_find_entities finds in each row of a column, rows ascending: writes the first `capacity`, returns how many
 * there are. A scan over the bytes of all rows at once finds the few places that can be one; only these are looked at.
 * Cost on Zen 4, AVX-512 or AVX2, core cycles a byte of prose: 0.4 without identifiers or numbers (a copy: 0.3), 0.5 with an
 * identifier in one row of twenty, 1.8 with a number in each row too, 3.5 with an identifier in each; row by row 43.
 * offsets: rows + 1; validity: LSB-first bits, NULL: no row is null; nothing is found in null rows, whatever their bytes. */
size_t kernel_find_entities_i32(const uint8_t *bytes, const int32_t *offsets, const uint8_t *validity, size_t rows,
                                uint32_t wanted, kernel_row_entity *out, size_t capacity);

/* The scan alone: a bit for each of `count` bytes, 1 where an identifier may begin and where an @ is.
 * starts: a bit for each byte, 1 where a row begins. starts, out: (count + 63) / 64 words, bits from the lowest. */
void kernel_entity_candidates(const uint8_t *bytes, size_t count, const uint64_t *starts, uint32_t wanted,
                              uint64_t *out);

/* ---- Typography ---- */

/* The search knows ASCII forms. A text with other blanks, hyphens, digits or full-width forms is folded first.
 * All are linear; none looks behind `length`. */

/* Where the first character that is folded begins, from `from` on; `length`: none. Cost on ASCII: a load of each byte. */
size_t kernel_next_fold(const uint8_t *bytes, size_t from, size_t length);

/* Writes the folded text and returns its bytes, at most `length`. no_width: what stands for a character without width; 0:
 * nothing does. out may be bytes itself. */
size_t kernel_fold_text(const uint8_t *bytes, size_t length, uint8_t no_width, uint8_t *out);

/* Where in `bytes` the folded byte comes from that `count` others stand before, counted from `from` on, where one comes from. */
size_t kernel_unfold(const uint8_t *bytes, size_t length, size_t from, uint8_t no_width, size_t count);

/* Check digits of structured values. digits: ASCII digits only. */
int kernel_is_luhn(const uint8_t *digits, size_t count);

/* An IBAN without spaces, upper case: known country, its length, remainder 1 modulo 97. */
int kernel_is_iban(const uint8_t *text, size_t length);

#endif
