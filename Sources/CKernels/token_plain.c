/* Text forms in ordinary C, eight characters at a time in a 64-bit word: no table, so no address depends on a digest. */
#include "bytes.h"
#include "token.h"

/* A digest with zeros behind it, so that eight bytes can be read at any of its bytes. */
struct padded {
    uint8_t bytes[48];
};

static inline struct padded pad(const uint8_t *digest, size_t stride)
{
    struct padded p = {{0}};
    if (stride >= 32)
        __builtin_memcpy(p.bytes, digest, 32);
    else if (stride == 16)
        __builtin_memcpy(p.bytes, digest, 16);
    else
        memcpy(p.bytes, digest, stride);
    return p;
}

/* The base32 characters of the 40 bits from bit `at` on, first character in the lowest byte. */
static inline uint64_t base32_word(const struct padded *p, size_t at)
{
    uint64_t x = load_be64(p->bytes + at / 8) << (at & 7) >> 24;
    x = x >> 20 | (x & 0xFFFFF) << 32;                                            /* halves of 20 bits, first one low */
    x = (x >> 10 & 0x000003FF000003FF) | (x & 0x000003FF000003FF) << 16;          /* quarters of 10 */
    x = (x >> 5 & 0x001F001F001F001F) | (x & 0x001F001F001F001F) << 8;            /* eighths of 5 */
    const uint64_t is_digit = (x + 0x6666666666666666) >> 7 & 0x0101010101010101; /* 26 and above carry into bit 7 */
    return x + 0x6161616161616161 - is_digit * ('a' - ('2' - 26));
}

/* The hexadecimal characters of the 32 bits from bit `at` on (a multiple of 4), first character in the lowest byte. */
static inline uint64_t hex_word(const struct padded *p, size_t at)
{
    uint64_t x = load_be64(p->bytes + at / 8) << (at & 7) >> 32;
    x = x >> 16 | (x & 0xFFFF) << 32;
    x = (x >> 8 & 0x000000FF000000FF) | (x & 0x000000FF000000FF) << 16;
    x = (x >> 4 & 0x000F000F000F000F) | (x & 0x000F000F000F000F) << 8;
    const uint64_t is_letter = (x + 0x0606060606060606) >> 4 & 0x0101010101010101;
    return x + 0x3030303030303030 + is_letter * ('a' - '0' - 10);
}

/* `whole` is the first byte that no character takes bits from. Characters of one row: whole words, then the last word once more so that it ends with the row. */
#define ROWS(name, word_of, bits, whole)                                                                               \
    static void name(const uint8_t *digests, size_t stride, const uint8_t *validity, size_t rows, size_t length,       \
                     uint8_t *out, int32_t *offsets)                                                                   \
    {                                                                                                                  \
        size_t end = 0;                                                                                                \
        offsets[0] = 0;                                                                                                \
        for (size_t row = 0; row < rows; row++) {                                                                      \
            if (token_is_valid(validity, row)) {                                                                       \
                struct padded p = pad(digests + stride * row, stride);                                                 \
                p.bytes[whole] = 0;                                                                                    \
                uint8_t *text = out + end;                                                                             \
                uint64_t word;                                                                                         \
                if (length < 8) {                                                                                      \
                    word = word_of(&p, 0);                                                                             \
                    memcpy(text, &word, length);                                                                       \
                } else {                                                                                               \
                    for (size_t at = 0; at + 8 <= length; at += 8) {                                                   \
                        word = word_of(&p, bits * at);                                                                 \
                        __builtin_memcpy(text + at, &word, 8);                                                         \
                    }                                                                                                  \
                    word = word_of(&p, bits * (length - 8));                                                           \
                    __builtin_memcpy(text + length - 8, &word, 8);                                                     \
                }                                                                                                      \
                end += length;                                                                                         \
            }                                                                                                          \
            offsets[row + 1] = (int32_t)end;                                                                           \
        }                                                                                                              \
    }
ROWS(base32_rows, base32_word, 5, 5 * length / 8)
ROWS(hex_rows, hex_word, 4, (length + 1) / 2)

const struct token_version token_plain = {base32_rows, hex_rows};

void reference_base32_rows(const uint8_t *digests, size_t stride, const uint8_t *validity, size_t rows, size_t length,
                           uint8_t *out, int32_t *offsets)
{
    base32_rows(digests, stride, validity, rows, length, out, offsets);
}

void reference_hex_rows(const uint8_t *digests, size_t stride, const uint8_t *validity, size_t rows, size_t length,
                        uint8_t *out, int32_t *offsets)
{
    hex_rows(digests, stride, validity, rows, length, out, offsets);
}

void kernel_uuid8_rows(const uint8_t *digests, size_t stride, const uint8_t *validity, size_t rows, uint8_t *out,
                       int32_t *offsets)
{
    size_t end = 0;
    offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        if (token_is_valid(validity, row)) {
            struct padded p = pad(digests + stride * row, 16);
            p.bytes[6] = (p.bytes[6] & 0x0F) | 0x80; /* version 8 */
            p.bytes[8] = (p.bytes[8] & 0x3F) | 0x80; /* variant of RFC 9562 */
            uint8_t hex[32], *text = out + end;
            for (size_t at = 0; at < 32; at += 8) {
                const uint64_t word = hex_word(&p, 4 * at);
                __builtin_memcpy(hex + at, &word, 8);
            }
            __builtin_memcpy(text, hex, 8);
            text[8] = '-';
            __builtin_memcpy(text + 9, hex + 8, 4);
            text[13] = '-';
            __builtin_memcpy(text + 14, hex + 12, 4);
            text[18] = '-';
            __builtin_memcpy(text + 19, hex + 16, 4);
            text[23] = '-';
            __builtin_memcpy(text + 24, hex + 20, 12);
            end += KERNEL_UUID_CHARACTERS;
        }
        offsets[row + 1] = (int32_t)end;
    }
}

void kernel_int63_rows(const uint8_t *digests, size_t stride, const uint8_t *validity, size_t rows, int64_t *out)
{
    for (size_t row = 0; row < rows; row++) {
        const uint64_t valid = token_is_valid(validity, row);
        out[row] = (int64_t)((load_be64(digests + stride * row) >> 1) & (0 - valid));
    }
}
