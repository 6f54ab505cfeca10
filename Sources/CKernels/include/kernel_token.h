/* Published forms of a digest. Each takes the leftmost bits of every digest, as FIPS 198-1 truncates.
 *
 * Digests lie `stride` bytes apart, beginning at `digests`; all `stride` bytes, at most 32, belong to the digest (32 for
 * HMAC-SHA-256, 16 for AES-CMAC). Validity: LSB-first bitmap, or NULL where no row is null.
 * Text is compact, in Arrow layout: row i is out[offsets[i] .. offsets[i + 1]), offsets[0] is 0, a null takes no bytes.
 * out has room for rows * length bytes, offsets for rows + 1; rows * length is at most INT32_MAX.
 * Nothing is allocated, no pointer kept, nothing can fail; time does not depend on the digests. */
#ifndef KERNEL_TOKEN_H
#define KERNEL_TOKEN_H

#include <stddef.h>
#include <stdint.h>

/* Lower-case base32 (RFC 4648, alphabet a-z2-7, no padding) of the leftmost 5 * length / 8 bytes, rounded down: 26
 * characters write 16 bytes. A last character that these bytes cover in part only is filled with zero bits.
 * length: the length of an unpadded text of whole bytes (8k, 8k + 2, 4, 5 or 7), at least 2, at most (8 * stride + 4) / 5.
 * Cost: about 4 cycles a row with AVX-512 VBMI, 40 without. */
void kernel_base32_rows(const uint8_t *digests, size_t stride, const uint8_t *validity, size_t rows, size_t length,
                        uint8_t *out, int32_t *offsets);

/* Lower-case hexadecimal, the first `length` characters; length: 1 to 2 * stride. */
void kernel_hex_rows(const uint8_t *digests, size_t stride, const uint8_t *validity, size_t rows, size_t length,
                     uint8_t *out, int32_t *offsets);

enum { KERNEL_UUID_CHARACTERS = 36 };

/* UUID version 8 (RFC 9562) as 36 characters: the leftmost 128 bits, of which version and variant replace six.
 * stride at least 16; 122 bits of the digest remain. */
void kernel_uuid8_rows(const uint8_t *digests, size_t stride, const uint8_t *validity, size_t rows, uint8_t *out,
                       int32_t *offsets);

/* The leftmost 63 bits, most significant first, as a number of 0 to INT64_MAX; null rows get 0. stride at least 8. */
void kernel_int63_rows(const uint8_t *digests, size_t stride, const uint8_t *validity, size_t rows, int64_t *out);

/* Plain versions, same contract. */
void reference_base32_rows(const uint8_t *digests, size_t stride, const uint8_t *validity, size_t rows, size_t length,
                           uint8_t *out, int32_t *offsets);
void reference_hex_rows(const uint8_t *digests, size_t stride, const uint8_t *validity, size_t rows, size_t length,
                        uint8_t *out, int32_t *offsets);

#endif
