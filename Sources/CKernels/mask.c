#include "kernel_mask.h"

#include <string.h>

static inline int is_lead(uint8_t byte) { return (byte & 0xc0) != 0x80; }

/* All bytes of a row are ASCII, so scalars are bytes. */
static inline int is_ascii(const uint8_t *bytes, size_t length)
{
    uint64_t seen = 0;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        seen |= word;
    }
    for (; i < length; i++) seen |= (uint64_t)bytes[i];
    return (seen & 0x8080808080808080u) == 0;
}

/* Byte position after the first `count` scalars, at most `length`. */
static inline size_t position_after(const uint8_t *bytes, size_t length, size_t count)
{
    size_t i = 0;
    while (i < length) {
        if (is_lead(bytes[i]) && count-- == 0) break;
        i++;
    }
    return i;
}

static inline size_t count_scalars(const uint8_t *bytes, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) count += is_lead(bytes[i]);
    return count;
}

size_t kernel_mask_text(const int32_t *offsets, const uint8_t *bytes, size_t rows, size_t keep_first, size_t keep_last,
                        const uint8_t *with, size_t with_length, int hides_short, int32_t *out_offsets, uint8_t *out)
{
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        const uint8_t *value = bytes + offsets[row];
        size_t length = (size_t)(offsets[row + 1] - offsets[row]);
        int ascii = is_ascii(value, length);
        size_t scalars = ascii ? length : count_scalars(value, length);
        size_t head = keep_first, tail = keep_last;
        /* Not `head + tail > scalars`: both come from a document and may be huge. */
        if (head > scalars || tail > scalars - head || head + tail == scalars) {
            if (hides_short) {
                head = tail = 0;
            } else {
                head = scalars;
                tail = 0;
            }
        }
        size_t hidden = scalars - head - tail;
        size_t head_bytes = ascii ? head : position_after(value, length, head);
        size_t tail_start = ascii ? length - tail : position_after(value, length, scalars - tail);
        memcpy(out + written, value, head_bytes);
        written += head_bytes;
        if (with_length == 1) {
            memset(out + written, with[0], hidden);
            written += hidden;
        } else {
            for (size_t i = 0; i < hidden; i++, written += with_length) memcpy(out + written, with, with_length);
        }
        memcpy(out + written, value + tail_start, length - tail_start);
        written += length - tail_start;
        out_offsets[row + 1] = (int32_t)written;
    }
    return written;
}

size_t kernel_prefix_text(const int32_t *offsets, const uint8_t *bytes, size_t rows, size_t count, int32_t *out_offsets,
                          uint8_t *out)
{
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        const uint8_t *value = bytes + offsets[row];
        size_t length = (size_t)(offsets[row + 1] - offsets[row]);
        size_t kept = position_after(value, length, count);
        memcpy(out + written, value, kept);
        written += kept;
        out_offsets[row + 1] = (int32_t)written;
    }
    return written;
}
