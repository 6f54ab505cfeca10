/* HMAC-SHA-256 of sixteen values at a time with AVX-512.
 *
 * Values come in through masked loads (no byte outside a value is touched, no padding is asked for); between the inner
 * and the outer hash nothing is moved: the eight state vectors are the first eight message words of the outer block.
 * The bound is the two 512-bit arithmetic ports: 64 * 17 + 48 * 11 operations, 50.5 cycles a value and compression. */
#include "hash.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,bmi2"))), apply_to = function)

#define INLINE static inline __attribute__((always_inline))

INLINE __m512i add(__m512i x, __m512i y) { return _mm512_add_epi32(x, y); }
INLINE __m512i xor3(__m512i x, __m512i y, __m512i z) { return _mm512_ternarylogic_epi32(x, y, z, 0x96); }
INLINE __m512i word(uint32_t x) { return _mm512_set1_epi32((int)x); }
#define ROTATE(x, by) _mm512_ror_epi32(x, by)

INLINE __m512i schedule(__m512i w0, __m512i w1, __m512i w9, __m512i w14)
{
    const __m512i s0 = xor3(ROTATE(w1, 7), ROTATE(w1, 18), _mm512_srli_epi32(w1, 3));
    const __m512i s1 = xor3(ROTATE(w14, 17), ROTATE(w14, 19), _mm512_srli_epi32(w14, 10));
    return add(add(w0, s0), add(w9, s1));
}

/* One round; its last line is the renaming of the eight variables. */
#define ROUND(constant, message)                                                                    \
    do {                                                                                            \
        const __m512i s1 = xor3(ROTATE(e, 6), ROTATE(e, 11), ROTATE(e, 25));                        \
        const __m512i choose = _mm512_ternarylogic_epi32(e, f, g, 0xCA);                            \
        const __m512i t1 = add(add(h, s1), add(choose, add(word(constant), message)));              \
        const __m512i s0 = xor3(ROTATE(a, 2), ROTATE(a, 13), ROTATE(a, 22));                        \
        const __m512i majority = _mm512_ternarylogic_epi32(a, b, c, 0xE8);                          \
        h = g, g = f, f = e, e = add(d, t1), d = c, c = b, b = a, a = add(t1, add(s0, majority));   \
    } while (0)

/* One compression of sixteen messages; w holds word i of every message in w[i] and is used up. A loop over sixteen rounds
 * and a function of its own, because all sixty-four in a row, twice, do not fit the decoded-instruction cache: 111
 * cycles a value instead of 100 on Zen 4. */
static __attribute__((noinline)) void compress(__m512i state[8], __m512i w[16])
{
    __m512i a = state[0], b = state[1], c = state[2], d = state[3];
    __m512i e = state[4], f = state[5], g = state[6], h = state[7];
    for (int base = 0; base < 48; base += 16) {
#pragma clang loop unroll(full)
        for (int i = 0; i < 16; i++) {
            ROUND(hash_k[base + i], w[i]);
            /* In place: the words that slot i still needs are either old (after it) or already new (before it). */
            w[i] = schedule(w[i], w[(i + 1) & 15], w[(i + 9) & 15], w[(i + 14) & 15]);
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) ROUND(hash_k[48 + i], w[i]);
    state[0] = add(state[0], a), state[1] = add(state[1], b), state[2] = add(state[2], c), state[3] = add(state[3], d);
    state[4] = add(state[4], e), state[5] = add(state[5], f), state[6] = add(state[6], g), state[7] = add(state[7], h);
}

INLINE __m512i word_swap(__m512i x)
{
    return _mm512_shuffle_epi8(x, _mm512_broadcast_i32x4(
        _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3)));
}

/* Rows to columns: r[i] word j becomes r[j] word i. */
INLINE void transpose(__m512i r[16])
{
    __m512i t[16], u[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        u[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        u[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        u[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        u[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) { /* u[i], u[i + 4], u[i + 8], u[i + 12] hold column 4 * k + i in quarter k */
        const __m512i low = _mm512_shuffle_i32x4(u[i], u[i + 4], 0x88), low2 = _mm512_shuffle_i32x4(u[i + 8], u[i + 12], 0x88);
        const __m512i high = _mm512_shuffle_i32x4(u[i], u[i + 4], 0xDD), high2 = _mm512_shuffle_i32x4(u[i + 8], u[i + 12], 0xDD);
        r[i] = _mm512_shuffle_i32x4(low, low2, 0x88);
        r[i + 4] = _mm512_shuffle_i32x4(high, high2, 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(low, low2, 0xDD);
        r[i + 12] = _mm512_shuffle_i32x4(high, high2, 0xDD);
    }
}

/* Bytes 64 * block … of a value with the mark behind its end, as big-endian words. */
INLINE __m512i block_load(struct lane lane, uint32_t block)
{
    const int64_t left = (int64_t)lane.length - 64 * (int64_t)block;
    const uint32_t here = left < 0 ? 0 : left > 64 ? 64 : (uint32_t)left;
    const __m512i data = _mm512_maskz_loadu_epi8(_bzhi_u64(~0ULL, here), lane.bytes + 64 * (size_t)block);
    const uint64_t mark = (uint64_t)(left >= 0 && left < 64) << (left & 63);
    return word_swap(_mm512_mask_mov_epi8(data, mark, _mm512_set1_epi8((char)0x80)));
}

/* Digest of sixteen lanes from the state vectors: columns to rows, 32 bytes each. */
INLINE void store(const __m512i state[8], const struct lane lanes[16], uint8_t *out)
{
    __m512i t[8], u[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm512_unpacklo_epi32(state[i], state[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(state[i], state[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        u[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        u[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        u[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        u[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) { /* quarter q of u[i] and u[i + 4] is lane 4 * q + i */
        const __m512i first = word_swap(u[i]), second = word_swap(u[i + 4]);
        const __m512i even = _mm512_permutex2var_epi64(first, _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0), second);
        const __m512i odd = _mm512_permutex2var_epi64(first, _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2), second);
        _mm256_storeu_si256((__m256i *)(out + 32 * (size_t)lanes[i].row), _mm512_castsi512_si256(even));
        _mm256_storeu_si256((__m256i *)(out + 32 * (size_t)lanes[i + 4].row), _mm512_castsi512_si256(odd));
        _mm256_storeu_si256((__m256i *)(out + 32 * (size_t)lanes[i + 8].row), _mm512_extracti64x4_epi64(even, 1));
        _mm256_storeu_si256((__m256i *)(out + 32 * (size_t)lanes[i + 12].row), _mm512_extracti64x4_epi64(odd, 1));
    }
}

static void sixteen(const kernel_hmac_key *key, const struct lane *lanes, uint32_t blocks, uint8_t *out)
{
    __m512i state[8], w[16];
    for (int i = 0; i < 8; i++) state[i] = word(key->inner[i]);
    for (uint32_t block = 0; block < blocks; block++) {
        for (int l = 0; l < 16; l++) w[l] = block_load(lanes[l], block);
        transpose(w);
        if (block + 1 == blocks) {
            /* Word 15, the length in bits with the ipad block; word 14 stays 0, the value is shorter than 2^29 bytes. */
            uint32_t bits[16];
            for (int l = 0; l < 16; l++) bits[l] = (lanes[l].length + 64) * 8;
            w[15] = _mm512_loadu_si512(bits);
        }
        compress(state, w);
    }
    for (int i = 0; i < 8; i++) {
        w[i] = state[i];
        w[i + 8] = _mm512_setzero_si512();
        state[i] = word(key->outer[i]);
    }
    w[8] = word(0x80000000), w[15] = word((64 + 32) * 8);
    compress(state, w);
    store(state, lanes, out);
}

/* All full groups; returns how many values are done. */
static size_t full_groups(const kernel_hmac_key *key, const struct lane *lanes, size_t count, uint32_t blocks, uint8_t *out)
{
    size_t i = 0;
    for (; i + 16 <= count; i += 16) sixteen(key, lanes + i, blocks, out);
    return i;
}

static void padded_group(const kernel_hmac_key *key, const struct lane *lanes, size_t count, uint32_t blocks, uint8_t *out)
{
    /* Repeat the final value in the free lanes; it writes the same digest again. */
    struct lane all[16];
    for (size_t l = 0; l < 16; l++) all[l] = lanes[l < count ? l : count - 1];
    sixteen(key, all, blocks, out);
}

static void group(const kernel_hmac_key *key, const struct lane *lanes, size_t count, uint32_t blocks, uint8_t *out)
{
    const size_t done = full_groups(key, lanes, count, blocks, out);
    if (done < count) padded_group(key, lanes + done, count - done, blocks, out);
}

#pragma clang attribute pop

/* From this many leftover values on, a padded group is cheaper than SHA instructions two at a time: break-even is at nine
 * on Emerald Rapids, at thirteen on Zen 4. */
enum { PADDED_FROM = 11 };

static void group_with_shani(const kernel_hmac_key *key, const struct lane *lanes, size_t count, uint32_t blocks, uint8_t *out)
{
    const size_t rest = count % 16;
    if (rest >= PADDED_FROM) {
        group(key, lanes, count, blocks, out);
    } else {
        full_groups(key, lanes, count, blocks, out);
        if (rest > 0) hash_shani.group(key, lanes + (count - rest), rest, blocks, out);
    }
}

static void stream(uint32_t state[8], const uint8_t *data, size_t blocks) { hash_plain.stream(state, data, blocks); }
static void stream_with_shani(uint32_t state[8], const uint8_t *data, size_t blocks) { hash_shani.stream(state, data, blocks); }

const struct hash_version hash_avx512 = {group, stream};
const struct hash_version hash_avx512_with_shani = {group_with_shani, stream_with_shani};

#endif
