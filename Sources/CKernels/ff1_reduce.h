/* Reduction of the round function's output modulo radix ^ m, and the addition to the half: ordinary C, no branches. */
#ifndef CKERNELS_FF1_REDUCE_H
#define CKERNELS_FF1_REDUCE_H

#include "ff1.h"

/* y mod modulus for 64 bits; reciprocal = floor(2^64 / modulus), so the quotient is at most one too small. */
static inline __attribute__((always_inline)) uint64_t reduce_narrow(uint64_t y, uint64_t modulus, uint64_t reciprocal)
{
    const uint64_t quotient = (uint64_t)((unsigned __int128)y * reciprocal >> 64), rest = y - quotient * modulus;
    return rest - (modulus & ~mask_less(rest, modulus));
}

/* (high : low) mod divisor, high < divisor, divisor normalised.
 * N. Moeller and T. Granlund, "Improved division by invariant integers", 2011, algorithm 4, without branches. */
static inline __attribute__((always_inline)) uint64_t reduce_two(uint64_t high, uint64_t low, uint64_t divisor,
                                                                 uint64_t reciprocal)
{
    const unsigned __int128 q = (unsigned __int128)reciprocal * high + ((unsigned __int128)high << 64 | low);
    const uint64_t quotient = (uint64_t)(q >> 64) + 1;
    uint64_t rest = low - quotient * divisor;
    rest += divisor & mask_less((uint64_t)q, rest);
    return rest - (divisor & ~mask_less(rest, divisor));
}

/* y mod modulus for y = top32 : low, 96 bits. */
static inline __attribute__((always_inline)) uint64_t reduce_wide(uint64_t top, uint64_t low, uint64_t modulus,
                                                                  uint64_t reciprocal, uint32_t shift)
{
    const uint64_t divisor = modulus << shift;
    const uint64_t first = reduce_two(top >> 1 >> (63 - shift), top << shift, divisor, reciprocal);
    return reduce_two(first | low >> 1 >> (63 - shift), low << shift, divisor, reciprocal) >> shift;
}

/* The new half. y: the first 64 bits of the round function's output, and for wide plans the next 32. */
static inline __attribute__((always_inline)) uint64_t ff1_combine(uint64_t half, uint64_t first, uint64_t next32,
                                                                  uint64_t modulus, uint64_t reciprocal, uint32_t shift,
                                                                  bool decrypt, const bool wide)
{
    const uint64_t y = wide ? reduce_wide(first >> 32, first << 32 | next32, modulus, reciprocal, shift)
                            : reduce_narrow(first, modulus, reciprocal);
    /* Encrypting adds y: that is, takes away modulus - y. */
    const uint64_t less = decrypt ? y : modulus - y;
    return half - less + (modulus & mask_less(half, less));
}

/* The last block before the cipher, without the half: the round number stands before the half's b bytes. */
struct ff1_block {
    uint64_t high, low;
};

static inline struct ff1_block ff1_block_of(const struct ff1_plan *plan, uint32_t round)
{
    return (struct ff1_block){plan->high ^ (plan->b == 8 ? round : 0),
                              plan->low ^ (plan->b == 8 ? 0 : (uint64_t)round << (8 * plan->b & 63))};
}

#endif
