/* Numbers as text. validity: one bit a row, or NULL; rows without a value give an empty text. out_offsets: rows + 1 elements.
 * Each returns the bytes written; nothing is allocated, no pointer kept. */
#ifndef KERNEL_NUMBER_TEXT_H
#define KERNEL_NUMBER_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Room that the texts need a row. */
enum { KERNEL_INTEGER_TEXT = 20, KERNEL_DECIMAL_TEXT = 44 };

/* Integers of `width` 2, 4 or 8 bytes: `-12`. */
size_t kernel_text_integer(const void *values, size_t width, const uint8_t *validity, size_t rows, int32_t *out_offsets,
                           uint8_t *out);

/* 16 byte two's complement in units of 10^-scale (0 to 38): `12.50`, `-0.05`, always `scale` digits after the point. */
size_t kernel_text_decimal(const uint8_t *values, int scale, const uint8_t *validity, size_t rows, int32_t *out_offsets,
                           uint8_t *out);

/* Bits: `true` or `false`. Room: 5 bytes a row. */
size_t kernel_text_boolean(const uint8_t *bits, const uint8_t *validity, size_t rows, int32_t *out_offsets,
                           uint8_t *out);

#endif
