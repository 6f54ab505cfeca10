/* Characters replaced by their class. A column is worked off in groups of rows: a group of ASCII alone is one loop over its bytes,
 * which the compiler makes into vector code (three comparisons and selections, at the speed of memory); any other group is
 * read character by character. */
#include "kernel_mask.h"
#include "mask.h"

enum { GROUP = 128 };

/* Also the bitwise or of all bytes: at least 128 when one of them is not ASCII. */
static uint8_t write_ascii_classes(const uint8_t *restrict bytes, size_t length, uint8_t *restrict out)
{
    uint8_t seen = 0;
    for (size_t i = 0; i < length; i++) {
        const uint8_t byte = bytes[i];
        uint8_t class = byte;
        class = (uint8_t)(byte - 'A') < 26 ? 'X' : class;
        class = (uint8_t)(byte - 'a') < 26 ? 'x' : class;
        class = (uint8_t)(byte - '0') < 10 ? '9' : class;
        out[i] = class;
        seen |= byte;
    }
    return seen;
}

static size_t write_classes(const uint8_t *value, size_t length, const uint8_t *classes, uint8_t *out)
{
    size_t written = 0, i = 0;
    while (i < length) {
        const uint8_t lead = value[i];
        if (lead < 128) {
            written += (write_ascii_classes(value + i, 1, out + written), 1);
            i++;
            continue;
        }
        size_t next = i + 1;
        uint32_t scalar = lead & (0xff >> (lead >= 0xf0 ? 5 : lead >= 0xe0 ? 4 : 3));
        for (; next < length && !mask_is_lead(value[next]); next++) scalar = scalar << 6 | (value[next] & 0x3f);
        const uint8_t class = classes[scalar < KERNEL_MASK_CLASSES ? scalar : KERNEL_MASK_CLASSES - 1];
        if (class) {
            out[written++] = class;
        } else {
            memcpy(out + written, value + i, next - i);
            written += next - i;
        }
        i = next;
    }
    return written;
}

size_t kernel_mask_classes(const int32_t *offsets, const uint8_t *bytes, const uint8_t *validity, size_t rows,
                           const uint8_t classes[KERNEL_MASK_CLASSES], int32_t *out_offsets, uint8_t *out)
{
    const struct mask_column column = {offsets, bytes, validity, rows};
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t first = 0; first < rows; first += GROUP) {
        const size_t end = first + GROUP < rows ? first + GROUP : rows;
        const size_t length = (size_t)(offsets[end] - offsets[first]);
        size_t lengths = length;
        if (validity) {
            lengths = 0;
            for (size_t row = first; row < end; row++) lengths += mask_length(&column, row);
        }
        /* What is written stays within the room even where it is written again below: no class is longer than its character. */
        if (lengths == length && write_ascii_classes(bytes + offsets[first], length, out + written) < 128) {
            for (size_t row = first; row < end; row++)
                out_offsets[row + 1] = (int32_t)(written + (size_t)(offsets[row + 1] - offsets[first]));
            written += length;
            continue;
        }
        for (size_t row = first; row < end; row++) {
            written += write_classes(bytes + offsets[row], mask_length(&column, row), classes, out + written);
            out_offsets[row + 1] = (int32_t)written;
        }
    }
    return written;
}
