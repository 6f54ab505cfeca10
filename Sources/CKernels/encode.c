#include "kernel_encode.h"

#include <string.h>

static const char *alphabet_of(int form)
{
    switch (form) {
    case KERNEL_ENCODE_HEX: return "0123456789abcdef";
    case KERNEL_ENCODE_BASE32: return "abcdefghijklmnopqrstuvwxyz234567";
    default: return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    }
}

size_t kernel_encode_rows(int form, const uint8_t *bytes, const int32_t *offsets, size_t rows, uint8_t *out,
                          int32_t *out_offsets)
{
    const char *alphabet = alphabet_of(form);
    const uint32_t mask = (1u << form) - 1;
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        uint32_t bits = 0;
        int held = 0;
        for (int32_t i = offsets[row]; i < offsets[row + 1]; i++) {
            bits = bits << 8 | bytes[i];
            for (held += 8; held >= form; held -= form)
                out[written++] = (uint8_t)alphabet[bits >> (held - form) & mask];
        }
        if (held > 0) out[written++] = (uint8_t)alphabet[bits << (form - held) & mask];
        out_offsets[row + 1] = (int32_t)written;
    }
    return written;
}

size_t kernel_decode_rows(int form, const uint8_t *bytes, const int32_t *offsets, size_t rows, uint8_t *out,
                          int32_t *out_offsets, uint8_t *good)
{
    const char *alphabet = alphabet_of(form);
    uint8_t value[256];
    memset(value, 255, sizeof value);
    for (int i = 0; i < 1 << form; i++) value[(uint8_t)alphabet[i]] = (uint8_t)i;
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        const size_t start = written;
        uint32_t bits = 0;
        int held = 0;
        uint8_t seen = 0;
        for (int32_t i = offsets[row]; i < offsets[row + 1]; i++) {
            const uint8_t digit = value[bytes[i]];
            seen |= digit;
            bits = bits << form | (digit & 63u);
            held += form;
            if (held >= 8) {
                held -= 8;
                out[written++] = (uint8_t)(bits >> held);
            }
        }
        good[row] = seen < 64 && held < form && (bits & ((1u << held) - 1)) == 0;
        if (!good[row]) written = start;
        out_offsets[row + 1] = (int32_t)written;
    }
    return written;
}
