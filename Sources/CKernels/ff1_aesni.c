/* The rounds of FF1 with AES-NI: eight values beside eight others, from number to block to number without leaving registers. */
#include "ff1_reduce.h"

#if defined(__x86_64__)
#include "cpu.h"

#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("aes,sse4.1,ssse3"))), apply_to = function)

#define INLINE static inline __attribute__((always_inline))

/* Eight values on their way through the rounds. */
struct eight {
    uint64_t *a, *b;
    __m128i y[8]; /* the round function's output */
};

/* The round function of round number `step` as it is walked. */
INLINE void encrypt(const struct ff1_plan *plan, const kernel_aes_key *key, struct eight *e, uint32_t step,
                    bool decrypt)
{
    const uint32_t round = decrypt ? FF1_ROUNDS - 1 - step : step;
    const struct ff1_block block = ff1_block_of(plan, round);
    /* The first round key goes into the constant bytes. */
    const uint64_t low = block.low ^ load_be64(key->round_keys[0] + 8);
    const __m128i high = _mm_cvtsi64_si128((long long)__builtin_bswap64(block.high ^ load_be64(key->round_keys[0])));
    const uint64_t *source = decrypt == (step & 1) ? e->b : e->a;
    __m128i x[8];
    for (int i = 0; i < 8; i++)
        x[i] = _mm_unpacklo_epi64(high, _mm_cvtsi64_si128((long long)__builtin_bswap64(low ^ source[i])));
    for (uint32_t r = 1; r < key->rounds; r++) {
        const __m128i k = _mm_loadu_si128((const __m128i *)key->round_keys[r]);
        for (int i = 0; i < 8; i++) x[i] = _mm_aesenc_si128(x[i], k);
    }
    const __m128i k = _mm_loadu_si128((const __m128i *)key->round_keys[key->rounds]);
    for (int i = 0; i < 8; i++) e->y[i] = _mm_aesenclast_si128(x[i], k);
}

/* Takes its output into the other half, which is the source of the next step. */
INLINE void combine(const struct ff1_plan *plan, struct eight *e, uint32_t step, bool decrypt, const bool wide)
{
    const uint32_t odd = (decrypt ? FF1_ROUNDS - 1 - step : step) & 1;
    uint64_t *target = decrypt == (step & 1) ? e->a : e->b;
    for (int i = 0; i < 8; i++) {
        const uint64_t first = __builtin_bswap64((uint64_t)_mm_cvtsi128_si64(e->y[i]));
        const uint64_t next32 = wide ? __builtin_bswap32((uint32_t)_mm_extract_epi32(e->y[i], 2)) : 0;
        target[i] = ff1_combine(target[i], first, next32, plan->modulus[odd], plan->reciprocal[odd], plan->shift[odd],
                                decrypt, wide);
    }
}

/* Sixteen values, eight of them half a step ahead: vector instructions of the ones beside scalar ones of the others. */
INLINE void sixteen(const struct ff1_plan *plan, const kernel_aes_key *key, uint64_t *a, uint64_t *b, bool decrypt,
                    const bool wide)
{
    struct eight ahead = {.a = a, .b = b}, behind = {.a = a + 8, .b = b + 8};
    encrypt(plan, key, &ahead, 0, decrypt);
    for (uint32_t step = 0; step < FF1_ROUNDS; step++) {
        encrypt(plan, key, &behind, step, decrypt);
        combine(plan, &ahead, step, decrypt, wide);
        if (step + 1 < FF1_ROUNDS) encrypt(plan, key, &ahead, step + 1, decrypt);
        combine(plan, &behind, step, decrypt, wide);
    }
}

INLINE void eight(const struct ff1_plan *plan, const kernel_aes_key *key, uint64_t *a, uint64_t *b, bool decrypt,
                  const bool wide)
{
    struct eight e = {.a = a, .b = b};
    for (uint32_t step = 0; step < FF1_ROUNDS; step++) {
        encrypt(plan, key, &e, step, decrypt);
        combine(plan, &e, step, decrypt, wide);
    }
}

static void rounds(const struct ff1_plan *plan, const kernel_aes_key *key, uint64_t *a, uint64_t *b, size_t count,
                   bool decrypt)
{
    cpu_clear_upper_halves();
    /* The arrays are long enough for the empty places of the last ones. */
    size_t i = 0;
    for (; i + 8 < count; i += 16) {
        if (plan->wide)
            sixteen(plan, key, a + i, b + i, decrypt, true);
        else
            sixteen(plan, key, a + i, b + i, decrypt, false);
    }
    if (i < count) {
        if (plan->wide)
            eight(plan, key, a + i, b + i, decrypt, true);
        else
            eight(plan, key, a + i, b + i, decrypt, false);
    }
}

#pragma clang attribute pop

const struct ff1_version ff1_aesni = {&aes_ni, &ff1_text_decimal, rounds};

#endif
