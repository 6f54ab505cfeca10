/* Masking with AVX2: values of up to 64 bytes are one or two registers, their characters the bits of a word; the result is
 * three stores that overlap: the value from its start, hidden characters, the value from its tail on. Loads and stores reach
 * beyond a value, so the last values of a column are left to the plain version. */
#include "mask.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,popcnt"))), apply_to = function)

MASK_INLINE uint64_t low_bits(size_t count) { return _bzhi_u64(~0ULL, (uint32_t)count); }

struct two {
    __m256i low, high;
};

MASK_INLINE struct two load(const uint8_t *bytes, const bool is_wide)
{
    const __m256i low = _mm256_loadu_si256((const __m256i *)bytes);
    return (struct two){low, is_wide ? _mm256_loadu_si256((const __m256i *)(bytes + 32)) : low};
}

MASK_INLINE void store(uint8_t *out, struct two value, const bool is_wide)
{
    _mm256_storeu_si256((__m256i *)out, value.low);
    if (is_wide) _mm256_storeu_si256((__m256i *)(out + 32), value.high);
}

MASK_INLINE uint64_t first_bytes(struct two value, const bool is_wide)
{
    const __m256i last_of_character = _mm256_set1_epi8((char)0xbf);
    uint64_t leads = (uint32_t)_mm256_movemask_epi8(_mm256_cmpgt_epi8(value.low, last_of_character));
    if (is_wide)
        leads |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpgt_epi8(value.high, last_of_character)) << 32;
    return leads;
}

MASK_INLINE size_t ends_value(const struct mask_rule *rule, size_t keep_first, size_t keep_last, struct two with,
                              size_t with_length, const uint8_t *bytes, size_t length, uint8_t *out, const bool is_wide)
{
    const struct two value = load(bytes, is_wide);
    const uint64_t leads = first_bytes(value, is_wide) & low_bits(length);
    const size_t characters = (size_t)_mm_popcnt_u64(leads);
    const bool is_short = keep_first + keep_last >= characters;
    const size_t head = is_short ? (rule->hides_short ? 0 : characters) : keep_first, tail = is_short ? 0 : keep_last;
    const size_t head_end = (size_t)_tzcnt_u64(_pdep_u64(~low_bits(head), leads)); /* 64 where no character follows */
    const size_t tail_start = (size_t)_tzcnt_u64(_pdep_u64(~low_bits(characters - tail), leads));
    const size_t head_bytes = head_end < length ? head_end : length;
    const size_t tail_bytes = length - (tail_start < length ? tail_start : length);
    const size_t hidden_end = head_bytes + (characters - tail - head) * with_length;
    store(out, value, is_wide);
    if (with_length == 1)
        store(out + head_bytes, with, is_wide);
    else /* in steps of whole repetitions */
        for (size_t i = head_bytes; i < hidden_end; i += is_wide ? 60 : 24) store(out + i, with, is_wide);
    store(out + hidden_end, load(bytes + length - tail_bytes, is_wide), is_wide);
    return hidden_end + tail_bytes;
}

MASK_INLINE size_t ends_rows(const struct mask_column *given, const struct mask_rule *rule, int32_t *out_offsets,
                             uint8_t *out, const bool is_single, const bool has_nulls)
{
    const struct mask_column column = {given->offsets, given->bytes, has_nulls ? given->validity : NULL, given->rows};
    const size_t capacity = mask_capacity(&column, rule), with_length = is_single ? 1 : rule->with_length;
    const size_t keep_first = rule->keep_first < 64 ? rule->keep_first : 64;
    const size_t keep_last = rule->keep_last < 64 ? rule->keep_last : 64;
    const int64_t end = column.offsets[column.rows];
    uint8_t pattern[64];
    for (size_t i = 0; i < 64; i++) pattern[i] = rule->with[i % with_length];
    const struct two with = load(pattern, true);
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < column.rows; row++) {
        const uint8_t *bytes = column.bytes + column.offsets[row];
        const size_t length = mask_length(&column, row), reach = length <= 32 ? 32 : 64;
        const bool fits =
            column.offsets[row + 1] + (int64_t)reach <= end && length * with_length + reach <= capacity - written;
        if (__builtin_expect(length > 64 || !fits, 0))
            written += mask_ends_value(rule, bytes, length, out + written);
        else if (length <= 32)
            written += ends_value(rule, keep_first, keep_last, with, with_length, bytes, length, out + written, false);
        else
            written += ends_value(rule, keep_first, keep_last, with, with_length, bytes, length, out + written, true);
        out_offsets[row + 1] = (int32_t)written;
    }
    return written;
}

static size_t ends(const struct mask_column *column, const struct mask_rule *rule, int32_t *out_offsets, uint8_t *out)
{
    if (rule->with_length != 1) return ends_rows(column, rule, out_offsets, out, false, true);
    if (column->validity) return ends_rows(column, rule, out_offsets, out, true, true);
    return ends_rows(column, rule, out_offsets, out, true, false);
}

#pragma clang attribute pop

const struct mask_version mask_avx2 = {ends, mask_email_plain};

#endif
