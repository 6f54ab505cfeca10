/* Key, alphabet, tweak; and what is the same for all values of one length. */
#include "ff1.h"

static bool take_alphabet(kernel_ff1_cipher *cipher, const uint8_t *alphabet, size_t radix)
{
    bool seen[256] = {false};
    for (size_t i = 0; i < radix; i++) {
        if (seen[alphabet[i]]) return false;
        seen[alphabet[i]] = true;
        if (i > 0 && alphabet[i] == alphabet[i - 1] + 1) {
            cipher->runs[cipher->run_count - 1].count++;
        } else {
            cipher->runs[cipher->run_count].first = alphabet[i];
            cipher->runs[cipher->run_count].count = 1;
            cipher->runs[cipher->run_count++].digit = (uint16_t)i;
        }
    }
    return true;
}

bool kernel_ff1_cipher_make(kernel_ff1_cipher *cipher, const uint8_t *key, size_t key_count, const uint8_t *alphabet,
                            size_t radix, const uint8_t *tweak, size_t tweak_count, uint64_t least_domain)
{
    memset(cipher, 0, sizeof *cipher);
    if (radix < 2 || radix > 256 || tweak_count > KERNEL_FF1_TWEAK_BYTES || least_domain < 100) return false;
    if (!take_alphabet(cipher, alphabet, radix) || !kernel_aes_key_expand(&cipher->aes, key, key_count)) {
        kernel_ff1_cipher_wipe(cipher);
        return false;
    }
    cipher->radix = (uint32_t)radix;
    cipher->tweak_count = (uint32_t)tweak_count;
    if (tweak_count > 0) memcpy(cipher->tweak, tweak, tweak_count);
    unsigned __int128 domain = 1;
    while (domain < least_domain) {
        domain *= radix;
        cipher->shortest++;
    }
    if (cipher->shortest < 2) cipher->shortest = 2; /* two halves */
    return true;
}

void kernel_ff1_cipher_wipe(kernel_ff1_cipher *cipher) { wipe(cipher, sizeof *cipher); }

uint32_t ff1_half_bytes(uint32_t radix, uint32_t v)
{
    /* The largest number, radix ^ v - 1, in limbs of 16 bits. */
    uint16_t limbs[FF1_HALF / 2 + 1] = {0};
    uint32_t count = 0;
    for (uint32_t i = 0; i < v; i++) {
        uint32_t carry = radix - 1;
        for (uint32_t j = 0; j < count; j++) {
            carry += limbs[j] * radix;
            limbs[j] = (uint16_t)carry;
            carry >>= 16;
        }
        if (carry > 0) limbs[count++] = (uint16_t)carry;
    }
    return 2 * count - (limbs[count - 1] < 256);
}

void ff1_prefix(const struct aes_version *aes, const kernel_ff1_cipher *cipher, uint32_t n, uint32_t b,
                uint8_t state[16], uint8_t *rest, size_t *rest_count)
{
    const uint32_t t = cipher->tweak_count, u = n / 2;
    uint8_t q[16 + KERNEL_FF1_TWEAK_BYTES + 16 + FF1_HALF] = {
        1, 2, 1, 0, (uint8_t)(cipher->radix >> 8), (uint8_t)cipher->radix, FF1_ROUNDS, (uint8_t)u,
    };
    store_be32(q + 8, n);
    store_be32(q + 12, t);
    memcpy(q + 16, cipher->tweak, t);
    const size_t end = 16 + t + (0u - t - b - 1) % 16 + 1 + b; /* the zeros of the padding are there */
    const size_t fixed = (end - b - 1) / 16;                   /* whole blocks before the round number */
    memset(state, 0, 16);
    aes->chain(&cipher->aes, state, q, fixed);
    *rest_count = end - 16 * fixed;
    memcpy(rest, q + 16 * fixed, *rest_count);
}

bool ff1_plan_make(struct ff1_plan *plan, const struct aes_version *aes, const kernel_ff1_cipher *cipher, uint32_t n)
{
    const uint32_t u = n / 2, v = n - u;
    unsigned __int128 power = 1, small = 1;
    for (uint32_t i = 0; i < v; i++) {
        if (i == u) small = power;
        power *= cipher->radix;
        if (power > UINT64_MAX) return false; /* so that 2^64 itself, which 64 bits do not hold, goes the long way */
    }
    if (u == v) small = power;
    *plan = (struct ff1_plan){.n = n, .u = u, .v = v};
    const uint64_t largest = (uint64_t)power - 1;
    plan->b = (uint32_t)(64 - __builtin_clzll(largest | 1) + 7) / 8;
    plan->wide = plan->b > 4;
    plan->modulus[0] = (uint64_t)small, plan->modulus[1] = (uint64_t)power;
    for (int i = 0; i < 2; i++) {
        const uint64_t modulus = plan->modulus[i];
        if (plan->wide) {
            plan->shift[i] = (uint32_t)__builtin_clzll(modulus);
            plan->reciprocal[i] = (uint64_t)(~(unsigned __int128)0 / (modulus << plan->shift[i]));
        } else {
            plan->reciprocal[i] = (uint64_t)(((unsigned __int128)1 << 64) / modulus);
        }
    }
    uint8_t state[16], rest[48];
    size_t rest_count;
    ff1_prefix(aes, cipher, n, plan->b, state, rest, &rest_count); /* b + 1 is at most 9: one block remains */
    for (int i = 0; i < 16; i++) state[i] ^= rest[i];
    plan->high = load_be64(state), plan->low = load_be64(state + 8);
    return true;
}
