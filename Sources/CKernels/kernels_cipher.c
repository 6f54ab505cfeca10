/* The public kernels of kernel_cipher.h: the version in force, then the column. */
#include "aes.h"
#include "dispatch.h"

static const struct aes_version *aes(void) { return kernel_chosen(SLOT_AES); }

void kernel_aes_blocks(const kernel_aes_key *key, const uint8_t *in, uint8_t *out, size_t blocks)
{
    aes()->blocks(key, in, out, blocks);
}

void kernel_cmac_aes_i32(const kernel_cmac_key *key, const uint8_t *bytes, const int32_t *offsets,
                         const uint8_t *validity, size_t rows, uint8_t *out)
{
    const struct column column = {bytes, offsets, 0, validity, rows};
    aes_cmac_column(aes(), key, &column, OFFSETS_32, out);
}

void kernel_cmac_aes_i64(const kernel_cmac_key *key, const uint8_t *bytes, const int64_t *offsets,
                         const uint8_t *validity, size_t rows, uint8_t *out)
{
    const struct column column = {bytes, offsets, 0, validity, rows};
    aes_cmac_column(aes(), key, &column, OFFSETS_64, out);
}

void kernel_cmac_aes_fixed(const kernel_cmac_key *key, const uint8_t *bytes, size_t width,
                           const uint8_t *validity, size_t rows, uint8_t *out)
{
    const struct column column = {bytes, NULL, width, validity, rows};
    aes_cmac_column(aes(), key, &column, FIXED_WIDTH, out);
}

void reference_cmac_aes_i32(const kernel_cmac_key *key, const uint8_t *bytes, const int32_t *offsets,
                            const uint8_t *validity, size_t rows, uint8_t *out)
{
    const struct column column = {bytes, offsets, 0, validity, rows};
    aes_cmac_column(&aes_plain, key, &column, OFFSETS_32, out);
}
