/* The scan for identifiers with AVX2: two halves of 32 bytes. */
#include "redact_scan.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,popcnt"))), apply_to = function)

#define BLOCK_INLINE static inline __attribute__((always_inline))

typedef struct {
    __m256i low, high;
} block;

BLOCK_INLINE block load(const uint8_t *from)
{
    return (block){_mm256_loadu_si256((const __m256i *)from), _mm256_loadu_si256((const __m256i *)(from + 32))};
}
BLOCK_INLINE uint64_t bits_of(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}
BLOCK_INLINE __m256i half_equals(__m256i half, uint8_t byte)
{
    return _mm256_cmpeq_epi8(half, _mm256_set1_epi8((char)byte));
}
BLOCK_INLINE __m256i half_within(__m256i half, uint8_t low, uint8_t high)
{
    const __m256i above = _mm256_sub_epi8(half, _mm256_set1_epi8((char)low));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(above, _mm256_set1_epi8((char)(high - low))), above);
}
BLOCK_INLINE uint64_t equals(block b, uint8_t byte)
{
    return bits_of(half_equals(b.low, byte), half_equals(b.high, byte));
}
BLOCK_INLINE uint64_t within(block b, uint8_t low, uint8_t high)
{
    return bits_of(half_within(b.low, low, high), half_within(b.high, low, high));
}
BLOCK_INLINE uint64_t within_letters(block b)
{
    const __m256i small = _mm256_set1_epi8(0x20);
    return within((block){_mm256_or_si256(b.low, small), _mm256_or_si256(b.high, small)}, 'a', 'z');
}

/* No digit, colon (the byte behind 9) or @. */
BLOCK_INLINE int is_quiet(block b)
{
    const __m256i low = _mm256_or_si256(half_within(b.low, '0', ':'), half_equals(b.low, '@'));
    const __m256i high = _mm256_or_si256(half_within(b.high, '0', ':'), half_equals(b.high, '@'));
    const __m256i any = _mm256_or_si256(low, high);
    return _mm256_testz_si256(any, any);
}

#include "redact_scan_blocks.h"

#pragma clang attribute pop

const struct scan_version scan_avx2 = {candidates};

#endif
