/* SHA256_Transform, the one-block step that `crypto_hmac_sha256` builds on, carries a deprecation mark in OpenSSL 3. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* HMAC-SHA-256 with the two key blocks hashed beforehand, over a whole column. Not to be had from Swift: a call a value
 * through EVP costs several times the two compressions that a short value needs. */

/* The states after the inner and the outer key block. As secret as the key itself. */
typedef struct {
    uint32_t inner[8], outer[8];
} crypto_hmac_key;

static inline void crypto_sha256_start(SHA256_CTX *context, const uint32_t state[8])
{
    SHA256_Init(context);
    memcpy(context->h, state, 32);
}

static inline void crypto_store_state(const uint32_t state[8], uint8_t out[32])
{
    for (int i = 0; i < 8; i++) {
        out[4 * i] = (uint8_t)(state[i] >> 24);
        out[4 * i + 1] = (uint8_t)(state[i] >> 16);
        out[4 * i + 2] = (uint8_t)(state[i] >> 8);
        out[4 * i + 3] = (uint8_t)state[i];
    }
}

/* Prepares a key of 32 bytes. */
static inline void crypto_hmac_prepare(crypto_hmac_key *prepared, const uint8_t key[32])
{
    uint8_t block[64];
    SHA256_CTX context;
    for (int pass = 0; pass < 2; pass++) {
        memset(block, pass ? 0x5c : 0x36, 64);
        for (int i = 0; i < 32; i++) block[i] ^= key[i];
        SHA256_Init(&context);
        SHA256_Transform(&context, block);
        memcpy(pass ? prepared->outer : prepared->inner, context.h, 32);
    }
    OPENSSL_cleanse(block, 64);
    OPENSSL_cleanse(&context, sizeof context);
}

/* The digest of one value of `length` bytes (`bytes` may be NULL when it is 0). */
static inline void crypto_hmac_sha256(const crypto_hmac_key *key, const uint8_t *bytes, size_t length, uint8_t out[32])
{
    SHA256_CTX context;
    uint8_t block[128];
    uint64_t bits = ((uint64_t)length + 64) * 8;
    crypto_sha256_start(&context, key->inner);
    while (length >= 64) {
        SHA256_Transform(&context, bytes);
        bytes += 64;
        length -= 64;
    }
    size_t padded = length < 56 ? 64 : 128;
    memset(block, 0, padded);
    if (length > 0) memcpy(block, bytes, length);
    block[length] = 0x80;
    for (int i = 0; i < 8; i++) block[padded - 1 - i] = (uint8_t)(bits >> (8 * i));
    SHA256_Transform(&context, block);
    if (padded == 128) SHA256_Transform(&context, block + 64);
    memset(block, 0, 64);
    crypto_store_state(context.h, block);
    block[32] = 0x80;
    block[62] = 0x03; /* (64 + 32) * 8 = 768 bits */
    memcpy(context.h, key->outer, 32);
    SHA256_Transform(&context, block);
    crypto_store_state(context.h, out);
}

/* Digests of the values of a column in Arrow layout: row i is bytes[offsets[i]] up to bytes[offsets[i + 1]].
 * validity: one bit a row or NULL; rows without a value are skipped, their 32 bytes of `out` stay as they are. */
static inline void crypto_hmac_sha256_column(const crypto_hmac_key *key, const int32_t *offsets, const uint8_t *bytes,
                                             const uint8_t *validity, size_t rows, uint8_t *out)
{
    for (size_t row = 0; row < rows; row++) {
        if (validity && !(validity[row >> 3] >> (row & 7) & 1)) continue;
        crypto_hmac_sha256(key, bytes + offsets[row], (size_t)(offsets[row + 1] - offsets[row]), out + 32 * row);
    }
}
