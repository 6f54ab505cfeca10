/* The public kernels of kernel_cipher.h and kernel_ff1.h: the version in force, then the column. */
#include "aes.h"
#include "dispatch.h"
#include "ff1.h"

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

void kernel_cmac_aes_fixed(const kernel_cmac_key *key, const uint8_t *bytes, size_t width, const uint8_t *validity,
                           size_t rows, uint8_t *out)
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

static const struct ff1_version *ff1(void) { return kernel_chosen(SLOT_FF1); }

size_t kernel_ff1_encrypt_i32(const kernel_ff1_cipher *cipher, const uint8_t *bytes, const int32_t *offsets,
                              const uint8_t *validity, size_t rows, uint8_t *out, uint8_t *status)
{
    const struct column column = {bytes, offsets, 0, validity, rows};
    return ff1_column(ff1(), cipher, &column, OFFSETS_32, out, status, false, false);
}

size_t kernel_ff1_decrypt_i32(const kernel_ff1_cipher *cipher, const uint8_t *bytes, const int32_t *offsets,
                              const uint8_t *validity, size_t rows, uint8_t *out, uint8_t *status)
{
    const struct column column = {bytes, offsets, 0, validity, rows};
    return ff1_column(ff1(), cipher, &column, OFFSETS_32, out, status, true, false);
}

size_t reference_ff1_encrypt_i32(const kernel_ff1_cipher *cipher, const uint8_t *bytes, const int32_t *offsets,
                                 const uint8_t *validity, size_t rows, uint8_t *out, uint8_t *status)
{
    const struct column column = {bytes, offsets, 0, validity, rows};
    return ff1_column(&ff1_plain, cipher, &column, OFFSETS_32, out, status, false, true);
}

size_t reference_ff1_decrypt_i32(const kernel_ff1_cipher *cipher, const uint8_t *bytes, const int32_t *offsets,
                                 const uint8_t *validity, size_t rows, uint8_t *out, uint8_t *status)
{
    const struct column column = {bytes, offsets, 0, validity, rows};
    return ff1_column(&ff1_plain, cipher, &column, OFFSETS_32, out, status, true, true);
}
