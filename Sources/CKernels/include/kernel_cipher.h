/* AES (FIPS 197) and what is built on it: AES-CMAC (SP 800-38B, RFC 4493) of whole columns.
 *
 * Keys are expanded once; whoever has an expanded key has the key: keep it in locked memory, wipe it after use.
 * Every level writes the same bytes; the plain one is bit-sliced, without tables. Time depends on lengths, nulls and the
 * number of rows, never on the bytes of keys or values. Nothing allocates, keeps a pointer or reads outside a value. */
#ifndef KERNEL_CIPHER_H
#define KERNEL_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t round_keys[15][16];
    uint32_t rounds; /* 10, 12 or 14 */
} kernel_aes_key;

/* Expands a key of 16, 24 or 32 bytes. False for any other size. */
bool kernel_aes_key_expand(kernel_aes_key *key, const uint8_t *bytes, size_t count);
void kernel_aes_key_wipe(kernel_aes_key *key);

/* Encrypts `blocks` independent blocks of 16 bytes (as ECB does; a building block, not a mode to publish with).
 * in and out are equal or do not overlap. */
void kernel_aes_blocks(const kernel_aes_key *key, const uint8_t *in, uint8_t *out, size_t blocks);

enum { KERNEL_CMAC_BYTES = 16 };

typedef struct {
    kernel_aes_key aes;
    uint8_t k1[16], k2[16]; /* subkeys of SP 800-38B */
} kernel_cmac_key;

/* Key of 16, 24 or 32 bytes (32 is what the documents promise); false for any other size. */
bool kernel_cmac_aes_key(kernel_cmac_key *key, const uint8_t *bytes, size_t count);
void kernel_cmac_key_wipe(kernel_cmac_key *key);

/* CMACs of `rows` values in Arrow layout, 16 bytes each; arguments as in kernel_hmac_sha256_i32 (kernel_hash.h).
 * A null gives 16 zero bytes. A value of one block or less is a permutation of its padded bytes: the holder of the key
 * can compute the value back from the whole digest, which HMAC does not allow.
 * Cost: about 10 to 15 cycles a value of at most 32 bytes with VAES, 50 with AES-NI. */
void kernel_cmac_aes_i32(const kernel_cmac_key *key, const uint8_t *bytes, const int32_t *offsets,
                         const uint8_t *validity, size_t rows, uint8_t *out);
void kernel_cmac_aes_i64(const kernel_cmac_key *key, const uint8_t *bytes, const int64_t *offsets,
                         const uint8_t *validity, size_t rows, uint8_t *out);
void kernel_cmac_aes_fixed(const kernel_cmac_key *key, const uint8_t *bytes, size_t width, const uint8_t *validity,
                           size_t rows, uint8_t *out);

/* The plain version, same contract. */
void reference_cmac_aes_i32(const kernel_cmac_key *key, const uint8_t *bytes, const int32_t *offsets,
                            const uint8_t *validity, size_t rows, uint8_t *out);

#endif
