/* Finds structured identifiers in free text by their form and check digits: no model, no names, no places.
 *
 * What is looked for, and what makes it one:
 *   e-mail        local part @ domain with a dot and a last label of letters
 *   phone         + or 00 and 8 to 15 digits; or 7 to 12 digits in groups or with parentheses that are no date, no thousands,
 *                 no ZIP+4; or 10 or 11 digits in one piece with a leading 0 or in the North American form; or 7 to 12 digits
 *                 near a word such as "phone"; an extension (x123) belongs to it
 *   IBAN          two letters, two digits, the length of its country, remainder 1 modulo 97; spaces or hyphens between
 *   payment card  12 to 19 digits with spaces or hyphens between, Luhn, and a known network or the word "card" before it
 *   US SSN        three, two and four digits with hyphens or spaces, no impossible area, group or serial; or nine digits
 *                 after "ssn" or "social security"
 *   IP address    four octets; or IPv6
 * An identifier starts and ends where no letter or digit touches it. Cost is linear: every attempt looks at a bounded
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

/* 0 when no identifier can be there: no digit, no @, no two colons in a row. One pass over the bytes. */
int kernel_may_hold_entity(const uint8_t *bytes, size_t length);

/* Writes the identifiers of the `wanted` kinds (a sum of KERNEL_ENTITY_…), ascending and without overlap, at most
 * `capacity` of them; returns how many. A text of n bytes holds at most n / 5 + 1. */
size_t kernel_find_entities(const uint8_t *bytes, size_t length, uint32_t wanted, kernel_entity *out, size_t capacity);

/* Check digits of structured values. digits: ASCII digits only. */
int kernel_is_luhn(const uint8_t *digits, size_t count);

/* An IBAN without spaces, upper case: known country, its length, remainder 1 modulo 97. */
int kernel_is_iban(const uint8_t *text, size_t length);

#endif
