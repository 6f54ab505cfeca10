/* Text of FF1 values to numbers and back, in ordinary C. */
#include "ff1.h"

/* In units of sixteen bytes, which compilers turn into vector instructions. A run ends at `last`, because a count of 256
 * does not fit a byte. */
void ff1_digits(const kernel_ff1_cipher *cipher, uint8_t *bytes, uint8_t *known, size_t count)
{
    for (size_t at = 0; at < count; at += 16) {
        uint8_t digits[16] = {0}, found[16] = {0};
        for (uint32_t r = 0; r < cipher->run_count; r++) {
            const uint8_t first = (uint8_t)cipher->runs[r].first, last = (uint8_t)(cipher->runs[r].count - 1);
            const uint8_t base = (uint8_t)cipher->runs[r].digit;
            for (int i = 0; i < 16; i++) {
                const uint8_t place = bytes[at + (size_t)i] - first, in = place <= last ? 0xFF : 0;
                digits[i] |= in & (uint8_t)(place + base);
                found[i] |= in;
            }
        }
        __builtin_memcpy(bytes + at, digits, 16);
        __builtin_memcpy(known + at, found, 16);
    }
}

void ff1_letters(const kernel_ff1_cipher *cipher, uint8_t *digits, size_t count)
{
    for (size_t at = 0; at < count; at += 16) {
        uint8_t letters[16] = {0};
        for (uint32_t r = 0; r < cipher->run_count; r++) {
            const uint8_t first = (uint8_t)cipher->runs[r].first, last = (uint8_t)(cipher->runs[r].count - 1);
            const uint8_t base = (uint8_t)cipher->runs[r].digit;
            for (int i = 0; i < 16; i++) {
                const uint8_t place = digits[at + (size_t)i] - base, in = place <= last ? 0xFF : 0;
                letters[i] |= in & (uint8_t)(place + first);
            }
        }
        __builtin_memcpy(digits + at, letters, 16);
    }
}

static uint64_t number(const uint8_t *digits, uint32_t count, uint32_t radix)
{
    uint64_t x = 0;
    for (uint32_t i = 0; i < count; i++) x = x * radix + digits[i];
    return x;
}

static void parse(const kernel_ff1_cipher *cipher, const struct ff1_plan *plan, const struct lane *lanes, size_t count,
                  uint64_t *a, uint64_t *b, uint8_t *outside)
{
    const uint32_t n = plan->n, padded = (n + 15) / 16 * 16;
    uint8_t digits[COLUMN_CLASSES], known[COLUMN_CLASSES];
    for (size_t i = 0; i < count; i++) {
        memset(digits, 0, padded);
        copy_short(digits, lanes[i].bytes, n);
        ff1_digits(cipher, digits, known, padded);
        uint8_t wrong = 0;
        for (uint32_t j = 0; j < n; j++) wrong |= known[j] ^ 0xFF;
        outside[i] = wrong & 1;
        a[i] = number(digits, plan->u, cipher->radix);
        b[i] = number(digits + plan->u, plan->v, cipher->radix);
    }
    wipe(digits, sizeof digits);
}

/* Digits of x, most significant first. One more than 2^64 / radix gives the exact quotient for x below 2^64 / radix, and
 * every x after the first is; the first quotient may be one too large. */
static void split(uint64_t x, uint8_t *digits, uint32_t count, uint32_t radix, uint64_t reciprocal)
{
    for (uint32_t i = count; i-- > 0;) {
        uint64_t quotient = (uint64_t)((unsigned __int128)x * reciprocal >> 64);
        if (i == count - 1) quotient += mask_less(x, quotient * radix) | mask_less(UINT64_MAX / radix, quotient);
        digits[i] = (uint8_t)(x - quotient * radix);
        x = quotient;
    }
}

static void format(const kernel_ff1_cipher *cipher, const struct ff1_plan *plan, uint8_t *const *texts, size_t count,
                   const uint64_t *a, const uint64_t *b)
{
    const uint32_t n = plan->n, padded = (n + 15) / 16 * 16;
    const uint64_t reciprocal = UINT64_MAX / cipher->radix + 1;
    uint8_t digits[COLUMN_CLASSES] = {0};
    for (size_t i = 0; i < count; i++) {
        split(a[i], digits, plan->u, cipher->radix, reciprocal);
        split(b[i], digits + plan->u, plan->v, cipher->radix, reciprocal);
        ff1_letters(cipher, digits, padded);
        copy_short(texts[i], digits, n);
        memset(digits, 0, padded);
    }
}

const struct ff1_text ff1_text_any = {parse, format};

bool ff1_is_decimal(const kernel_ff1_cipher *cipher)
{
    return cipher->radix == 10 && cipher->run_count == 1 && cipher->runs[0].first == '0';
}

/* Eight decimal characters in a word, the first in the lowest byte; adds 1 to *wrong when one is no digit. */
static inline uint64_t decimal_number(uint64_t text, uint64_t *wrong)
{
    const uint64_t zeros = 0x3030303030303030, high = 0xF0F0F0F0F0F0F0F0;
    *wrong |= ((text & high) ^ zeros) | (((text + 0x0606060606060606) & high) ^ zeros);
    uint64_t x = text - zeros;
    x = (x * 10 + (x >> 8)) & 0x00FF00FF00FF00FF;
    x = (x * 100 + (x >> 16)) & 0x0000FFFF0000FFFF;
    return (x * 10000 + (x >> 32)) & 0xFFFFFFFF;
}

/* Eight characters of x, below 10^8. */
static inline uint64_t decimal_text(uint64_t x)
{
    const uint64_t high = x * 109951163 >> 40; /* x / 10000 */
    x = high | (x - high * 10000) << 32;
    const uint64_t hundreds = x * 5243 >> 19 & 0x0000007F0000007F;
    x = hundreds | (x - hundreds * 100) << 16;
    const uint64_t tens = x * 103 >> 10 & 0x000F000F000F000F;
    return (tens | (x - tens * 10) << 8) + 0x3030303030303030;
}

static void decimal_parse(const kernel_ff1_cipher *cipher, const struct ff1_plan *plan, const struct lane *lanes,
                          size_t count, uint64_t *a, uint64_t *b, uint8_t *outside)
{
    (void)cipher;
    for (size_t i = 0; i < count; i++) {
        uint64_t first = 0x3030303030303030, second = first, wrong = 0; /* right-aligned, zeros before */
        copy_short((uint8_t *)&first + 8 - plan->u, lanes[i].bytes, plan->u);
        copy_short((uint8_t *)&second + 8 - plan->v, lanes[i].bytes + plan->u, plan->v);
        a[i] = decimal_number(first, &wrong);
        b[i] = decimal_number(second, &wrong);
        outside[i] = wrong != 0;
    }
}

static void decimal_format(const kernel_ff1_cipher *cipher, const struct ff1_plan *plan, uint8_t *const *texts,
                           size_t count, const uint64_t *a, const uint64_t *b)
{
    (void)cipher;
    for (size_t i = 0; i < count; i++) {
        const uint64_t first = decimal_text(a[i]), second = decimal_text(b[i]);
        copy_short(texts[i], (const uint8_t *)&first + 8 - plan->u, plan->u);
        copy_short(texts[i] + plan->u, (const uint8_t *)&second + 8 - plan->v, plan->v);
    }
}

const struct ff1_text ff1_text_decimal = {decimal_parse, decimal_format};
