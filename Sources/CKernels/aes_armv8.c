/* AES with the AES instructions of arm64, eight blocks in flight. */
#include "aes.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#pragma clang attribute push(__attribute__((target("aes"))), apply_to = function)

#define INLINE static inline __attribute__((always_inline))

/* AESE adds the key before the substitution, so the last key is left for an exclusive or. */
INLINE void encrypt(const kernel_aes_key *key, uint8x16_t *x, const int count)
{
    for (uint32_t r = 0; r + 1 < key->rounds; r++) {
        const uint8x16_t k = vld1q_u8(key->round_keys[r]);
        for (int i = 0; i < count; i++) x[i] = vaesmcq_u8(vaeseq_u8(x[i], k));
    }
    const uint8x16_t k = vld1q_u8(key->round_keys[key->rounds - 1]), last = vld1q_u8(key->round_keys[key->rounds]);
    for (int i = 0; i < count; i++) x[i] = veorq_u8(vaeseq_u8(x[i], k), last);
}

static void blocks(const kernel_aes_key *key, const uint8_t *in, uint8_t *out, size_t count)
{
    size_t at = 0;
    uint8x16_t x[8];
    for (; at + 8 <= count; at += 8) {
        for (size_t i = 0; i < 8; i++) x[i] = vld1q_u8(in + 16 * (at + i));
        encrypt(key, x, 8);
        for (size_t i = 0; i < 8; i++) vst1q_u8(out + 16 * (at + i), x[i]);
    }
    for (; at < count; at++) {
        x[0] = vld1q_u8(in + 16 * at);
        encrypt(key, x, 1);
        vst1q_u8(out + 16 * at, x[0]);
    }
}

static void chain(const kernel_aes_key *key, uint8_t state[16], const uint8_t *data, size_t count)
{
    uint8x16_t x = vld1q_u8(state);
    for (size_t i = 0; i < count; i++) {
        x = veorq_u8(x, vld1q_u8(data + 16 * i));
        encrypt(key, &x, 1);
    }
    vst1q_u8(state, x);
}

INLINE void cmac(const kernel_cmac_key *key, const struct lane *lanes, uint32_t block_count, uint8_t *out)
{
    uint8x16_t x[8];
    uint8_t last[8][16];
    const size_t at = 16 * ((size_t)block_count - 1);
    for (int i = 0; i < 8; i++) {
        cmac_last_block(key, lanes[i].bytes + at, lanes[i].length - at, last[i]);
        x[i] = vdupq_n_u8(0);
    }
    for (size_t from = 0; from < at; from += 16) {
        for (int i = 0; i < 8; i++) x[i] = veorq_u8(x[i], vld1q_u8(lanes[i].bytes + from));
        encrypt(&key->aes, x, 8);
    }
    for (int i = 0; i < 8; i++) x[i] = veorq_u8(x[i], vld1q_u8(last[i]));
    encrypt(&key->aes, x, 8);
    for (int i = 0; i < 8; i++) vst1q_u8(out + 16 * (size_t)lanes[i].row, x[i]);
}

static void cmac_group(const kernel_cmac_key *key, const struct lane *lanes, size_t count, uint32_t block_count,
                       uint8_t *out)
{
    size_t i = 0;
    for (; i + 8 <= count; i += 8) cmac(key, lanes + i, block_count, out);
    if (i == count) return;
    /* The last ones: repeat the final value in the free lanes; it writes the same digest again. */
    struct lane rest[8];
    for (size_t l = 0; l < 8; l++) rest[l] = lanes[i + l < count ? i + l : count - 1];
    cmac(key, rest, block_count, out);
}

#pragma clang attribute pop

const struct aes_version aes_armv8 = {blocks, chain, cmac_group};

#endif
