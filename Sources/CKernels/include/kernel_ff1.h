/* FF1, format-preserving encryption (NIST SP 800-38G), of whole columns of text.
 *
 * Reversible by the holder of the key, deterministic, not authenticated. The caller decides what a value's encrypted
 * characters are (without separators, prefix, check digit); here every byte of a value belongs to the alphabet.
 * Halves are kept as numbers of 64 bits through all rounds where they fit (up to 38 digits, 24 letters or digits); longer
 * values take a slower path. Every level writes the same bytes. Time depends on the lengths, the nulls, the rows and the
 * alphabet, never on keys, values or tweaks. Nothing allocates or keeps a pointer. */
#ifndef KERNEL_FF1_H
#define KERNEL_FF1_H

#include "kernel_cipher.h"

enum {
    KERNEL_FF1_LONGEST = 512,         /* characters of a value */
    KERNEL_FF1_TWEAK_BYTES = 256,     /* longest tweak */
    KERNEL_FF1_LEAST_DOMAIN = 1000000 /* SP 800-38G revision 1, second draft: radix ^ length is at least this */
};

/* Key, alphabet and tweak of a column. Holds an expanded key: treat it as the key, wipe it after use. */
typedef struct {
    kernel_aes_key aes;
    uint32_t radix;
    uint32_t shortest; /* least number of characters whose domain is large enough */
    uint32_t tweak_count;
    uint32_t run_count;
    uint8_t tweak[KERNEL_FF1_TWEAK_BYTES];
    /* The alphabet as runs of consecutive bytes: bytes first … first + count - 1 are digits digit … */
    struct {
        uint16_t first, count, digit;
    } runs[256];
} kernel_ff1_cipher;

/* key: 16, 24 or 32 bytes. alphabet: 2 to 256 different bytes, the byte of digit 0 first. tweak: 0 to 256 bytes, may be
 * NULL when empty; name the column or scope with it. least_domain: KERNEL_FF1_LEAST_DOMAIN, or 100 or more for vectors of
 * the first edition. False, and an empty cipher, when one of these does not hold. */
bool kernel_ff1_cipher_make(kernel_ff1_cipher *cipher, const uint8_t *key, size_t key_count, const uint8_t *alphabet,
                            size_t radix, const uint8_t *tweak, size_t tweak_count, uint64_t least_domain);
void kernel_ff1_cipher_wipe(kernel_ff1_cipher *cipher);

/* What became of a row. */
enum {
    KERNEL_FF1_DONE = 0,    /* encrypted or decrypted; also a null */
    KERNEL_FF1_OUTSIDE = 1, /* a byte is not of the alphabet */
    KERNEL_FF1_SHORT = 2,   /* fewer than `shortest` characters */
    KERNEL_FF1_LONG = 3     /* more than KERNEL_FF1_LONGEST */
};

/* Encrypts (or decrypts) each value of a column in Arrow layout (arguments as in kernel_hmac_sha256_i32).
 * out: offsets[rows] - offsets[0] bytes, overlapping nothing; row i's text goes to out[offsets[i] - offsets[0] …) and has
 * the length of the value. status: `rows` bytes, one of the above. Rows that are null or not done give zero bytes.
 * Returns how many rows were not done.
 * Cost: about 80 cycles for 16 digits with VAES, 190 with AES-NI, per value. */
size_t kernel_ff1_encrypt_i32(const kernel_ff1_cipher *cipher, const uint8_t *bytes, const int32_t *offsets,
                              const uint8_t *validity, size_t rows, uint8_t *out, uint8_t *status);
size_t kernel_ff1_decrypt_i32(const kernel_ff1_cipher *cipher, const uint8_t *bytes, const int32_t *offsets,
                              const uint8_t *validity, size_t rows, uint8_t *out, uint8_t *status);

/* The plain versions: big-number arithmetic for every length, plain AES. Same contract. */
size_t reference_ff1_encrypt_i32(const kernel_ff1_cipher *cipher, const uint8_t *bytes, const int32_t *offsets,
                                 const uint8_t *validity, size_t rows, uint8_t *out, uint8_t *status);
size_t reference_ff1_decrypt_i32(const kernel_ff1_cipher *cipher, const uint8_t *bytes, const int32_t *offsets,
                                 const uint8_t *validity, size_t rows, uint8_t *out, uint8_t *status);

#endif
