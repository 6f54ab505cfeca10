/* AES with VAES on 512-bit registers: four blocks in a register, eight registers in flight. */
#include "aes.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,bmi2,aes,vaes"))),              \
                             apply_to = function)

#define INLINE static inline __attribute__((always_inline))

INLINE __m512i four_times(const uint8_t bytes[16])
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)bytes));
}

INLINE void encrypt(const kernel_aes_key *key, __m512i *x, const int count)
{
    __m512i k = four_times(key->round_keys[0]);
    for (int i = 0; i < count; i++) x[i] = _mm512_xor_si512(x[i], k);
    for (uint32_t r = 1; r < key->rounds; r++) {
        k = four_times(key->round_keys[r]);
        for (int i = 0; i < count; i++) x[i] = _mm512_aesenc_epi128(x[i], k);
    }
    k = four_times(key->round_keys[key->rounds]);
    for (int i = 0; i < count; i++) x[i] = _mm512_aesenclast_epi128(x[i], k);
}

static void blocks(const kernel_aes_key *key, const uint8_t *in, uint8_t *out, size_t count)
{
    size_t at = 0;
    __m512i x[8];
    for (; at + 32 <= count; at += 32) {
        for (size_t i = 0; i < 8; i++) x[i] = _mm512_loadu_si512(in + 16 * at + 64 * i);
        encrypt(key, x, 8);
        for (size_t i = 0; i < 8; i++) _mm512_storeu_si512(out + 16 * at + 64 * i, x[i]);
    }
    for (; at < count; at += 4) {
        const __mmask8 mask = (__mmask8)_bzhi_u32(0xFF, (uint32_t)(count - at < 4 ? 2 * (count - at) : 8));
        x[0] = _mm512_maskz_loadu_epi64(mask, in + 16 * at);
        encrypt(key, x, 1);
        _mm512_mask_storeu_epi64(out + 16 * at, mask, x[0]);
    }
}

/* One chain has nothing to run beside it. */
static void chain(const kernel_aes_key *key, uint8_t state[16], const uint8_t *data, size_t count)
{
    aes_ni.chain(key, state, data, count);
}

INLINE __m512i join(__m128i a, __m128i b, __m128i c, __m128i d)
{
    return _mm512_inserti32x4(_mm512_inserti32x4(_mm512_inserti32x4(_mm512_castsi128_si512(a), b, 1), c, 2), d, 3);
}

/* Sixteen bytes of each of four values, from byte `at` on. */
INLINE __m512i load_whole(const struct lane *l, size_t at)
{
    return join(
        _mm_loadu_si128((const __m128i *)(l[0].bytes + at)), _mm_loadu_si128((const __m128i *)(l[1].bytes + at)),
        _mm_loadu_si128((const __m128i *)(l[2].bytes + at)), _mm_loadu_si128((const __m128i *)(l[3].bytes + at)));
}

/* The last block of four values, marked where it is not full, with the subkey that belongs to it. */
INLINE __m512i load_last(const struct lane *l, size_t at, __m512i k1, __m512i k2)
{
    const uint32_t m0 = _bzhi_u32(0xFFFF, l[0].length - (uint32_t)at),
                   m1 = _bzhi_u32(0xFFFF, l[1].length - (uint32_t)at);
    const uint32_t m2 = _bzhi_u32(0xFFFF, l[2].length - (uint32_t)at),
                   m3 = _bzhi_u32(0xFFFF, l[3].length - (uint32_t)at);
    const __m512i x = join(
        _mm_maskz_loadu_epi8((__mmask16)m0, l[0].bytes + at), _mm_maskz_loadu_epi8((__mmask16)m1, l[1].bytes + at),
        _mm_maskz_loadu_epi8((__mmask16)m2, l[2].bytes + at), _mm_maskz_loadu_epi8((__mmask16)m3, l[3].bytes + at));
    const uint64_t bytes = (uint64_t)(m0 | m1 << 16) | (uint64_t)(m2 | m3 << 16) << 32;
    /* In each group of sixteen: the first byte behind the value, none when it is full. */
    const uint64_t mark = ((bytes << 1 & 0xFFFEFFFEFFFEFFFE) | 0x0001000100010001) & ~bytes;
    const uint64_t full = (bytes >> 15 & 0x0001000100010001) * 0xFFFF;
    return _mm512_xor_si512(_mm512_mask_mov_epi8(x, mark, _mm512_set1_epi8((char)0x80)),
                            _mm512_mask_mov_epi8(k2, full, k1));
}

/* A digest to each lane's row. */
INLINE void store(__m512i x, const struct lane *l, uint8_t *out)
{
    _mm_storeu_si128((__m128i *)(out + 16 * (size_t)l[0].row), _mm512_castsi512_si128(x));
    _mm_storeu_si128((__m128i *)(out + 16 * (size_t)l[1].row), _mm512_extracti32x4_epi32(x, 1));
    _mm_storeu_si128((__m128i *)(out + 16 * (size_t)l[2].row), _mm512_extracti32x4_epi32(x, 2));
    _mm_storeu_si128((__m128i *)(out + 16 * (size_t)l[3].row), _mm512_extracti32x4_epi32(x, 3));
}

INLINE void cmac(const kernel_cmac_key *key, const struct lane *lanes, uint32_t block_count, uint8_t *out,
                 const int vectors)
{
    const __m512i k1 = four_times(key->k1), k2 = four_times(key->k2);
    const size_t at = 16 * ((size_t)block_count - 1);
    __m512i x[8];
    for (int v = 0; v < vectors; v++) x[v] = at == 0 ? _mm512_setzero_si512() : load_whole(lanes + 4 * v, 0);
    for (size_t from = 16; from <= at; from += 16) {
        encrypt(&key->aes, x, vectors);
        if (from == at) break;
        for (int v = 0; v < vectors; v++) x[v] = _mm512_xor_si512(x[v], load_whole(lanes + 4 * v, from));
    }
    for (int v = 0; v < vectors; v++) x[v] = _mm512_xor_si512(x[v], load_last(lanes + 4 * v, at, k1, k2));
    encrypt(&key->aes, x, vectors);
    for (int v = 0; v < vectors; v++) store(x[v], lanes + 4 * v, out);
}

/* Four values of 17 to 32 bytes, the usual identifiers, with one load each: their first blocks, and their last ones with
 * mark and subkey. */
INLINE void load_two(const struct lane *l, __m512i k1, __m512i k2, __m512i *first, __m512i *last)
{
    __m512i pair[2];
    uint64_t bytes[2];
    for (int p = 0; p < 2; p++) {
        const uint32_t m0 = _bzhi_u32(~0U, l[2 * p].length), m1 = _bzhi_u32(~0U, l[2 * p + 1].length);
        const __m256i a = _mm256_maskz_loadu_epi8(m0, l[2 * p].bytes),
                      b = _mm256_maskz_loadu_epi8(m1, l[2 * p + 1].bytes);
        bytes[p] = m0 | (uint64_t)m1 << 32;
        pair[p] = _mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1);
        /* The first byte behind each value; none where it is full. */
        pair[p] = _mm512_mask_mov_epi8(pair[p], bytes[p] << 1 & ~bytes[p], _mm512_set1_epi8((char)0x80));
    }
    const uint64_t ends[2] = {(bytes[0] >> 31 & 1) | bytes[0] >> 63 << 2, (bytes[1] >> 31 & 1) | bytes[1] >> 63 << 2};
    const __mmask8 full = (__mmask8)(3 * (ends[0] | ends[1] << 4));
    *first = _mm512_shuffle_i64x2(pair[0], pair[1], 0x88);
    *last = _mm512_xor_si512(_mm512_shuffle_i64x2(pair[0], pair[1], 0xDD), _mm512_mask_mov_epi64(k2, full, k1));
}

INLINE void cmac_two(const kernel_cmac_key *key, const struct lane *lanes, uint8_t *out)
{
    const __m512i k1 = four_times(key->k1), k2 = four_times(key->k2);
    __m512i x[8], last[8];
    for (int v = 0; v < 8; v++) load_two(lanes + 4 * v, k1, k2, &x[v], &last[v]);
    encrypt(&key->aes, x, 8);
    for (int v = 0; v < 8; v++) x[v] = _mm512_xor_si512(x[v], last[v]);
    encrypt(&key->aes, x, 8);
    const uint32_t row = lanes[0].row;
    if (lanes[31].row - row == 31) { /* rows ascend: these follow each other */
        for (int v = 0; v < 8; v++) _mm512_storeu_si512(out + 16 * ((size_t)row + 4 * (size_t)v), x[v]);
    } else {
        for (int v = 0; v < 8; v++) store(x[v], lanes + 4 * v, out);
    }
}

static void cmac_group(const kernel_cmac_key *key, const struct lane *lanes, size_t count, uint32_t block_count,
                       uint8_t *out)
{
    size_t i = 0;
    if (block_count == 2)
        for (; i + 32 <= count; i += 32) cmac_two(key, lanes + i, out);
    for (; i + 32 <= count; i += 32) cmac(key, lanes + i, block_count, out, 8);
    for (; i + 8 <= count; i += 8) cmac(key, lanes + i, block_count, out, 2);
    if (i == count) return;
    /* The last ones: repeat the final value in the free lanes; it writes the same digest again. */
    struct lane rest[8];
    for (size_t l = 0; l < 8; l++) rest[l] = lanes[i + l < count ? i + l : count - 1];
    cmac(key, rest, block_count, out, 2);
}

#pragma clang attribute pop

const struct aes_version aes_vaes = {blocks, chain, cmac_group};

#endif
