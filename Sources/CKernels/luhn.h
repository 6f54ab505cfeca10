/* Inside of the Luhn kernel: a version checks columns, leaving values that its vectors do not take to the plain one. */
#ifndef CKERNELS_LUHN_H
#define CKERNELS_LUHN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct luhn_version {
    void (*rows)(const uint8_t *bytes, const int32_t *offsets, const uint8_t *validity, size_t rows, uint8_t *holds);
};

extern const struct luhn_version luhn_plain;
#if defined(__x86_64__)
extern const struct luhn_version luhn_avx2;
#endif

static inline __attribute__((always_inline)) bool luhn_is_valid(const uint8_t *validity, size_t row)
{
    return !validity || (validity[row >> 3] >> (row & 7) & 1);
}

/* One value. */
bool luhn_value(const uint8_t *value, size_t length);

/* Rows `first` up to `end`, one by one. */
void luhn_rows_plain(const uint8_t *bytes, const int32_t *offsets, const uint8_t *validity, size_t first, size_t end,
                     uint8_t *holds);

#endif
