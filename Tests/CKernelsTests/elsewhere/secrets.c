/* Marks keys and values as undefined, so that valgrind's memcheck reports every branch and every address that depends on
 * them. Lengths, nulls, FF1's alphabet test and whether a sealed value opens may be seen; they are excepted by staying
 * defined, or by the suppression in ops/check-secrets.
 *
 * usage: secrets LEVEL            runs the kernels at a level
 *        secrets LEVEL --control  branches on a key byte, on purpose: must be reported */
#include "CKernels.h"

#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

enum { ROWS = 70, BYTES = 16384 };

static uint8_t key[64], values[BYTES], text[BYTES], out[BYTES * 2], back[BYTES], digests[32 * ROWS], status[ROWS];
static int32_t offsets[ROWS + 1], out_offsets[ROWS + 1];
static int64_t wide[ROWS + 1], numbers[ROWS];

static void digests_and_tokens(const uint8_t *validity)
{
    kernel_hmac_key hmac;
    for (size_t count = 32; count <= 64; count += 32) kernel_hmac_sha256_key(&hmac, key, count);
    kernel_hmac_sha256_i32(&hmac, values, offsets, validity, ROWS, digests);
    kernel_hmac_sha256_i64(&hmac, values, wide, validity, ROWS, digests);
    kernel_hmac_sha256_fixed(&hmac, values, 8, validity, ROWS, digests);
    kernel_base32_rows(digests, 32, validity, ROWS, 26, out, out_offsets);
    kernel_hex_rows(digests, 32, validity, ROWS, 32, out, out_offsets);
    kernel_uuid8_rows(digests, 32, validity, ROWS, out, out_offsets);
    kernel_int63_rows(digests, 32, validity, ROWS, numbers);
    kernel_hmac_key_wipe(&hmac);

    kernel_cmac_key cmac;
    for (size_t count = 16; count <= 32; count += 8) {
        kernel_cmac_aes_key(&cmac, key, count);
        kernel_cmac_aes_i32(&cmac, values, offsets, validity, ROWS, digests);
        kernel_cmac_aes_fixed(&cmac, values, 8, validity, ROWS, digests);
    }
}

static void sealed_values(const uint8_t *validity)
{
    kernel_siv_key siv;
    for (size_t count = 32; count <= 64; count += 16) {
        kernel_siv_key_make(&siv, key, count, (const uint8_t *)"people.email", 12);
        kernel_siv_seal_i32(&siv, values, offsets, validity, ROWS, out, out_offsets);
        int32_t opened[ROWS + 1];
        kernel_siv_open_i32(&siv, out, out_offsets, validity, ROWS, back, opened, status);
    }
}

/* The text stays defined: whether a byte belongs to the alphabet is told to the caller. Its key does not. */
static void format_preserving(const uint8_t *validity)
{
    static const char *const alphabets[] = {"0123456789", "abcdefghijklmnopqrstuvwxyz0123456789", "01"};
    static const char *const tweaks[] = {"", "people.card", "a tweak that is longer than one block of AES"};
    for (int a = 0; a < 3; a++) {
        const size_t radix = strlen(alphabets[a]);
        for (size_t i = 0; i < BYTES; i++) text[i] = (uint8_t)alphabets[a][i * 7 % radix];
        for (int t = 0; t < 3; t++) {
            kernel_ff1_cipher cipher;
            kernel_ff1_cipher_make(&cipher, key, 32, (const uint8_t *)alphabets[a], radix, (const uint8_t *)tweaks[t],
                                   strlen(tweaks[t]), KERNEL_FF1_LEAST_DOMAIN);
            kernel_ff1_encrypt_i32(&cipher, text, offsets, validity, ROWS, out, status);
            kernel_ff1_decrypt_i32(&cipher, text, offsets, validity, ROWS, out, status);
        }
    }
}

int main(int count, char **arguments)
{
    if (count < 2 || !kernel_force_level(arguments[1])) return fprintf(stderr, "no such level here\n"), 2;
    kernel_self_test_row rows[64];
    const size_t versions = kernel_self_test(rows, 64);
    printf("in use:");
    for (size_t i = 0; i < versions; i++)
        if (rows[i].selected) printf(" %s=%s", rows[i].kernel, rows[i].version);
    printf("%s\n", RUNNING_ON_VALGRIND ? "" : " (not under valgrind: nothing is checked)");

    memset(key, 7, sizeof key), memset(values, 'v', sizeof values);
    for (int i = 0; i < ROWS; i++) {
        offsets[i + 1] = offsets[i] + (i < 24 ? 24 : i < 68 ? 6 + 2 * i : 300 + i);
        wide[i + 1] = offsets[i + 1];
    }
    VALGRIND_MAKE_MEM_UNDEFINED(key, sizeof key);
    VALGRIND_MAKE_MEM_UNDEFINED(values, sizeof values);
    if (count > 2) return key[0] == 7 ? puts("control: a branch on a key byte") < 0 : 0;

    static const uint8_t some_null[(ROWS + 7) / 8] = {0xF7, 0xFF, 0x0F, 0xFF, 0xAA, 0xFF, 0xFF, 0xFF, 0xFF};
    for (int i = 0; i < 2; i++) {
        const uint8_t *validity = i == 0 ? NULL : some_null;
        digests_and_tokens(validity), sealed_values(validity), format_preserving(validity);
    }
    return 0;
}
