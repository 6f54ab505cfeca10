/* The public kernels of kernel_hash.h and kernel_token.h: the version in force, then the column. */
#include "dispatch.h"
#include "hash.h"
#include "token.h"

static const struct hash_version *hash(void) { return kernel_chosen(SLOT_HASH); }
static const struct token_version *token(void) { return kernel_chosen(SLOT_TOKEN); }

void kernel_hmac_sha256_i32(const kernel_hmac_key *key, const uint8_t *bytes, const int32_t *offsets,
                            const uint8_t *validity, size_t rows, uint8_t *out)
{
    const struct column column = {bytes, offsets, 0, validity, rows};
    hash_column(hash(), key, &column, OFFSETS_32, out);
}

void kernel_hmac_sha256_i64(const kernel_hmac_key *key, const uint8_t *bytes, const int64_t *offsets,
                            const uint8_t *validity, size_t rows, uint8_t *out)
{
    const struct column column = {bytes, offsets, 0, validity, rows};
    hash_column(hash(), key, &column, OFFSETS_64, out);
}

void kernel_hmac_sha256_fixed(const kernel_hmac_key *key, const uint8_t *bytes, size_t width, const uint8_t *validity,
                              size_t rows, uint8_t *out)
{
    const struct column column = {bytes, NULL, width, validity, rows};
    hash_column(hash(), key, &column, FIXED_WIDTH, out);
}

void reference_hmac_sha256_i32(const kernel_hmac_key *key, const uint8_t *bytes, const int32_t *offsets,
                               const uint8_t *validity, size_t rows, uint8_t *out)
{
    const struct column column = {bytes, offsets, 0, validity, rows};
    hash_column(&hash_plain, key, &column, OFFSETS_32, out);
}

void kernel_base32_rows(const uint8_t *digests, size_t stride, const uint8_t *validity, size_t rows, size_t length,
                        uint8_t *out, int32_t *offsets)
{
    token()->base32(digests, stride, validity, rows, length, out, offsets);
}

void kernel_hex_rows(const uint8_t *digests, size_t stride, const uint8_t *validity, size_t rows, size_t length,
                     uint8_t *out, int32_t *offsets)
{
    token()->hex(digests, stride, validity, rows, length, out, offsets);
}
