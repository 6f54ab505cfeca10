/* HMAC-SHA-256 with the SHA instructions of x86-64, four values interleaved so that their latencies overlap
 * (on Zen 4 147 cycles a value instead of 175 with two; not measured elsewhere).
 *
 * This file uses 128-bit instructions only and clears the upper halves of the vector registers at each entry: a dirty
 * upper half makes every legacy-encoded SHA instruction wait for a merge, which was measured to cost a factor of 99
 * (llvm/llvm-project issue 142368). */
#include "hash.h"

#if defined(__x86_64__)
#include "cpu.h"

#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("sha,sse4.1,ssse3"))), apply_to = function)

#define INLINE static inline __attribute__((always_inline))

/* The instructions want the state as {f, e, b, a} and {h, g, d, c}, lowest word first. */
struct state {
    __m128i abef, cdgh;
};

INLINE struct state state_load(const uint32_t words[8])
{
    const __m128i dcba = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)words), 0xB1);
    const __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(words + 4)), 0x1B);
    struct state s;
    s.abef = _mm_alignr_epi8(dcba, hgfe, 8);
    s.cdgh = _mm_blend_epi16(hgfe, dcba, 0xF0);
    return s;
}

/* Back to {a, b, c, d} and {e, f, g, h}: also the first eight message words of the outer hash. */
INLINE void state_words(struct state s, __m128i *abcd, __m128i *efgh)
{
    const __m128i feba = _mm_shuffle_epi32(s.abef, 0x1B), dchg = _mm_shuffle_epi32(s.cdgh, 0xB1);
    *abcd = _mm_blend_epi16(feba, dchg, 0xF0);
    *efgh = _mm_alignr_epi8(dchg, feba, 8);
}

INLINE __m128i word_swap(__m128i x)
{
    return _mm_shuffle_epi8(x, _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
}

/* One compression of `lanes` independent messages. */
INLINE void compress(struct state *s, __m128i m[][4], const int lanes)
{
    struct state start[4];
    for (int l = 0; l < lanes; l++) start[l] = s[l];
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) {
        const __m128i k = _mm_load_si128((const __m128i *)(hash_k + 4 * i));
        for (int l = 0; l < lanes; l++) {
            const __m128i wk = _mm_add_epi32(m[l][i & 3], k);
            s[l].cdgh = _mm_sha256rnds2_epu32(s[l].cdgh, s[l].abef, wk);
            s[l].abef = _mm_sha256rnds2_epu32(s[l].abef, s[l].cdgh, _mm_shuffle_epi32(wk, 0x0E));
            if (i < 12) {
                const __m128i w0 = m[l][i & 3], w1 = m[l][(i + 1) & 3], w2 = m[l][(i + 2) & 3], w3 = m[l][(i + 3) & 3];
                const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
                m[l][i & 3] = _mm_sha256msg2_epu32(sum, w3);
            }
        }
    }
    for (int l = 0; l < lanes; l++) {
        s[l].abef = _mm_add_epi32(s[l].abef, start[l].abef);
        s[l].cdgh = _mm_add_epi32(s[l].cdgh, start[l].cdgh);
    }
}

INLINE void block_load(__m128i m[4], const uint8_t *data)
{
    for (int i = 0; i < 4; i++) m[i] = word_swap(_mm_loadu_si128((const __m128i *)(data + 16 * i)));
}

static void stream(uint32_t words[8], const uint8_t *data, size_t blocks)
{
    cpu_clear_upper_halves();
    struct state s = state_load(words);
    for (; blocks > 0; blocks--, data += 64) {
        __m128i m[1][4];
        block_load(m[0], data);
        compress(&s, m, 1);
    }
    __m128i abcd, efgh;
    state_words(s, &abcd, &efgh);
    _mm_storeu_si128((__m128i *)words, abcd);
    _mm_storeu_si128((__m128i *)(words + 4), efgh);
}

/* `lanes` values of `blocks` inner blocks each. */
INLINE void finish(struct state inner, struct state outer, const struct lane *values, uint32_t blocks, uint8_t *out,
                   const int lanes)
{
    uint8_t tail[4][128];
    struct state s[4];
    __m128i m[4][4];
    size_t whole[4];
    for (int l = 0; l < lanes; l++) {
        whole[l] = blocks - hash_tail(tail[l], values[l].bytes, values[l].length);
        s[l] = inner;
    }
    for (size_t block = 0; block < blocks; block++) {
        for (int l = 0; l < lanes; l++)
            block_load(m[l], block < whole[l] ? values[l].bytes + 64 * block : tail[l] + 64 * (block - whole[l]));
        compress(s, m, lanes);
    }
    for (int l = 0; l < lanes; l++) {
        state_words(s[l], &m[l][0], &m[l][1]);
        m[l][2] = _mm_set_epi32(0, 0, 0, (int)0x80000000);
        m[l][3] = _mm_set_epi32((64 + 32) * 8, 0, 0, 0);
        s[l] = outer;
    }
    compress(s, m, lanes);
    for (int l = 0; l < lanes; l++) {
        __m128i abcd, efgh;
        state_words(s[l], &abcd, &efgh);
        uint8_t *digest = out + 32 * (size_t)values[l].row;
        _mm_storeu_si128((__m128i *)digest, word_swap(abcd));
        _mm_storeu_si128((__m128i *)(digest + 16), word_swap(efgh));
    }
}

static void group(const kernel_hmac_key *key, const struct lane *lanes, size_t count, uint32_t blocks, uint8_t *out)
{
    cpu_clear_upper_halves();
    const struct state inner = state_load(key->inner), outer = state_load(key->outer);
    size_t i = 0;
    for (; i + 4 <= count; i += 4) finish(inner, outer, lanes + i, blocks, out, 4);
    for (; i + 2 <= count; i += 2) finish(inner, outer, lanes + i, blocks, out, 2);
    if (i < count) finish(inner, outer, lanes + i, blocks, out, 1);
}

#pragma clang attribute pop

const struct hash_version hash_shani = {group, stream};

#endif
