#include "hash.h"

void kernel_hmac_sha256_key(kernel_hmac_key *key, const uint8_t *bytes, size_t count)
{
    uint8_t padded[64] = {0}, block[128];
    if (count > 64) {
        uint32_t state[8];
        memcpy(state, hash_initial, sizeof state);
        const size_t whole = count / 64, left = count % 64, last = left > 55 ? 128 : 64;
        hash_plain.stream(state, bytes, whole);
        memset(block, 0, sizeof block);
        memcpy(block, bytes + 64 * whole, left);
        block[left] = 0x80;
        const uint64_t bits = __builtin_bswap64((uint64_t)count * 8);
        memcpy(block + last - 8, &bits, 8);
        hash_plain.stream(state, block, last / 64);
        for (int i = 0; i < 8; i++) store_be32(padded + 4 * i, state[i]);
        wipe(state, sizeof state);
    } else if (count > 0) {
        memcpy(padded, bytes, count);
    }
    memcpy(key->inner, hash_initial, sizeof key->inner);
    memcpy(key->outer, hash_initial, sizeof key->outer);
    for (int i = 0; i < 64; i++) block[i] = padded[i] ^ 0x36;
    hash_plain.stream(key->inner, block, 1);
    for (int i = 0; i < 64; i++) block[i] = padded[i] ^ 0x5C;
    hash_plain.stream(key->outer, block, 1);
    wipe(padded, sizeof padded);
    wipe(block, sizeof block);
}

void kernel_hmac_key_wipe(kernel_hmac_key *key) { wipe(key, sizeof *key); }
