/* Digests as text. Rows without a value give an empty text; nothing is allocated, no pointer kept. */
#ifndef KERNEL_TOKEN_TEXT_H
#define KERNEL_TOKEN_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* How a digest is written. */
enum { KERNEL_TOKEN_BASE32 = 0, KERNEL_TOKEN_HEX = 1, KERNEL_TOKEN_UUID = 2 };

/* Writes the leftmost `byte_count` (1 to 32) bytes of each row's 32 byte digest as lower-case text:
 * base32 of RFC 4648 without padding, hexadecimal, or (16 bytes) a UUID of version 8.
 * validity: one bit a row, or NULL. out_offsets: rows + 1 elements; out: rows * text length bytes.
 * Returns the bytes written. */
size_t kernel_token_text(const uint8_t *digests, const uint8_t *validity, size_t rows, size_t byte_count, int form,
                         int32_t *out_offsets, uint8_t *out);

/* The leftmost 63 bits of each digest as a number of at least 0; 0 where there is no value. */
void kernel_token_int64(const uint8_t *digests, const uint8_t *validity, size_t rows, int64_t *out);

#endif
