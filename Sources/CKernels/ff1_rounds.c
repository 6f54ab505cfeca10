/* The rounds of FF1 over halves of at most 64 bits, many values at a time, with any AES. */
#include "ff1.h"

/* y mod modulus for 64 bits; reciprocal = floor(2^64 / modulus), so the quotient is at most one too small. */
static inline uint64_t reduce_narrow(uint64_t y, uint64_t modulus, uint64_t reciprocal)
{
    const uint64_t quotient = (uint64_t)((unsigned __int128)y * reciprocal >> 64), rest = y - quotient * modulus;
    return rest - (modulus & (0 - (uint64_t)(rest >= modulus)));
}

/* (high : low) mod divisor, high < divisor, divisor normalised.
 * N. Moeller and T. Granlund, "Improved division by invariant integers", 2011, algorithm 4, without branches. */
static inline uint64_t reduce_two(uint64_t high, uint64_t low, uint64_t divisor, uint64_t reciprocal)
{
    const unsigned __int128 q = (unsigned __int128)reciprocal * high + ((unsigned __int128)high << 64 | low);
    const uint64_t quotient = (uint64_t)(q >> 64) + 1;
    uint64_t rest = low - quotient * divisor;
    rest += divisor & (0 - (uint64_t)(rest > (uint64_t)q));
    return rest - (divisor & (0 - (uint64_t)(rest >= divisor)));
}

/* y mod modulus for y = top32 : low, 96 bits. */
static inline uint64_t reduce_wide(uint64_t top, uint64_t low, uint64_t modulus, uint64_t reciprocal, uint32_t shift)
{
    const uint64_t divisor = modulus << shift;
    const uint64_t first = reduce_two(top >> 1 >> (63 - shift), top << shift, divisor, reciprocal);
    return reduce_two(first | low >> 1 >> (63 - shift), low << shift, divisor, reciprocal) >> shift;
}

static inline __attribute__((always_inline)) void rounds(
    const struct aes_version *aes, const struct ff1_plan *plan, const kernel_aes_key *key, uint64_t *a, uint64_t *b,
    size_t count, bool decrypt, const bool wide)
{
    uint8_t blocks[FF1_BATCH][16];
    for (uint32_t step = 0; step < FF1_ROUNDS; step++) {
        const uint32_t round = decrypt ? FF1_ROUNDS - 1 - step : step;
        const uint64_t modulus = plan->modulus[round & 1], reciprocal = plan->reciprocal[round & 1];
        const uint32_t shift = plan->shift[round & 1];
        /* The round number stands before the b bytes of the half. */
        const uint64_t high = plan->high ^ (plan->b == 8 ? round : 0);
        const uint64_t low = plan->low ^ (plan->b == 8 ? 0 : (uint64_t)round << (8 * plan->b & 63));
        uint64_t *source = decrypt ? a : b, *target = decrypt ? b : a;
        for (size_t i = 0; i < count; i++) {
            store_be64(blocks[i], high);
            store_be64(blocks[i] + 8, low ^ source[i]);
        }
        aes->blocks(key, blocks[0], blocks[0], count);
        for (size_t i = 0; i < count; i++) {
            const uint64_t first = load_be64(blocks[i]);
            uint64_t y;
            if (wide) {
                const uint64_t second = load_be64(blocks[i] + 8) >> 32;
                y = reduce_wide(first >> 32, first << 32 | second, modulus, reciprocal, shift);
            } else {
                y = reduce_narrow(first, modulus, reciprocal);
            }
            /* Encrypting adds y: that is, takes away modulus - y. */
            const uint64_t less = decrypt ? y : modulus - y;
            target[i] = target[i] - less + (modulus & (0 - (uint64_t)(target[i] < less)));
        }
        /* The new half takes the other one's place. */
        uint64_t *const other = a;
        a = b, b = other;
    }
    wipe(blocks, sizeof blocks);
}

void ff1_rounds(const struct ff1_version *version, const struct ff1_plan *plan, const kernel_aes_key *key,
                uint64_t *a, uint64_t *b, size_t count, bool decrypt)
{
    if (!plan->wide && version->narrow) version->narrow(plan, key, a, b, count, decrypt);
    else if (plan->wide) rounds(version->aes, plan, key, a, b, count, decrypt, true);
    else rounds(version->aes, plan, key, a, b, count, decrypt, false);
}

const struct ff1_version ff1_plain = {&aes_plain, NULL, NULL, NULL};
#if defined(__x86_64__)
const struct ff1_version ff1_aesni = {&aes_ni, NULL, NULL, NULL};
#elif defined(__aarch64__)
const struct ff1_version ff1_armv8 = {&aes_armv8, NULL, NULL, NULL};
#endif
