/* The rounds of FF1 with AES-NI: eight values at a time, from number to block to number without leaving registers. */
#include "ff1_reduce.h"

#if defined(__x86_64__)
#include "cpu.h"

#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("aes,sse4.1,ssse3"))), apply_to = function)

static inline __attribute__((always_inline)) void eight(
    const struct ff1_plan *plan, const kernel_aes_key *key, uint64_t *a, uint64_t *b, bool decrypt, const bool wide)
{
    const __m128i first_key = _mm_loadu_si128((const __m128i *)key->round_keys[0]);
    const __m128i last_key = _mm_loadu_si128((const __m128i *)key->round_keys[key->rounds]);
    for (uint32_t step = 0; step < FF1_ROUNDS; step++) {
        const uint32_t round = decrypt ? FF1_ROUNDS - 1 - step : step, odd = round & 1;
        const struct ff1_block block = ff1_block_of(plan, round);
        const __m128i high = _mm_cvtsi64_si128((long long)__builtin_bswap64(block.high));
        uint64_t *source = decrypt ? a : b, *target = decrypt ? b : a;
        __m128i x[8];
        for (int i = 0; i < 8; i++) {
            const __m128i low = _mm_cvtsi64_si128((long long)__builtin_bswap64(block.low ^ source[i]));
            x[i] = _mm_xor_si128(_mm_unpacklo_epi64(high, low), first_key);
        }
        for (uint32_t r = 1; r < key->rounds; r++) {
            const __m128i k = _mm_loadu_si128((const __m128i *)key->round_keys[r]);
            for (int i = 0; i < 8; i++) x[i] = _mm_aesenc_si128(x[i], k);
        }
        for (int i = 0; i < 8; i++) {
            const __m128i y = _mm_aesenclast_si128(x[i], last_key);
            const uint64_t first = __builtin_bswap64((uint64_t)_mm_cvtsi128_si64(y));
            const uint64_t next32 = wide ? __builtin_bswap32((uint32_t)_mm_extract_epi32(y, 2)) : 0;
            target[i] = ff1_combine(target[i], first, next32, plan->modulus[odd], plan->reciprocal[odd], plan->shift[odd],
                                    decrypt, wide);
        }
        /* The new half takes the other one's place. */
        uint64_t *const other = a;
        a = b, b = other;
    }
}

static void rounds(const struct ff1_plan *plan, const kernel_aes_key *key, uint64_t *a, uint64_t *b, size_t count, bool decrypt)
{
    cpu_clear_upper_halves();
    for (size_t i = 0; i < count; i += 8) { /* the arrays are long enough for the empty places of the last eight */
        if (plan->wide) eight(plan, key, a + i, b + i, decrypt, true);
        else eight(plan, key, a + i, b + i, decrypt, false);
    }
}

#pragma clang attribute pop

const struct ff1_version ff1_aesni = {&aes_ni, &ff1_text_decimal, rounds};

#endif
