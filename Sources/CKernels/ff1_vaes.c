/* FF1 with VAES: eight values in a register, thirty-two in flight, halves below 2^32; and decimal text in registers. */
#include "ff1.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,bmi2,aes,vaes"))),              \
                             apply_to = function)

#define INLINE static inline __attribute__((always_inline))

INLINE __m512i four_times(const uint8_t bytes[16])
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)bytes));
}
INLINE __m512i eight_times(uint64_t word) { return _mm512_set1_epi64((long long)word); }

INLINE __m512i swap_words(__m512i x)
{
    return _mm512_shuffle_epi8(
        x, _mm512_broadcast_i32x4(_mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)));
}

/* A modulus below 2^32 as the reduction needs it. */
struct modulus {
    __m512i value, fold;
    __m512d inverse;
};

/* Below this the quotient of a 64-bit number would not be exact to one in a double: fold the upper half in first. */
static const uint64_t fold_below = 1 << 20;

INLINE struct modulus modulus_of(uint64_t m)
{
    return (struct modulus){eight_times(m), eight_times((1ULL << 32) % m), _mm512_set1_pd(1.0 / (double)m)};
}

/* y mod m. The quotient is off by one at most; a rest outside the range is a very large unsigned number. */
INLINE __m512i reduce(__m512i y, const struct modulus *m, const bool fold)
{
    if (fold) /* below 2^32 * m then, because 2^32 mod m is below m */
        y = _mm512_add_epi64(_mm512_mul_epu32(_mm512_srli_epi64(y, 32), m->fold),
                             _mm512_and_si512(y, eight_times(0xFFFFFFFF)));
    const __m512i quotient = _mm512_cvttpd_epu64(_mm512_mul_pd(_mm512_cvtepu64_pd(y), m->inverse));
    const __m512i rest = _mm512_sub_epi64(y, _mm512_mullo_epi64(quotient, m->value));
    const __m512i positive = _mm512_min_epu64(rest, _mm512_add_epi64(rest, m->value));
    return _mm512_min_epu64(positive, _mm512_sub_epi64(positive, m->value));
}

INLINE void rounds(const struct ff1_plan *plan, const kernel_aes_key *key, uint64_t *a, uint64_t *b, const int vectors,
                   bool decrypt, const bool fold)
{
    const struct modulus moduli[2] = {modulus_of(plan->modulus[0]), modulus_of(plan->modulus[1])};
    /* The first round key is part of the constant bytes of the blocks. */
    const __m512i upper = eight_times(__builtin_bswap64(plan->high ^ load_be64(key->round_keys[0])));
    const uint64_t lower = plan->low ^ load_be64(key->round_keys[0] + 8);
    __m512i source[4], target[4], x[8];
    for (int v = 0; v < vectors; v++) {
        const __m512i va = _mm512_loadu_si512(a + 8 * v), vb = _mm512_loadu_si512(b + 8 * v);
        source[v] = decrypt ? va : vb;
        target[v] = decrypt ? vb : va;
    }
    for (uint32_t step = 0; step < FF1_ROUNDS; step++) {
        const uint32_t round = decrypt ? FF1_ROUNDS - 1 - step : step;
        const struct modulus *m = &moduli[round & 1];
        const __m512i with_round = eight_times(lower ^ (uint64_t)round << (8 * plan->b));
        for (int v = 0; v < vectors; v++) {
            const __m512i half = swap_words(_mm512_xor_si512(source[v], with_round));
            x[2 * v] = _mm512_unpacklo_epi64(upper, half);
            x[2 * v + 1] = _mm512_unpackhi_epi64(upper, half);
        }
        for (uint32_t r = 1; r < key->rounds; r++) {
            const __m512i k = four_times(key->round_keys[r]);
            for (int i = 0; i < 2 * vectors; i++) x[i] = _mm512_aesenc_epi128(x[i], k);
        }
        const __m512i k = four_times(key->round_keys[key->rounds]);
        for (int v = 0; v < vectors; v++) {
            const __m512i even = _mm512_aesenclast_epi128(x[2 * v], k), odd = _mm512_aesenclast_epi128(x[2 * v + 1], k);
            const __m512i y = reduce(swap_words(_mm512_unpacklo_epi64(even, odd)), m, fold);
            __m512i next;
            if (decrypt) {
                const __m512i less = _mm512_sub_epi64(target[v], y);
                next = _mm512_min_epu64(less, _mm512_add_epi64(less, m->value));
            } else {
                const __m512i sum = _mm512_add_epi64(target[v], y);
                next = _mm512_min_epu64(sum, _mm512_sub_epi64(sum, m->value));
            }
            target[v] = source[v];
            source[v] = next;
        }
    }
    for (int v = 0; v < vectors; v++) {
        _mm512_storeu_si512(a + 8 * v, decrypt ? source[v] : target[v]);
        _mm512_storeu_si512(b + 8 * v, decrypt ? target[v] : source[v]);
    }
}

static void all_rounds(const struct ff1_plan *plan, const kernel_aes_key *key, uint64_t *a, uint64_t *b, size_t count,
                       bool decrypt)
{
    if (plan->wide) { /* a product of 64 by 64 bits is a scalar instruction only */
        ff1_aesni.rounds(plan, key, a, b, count, decrypt);
        return;
    }
    const bool fold = plan->modulus[0] < fold_below;
    size_t i = 0;
    for (; i + 24 < count; i += 32) { /* up to seven empty places are cheaper than a separate pass */
        if (fold)
            rounds(plan, key, a + i, b + i, 4, decrypt, true);
        else
            rounds(plan, key, a + i, b + i, 4, decrypt, false);
    }
    for (; i < count; i += 8) {
        if (fold)
            rounds(plan, key, a + i, b + i, 1, decrypt, true);
        else
            rounds(plan, key, a + i, b + i, 1, decrypt, false);
    }
}

/* Sixteen bytes of a value: its first u right-aligned in the lower eight, its last v in the upper eight, zeros before. */
INLINE __m128i load_halves(const struct ff1_plan *plan, const uint8_t *text, __mmask16 first, __mmask16 second)
{
    if (plan->n == 16) return _mm_loadu_si128((const __m128i *)text);
    const __m128i u = _mm_maskz_loadu_epi8(first, text - (8 - plan->u));
    return _mm_mask_loadu_epi8(u, second, text - (16 - plan->n));
}

static void decimal_parse(const kernel_ff1_cipher *cipher, const struct ff1_plan *plan, const struct lane *lanes,
                          size_t count, uint64_t *a, uint64_t *b, uint8_t *outside)
{
    (void)cipher;
    const __mmask16 first = (__mmask16)((0xFF << (8 - plan->u)) & 0xFF),
                    second = (__mmask16)((0xFF00 << (8 - plan->v)) & 0xFF00);
    const __mmask64 used = (__mmask64)(first | second) * 0x0001000100010001;
    const __m512i tens = _mm512_set1_epi16(0x010A), hundreds = _mm512_set1_epi32(0x00010064);
    for (size_t i = 0; i < count; i += 8) {
        __m512i number[2];
        uint64_t wrong[2];
        for (size_t odd = 0; odd < 2; odd++) {
            __m128i x[4];
            for (size_t j = 0; j < 4; j++) {
                const size_t at = i + 2 * j + odd;
                x[j] = load_halves(plan, lanes[at < count ? at : count - 1].bytes, first, second);
            }
            const __m512i text = _mm512_inserti32x4(
                _mm512_inserti32x4(_mm512_inserti32x4(_mm512_castsi128_si512(x[0]), x[1], 1), x[2], 2), x[3], 3);
            const __m512i digits = _mm512_maskz_sub_epi8(used, text, _mm512_set1_epi8('0'));
            wrong[odd] = _mm512_cmpgt_epu8_mask(digits, _mm512_set1_epi8(9));
            const __m512i fours = _mm512_madd_epi16(_mm512_maddubs_epi16(digits, tens), hundreds);
            number[odd] = _mm512_add_epi64(_mm512_mul_epu32(fours, eight_times(10000)), _mm512_srli_epi64(fours, 32));
        }
        _mm512_storeu_si512(a + i, _mm512_unpacklo_epi64(number[0], number[1]));
        _mm512_storeu_si512(b + i, _mm512_unpackhi_epi64(number[0], number[1]));
        for (size_t j = 0; j < 8 && i + j < count; j++)
            outside[i + j] = (wrong[j & 1] >> 8 * (j & ~1ULL) & 0xFFFF) != 0;
    }
}

/* Eight digits of each number below 10^8, most significant first, as characters. */
INLINE __m512i characters(__m512i x)
{
    const __m512i high = _mm512_srli_epi64(_mm512_mul_epu32(x, eight_times(109951163)), 40); /* x / 10000 */
    const __m512i low = _mm512_sub_epi64(x, _mm512_mul_epu32(high, eight_times(10000)));
    const __m512i fours = _mm512_or_si512(high, _mm512_slli_epi64(low, 32));
    const __m512i hundreds = _mm512_srli_epi16(_mm512_mulhi_epu16(fours, _mm512_set1_epi16(5243)), 3); /* / 100 */
    const __m512i rest = _mm512_sub_epi16(fours, _mm512_mullo_epi16(hundreds, _mm512_set1_epi16(100)));
    const __m512i twos = _mm512_or_si512(hundreds, _mm512_slli_epi32(rest, 16));
    const __m512i tens = _mm512_srli_epi16(_mm512_mullo_epi16(twos, _mm512_set1_epi16(103)), 10); /* / 10 */
    const __m512i ones = _mm512_sub_epi16(twos, _mm512_mullo_epi16(tens, _mm512_set1_epi16(10)));
    return _mm512_add_epi8(_mm512_or_si512(tens, _mm512_slli_epi16(ones, 8)), _mm512_set1_epi8('0'));
}

static void decimal_format(const kernel_ff1_cipher *cipher, const struct ff1_plan *plan, uint8_t *const *texts,
                           size_t count, const uint64_t *a, const uint64_t *b)
{
    (void)cipher;
    /* In each group of sixteen: the first eight characters of the text, then the last eight. */
    uint8_t order[16];
    const uint32_t n = plan->n, last = n < 8 ? 0 : n - 8;
    for (uint32_t i = 0; i < 8; i++) {
        const uint32_t ends[2] = {i, last + i};
        for (int e = 0; e < 2; e++) {
            const uint32_t at = ends[e] < n ? ends[e] : n - 1;
            order[8 * e + (int)i] = (uint8_t)(at < plan->u ? 8 - plan->u + at : 16 - n + at);
        }
    }
    const __m512i select = four_times(order);
    for (size_t i = 0; i < count; i += 8) {
        const __m512i va = _mm512_loadu_si512(a + i), vb = _mm512_loadu_si512(b + i);
        const __m512i even = _mm512_shuffle_epi8(characters(_mm512_unpacklo_epi64(va, vb)), select);
        const __m512i odd = _mm512_shuffle_epi8(characters(_mm512_unpackhi_epi64(va, vb)), select);
        uint8_t characters_of[8][16];
        const __m512i low = _mm512_shuffle_i64x2(even, odd, 0x44), high = _mm512_shuffle_i64x2(even, odd, 0xEE);
        /* low: values 0, 2, 1, 3; high: 4, 6, 5, 7 */
        _mm512_storeu_si512(characters_of[0], low), _mm512_storeu_si512(characters_of[4], high);
        static const uint8_t place[8] = {0, 2, 1, 3, 4, 6, 5, 7};
        for (size_t j = 0; j < 8 && i + j < count; j++) {
            const uint8_t *text = characters_of[place[j]];
            if (n >= 8) {
                __builtin_memcpy(texts[i + j], text, 8);
                __builtin_memcpy(texts[i + j] + last, text + 8, 8);
            } else {
                copy_short(texts[i + j], text, n);
            }
        }
    }
}

#pragma clang attribute pop

static const struct ff1_text decimal = {decimal_parse, decimal_format};
const struct ff1_version ff1_vaes = {&aes_vaes, &decimal, all_rounds};

#endif
