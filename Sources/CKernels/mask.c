#include "kernel_mask.h"

#include "dispatch.h"
#include "mask.h"

/* All bytes of a row are ASCII, so characters are bytes. */
static inline bool is_ascii(const uint8_t *bytes, size_t length)
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

/* Byte position after the first `count` characters, at most `length`. */
static inline size_t position_after(const uint8_t *bytes, size_t length, size_t count)
{
    size_t i = 0;
    while (i < length) {
        if (mask_is_lead(bytes[i]) && count-- == 0) break;
        i++;
    }
    return i;
}

/* Byte position of the last `count` characters, which are there. */
static inline size_t position_before(const uint8_t *bytes, size_t length, size_t count)
{
    while (count > 0) count -= mask_is_lead(bytes[--length]);
    return length;
}

static inline size_t count_characters(const uint8_t *bytes, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) count += mask_is_lead(bytes[i]);
    return count;
}

static inline size_t write_hidden(const struct mask_rule *rule, size_t count, uint8_t *out)
{
    if (rule->with_length == 1)
        memset(out, rule->with[0], count);
    else
        for (size_t i = 0; i < count; i++) memcpy(out + i * rule->with_length, rule->with, rule->with_length);
    return count * rule->with_length;
}

size_t mask_ends_value(const struct mask_rule *rule, const uint8_t *value, size_t length, uint8_t *out)
{
    const bool ascii = is_ascii(value, length);
    const size_t characters = ascii ? length : count_characters(value, length);
    size_t head = rule->keep_first, tail = rule->keep_last;
    /* Not `head + tail >= characters`: both come from a document and may be huge. */
    if (head >= characters || tail >= characters - head) {
        head = rule->hides_short ? 0 : characters;
        tail = 0;
    }
    const size_t head_bytes = ascii ? head : position_after(value, length, head);
    const size_t tail_start = ascii ? length - tail : position_before(value, length, tail);
    size_t written = head_bytes;
    memcpy(out, value, head_bytes);
    written += write_hidden(rule, characters - head - tail, out + written);
    memcpy(out + written, value + tail_start, length - tail_start);
    return written + length - tail_start;
}

#define LOCAL (EMAIL_NOT_LOCAL | EMAIL_NOT_DOMAIN)
#define DOMAIN EMAIL_NOT_DOMAIN
const uint8_t mask_email_bytes[128] = {
    [0 ... 32] = LOCAL,
    ['!'] = DOMAIN,
    ['"'] = LOCAL,
    ['#' ... '\''] = DOMAIN,
    ['(' ... ')'] = LOCAL,
    ['*' ... '+'] = DOMAIN,
    [','] = LOCAL,
    ['-'] = EMAIL_NOT_LAST,
    ['.'] = 0,
    ['/'] = DOMAIN,
    ['0' ... '9'] = EMAIL_NOT_LAST,
    [':' ... '<'] = LOCAL,
    ['='] = DOMAIN,
    ['>'] = LOCAL,
    ['?'] = DOMAIN,
    ['@'] = LOCAL,
    ['[' ... ']'] = LOCAL,
    ['^' ... '`'] = DOMAIN,
    ['{' ... '~'] = DOMAIN,
    [127] = LOCAL,
};
#undef LOCAL
#undef DOMAIN

static inline uint8_t email_byte(uint8_t byte) { return byte < 128 ? mask_email_bytes[byte] : 0; }

/* Where the @ of an address is and where its last label begins; false for any other text. */
static bool is_email(const uint8_t *value, size_t length, size_t *at, size_t *last)
{
    size_t i = 0, label, labels = 1;
    while (i < length && !(email_byte(value[i]) & EMAIL_NOT_LOCAL)) i++;
    if (i == 0 || i >= length || value[i] != '@') return false;
    *at = i;
    label = ++i;
    for (; i < length; i++) {
        if (email_byte(value[i]) & EMAIL_NOT_DOMAIN) return false;
        if (value[i] != '.') continue;
        if (i == label) return false;
        label = i + 1;
        labels++;
    }
    *last = label;
    return labels > 1 && length - label >= 2 && !(email_byte(value[label]) & EMAIL_NOT_LAST);
}

/* A local part or label: its first character and `with` for each other. */
static size_t mask_part(const struct mask_rule *rule, const uint8_t *part, size_t length, uint8_t *out)
{
    const struct mask_rule first = {1, 0, false, rule->hides_short, rule->with, rule->with_length};
    return mask_ends_value(&first, part, length, out);
}

size_t mask_email_value(const struct mask_rule *rule, const uint8_t *value, size_t length, uint8_t *out)
{
    size_t at, last, written;
    if (!is_email(value, length, &at, &last)) return write_hidden(rule, count_characters(value, length), out);
    written = mask_part(rule, value, at, out);
    out[written++] = '@';
    size_t label = at + 1;
    if (rule->keeps_domain) last = label;
    for (size_t i = label; i < last; i++) {
        if (value[i] != '.') continue;
        written += mask_part(rule, value + label, i - label, out + written);
        out[written++] = '.';
        label = i + 1;
    }
    memcpy(out + written, value + last, length - last);
    return written + length - last;
}

static size_t ends_plain(const struct mask_column *column, const struct mask_rule *rule, int32_t *out_offsets,
                         uint8_t *out)
{
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < column->rows; row++) {
        written += mask_ends_value(rule, column->bytes + column->offsets[row], mask_length(column, row), out + written);
        out_offsets[row + 1] = (int32_t)written;
    }
    return written;
}

size_t mask_email_plain(const struct mask_column *column, const struct mask_rule *rule, int32_t *out_offsets,
                        uint8_t *out)
{
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < column->rows; row++) {
        written +=
            mask_email_value(rule, column->bytes + column->offsets[row], mask_length(column, row), out + written);
        out_offsets[row + 1] = (int32_t)written;
    }
    return written;
}

const struct mask_version mask_plain = {ends_plain, mask_email_plain};

size_t kernel_mask_text(const int32_t *offsets, const uint8_t *bytes, const uint8_t *validity, size_t rows,
                        size_t keep_first, size_t keep_last, const uint8_t *with, size_t with_length, int hides_short,
                        int32_t *out_offsets, uint8_t *out)
{
    const struct mask_version *version = kernel_chosen(SLOT_MASK);
    const struct mask_column column = {offsets, bytes, validity, rows};
    const struct mask_rule rule = {keep_first, keep_last, false, hides_short != 0, with, with_length};
    return version->ends(&column, &rule, out_offsets, out);
}

size_t reference_mask_text(const int32_t *offsets, const uint8_t *bytes, const uint8_t *validity, size_t rows,
                           size_t keep_first, size_t keep_last, const uint8_t *with, size_t with_length,
                           int hides_short, int32_t *out_offsets, uint8_t *out)
{
    const struct mask_column column = {offsets, bytes, validity, rows};
    const struct mask_rule rule = {keep_first, keep_last, false, hides_short != 0, with, with_length};
    return ends_plain(&column, &rule, out_offsets, out);
}

size_t kernel_mask_email(const int32_t *offsets, const uint8_t *bytes, const uint8_t *validity, size_t rows,
                         int keeps_domain, const uint8_t *with, size_t with_length, int hides_short,
                         int32_t *out_offsets, uint8_t *out)
{
    const struct mask_version *version = kernel_chosen(SLOT_MASK);
    const struct mask_column column = {offsets, bytes, validity, rows};
    const struct mask_rule rule = {0, 0, keeps_domain != 0, hides_short != 0, with, with_length};
    return version->email(&column, &rule, out_offsets, out);
}

size_t reference_mask_email(const int32_t *offsets, const uint8_t *bytes, const uint8_t *validity, size_t rows,
                            int keeps_domain, const uint8_t *with, size_t with_length, int hides_short,
                            int32_t *out_offsets, uint8_t *out)
{
    const struct mask_column column = {offsets, bytes, validity, rows};
    const struct mask_rule rule = {0, 0, keeps_domain != 0, hides_short != 0, with, with_length};
    return mask_email_plain(&column, &rule, out_offsets, out);
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
