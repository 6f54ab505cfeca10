#include "kernel_export.h"

#include <string.h>

static inline int is_valid(const uint8_t *validity, size_t row)
{
    return !validity || (validity[row >> 3] >> (row & 7) & 1);
}

static inline uint8_t *put(uint8_t *out, const void *bytes, size_t count)
{
    memcpy(out, bytes, count);
    return out + count;
}

size_t kernel_export_csv(const uint8_t *bytes, const int64_t *ends, const uint8_t *validity, size_t rows, uint8_t *out,
                         int64_t *out_ends)
{
    uint8_t *start = out;
    int64_t from = 0;
    for (size_t row = 0; row < rows; row++) {
        const uint8_t *text = bytes + from;
        size_t size = (size_t)(ends[row] - from);
        from = ends[row];
        if (is_valid(validity, row)) {
            int is_special = size == 0;
            for (size_t i = 0; i < size; i++)
                is_special |= (text[i] == '"') | (text[i] == ',') | (text[i] == '\n') | (text[i] == '\r');
            if (!is_special) {
                out = put(out, text, size);
            } else {
                *out++ = '"';
                for (size_t i = 0; i < size; i++) {
                    if (text[i] == '"') *out++ = '"';
                    *out++ = text[i];
                }
                *out++ = '"';
            }
        }
        out_ends[row] = out - start;
    }
    return (size_t)(out - start);
}

/* Bytes that end the quick way: controls, quote, backslash, DEL, and the first bytes of U+0085 and U+2028. */
static const uint8_t json_special[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,         1,          1,          1,          1,          1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, ['"'] = 1, ['\\'] = 1, [0x7f] = 1, [0xc2] = 1, [0xe2] = 1,
};

static uint8_t *put_escape(uint8_t *out, unsigned code)
{
    static const char digits[] = "0123456789abcdef";
    *out++ = '\\';
    switch (code) {
    case '"':
    case '\\': *out++ = (uint8_t)code; return out;
    case '\n': *out++ = 'n'; return out;
    case '\r': *out++ = 'r'; return out;
    case '\t': *out++ = 't'; return out;
    default:
        *out++ = 'u';
        for (int shift = 12; shift >= 0; shift -= 4) *out++ = (uint8_t)digits[code >> shift & 15];
        return out;
    }
}

static uint8_t *put_json_text(uint8_t *out, const uint8_t *text, size_t size)
{
    *out++ = '"';
    for (size_t i = 0; i < size;) {
        size_t run = i;
        while (run < size && !json_special[text[run]]) run++;
        out = put(out, text + i, run - i);
        i = run;
        if (i == size) break;
        if (text[i] == 0xc2 && i + 1 < size && text[i + 1] == 0x85) {
            out = put_escape(out, 0x85);
            i += 2;
        } else if (text[i] == 0xe2 && i + 2 < size && text[i + 1] == 0x80 && (text[i + 2] & 0xfe) == 0xa8) {
            out = put_escape(out, 0x2000u | (text[i + 2] & 0x3fu));
            i += 3;
        } else if (text[i] >= 0x80) {
            *out++ = text[i++];
        } else {
            out = put_escape(out, text[i++]);
        }
    }
    *out++ = '"';
    return out;
}

size_t kernel_export_json_text(const uint8_t *bytes, const int64_t *ends, const uint8_t *validity, size_t rows,
                               uint8_t *out, int64_t *out_ends)
{
    uint8_t *start = out;
    int64_t from = 0;
    for (size_t row = 0; row < rows; row++) {
        if (is_valid(validity, row))
            out = put_json_text(out, bytes + from, (size_t)(ends[row] - from));
        else
            out = put(out, "null", 4);
        from = ends[row];
        out_ends[row] = out - start;
    }
    return (size_t)(out - start);
}

size_t kernel_export_json_plain(const uint8_t *bytes, const int64_t *ends, const uint8_t *validity, size_t rows,
                                uint8_t *out, int64_t *out_ends)
{
    uint8_t *start = out;
    int64_t from = 0;
    for (size_t row = 0; row < rows; row++) {
        if (is_valid(validity, row))
            out = put(out, bytes + from, (size_t)(ends[row] - from));
        else
            out = put(out, "null", 4);
        from = ends[row];
        out_ends[row] = out - start;
    }
    return (size_t)(out - start);
}

size_t kernel_export_hex(const uint8_t *bytes, const int32_t *offsets, size_t rows, uint8_t *out, int64_t *out_ends)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t *start = out;
    for (size_t row = 0; row < rows; row++) {
        for (int32_t i = offsets[row]; i < offsets[row + 1]; i++) {
            *out++ = (uint8_t)digits[bytes[i] >> 4];
            *out++ = (uint8_t)digits[bytes[i] & 15];
        }
        out_ends[row] = out - start;
    }
    return (size_t)(out - start);
}

size_t kernel_export_lists(const uint8_t *bytes, const int64_t *ends, const int32_t *offsets, const uint8_t *validity,
                           size_t rows, uint8_t *out, int64_t *out_ends)
{
    uint8_t *start = out;
    for (size_t row = 0; row < rows; row++) {
        if (!is_valid(validity, row)) {
            out = put(out, "null", 4);
        } else {
            *out++ = '[';
            for (int32_t i = offsets[row]; i < offsets[row + 1]; i++) {
                int64_t from = i ? ends[i - 1] : 0;
                if (i > offsets[row]) *out++ = ',';
                out = put(out, bytes + from, (size_t)(ends[i] - from));
            }
            *out++ = ']';
        }
        out_ends[row] = out - start;
    }
    return (size_t)(out - start);
}

size_t kernel_export_records(const kernel_export_member *members, size_t count, const uint8_t *suffix,
                             size_t suffix_size, const uint8_t *validity, size_t rows, uint8_t *out, int64_t *out_ends)
{
    uint8_t *start = out;
    for (size_t row = 0; row < rows; row++) {
        if (!is_valid(validity, row)) {
            out = put(out, "null", 4);
        } else {
            for (size_t i = 0; i < count; i++) {
                const kernel_export_member *member = members + i;
                int64_t from = row ? member->ends[row - 1] : 0;
                out = put(out, member->prefix, member->prefix_size);
                out = put(out, member->bytes + from, (size_t)(member->ends[row] - from));
            }
            out = put(out, suffix, suffix_size);
        }
        if (out_ends) out_ends[row] = out - start;
    }
    return (size_t)(out - start);
}
