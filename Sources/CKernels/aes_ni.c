/* AES with the AES instructions of x86-64, eight blocks in flight; 128-bit instructions only, see cpu.h. */
#include "aes.h"

#if defined(__x86_64__)
#include "cpu.h"

#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("aes,sse4.1,ssse3"))), apply_to = function)

#define INLINE static inline __attribute__((always_inline))

INLINE __m128i load(const void *bytes) { return _mm_loadu_si128(bytes); }

INLINE void encrypt(const kernel_aes_key *key, __m128i *x, const int count)
{
    __m128i k = load(key->round_keys[0]);
    for (int i = 0; i < count; i++) x[i] = _mm_xor_si128(x[i], k);
    for (uint32_t r = 1; r < key->rounds; r++) {
        k = load(key->round_keys[r]);
        for (int i = 0; i < count; i++) x[i] = _mm_aesenc_si128(x[i], k);
    }
    k = load(key->round_keys[key->rounds]);
    for (int i = 0; i < count; i++) x[i] = _mm_aesenclast_si128(x[i], k);
}

static void blocks(const kernel_aes_key *key, const uint8_t *in, uint8_t *out, size_t count)
{
    cpu_clear_upper_halves();
    size_t at = 0;
    __m128i x[8];
    for (; at + 8 <= count; at += 8) {
        for (size_t i = 0; i < 8; i++) x[i] = load(in + 16 * (at + i));
        encrypt(key, x, 8);
        for (size_t i = 0; i < 8; i++) _mm_storeu_si128((__m128i *)(out + 16 * (at + i)), x[i]);
    }
    for (; at < count; at++) {
        x[0] = load(in + 16 * at);
        encrypt(key, x, 1);
        _mm_storeu_si128((__m128i *)(out + 16 * at), x[0]);
    }
}

static void chain(const kernel_aes_key *key, uint8_t state[16], const uint8_t *data, size_t count)
{
    cpu_clear_upper_halves();
    __m128i x = load(state);
    for (size_t i = 0; i < count; i++) {
        x = _mm_xor_si128(x, load(data + 16 * i));
        encrypt(key, &x, 1);
    }
    _mm_storeu_si128((__m128i *)state, x);
}

INLINE void cmac(const kernel_cmac_key *key, const struct lane *lanes, uint32_t block_count, uint8_t *out,
                 const int count)
{
    __m128i x[8];
    uint8_t last[8][16];
    const size_t at = 16 * ((size_t)block_count - 1);
    for (int i = 0; i < count; i++) {
        cmac_last_block(key, lanes[i].bytes + at, lanes[i].length - at, last[i]);
        x[i] = _mm_setzero_si128();
    }
    for (size_t from = 0; from < at; from += 16) {
        for (int i = 0; i < count; i++) x[i] = _mm_xor_si128(x[i], load(lanes[i].bytes + from));
        encrypt(&key->aes, x, count);
    }
    for (int i = 0; i < count; i++) x[i] = _mm_xor_si128(x[i], load(last[i]));
    encrypt(&key->aes, x, count);
    for (int i = 0; i < count; i++) _mm_storeu_si128((__m128i *)(out + 16 * (size_t)lanes[i].row), x[i]);
}

static void cmac_group(const kernel_cmac_key *key, const struct lane *lanes, size_t count, uint32_t block_count,
                       uint8_t *out)
{
    cpu_clear_upper_halves();
    size_t i = 0;
    for (; i + 8 <= count; i += 8) cmac(key, lanes + i, block_count, out, 8);
    if (i == count) return;
    /* The last ones: repeat the final value in the free lanes; it writes the same digest again. */
    struct lane rest[8];
    for (size_t l = 0; l < 8; l++) rest[l] = lanes[i + l < count ? i + l : count - 1];
    cmac(key, rest, block_count, out, 8);
}

#pragma clang attribute pop

const struct aes_version aes_ni = {blocks, chain, cmac_group};

#endif
