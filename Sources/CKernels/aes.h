/* Inside of the AES kernels: what a version supplies. */
#ifndef CKERNELS_AES_H
#define CKERNELS_AES_H

#include "bytes.h"
#include "column.h"
#include "kernel_cipher.h"

struct aes_version {
    /* Independent blocks; in and out are equal or apart. */
    void (*blocks)(const kernel_aes_key *key, const uint8_t *in, uint8_t *out, size_t blocks);
    /* CBC-MAC: state = AES(state ^ block) for each block in turn. */
    void (*chain)(const kernel_aes_key *key, uint8_t state[16], const uint8_t *data, size_t blocks);
    /* The whole CMAC of `count` values that have `blocks` blocks each; value i's goes to out + 16 * row. */
    void (*cmac_group)(const kernel_cmac_key *key, const struct lane *lanes, size_t count, uint32_t blocks,
                       uint8_t *out);
};

extern const struct aes_version aes_plain;
#if defined(__x86_64__)
extern const struct aes_version aes_ni, aes_vaes;
#elif defined(__aarch64__)
extern const struct aes_version aes_armv8;
#endif

/* SubBytes of four bytes, without a table: for the key schedule. */
uint32_t aes_plain_substitute(uint32_t word);

void aes_cmac_column(const struct aes_version *version, const kernel_cmac_key *key, const struct column *column,
                     enum offset_kind kind, uint8_t *out);

/* Multiplies by x in GF(2^128), most significant bit first. */
static inline void aes_double(const uint8_t in[16], uint8_t out[16])
{
    const uint64_t high = load_be64(in), low = load_be64(in + 8), carry = high >> 63;
    store_be64(out, high << 1 | low >> 63);
    store_be64(out + 8, low << 1 ^ (0 - carry & 0x87));
}

/* The last block of a CMAC message: what is left of the value (0 to 16 bytes), padded, with the subkey. */
static inline void cmac_last_block(const kernel_cmac_key *key, const uint8_t *bytes, size_t left, uint8_t block[16])
{
    uint64_t words[2] = {0, 0}, subkey[2];
    copy_short((uint8_t *)words, bytes, left);
    if (left < 16) ((uint8_t *)words)[left] = 0x80;
    __builtin_memcpy(subkey, left < 16 ? key->k2 : key->k1, 16);
    words[0] ^= subkey[0], words[1] ^= subkey[1];
    __builtin_memcpy(block, words, 16);
}

#endif
