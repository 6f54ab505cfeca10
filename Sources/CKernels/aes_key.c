/* Key schedules. Once per key, so always the plain way. */
#include "aes.h"

bool kernel_aes_key_expand(kernel_aes_key *key, const uint8_t *bytes, size_t count)
{
    if (count != 16 && count != 24 && count != 32) return false;
    const uint32_t words = (uint32_t)count / 4, total = 4 * (words + 7);
    uint32_t w[60], constant = 1;
    memcpy(w, bytes, count);
    for (uint32_t i = words; i < total; i++) { /* little-endian words: RotWord turns the other way round */
        uint32_t t = w[i - 1];
        if (i % words == 0) {
            t = aes_plain_substitute(t >> 8 | t << 24) ^ constant;
            constant = constant << 1 ^ (constant >> 7) * 0x11B;
        } else if (words > 6 && i % words == 4) {
            t = aes_plain_substitute(t);
        }
        w[i] = w[i - words] ^ t;
    }
    memset(key, 0, sizeof *key);
    memcpy(key->round_keys, w, 4 * total);
    key->rounds = words + 6;
    wipe(w, sizeof w);
    return true;
}

void kernel_aes_key_wipe(kernel_aes_key *key) { wipe(key, sizeof *key); }

bool kernel_cmac_aes_key(kernel_cmac_key *key, const uint8_t *bytes, size_t count)
{
    if (!kernel_aes_key_expand(&key->aes, bytes, count)) return false;
    uint8_t zero[16] = {0};
    aes_plain.blocks(&key->aes, zero, zero, 1);
    aes_double(zero, key->k1);
    aes_double(key->k1, key->k2);
    wipe(zero, sizeof zero);
    return true;
}

void kernel_cmac_key_wipe(kernel_cmac_key *key) { wipe(key, sizeof *key); }
