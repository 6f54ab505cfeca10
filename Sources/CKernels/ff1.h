/* Inside of FF1. Names of SP 800-38G, algorithm 7: n characters in halves of u and v, numbers of b bytes, d bytes of the
 * round function's output. */
#ifndef CKERNELS_FF1_H
#define CKERNELS_FF1_H

#include "aes.h"
#include "kernel_ff1.h"

enum { FF1_BATCH = 64, FF1_ROUNDS = 10, FF1_HALF = KERNEL_FF1_LONGEST / 2 };

/* What is the same for all values of n characters, when both halves fit 64 bits. */
struct ff1_plan {
    uint32_t n, u, v, b;
    bool wide;               /* the round function gives 96 bits instead of 64: b is above 4 */
    uint64_t modulus[2];     /* radix ^ u for even rounds, radix ^ v for odd ones */
    uint64_t reciprocal[2];  /* narrow: floor(2^64 / modulus); wide: floor((2^128 - 1) / normalised) - 2^64 */
    uint32_t shift[2];       /* wide: leading zeros of the modulus */
    uint64_t high, low;      /* the last block before encryption, without round number and half: big-endian halves */
};

/* A version of the rounds. `narrow` may be NULL: then they go through aes->blocks. */
struct ff1_version {
    const struct aes_version *aes;
    /* All rounds of `count` values, at most FF1_BATCH, in place; arrays have FF1_BATCH elements, all below the moduli. */
    void (*narrow)(const struct ff1_plan *plan, const kernel_aes_key *key, uint64_t *a, uint64_t *b, size_t count, bool decrypt);
    /* Decimal text of at most 16 characters to halves and back; NULL: one character at a time. */
    void (*decimal_parse)(const struct ff1_plan *plan, const struct lane *lanes, size_t count, uint64_t *a, uint64_t *b, uint8_t *outside);
    void (*decimal_format)(const struct ff1_plan *plan, uint8_t *const *texts, size_t count, const uint64_t *a, const uint64_t *b);
};

extern const struct ff1_version ff1_plain;
#if defined(__x86_64__)
extern const struct ff1_version ff1_aesni, ff1_vaes;
#elif defined(__aarch64__)
extern const struct ff1_version ff1_armv8;
#endif

/* Bytes that hold the numbers below radix ^ v: from exact powers, never from logarithms. */
uint32_t ff1_half_bytes(uint32_t radix, uint32_t v);

/* The first block, P, and the block chain over the tweak and its padding; returns the state before the block that holds
 * the end of Q, and writes that end without round number and half. Q's last `tail` bytes change with the value. */
void ff1_prefix(const struct aes_version *aes, const kernel_ff1_cipher *cipher, uint32_t n, uint32_t b,
                uint8_t state[16], uint8_t *rest, size_t *rest_count);

/* False when a half of n characters does not fit 64 bits. */
bool ff1_plan_make(struct ff1_plan *plan, const struct aes_version *aes, const kernel_ff1_cipher *cipher, uint32_t n);

void ff1_rounds(const struct ff1_version *version, const struct ff1_plan *plan, const kernel_aes_key *key,
                uint64_t *a, uint64_t *b, size_t count, bool decrypt);

/* One value of any length, digits in and out: big-number arithmetic. */
void ff1_big(const struct aes_version *aes, const kernel_ff1_cipher *cipher, uint8_t *digits, uint32_t n, bool decrypt);

/* Digit of a byte; sets *outside when the byte is not of the alphabet. Looks at every run: no address depends on it. */
static inline uint32_t ff1_digit(const kernel_ff1_cipher *cipher, uint32_t byte, uint32_t *outside)
{
    uint32_t digit = 0, known = 0;
    for (uint32_t r = 0; r < cipher->run_count; r++) {
        const uint32_t at = byte - cipher->runs[r].first, in = 0u - (at < cipher->runs[r].count);
        digit |= in & (at + cipher->runs[r].digit);
        known |= in;
    }
    *outside |= ~known & 1;
    return digit;
}

static inline uint8_t ff1_letter(const kernel_ff1_cipher *cipher, uint32_t digit)
{
    uint32_t byte = 0;
    for (uint32_t r = 0; r < cipher->run_count; r++) {
        const uint32_t at = digit - cipher->runs[r].digit, in = 0u - (at < cipher->runs[r].count);
        byte |= in & (at + cipher->runs[r].first);
    }
    return (uint8_t)byte;
}

/* A column; kind is OFFSETS_32 or OFFSETS_64. `big_only`: for the reference. */
size_t ff1_column(const struct ff1_version *version, const kernel_ff1_cipher *cipher, const struct column *column,
                  enum offset_kind kind, uint8_t *out, uint8_t *status, bool decrypt, bool big_only);

#endif
