/* The scan for identifiers with AVX-512 BW: one comparison gives a mask of 64 bytes. */
#include "redact_scan.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,bmi,bmi2,popcnt"))),            \
                             apply_to = function)

#define BLOCK_INLINE static inline __attribute__((always_inline))

typedef __m512i block;

BLOCK_INLINE block load(const uint8_t *from) { return _mm512_loadu_si512(from); }
BLOCK_INLINE uint64_t equals(block b, uint8_t byte) { return _mm512_cmpeq_epi8_mask(b, _mm512_set1_epi8((char)byte)); }
BLOCK_INLINE uint64_t within(block b, uint8_t low, uint8_t high)
{
    return _mm512_cmple_epu8_mask(_mm512_sub_epi8(b, _mm512_set1_epi8((char)low)),
                                  _mm512_set1_epi8((char)(high - low)));
}
BLOCK_INLINE uint64_t within_letters(block b) { return within(_mm512_or_si512(b, _mm512_set1_epi8(0x20)), 'a', 'z'); }

/* No digit, colon (the byte behind 9) or @. */
BLOCK_INLINE int is_quiet(block b) { return (within(b, '0', ':') | equals(b, '@')) == 0; }

#include "redact_scan_blocks.h"

#pragma clang attribute pop

const struct scan_version scan_avx512 = {candidates};

#endif
