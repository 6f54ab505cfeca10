#include "kernel_token_text.h"

#include <string.h>

static const char base32_digits[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char hex_digits[] = "0123456789abcdef";

static size_t write_base32(const uint8_t *bytes, size_t count, uint8_t *out)
{
    uint64_t bits = 0;
    unsigned held = 0;
    size_t written = 0;
    for (size_t i = 0; i < count; i++) {
        bits = bits << 8 | bytes[i];
        held += 8;
        while (held >= 5) {
            held -= 5;
            out[written++] = (uint8_t)base32_digits[bits >> held & 31];
        }
    }
    if (held > 0) out[written++] = (uint8_t)base32_digits[bits << (5 - held) & 31];
    return written;
}

static size_t write_hex(const uint8_t *bytes, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = (uint8_t)hex_digits[bytes[i] >> 4];
        out[2 * i + 1] = (uint8_t)hex_digits[bytes[i] & 15];
    }
    return 2 * count;
}

static size_t write_uuid(const uint8_t *bytes, uint8_t *out)
{
    uint8_t marked[16];
    memcpy(marked, bytes, 16);
    marked[6] = (uint8_t)((marked[6] & 0x0f) | 0x80); /* version 8 */
    marked[8] = (uint8_t)((marked[8] & 0x3f) | 0x80); /* variant of RFC 9562 */
    size_t written = 0;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) out[written++] = '-';
        written += write_hex(marked + i, 1, out + written);
    }
    return written;
}

size_t kernel_token_text(const uint8_t *digests, const uint8_t *validity, size_t rows, size_t byte_count, int form,
                         int32_t *out_offsets, uint8_t *out)
{
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        if (!validity || (validity[row >> 3] >> (row & 7) & 1)) {
            const uint8_t *digest = digests + 32 * row;
            switch (form) {
            case KERNEL_TOKEN_HEX: written += write_hex(digest, byte_count, out + written); break;
            case KERNEL_TOKEN_UUID: written += write_uuid(digest, out + written); break;
            default: written += write_base32(digest, byte_count, out + written); break;
            }
        }
        out_offsets[row + 1] = (int32_t)written;
    }
    return written;
}

void kernel_token_int64(const uint8_t *digests, const uint8_t *validity, size_t rows, int64_t *out)
{
    for (size_t row = 0; row < rows; row++) {
        uint64_t value = 0;
        if (!validity || (validity[row >> 3] >> (row & 7) & 1))
            for (int i = 0; i < 8; i++) value = value << 8 | digests[32 * row + (size_t)i];
        out[row] = (int64_t)(value >> 1);
    }
}
