/* Marks key and value bytes as undefined and runs the kernels under valgrind's memcheck, which then reports every branch and
 * every address that depends on one of them: see benchmarks/secret-branches. */
#include "CKernels.h"

#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

enum { ROWS = 60, BYTES = 4096 };

static uint8_t key[64], values[BYTES], digits[BYTES], out[BYTES * 2], digests[32 * ROWS], status[ROWS];
static int32_t offsets[ROWS + 1], out_offsets[ROWS + 1];

int main(void)
{
    memset(key, 7, sizeof key), memset(values, 'v', sizeof values), memset(digits, '5', sizeof digits);
    for (int i = 0; i < ROWS; i++) offsets[i + 1] = offsets[i] + (i < 20 ? 24 : 6 + 2 * i);
    VALGRIND_MAKE_MEM_UNDEFINED(key, sizeof key);
    VALGRIND_MAKE_MEM_UNDEFINED(values, sizeof values);
    /* FF1's digits stay defined: whether a byte belongs to the alphabet is told to the caller. Their key does not. */

    kernel_hmac_key hmac;
    kernel_hmac_sha256_key(&hmac, key, sizeof key);
    kernel_hmac_sha256_i32(&hmac, values, offsets, NULL, ROWS, digests);
    kernel_base32_rows(digests, 32, NULL, ROWS, 26, out, out_offsets);
    kernel_hex_rows(digests, 32, NULL, ROWS, 32, out, out_offsets);
    kernel_uuid8_rows(digests, 32, NULL, ROWS, out, out_offsets);

    kernel_cmac_key cmac;
    kernel_cmac_aes_key(&cmac, key, 32);
    kernel_cmac_aes_i32(&cmac, values, offsets, NULL, ROWS, digests);

    kernel_siv_key siv;
    kernel_siv_key_make(&siv, key, sizeof key, NULL, 0);
    kernel_siv_seal_i32(&siv, values, offsets, NULL, ROWS, out, out_offsets);

    static const char *const alphabets[] = {"0123456789", "abcdefghijklmnopqrstuvwxyz0123456789"};
    for (int i = 0; i < 2; i++) {
        kernel_ff1_cipher cipher;
        kernel_ff1_cipher_make(&cipher, key, 32, (const uint8_t *)alphabets[i], strlen(alphabets[i]), NULL, 0, KERNEL_FF1_LEAST_DOMAIN);
        kernel_ff1_encrypt_i32(&cipher, digits, offsets, NULL, ROWS, out, status);
        kernel_ff1_decrypt_i32(&cipher, digits, offsets, NULL, ROWS, out, status);
    }
    kernel_self_test_row rows[64];
    const size_t count = kernel_self_test(rows, 64);
    for (size_t i = 0; i < count; i++)
        if (rows[i].selected) printf("%s: %s\n", rows[i].kernel, rows[i].version);
    return 0;
}
