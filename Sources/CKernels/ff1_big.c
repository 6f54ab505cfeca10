/* FF1 for halves of any size up to 256 digits: SP 800-38G, algorithms 7 and 8, step by step, without division by secrets. */
#include "ff1.h"

enum {
    LIMBS = FF1_HALF / 2 + 4
}; /* 16 bits each: the round function's output is up to eight bytes longer than a half */

/* Big-endian bytes of the number that `digits` write, `count` bytes. */
static void number_bytes(const uint8_t *digits, uint32_t m, uint32_t radix, uint8_t *bytes, uint32_t count)
{
    uint16_t limbs[LIMBS] = {0};
    const uint32_t used = (count + 1) / 2;
    for (uint32_t i = 0; i < m; i++) {
        uint32_t carry = digits[i];
        for (uint32_t j = 0; j < used; j++) {
            carry += limbs[j] * radix;
            limbs[j] = (uint16_t)carry;
            carry >>= 16;
        }
    }
    for (uint32_t i = 0; i < count; i++) bytes[count - 1 - i] = (uint8_t)(limbs[i / 2] >> 8 * (i % 2));
    wipe(limbs, sizeof limbs);
}

/* The lowest m digits of the number in `bytes`: the number modulo radix ^ m. count is even. */
static void lowest_digits(const uint8_t *bytes, uint32_t count, uint32_t radix, uint8_t *digits, uint32_t m)
{
    uint16_t limbs[LIMBS];
    const uint32_t used = count / 2;
    const uint64_t reciprocal = (1ULL << 40) / radix + 1; /* exact for dividends below 2^24 and radix up to 2^8 */
    for (uint32_t j = 0; j < used; j++) limbs[j] = (uint16_t)(bytes[2 * j] << 8 | bytes[2 * j + 1]);
    for (uint32_t i = m; i-- > 0;) {
        uint32_t rest = 0;
        for (uint32_t j = 0; j < used; j++) {
            const uint32_t dividend = rest << 16 | limbs[j], quotient = (uint32_t)(dividend * reciprocal >> 40);
            limbs[j] = (uint16_t)quotient;
            rest = dividend - quotient * radix;
        }
        digits[i] = (uint8_t)rest;
    }
    wipe(limbs, sizeof limbs);
}

/* target = target + y, or target - y, modulo radix ^ m, digit by digit. */
static void combine(uint8_t *target, const uint8_t *y, uint32_t m, uint32_t radix, bool subtract)
{
    uint32_t carry = 0;
    for (uint32_t i = m; i-- > 0;) {
        const uint32_t sum = subtract ? target[i] - y[i] - carry : target[i] + y[i] + carry;
        const uint32_t wrap = subtract ? sum >> 31 : (uint32_t)~mask_less(sum, radix) & 1;
        target[i] = (uint8_t)(subtract ? sum + radix * wrap : sum - radix * wrap);
        carry = wrap;
    }
}

void ff1_big(const struct aes_version *aes, const kernel_ff1_cipher *cipher, uint8_t *digits, uint32_t n, bool decrypt)
{
    const uint32_t radix = cipher->radix, u = n / 2, v = n - u;
    const uint32_t b = ff1_half_bytes(radix, v), d = 4 * ((b + 3) / 4) + 4;
    uint8_t prefix[16], rest[FF1_HALF + 32], output[FF1_HALF + 32], y[FF1_HALF], first[FF1_HALF], second[FF1_HALF];
    uint8_t *a = first, *other = second;
    size_t rest_count;
    ff1_prefix(aes, cipher, n, b, prefix, rest, &rest_count);
    memcpy(a, digits, u);
    memcpy(other, digits + u, v);
    for (uint32_t step = 0; step < FF1_ROUNDS; step++) {
        const uint32_t round = decrypt ? FF1_ROUNDS - 1 - step : step;
        const uint32_t m = round % 2 == 0 ? u : v;
        uint8_t *source = decrypt ? a : other, *target = decrypt ? other : a;
        rest[rest_count - b - 1] = (uint8_t)round;
        number_bytes(source, n - m, radix, rest + rest_count - b, b);
        memcpy(output, prefix, 16);
        aes->chain(&cipher->aes, output, rest, rest_count / 16);
        /* S = R, then AES(R ^ 1), AES(R ^ 2), … until there are d bytes. */
        for (uint32_t at = 16; at < d; at += 16) {
            memcpy(output + at, output, 16);
            output[at + 14] ^= (uint8_t)(at / 16 >> 8), output[at + 15] ^= (uint8_t)(at / 16);
            aes->blocks(&cipher->aes, output + at, output + at, 1);
        }
        lowest_digits(output, d, radix, y, m);
        combine(target, y, m, radix, decrypt);
        uint8_t *const swap = a;
        a = other, other = swap;
    }
    memcpy(digits, a, u);
    memcpy(digits + u, other, v);
    wipe(rest, sizeof rest), wipe(output, sizeof output), wipe(y, sizeof y);
    wipe(first, sizeof first), wipe(second, sizeof second);
}
