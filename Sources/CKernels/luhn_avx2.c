/* Luhn with AVX2: four rows at a time, each value moved to the right, so that the digits to be doubled stand in the same places
 * whatever the length: two values a register up to 16 digits, one up to 32. Loads reach back to 16 or 32 bytes before a
 * value's end, so the first values of a column are left to the plain version. (With 512-bit registers it was slower on Zen 4.) */
#include "luhn.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

#define LUHN_INLINE static inline __attribute__((always_inline))

/* Of the 16 bytes from place n on the last n are set, of the 32 bytes from place n - 16 on the last n. */
static const uint8_t inside[64] = {
    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
};

LUHN_INLINE __m256i two(const uint8_t *first, const uint8_t *second)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)first)),
                                   _mm_loadu_si128((const __m128i *)second), 1);
}

LUHN_INLINE __m256i digits(__m256i text, __m256i mask)
{
    return _mm256_and_si256(_mm256_sub_epi8(text, _mm256_set1_epi8('0')), mask);
}

/* Digits of two rows of at most 16, zeros before them; a byte that is no digit is above 9. */
LUHN_INLINE __m256i digits_of_two(const uint8_t *bytes, const int32_t *offsets, size_t row)
{
    return digits(
        two(bytes + offsets[row + 1] - 16, bytes + offsets[row + 2] - 16),
        two(inside + 16 + (offsets[row + 1] - offsets[row]), inside + 16 + (offsets[row + 2] - offsets[row + 1])));
}

/* Digits of one row of at most 32. */
LUHN_INLINE __m256i digits_of_one(const uint8_t *bytes, const int32_t *offsets, size_t row)
{
    return digits(_mm256_loadu_si256((const __m256i *)(bytes + offsets[row + 1] - 32)),
                  _mm256_loadu_si256((const __m256i *)(inside + (offsets[row + 1] - offsets[row]))));
}

/* Sums of eight digits each, every second one doubled. */
LUHN_INLINE __m256i sums_of(__m256i digits)
{
    const __m256i doubled = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 2, 4, 6, 8, 1, 3, 5, 7, 9, 0, 0, 0, 0, 0, 0));
    const __m256i counted = _mm256_blendv_epi8(digits, _mm256_shuffle_epi8(doubled, digits), _mm256_set1_epi16(0x00FF));
    return _mm256_sad_epu8(counted, _mm256_setzero_si256());
}

/* Zero where eight bytes are digits. */
LUHN_INLINE __m256i others_of(__m256i digits)
{
    return _mm256_sad_epu8(_mm256_subs_epu8(digits, _mm256_set1_epi8(9)), _mm256_setzero_si256());
}

/* Sums over 128 bits: of a below, b above, twice. */
LUHN_INLINE __m256i halves(__m256i a, __m256i b)
{
    return _mm256_add_epi64(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
}

/* Bit i: sum i is a multiple of ten, and i has no others. */
LUHN_INLINE uint32_t verdicts_of(__m256i sums, __m256i others)
{
    const __m256i tens = _mm256_mulhi_epu16(sums, _mm256_set1_epi64x(6554)); /* sums / 10, exact below 1638 */
    const __m256i rest = _mm256_sub_epi64(sums, _mm256_mullo_epi16(tens, _mm256_set1_epi64x(10)));
    const __m256i whole = _mm256_cmpeq_epi64(_mm256_or_si256(rest, others), _mm256_setzero_si256());
    return (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(whole));
}

LUHN_INLINE uint32_t check_short(const uint8_t *bytes, const int32_t *offsets, size_t row)
{
    const __m256i a = digits_of_two(bytes, offsets, row), b = digits_of_two(bytes, offsets, row + 2);
    const uint32_t verdicts = verdicts_of(halves(sums_of(a), sums_of(b)), halves(others_of(a), others_of(b)));
    return (verdicts & 9) | (verdicts & 2) << 1 | (verdicts & 4) >> 1; /* they come in the order 0, 2, 1, 3 */
}

LUHN_INLINE __m256i in_order(__m256i first, __m256i second)
{
    return _mm256_add_epi64(_mm256_permute2x128_si256(first, second, 0x20),
                            _mm256_permute2x128_si256(first, second, 0x31));
}

LUHN_INLINE uint32_t check_long(const uint8_t *bytes, const int32_t *offsets, size_t row)
{
    const __m256i a = digits_of_one(bytes, offsets, row), b = digits_of_one(bytes, offsets, row + 1);
    const __m256i c = digits_of_one(bytes, offsets, row + 2), d = digits_of_one(bytes, offsets, row + 3);
    return verdicts_of(in_order(halves(sums_of(a), sums_of(b)), halves(sums_of(c), sums_of(d))),
                       in_order(halves(others_of(a), others_of(b)), halves(others_of(c), others_of(d))));
}

static void check_rows(const uint8_t *bytes, const int32_t *offsets, const uint8_t *validity, size_t rows,
                       uint8_t *holds)
{
    size_t row = 0;
    for (; row + 4 <= rows; row += 4) {
        const __m128i lengths = _mm_sub_epi32(_mm_loadu_si128((const __m128i *)(offsets + row + 1)),
                                              _mm_loadu_si128((const __m128i *)(offsets + row)));
        const int32_t before = offsets[row + 1] - offsets[0];
        uint32_t verdicts;
        if (before >= 16 && _mm_movemask_epi8(_mm_cmpgt_epi32(lengths, _mm_set1_epi32(16))) == 0) {
            verdicts = check_short(bytes, offsets, row);
        } else if (before >= 32 && _mm_movemask_epi8(_mm_cmpgt_epi32(lengths, _mm_set1_epi32(32))) == 0) {
            verdicts = check_long(bytes, offsets, row);
        } else {
            luhn_rows_plain(bytes, offsets, validity, row, row + 4, holds);
            continue;
        }
        if (validity) verdicts &= (uint32_t)validity[row >> 3] >> (row & 4);
        verdicts &= ~(uint32_t)_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(lengths, _mm_setzero_si128()))) & 0xF;
        verdicts = verdicts * 0x00204081 & 0x01010101; /* a bit for each byte */
        memcpy(holds + row, &verdicts, 4);
    }
    luhn_rows_plain(bytes, offsets, validity, row, rows, holds);
}

#pragma clang attribute pop

const struct luhn_version luhn_avx2 = {check_rows};

#endif
