/* Validity bitmaps: bit i of an LSB-first byte array tells whether row i holds a value (1) or is null (0). */
#ifndef KERNEL_VALIDITY_H
#define KERNEL_VALIDITY_H

#include <stddef.h>
#include <stdint.h>

/* Counts the ones among the first `rows` bits. `bits` has at least (rows + 7) / 8 bytes. */
size_t kernel_count_valid(const uint8_t *bits, size_t rows);

#endif
