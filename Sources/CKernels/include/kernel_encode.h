/* Bytes of any length as text and back (RFC 4648): hexadecimal, base32 and base64url, all without padding; hexadecimal and
 * base32 in lower case. For ciphertexts, which are public: time depends on the bytes.
 *
 * Columns are compact Arrow columns: row i is bytes[offsets[i] .. offsets[i + 1]), nulls are empty. Output offsets begin at
 * 0. Nothing is allocated, no pointer kept, nothing read outside a value. */
#ifndef KERNEL_ENCODE_H
#define KERNEL_ENCODE_H

#include <stddef.h>
#include <stdint.h>

/* The number is the bits of a character. */
enum { KERNEL_ENCODE_HEX = 4, KERNEL_ENCODE_BASE32 = 5, KERNEL_ENCODE_BASE64URL = 6 };

/* Encodes every row. out: ceil(8 * length / form) bytes a row; out_offsets: rows + 1. Returns the bytes written. */
size_t kernel_encode_rows(int form, const uint8_t *bytes, const int32_t *offsets, size_t rows, uint8_t *out,
                          int32_t *out_offsets);

/* Decodes every row. out: as many bytes as the texts have are enough. good[i] is 1 for what kernel_encode_rows writes, 0 for
 * anything else (another character, an impossible length, bits after the last byte), and then the row takes no bytes.
 * Returns the bytes written. */
size_t kernel_decode_rows(int form, const uint8_t *bytes, const int32_t *offsets, size_t rows, uint8_t *out,
                          int32_t *out_offsets, uint8_t *good);

#endif
