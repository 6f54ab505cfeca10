/* HMAC-SHA-256 of eight values at a time with AVX2, for processors that have neither SHA instructions nor AVX-512. */
#include "hash.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,bmi2"))), apply_to = function)

#define INLINE static inline __attribute__((always_inline))

INLINE __m256i add(__m256i x, __m256i y) { return _mm256_add_epi32(x, y); }
INLINE __m256i xor3(__m256i x, __m256i y, __m256i z) { return _mm256_xor_si256(_mm256_xor_si256(x, y), z); }
INLINE __m256i word(uint32_t x) { return _mm256_set1_epi32((int)x); }
#define ROTATE(x, by) _mm256_or_si256(_mm256_srli_epi32(x, by), _mm256_slli_epi32(x, 32 - (by)))

INLINE __m256i schedule(__m256i w0, __m256i w1, __m256i w9, __m256i w14)
{
    const __m256i s0 = xor3(ROTATE(w1, 7), ROTATE(w1, 18), _mm256_srli_epi32(w1, 3));
    const __m256i s1 = xor3(ROTATE(w14, 17), ROTATE(w14, 19), _mm256_srli_epi32(w14, 10));
    return add(add(w0, s0), add(w9, s1));
}

/* One compression of eight messages; w holds word i of every message in w[i] and is used up. */
static void compress(__m256i state[8], __m256i w[16])
{
    __m256i a = state[0], b = state[1], c = state[2], d = state[3];
    __m256i e = state[4], f = state[5], g = state[6], h = state[7];
    for (int base = 0; base < 64; base += 16) {
#pragma clang loop unroll(full)
        for (int i = 0; i < 16; i++) {
            const __m256i s1 = xor3(ROTATE(e, 6), ROTATE(e, 11), ROTATE(e, 25));
            const __m256i choose = _mm256_xor_si256(g, _mm256_and_si256(e, _mm256_xor_si256(f, g)));
            const __m256i t1 = add(add(h, s1), add(choose, add(word(hash_k[base + i]), w[i])));
            const __m256i s0 = xor3(ROTATE(a, 2), ROTATE(a, 13), ROTATE(a, 22));
            const __m256i majority =
                _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)));
            h = g, g = f, f = e, e = add(d, t1), d = c, c = b, b = a, a = add(t1, add(s0, majority));
            /* In place: the words that slot i still needs are either old (after it) or already new (before it). */
            if (base < 48) w[i] = schedule(w[i], w[(i + 1) & 15], w[(i + 9) & 15], w[(i + 14) & 15]);
        }
    }
    state[0] = add(state[0], a), state[1] = add(state[1], b), state[2] = add(state[2], c), state[3] = add(state[3], d);
    state[4] = add(state[4], e), state[5] = add(state[5], f), state[6] = add(state[6], g), state[7] = add(state[7], h);
}

INLINE __m256i word_swap(__m256i x)
{
    return _mm256_shuffle_epi8(
        x, _mm256_broadcastsi128_si256(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3)));
}

/* Rows to columns: r[i] word j becomes r[j] word i. */
INLINE void transpose(__m256i r[8])
{
    __m256i t[8], u[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        u[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
        u[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
        u[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
        u[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x20);
        r[i + 4] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x31);
    }
}

static void eight(const kernel_hmac_key *key, const struct lane *lanes, uint32_t blocks, uint8_t *out)
{
    uint8_t tail[8][128];
    size_t whole[8];
    __m256i state[8], w[16];
    for (int l = 0; l < 8; l++) {
        whole[l] = blocks - hash_tail(tail[l], lanes[l].bytes, lanes[l].length);
        state[l] = word(key->inner[l]);
    }
    for (size_t block = 0; block < blocks; block++) {
        for (int l = 0; l < 8; l++) {
            const uint8_t *data = block < whole[l] ? lanes[l].bytes + 64 * block : tail[l] + 64 * (block - whole[l]);
            w[l] = word_swap(_mm256_loadu_si256((const __m256i *)data));
            w[l + 8] = word_swap(_mm256_loadu_si256((const __m256i *)(data + 32)));
        }
        transpose(w), transpose(w + 8);
        compress(state, w);
    }
    for (int i = 0; i < 8; i++) {
        w[i] = state[i];
        w[i + 8] = _mm256_setzero_si256();
        state[i] = word(key->outer[i]);
    }
    w[8] = word(0x80000000), w[15] = word((64 + 32) * 8);
    compress(state, w);
    transpose(state);
    for (int l = 0; l < 8; l++) _mm256_storeu_si256((__m256i *)(out + 32 * (size_t)lanes[l].row), word_swap(state[l]));
}

static void group(const kernel_hmac_key *key, const struct lane *lanes, size_t count, uint32_t blocks, uint8_t *out)
{
    size_t i = 0;
    for (; i + 8 <= count; i += 8) eight(key, lanes + i, blocks, out);
    if (i == count) return;
    /* The last ones: repeat the final value in the free lanes; it writes the same digest again. */
    struct lane rest[8];
    for (size_t l = 0; l < 8; l++) rest[l] = lanes[i + l < count ? i + l : count - 1];
    eight(key, rest, blocks, out);
}

#pragma clang attribute pop

static void stream(uint32_t state[8], const uint8_t *data, size_t blocks) { hash_plain.stream(state, data, blocks); }

const struct hash_version hash_avx2 = {group, stream};

#endif
