/* Text forms with AVX-512 VBMI: one multishift takes the bits of sixty-four characters, one permute looks them up. */
#include "token.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2"))),            \
                             apply_to = function)

/* Writes the first `length` characters of `text`, at least 16 of them, with stores that overlap instead of a mask:
 * masked byte stores are slow on some processors. */
static inline __attribute__((always_inline)) void put(uint8_t *out, __m512i text, size_t length)
{
    const __m128i first = _mm512_castsi512_si128(text);
    if (length <= 32) {
        const __m256i shift =
            _mm256_add_epi8(_mm256_set1_epi8((char)(length - 16)),
                            _mm256_castsi128_si256(_mm_set_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)));
        const __m128i last = _mm256_castsi256_si128(_mm256_permutexvar_epi8(shift, _mm512_castsi512_si256(text)));
        _mm_storeu_si128((__m128i *)out, first);
        _mm_storeu_si128((__m128i *)(out + length - 16), last);
    } else {
        _mm512_mask_storeu_epi8(out, _bzhi_u64(~0ULL, (uint32_t)length), text);
    }
}

/* For each group of eight characters: which bytes feed it (reversed, because the first bits are the highest) … */
static const uint8_t base32_bytes[64] = {
    7,  6,  5,  4,  3,  2,  1,  0,  12, 11, 10, 9,  8,  7,  6,  5,  17, 16, 15, 14, 13, 12,
    11, 10, 22, 21, 20, 19, 18, 17, 16, 15, 27, 26, 25, 24, 23, 22, 21, 20, 32, 31, 30, 29,
    28, 27, 26, 25, 37, 36, 35, 34, 33, 32, 31, 30, 42, 41, 40, 39, 38, 37, 36, 35,
};
static const uint8_t hex_bytes[64] = {
    7,  6,  5,  4,  3,  2,  1,  0,  11, 10, 9,  8,  7,  6,  5,  4,  15, 14, 13, 12, 11, 10,
    9,  8,  19, 18, 17, 16, 15, 14, 13, 12, 23, 22, 21, 20, 19, 18, 17, 16, 27, 26, 25, 24,
    23, 22, 21, 20, 31, 30, 29, 28, 27, 26, 25, 24, 35, 34, 33, 32, 31, 30, 29, 28,
};
/* … and at which bit of those 64 each character's bits begin. */
enum { BASE32_SHIFTS = 0, HEX_SHIFTS = 1 };
static const uint8_t shifts[2][8] = {{59, 54, 49, 44, 39, 34, 29, 24}, {60, 56, 52, 48, 44, 40, 36, 32}};
static const char alphabet[2][65] = {
    "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrstuvwxyz234567",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
};

static inline __attribute__((always_inline)) void text_rows(const uint8_t *digests, size_t stride,
                                                            const uint8_t *validity, size_t rows, size_t length,
                                                            uint8_t *out, int32_t *offsets, const uint8_t *bytes,
                                                            const int form)
{
    uint64_t shift_word;
    memcpy(&shift_word, shifts[form], 8);
    const __m512i gather = _mm512_loadu_si512(bytes), shift = _mm512_set1_epi64((long long)shift_word);
    const __m512i letters = _mm512_loadu_si512(alphabet[form]);
    const size_t whole = form == BASE32_SHIFTS ? 5 * length / 8 : (length + 1) / 2;
    const __mmask64 digest_bytes = _bzhi_u64(~0ULL, (uint32_t)(stride < whole ? stride : whole));
    size_t end = 0;
    offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        if (token_is_valid(validity, row)) {
            const __m512i digest = _mm512_maskz_loadu_epi8(digest_bytes, digests + stride * row);
            const __m512i fields = _mm512_multishift_epi64_epi8(shift, _mm512_permutexvar_epi8(gather, digest));
            /* Only the low six bits select a letter, and both alphabets repeat. */
            put(out + end, _mm512_permutexvar_epi8(fields, letters), length);
            end += length;
        }
        offsets[row + 1] = (int32_t)end;
    }
}

static void base32_rows(const uint8_t *digests, size_t stride, const uint8_t *validity, size_t rows, size_t length,
                        uint8_t *out, int32_t *offsets)
{
    if (length < 16)
        token_plain.base32(digests, stride, validity, rows, length, out, offsets);
    else
        text_rows(digests, stride, validity, rows, length, out, offsets, base32_bytes, BASE32_SHIFTS);
}

static void hex_rows(const uint8_t *digests, size_t stride, const uint8_t *validity, size_t rows, size_t length,
                     uint8_t *out, int32_t *offsets)
{
    if (length < 16)
        token_plain.hex(digests, stride, validity, rows, length, out, offsets);
    else
        text_rows(digests, stride, validity, rows, length, out, offsets, hex_bytes, HEX_SHIFTS);
}

#pragma clang attribute pop

const struct token_version token_avx512 = {base32_rows, hex_rows};

#endif
