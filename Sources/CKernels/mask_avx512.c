/* Masking with AVX-512: a value of up to 64 bytes is one register, its characters are the bits of a word, and one compress
 * closes the gaps that hidden characters of several bytes leave. */
#include "mask.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(                                                                                          \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vbmi2,bmi,bmi2,popcnt"))),              \
    apply_to = function)

MASK_INLINE uint64_t low_bits(size_t count) { return _bzhi_u64(~0ULL, (uint32_t)count); }

/* The bytes that kernel_mask_text hides of a value with these first bytes of characters; keep_* are at most 64 each. */
MASK_INLINE uint64_t hidden_between(uint64_t leads, uint64_t all, size_t keep_first, size_t keep_last,
                                    size_t short_first)
{
    const size_t characters = (size_t)_mm_popcnt_u64(leads);
    const bool is_short = keep_first + keep_last >= characters;
    const size_t head = is_short ? short_first : keep_first, tail = is_short ? 0 : keep_last;
    const uint64_t behind_head = _pdep_u64(~low_bits(head), leads);
    const uint64_t of_tail = _pdep_u64(~low_bits(characters - tail), leads);
    const uint64_t before = (behind_head - 1) & ~behind_head; /* below the lowest bit; all where there is none */
    const uint64_t after = of_tail | (0 - of_tail);           /* from the lowest bit on; none where there is none */
    return all & ~before & ~after;
}

/* Stores what stays of a value and one byte for each hidden character; returns how many bytes that is. 32 or 64 bytes of
 * `out` are written: masked stores of bytes take tens of cycles on Zen 4. */
MASK_INLINE size_t put32(__m256i value, uint64_t leads, uint64_t all, uint64_t hidden, __m512i with, uint8_t *out)
{
    const uint64_t stays = all & (leads | ~hidden);
    const __m256i replaced = _mm256_mask_mov_epi8(value, (__mmask32)(hidden & leads), _mm512_castsi512_si256(with));
    _mm256_storeu_si256((__m256i *)out, _mm256_maskz_compress_epi8((__mmask32)stays, replaced));
    return (size_t)_mm_popcnt_u64(stays);
}

MASK_INLINE size_t put64(__m512i value, uint64_t leads, uint64_t all, uint64_t hidden, __m512i with, uint8_t *out)
{
    const uint64_t stays = all & (leads | ~hidden);
    const __m512i replaced = _mm512_mask_mov_epi8(value, hidden & leads, with);
    _mm512_storeu_si512(out, _mm512_maskz_compress_epi8(stays, replaced));
    return (size_t)_mm_popcnt_u64(stays);
}

/* `with` of several bytes: head, a pattern in steps of whole repetitions, tail. */
MASK_INLINE size_t put_pattern(__m512i value, const uint8_t *bytes, size_t length, uint64_t leads, uint64_t hidden,
                               __m512i pattern, size_t with_length, uint8_t *out)
{
    const size_t head = hidden ? (size_t)_tzcnt_u64(hidden) : length;
    const size_t tail_start = hidden ? 64 - (size_t)__builtin_clzll(hidden) : length;
    const size_t pattern_end = head + (size_t)_mm_popcnt_u64(hidden & leads) * with_length;
    _mm512_storeu_si512(out, value);
    for (size_t i = head; i < pattern_end; i += 60) _mm512_storeu_si512(out + i, pattern);
    _mm512_storeu_si512(out + pattern_end, _mm512_maskz_loadu_epi8(low_bits(length - tail_start), bytes + tail_start));
    return pattern_end + length - tail_start;
}

static __m512i repeated(const struct mask_rule *rule)
{
    uint8_t bytes[64];
    for (size_t i = 0; i < 64; i++) bytes[i] = rule->with[i % rule->with_length];
    return _mm512_loadu_si512(bytes);
}

MASK_INLINE size_t ends_rows(const struct mask_column *given, const struct mask_rule *rule, int32_t *out_offsets,
                             uint8_t *out, const bool is_single, const bool has_nulls)
{
    const struct mask_column column = {given->offsets, given->bytes, has_nulls ? given->validity : NULL, given->rows};
    const size_t capacity = mask_capacity(&column, rule), with_length = is_single ? 1 : rule->with_length;
    const size_t keep_first = rule->keep_first < 64 ? rule->keep_first : 64;
    const size_t keep_last = rule->keep_last < 64 ? rule->keep_last : 64;
    const size_t short_first = rule->hides_short ? 0 : 64;
    const __m512i with = repeated(rule), last_of_character = _mm512_set1_epi8((char)0xbf);
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < column.rows; row++) {
        const uint8_t *bytes = column.bytes + column.offsets[row];
        const size_t length = mask_length(&column, row);
        /* A vector store may reach beyond the value, not beyond the room. */
        const size_t needed = is_single ? 64 : length * with_length + 64;
        if (__builtin_expect(length > 64 || needed > capacity - written, 0)) {
            written += mask_ends_value(rule, bytes, length, out + written);
        } else if (is_single && length <= 32) {
            const uint64_t all = low_bits(length);
            const __m256i value = _mm256_maskz_loadu_epi8((__mmask32)all, bytes);
            const uint64_t leads =
                _mm256_mask_cmpgt_epi8_mask((__mmask32)all, value, _mm512_castsi512_si256(last_of_character));
            const uint64_t hidden = hidden_between(leads, all, keep_first, keep_last, short_first);
            written += put32(value, leads, all, hidden, with, out + written);
        } else {
            const uint64_t all = low_bits(length);
            const __m512i value = _mm512_maskz_loadu_epi8(all, bytes);
            const uint64_t leads = _mm512_mask_cmpgt_epi8_mask(all, value, last_of_character);
            const uint64_t hidden = hidden_between(leads, all, keep_first, keep_last, short_first);
            written += is_single ? put64(value, leads, all, hidden, with, out + written)
                                 : put_pattern(value, bytes, length, leads, hidden, with, with_length, out + written);
        }
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

/* The bytes that kernel_mask_email hides of a value of 1 to 63 bytes. *is_done is false where the only character of a part has to
 * be hidden too, which is rare and left to the plain version. */
MASK_INLINE uint64_t hidden_in_email(__m512i value, uint64_t leads, uint64_t all, const struct mask_rule *rule,
                                     __m512i low_kinds, __m512i high_kinds, bool *is_done)
{
    const uint64_t ascii = ~_mm512_movepi8_mask(value);
    const __m512i kinds = _mm512_permutex2var_epi8(low_kinds, value, high_kinds);
    const uint64_t not_local = _mm512_mask_test_epi8_mask(ascii, kinds, _mm512_set1_epi8(EMAIL_NOT_LOCAL));
    const uint64_t not_domain = _mm512_mask_test_epi8_mask(ascii, kinds, _mm512_set1_epi8(EMAIL_NOT_DOMAIN));
    const uint64_t not_last = _mm512_mask_test_epi8_mask(ascii, kinds, _mm512_set1_epi8(EMAIL_NOT_LAST));
    const uint64_t at = _mm512_mask_cmpeq_epi8_mask(all, value, _mm512_set1_epi8('@'));
    const uint64_t local = at - 1, domain = all & ~(at | local);
    const uint64_t dots = _mm512_mask_cmpeq_epi8_mask(domain, value, _mm512_set1_epi8('.'));
    const uint64_t starts = (dots | at) << 1; /* of labels; the value has a byte less than the word bits */
    const uint64_t last = domain & ~(~0ULL >> __builtin_clzll(dots | 1));
    *is_done = true;
    /* A second @ is in the domain and not allowed there. */
    uint64_t wrong =
        (not_local & local) | (not_domain & domain) | (starts & (dots | ~all)) | (not_last & starts & last);
    if (__builtin_expect(wrong != 0 || local == 0 || at == 0 || dots == 0 || (last & (last - 1)) == 0, 0)) return all;
    const uint64_t continued = all & ~leads;
    const uint64_t separators = at | dots;
    uint64_t first = 1 | starts; /* first characters with all their bytes */
    for (int i = 0; i < 3; i++) first |= first << 1 & continued;
    if (rule->hides_short) *is_done = ((first << 1 & separators) & (rule->keeps_domain ? at : ~0ULL)) == 0;
    return all & ~(first | separators | (rule->keeps_domain ? domain : last));
}

static size_t email(const struct mask_column *column, const struct mask_rule *rule, int32_t *out_offsets, uint8_t *out)
{
    const size_t capacity = mask_capacity(column, rule);
    const __m512i with = repeated(rule), last_of_character = _mm512_set1_epi8((char)0xbf);
    const __m512i low_kinds = _mm512_loadu_si512(mask_email_bytes),
                  high_kinds = _mm512_loadu_si512(mask_email_bytes + 64);
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < column->rows; row++) {
        const uint8_t *bytes = column->bytes + column->offsets[row];
        const size_t length = mask_length(column, row);
        bool is_done = false;
        if (__builtin_expect(length - 1 < 63 && length * rule->with_length + 64 <= capacity - written, 1)) {
            const uint64_t all = low_bits(length);
            const __m512i value = _mm512_maskz_loadu_epi8(all, bytes);
            const uint64_t leads = _mm512_mask_cmpgt_epi8_mask(all, value, last_of_character);
            const uint64_t hidden = hidden_in_email(value, leads, all, rule, low_kinds, high_kinds, &is_done);
            if (is_done && rule->with_length == 1)
                written += put64(value, leads, all, hidden, with, out + written);
            else
                is_done = false;
        }
        if (!is_done) written += mask_email_value(rule, bytes, length, out + written);
        out_offsets[row + 1] = (int32_t)written;
    }
    return written;
}

#pragma clang attribute pop

const struct mask_version mask_avx512 = {ends, email};

#endif
