/* Inside of masking: a version masks columns; one row of any length is plain C, shared by all versions. */
#ifndef CKERNELS_MASK_H
#define CKERNELS_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct mask_column {
    const int32_t *offsets;
    const uint8_t *bytes;
    const uint8_t *validity; /* NULL: no row is null */
    size_t rows;
};

struct mask_rule {
    size_t keep_first, keep_last; /* of kernel_mask_text */
    bool keeps_domain;            /* of kernel_mask_email */
    bool hides_short;
    const uint8_t *with;
    size_t with_length;
};

struct mask_version {
    size_t (*ends)(const struct mask_column *column, const struct mask_rule *rule, int32_t *out_offsets, uint8_t *out);
    size_t (*email)(const struct mask_column *column, const struct mask_rule *rule, int32_t *out_offsets, uint8_t *out);
};

extern const struct mask_version mask_plain;
#if defined(__x86_64__)
extern const struct mask_version mask_avx2, mask_avx512;
#endif

/* One value; returns the bytes written. */
size_t mask_ends_value(const struct mask_rule *rule, const uint8_t *value, size_t length, uint8_t *out);
size_t mask_email_value(const struct mask_rule *rule, const uint8_t *value, size_t length, uint8_t *out);

/* kernel_mask_email where a version has nothing better. */
size_t mask_email_plain(const struct mask_column *column, const struct mask_rule *rule, int32_t *out_offsets,
                        uint8_t *out);

/* Which bytes an address may not have: bits of mask_email_bytes, for ASCII. */
enum { EMAIL_NOT_LOCAL = 1, EMAIL_NOT_DOMAIN = 2, EMAIL_NOT_LAST = 4 /* in front of the last label */ };
extern const uint8_t mask_email_bytes[128];

#define MASK_INLINE static inline __attribute__((always_inline))

MASK_INLINE bool mask_is_lead(uint8_t byte) { return (byte & 0xc0) != 0x80; }

/* 0 for a null. */
MASK_INLINE size_t mask_length(const struct mask_column *column, size_t row)
{
    const size_t length = (size_t)(column->offsets[row + 1] - column->offsets[row]);
    return column->validity ? length & (0 - (size_t)(column->validity[row >> 3] >> (row & 7) & 1)) : length;
}

/* The room that the caller gave. */
MASK_INLINE size_t mask_capacity(const struct mask_column *column, const struct mask_rule *rule)
{
    return (size_t)(column->offsets[column->rows] - column->offsets[0]) * rule->with_length;
}

#endif
