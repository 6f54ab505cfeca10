/* The rounds of FF1 over halves of at most 64 bits, through arrays of blocks: for any AES. */
#include "ff1_reduce.h"

static inline __attribute__((always_inline)) void rounds(const struct aes_version *aes, const struct ff1_plan *plan,
                                                         const kernel_aes_key *key, uint64_t *a, uint64_t *b,
                                                         size_t count, bool decrypt, const bool wide)
{
    uint8_t blocks[FF1_BATCH][16];
    for (uint32_t step = 0; step < FF1_ROUNDS; step++) {
        const uint32_t round = decrypt ? FF1_ROUNDS - 1 - step : step, odd = round & 1;
        const struct ff1_block block = ff1_block_of(plan, round);
        uint64_t *source = decrypt ? a : b, *target = decrypt ? b : a;
        for (size_t i = 0; i < count; i++) {
            store_be64(blocks[i], block.high);
            store_be64(blocks[i] + 8, block.low ^ source[i]);
        }
        aes->blocks(key, blocks[0], blocks[0], count);
        for (size_t i = 0; i < count; i++)
            target[i] = ff1_combine(target[i], load_be64(blocks[i]), load_be64(blocks[i] + 8) >> 32, plan->modulus[odd],
                                    plan->reciprocal[odd], plan->shift[odd], decrypt, wide);
        /* The new half takes the other one's place. */
        uint64_t *const other = a;
        a = b, b = other;
    }
    wipe(blocks, sizeof blocks);
}

#define ROUNDS(name, aes)                                                                                              \
    static void name(const struct ff1_plan *plan, const kernel_aes_key *key, uint64_t *a, uint64_t *b, size_t count,   \
                     bool decrypt)                                                                                     \
    {                                                                                                                  \
        if (plan->wide)                                                                                                \
            rounds(aes, plan, key, a, b, count, decrypt, true);                                                        \
        else                                                                                                           \
            rounds(aes, plan, key, a, b, count, decrypt, false);                                                       \
    }

ROUNDS(rounds_plain, &aes_plain)
const struct ff1_version ff1_plain = {&aes_plain, &ff1_text_decimal, rounds_plain};
#if defined(__aarch64__)
ROUNDS(rounds_armv8, &aes_armv8)
const struct ff1_version ff1_armv8 = {&aes_armv8, &ff1_text_decimal, rounds_armv8};
#endif
