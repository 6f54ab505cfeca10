/* HMAC-SHA-256 (FIPS 198-1, FIPS 180-4) of whole columns, and the text forms of the digests.
 *
 * Source of the method: the states after the ipad and the opad block are computed once per key; a value of L bytes then
 * costs ceil((L + 9) / 64) compressions for the inner hash and one for the outer. Values are grouped by that count, so
 * that all lanes of a vector do the same work.
 *
 * Every level (see kernel_dispatch.h) writes the same bytes. No kernel reads outside `bytes[offsets[0] .. offsets[rows])`,
 * allocates, keeps a pointer or can fail. Time depends on the lengths, the nulls and the number of rows, never on the
 * bytes of a key or of a value.
 *
 * Validity: bit i of an LSB-first bitmap, 1 for a value and 0 for null; NULL where every row holds a value.
 * Costs are for values of at most 55 bytes on a 64-bit server processor with AVX-512; `benchmarks` measures them. */
#ifndef KERNEL_HASH_H
#define KERNEL_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The two precomputed states. Whoever has them can forge and enumerate tokens: treat this as the key itself,
 * keep it in locked memory and wipe it with kernel_hmac_key_wipe. */
typedef struct {
    uint32_t inner[8];
    uint32_t outer[8];
} kernel_hmac_key;

enum { KERNEL_HMAC_BYTES = 32 };

/* Derives the states from a key of `count` bytes (any length; more than 64 are hashed first, as HMAC says).
 * `bytes` may be NULL when count is 0. Copies of the key on the stack are wiped. */
void kernel_hmac_sha256_key(kernel_hmac_key *key, const uint8_t *bytes, size_t count);

/* Overwrites the states; the compiler may not drop it. */
void kernel_hmac_key_wipe(kernel_hmac_key *key);

/* Digests of `rows` values in Arrow layout: value i is bytes[offsets[i] .. offsets[i + 1]), rows + 1 offsets,
 * ascending, need not start at 0. out: rows * 32 bytes, overlapping nothing; row i of a null is 32 zero bytes.
 * An empty string is a value. `bytes` may be NULL when no value has a byte, `offsets` when rows is 0.
 * Cost: about 110 to 150 cycles a value; call it with a thousand rows or more. */
void kernel_hmac_sha256_i32(const kernel_hmac_key *key, const uint8_t *bytes, const int32_t *offsets,
                            const uint8_t *validity, size_t rows, uint8_t *out);
void kernel_hmac_sha256_i64(const kernel_hmac_key *key, const uint8_t *bytes, const int64_t *offsets,
                            const uint8_t *validity, size_t rows, uint8_t *out);

/* The same for values of `width` bytes each (integers, dates, UUIDs), stored without gaps; nulls occupy a slot too. */
void kernel_hmac_sha256_fixed(const kernel_hmac_key *key, const uint8_t *bytes, size_t width, const uint8_t *validity,
                              size_t rows, uint8_t *out);

/* The plain version that every level is compared with; one value at a time, ordinary C, same contract. */
void reference_hmac_sha256_i32(const kernel_hmac_key *key, const uint8_t *bytes, const int32_t *offsets,
                               const uint8_t *validity, size_t rows, uint8_t *out);

#endif
