/* Which characters of a value format-preserving encryption replaces: takes them out of a column as digits, and puts other
 * digits back in their places. The cipher itself is in kernel_ff1.h; these two do the same for both of its directions.
 *
 * A value's characters are its UTF-8 characters without the separators, which keep their places. The first `keep_first` and
 * the last `keep_last` of them stay; those between are encrypted and belong to the alphabet, one byte each.
 * Check digits: with KERNEL_FORMAT_LUHN the last of those between is no digit of the cipher's but makes the whole a Luhn
 * number (ISO/IEC 7812-1); with KERNEL_FORMAT_MOD97 the third and fourth character are the check digits of an IBAN
 * (ISO 13616, ISO 7064 MOD 97-10), and keep_first is at least 4. A value whose own check digits are wrong is not done.
 *
 * No kernel here meets a key, allocates, keeps a pointer or reads outside a value. Columns are in Arrow layout, arguments
 * as in kernel_hmac_sha256_i32 (kernel_hash.h). Time depends on lengths, nulls and on which bytes are separators;
 * a value's own bytes index tables of 256 entries, so it is not constant in the value. */
#ifndef KERNEL_FORMAT_H
#define KERNEL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KERNEL_FORMAT_UNCHECKED = 0, KERNEL_FORMAT_LUHN = 1, KERNEL_FORMAT_MOD97 = 2 };

typedef struct {
    uint8_t digit[256];    /* of a byte: 0 … radix - 1, or one of the two below */
    uint8_t alphabet[256]; /* the byte of a digit */
    uint32_t keep_first, keep_last;
    uint32_t least, most; /* how many digits a value may have */
    uint32_t check;
} kernel_format;

enum { KERNEL_FORMAT_SEPARATOR = 254, KERNEL_FORMAT_OUTSIDE = 255 };

/* alphabet: 2 to 128 different bytes below 128, the byte of digit 0 first. separators: bytes below 128 that are not of the
 * alphabet. False when one of these does not hold. */
bool kernel_format_make(kernel_format *format, const uint8_t *alphabet, size_t radix, const uint8_t *separators,
                        size_t separator_count, uint32_t keep_first, uint32_t keep_last, uint32_t least, uint32_t most,
                        uint32_t check);

/* What became of a row. */
enum {
    KERNEL_FORMAT_DONE = 0,         /* also a null, and an empty value, which has no digits and stays */
    KERNEL_FORMAT_NOT_ALPHABET = 1, /* a character between those that stay is not of the alphabet */
    KERNEL_FORMAT_SHORT = 2,        /* fewer than `least` digits */
    KERNEL_FORMAT_LONG = 3,         /* more than `most` */
    KERNEL_FORMAT_WRONG_CHECK = 4   /* the check digits are wrong, or it is no number that has any */
};

/* Row i's digits (values 0 … radix - 1) are digits[digit_offsets[i] .. digit_offsets[i + 1]); none for a null or a row that
 * is not done. digits: offsets[rows] - offsets[0] bytes are enough; digit_offsets: rows + 1; status: rows bytes.
 * Returns how many rows were not done. */
size_t kernel_format_gather_i32(const kernel_format *format, const uint8_t *bytes, const int32_t *offsets,
                                const uint8_t *validity, size_t rows, uint8_t *digits, int32_t *digit_offsets,
                                uint8_t *status);

/* Each value with these digits in the places that its own were gathered from, and check digits that fit.
 * out: offsets[rows] - offsets[0] bytes are enough; out_offsets: rows + 1, the first is 0; a null or a row that is not done
 * takes no bytes. Returns the bytes written. */
size_t kernel_format_scatter_i32(const kernel_format *format, const uint8_t *bytes, const int32_t *offsets, size_t rows,
                                 const uint8_t *digits, const int32_t *digit_offsets, const uint8_t *status,
                                 uint8_t *out, int32_t *out_offsets);

/* Places in ascending order: place[i] is how many of the `count` numbers come before numbers[i] (equal ones: the earlier
 * index first), index_at its inverse. scratch: `count` elements. */
void kernel_format_places(const uint64_t *numbers, size_t count, uint32_t *place, uint32_t *index_at,
                          uint32_t *scratch);

#endif
