/* Luhn with AVX2: two values a register, each of at most 16 digits and moved to the right, so that the digits to be doubled stand in the
 * same places whatever the length. Loads reach back to 16 bytes before a value's end, so the first values of a column are
 * left to the plain version. */
#include "luhn.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2"))), apply_to = function)

#define LUHN_INLINE static inline __attribute__((always_inline))

/* Sixteen bytes from place n: the last n are set. */
static const uint8_t inside[32] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
};

/* Digits of two rows, 0 before the first; a byte that is no digit is above 9. */
LUHN_INLINE __m256i digits_of(const uint8_t *bytes, const int32_t *offsets, size_t row)
{
    const __m128i *first = (const __m128i *)(bytes + offsets[row + 1] - 16);
    const __m128i *second = (const __m128i *)(bytes + offsets[row + 2] - 16);
    const uint8_t *first_inside = inside + (offsets[row + 1] - offsets[row]);
    const uint8_t *second_inside = inside + (offsets[row + 2] - offsets[row + 1]);
    const __m256i text = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(first)), _mm_loadu_si128(second), 1);
    const __m256i mask = _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)first_inside)), _mm_loadu_si128((const __m128i *)second_inside), 1);
    return _mm256_and_si256(_mm256_sub_epi8(text, _mm256_set1_epi8('0')), mask);
}

/* For each 128 bits, their digits' sum in the lowest element. */
LUHN_INLINE __m256i sums_of(__m256i digits)
{
    const __m256i doubled = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 2, 4, 6, 8, 1, 3, 5, 7, 9, 0, 0, 0, 0, 0, 0));
    const __m256i counted = _mm256_blendv_epi8(digits, _mm256_shuffle_epi8(doubled, digits), _mm256_set1_epi16(0x00FF));
    return _mm256_sad_epu8(counted, _mm256_setzero_si256());
}

static void check_rows(const uint8_t *bytes, const int32_t *offsets, const uint8_t *validity, size_t rows, uint8_t *holds)
{
    const __m256i nine = _mm256_set1_epi8(9);
    size_t row = 0;
    for (; row + 4 <= rows; row += 4) {
        const __m128i lengths = _mm_sub_epi32(_mm_loadu_si128((const __m128i *)(offsets + row + 1)),
                                              _mm_loadu_si128((const __m128i *)(offsets + row)));
        const uint32_t valid = validity ? (uint32_t)validity[row >> 3] >> (row & 4) : 0xF;
        const bool is_long = _mm_movemask_epi8(_mm_cmpgt_epi32(lengths, _mm_set1_epi32(16))) != 0;
        if (__builtin_expect(!is_long && offsets[row + 1] - offsets[0] >= 16, 1)) {
            const __m256i digits[2] = {digits_of(bytes, offsets, row), digits_of(bytes, offsets, row + 2)};
            const __m256i others = _mm256_subs_epu8(_mm256_max_epu8(digits[0], digits[1]), nine);
            if (__builtin_expect(_mm256_testz_si256(others, others), 1)) {
                /* Halves of rows 0 and 2 in the lower 128 bits, of rows 1 and 3 in the upper. */
                const __m256i a = sums_of(digits[0]), b = sums_of(digits[1]);
                const __m256i sums = _mm256_add_epi64(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
                /* sums / 10, exact below 1638 */
                const __m256i tens = _mm256_mulhi_epu16(sums, _mm256_set1_epi64x(6554));
                const __m256i whole = _mm256_cmpeq_epi64(sums, _mm256_mullo_epi16(tens, _mm256_set1_epi64x(10)));
                const __m256i in_order = _mm256_permute4x64_epi64(whole, _MM_SHUFFLE(3, 1, 2, 0));
                const uint32_t empty = (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(lengths, _mm_setzero_si128())));
                const uint32_t true_rows = (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(in_order)) & ~empty & valid;
                const uint32_t verdicts = _pdep_u32(true_rows, 0x01010101);
                memcpy(holds + row, &verdicts, 4);
                continue;
            }
        }
        luhn_rows_plain(bytes, offsets, validity, row, row + 4, holds);
    }
    luhn_rows_plain(bytes, offsets, validity, row, rows, holds);
}

#pragma clang attribute pop

const struct luhn_version luhn_avx2 = {check_rows};

#endif
