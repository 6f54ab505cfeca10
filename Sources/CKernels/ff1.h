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
    bool wide;              /* the round function gives 96 bits instead of 64: b is above 4 */
    uint64_t modulus[2];    /* radix ^ u for even rounds, radix ^ v for odd ones */
    uint64_t reciprocal[2]; /* narrow: floor(2^64 / modulus); wide: floor((2^128 - 1) / normalised) - 2^64 */
    uint32_t shift[2];      /* wide: leading zeros of the modulus */
    uint64_t high, low;     /* the last block before encryption, without round number and half: big-endian halves */
};

/* Text to halves and back, for `count` values of plan->n characters, at most FF1_BATCH. outside[i] is 1 for a value with
 * a byte that is not of the alphabet, else 0. Arrays have FF1_BATCH elements. */
struct ff1_text {
    void (*parse)(const kernel_ff1_cipher *cipher, const struct ff1_plan *plan, const struct lane *lanes, size_t count,
                  uint64_t *a, uint64_t *b, uint8_t *outside);
    void (*format)(const kernel_ff1_cipher *cipher, const struct ff1_plan *plan, uint8_t *const *texts, size_t count,
                   const uint64_t *a, const uint64_t *b);
};

/* Any alphabet; and the digits 0 to 9 in values of at most 16 characters. */
extern const struct ff1_text ff1_text_any, ff1_text_decimal;
bool ff1_is_decimal(const kernel_ff1_cipher *cipher);

struct ff1_version {
    const struct aes_version *aes;
    const struct ff1_text *decimal;
    /* All rounds of `count` values, at most FF1_BATCH, in place. Arrays have FF1_BATCH elements, all below the moduli. */
    void (*rounds)(const struct ff1_plan *plan, const kernel_aes_key *key, uint64_t *a, uint64_t *b, size_t count,
                   bool decrypt);
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

/* One value of any length, digits in and out: big-number arithmetic. */
void ff1_big(const struct aes_version *aes, const kernel_ff1_cipher *cipher, uint8_t *digits, uint32_t n, bool decrypt);

/* Bytes to digits in place, and back: `count` a multiple of 16. Every run is looked at, so no address depends on a byte.
 * known[i] is 0 where byte i is not of the alphabet. */
void ff1_digits(const kernel_ff1_cipher *cipher, uint8_t *bytes, uint8_t *known, size_t count);
void ff1_letters(const kernel_ff1_cipher *cipher, uint8_t *digits, size_t count);

/* A column; kind is OFFSETS_32 or OFFSETS_64. `big_only`: for the reference. */
size_t ff1_column(const struct ff1_version *version, const kernel_ff1_cipher *cipher, const struct column *column,
                  enum offset_kind kind, uint8_t *out, uint8_t *status, bool decrypt, bool big_only);

#endif
