/* Known-answer tests of the keyed versions and of their text forms (self_test_text.c: masking, check digits). The answers were
 * computed with Python's hmac and base64 modules and with its cryptography package (all of which use OpenSSL), over inputs made
 * from a formula so that none of them has to be stored. */
#include "aes.h"
#include "dispatch.h"
#include "ff1.h"
#include "hash.h"
#include "token.h"

enum { VALUES = 40, MESSAGE_BYTES = 8192 };

/* Lengths of one to eleven blocks: full groups, leftovers, and values hashed as streams. */
static int32_t value_length(int32_t i) { return i < 24 ? 5 * i % 64 : (37 * i * i + 11 * i) % 650; }

struct values {
    uint8_t message[MESSAGE_BYTES];
    int32_t offsets[VALUES + 1];
    uint8_t key[33];
};

static void make_values(struct values *v)
{
    v->offsets[0] = 0;
    for (int32_t i = 0; i < VALUES; i++) v->offsets[i + 1] = v->offsets[i] + value_length(i);
    for (uint32_t i = 0; i < MESSAGE_BYTES; i++) v->message[i] = (uint8_t)(i * i + 7 * i + 13);
    for (int i = 0; i < 33; i++) v->key[i] = (uint8_t)(i + 1);
}

/* Rotates `fold` one byte to the left and exclusive-ors a digest, for each digest: a swap of two rows shows. */
static void fold_digests(uint8_t *fold, const uint8_t *digests, int width)
{
    for (int i = 0; i < VALUES; i++) {
        const uint8_t first = fold[0];
        for (int j = 0; j < width - 1; j++) fold[j] = fold[j + 1] ^ digests[width * i + j];
        fold[width - 1] = first ^ digests[width * i + width - 1];
    }
}

/* HMAC of each value with the key 01 02 … 21. */
bool self_test_hash(const void *version)
{
    static const uint8_t expected[32] = {
        0xed, 0x43, 0x37, 0x72, 0xa8, 0x0e, 0x9a, 0x73, 0x6a, 0x0d, 0x57, 0xf6, 0xdc, 0x22, 0x10, 0x11,
        0xe9, 0xec, 0x8e, 0xe2, 0xde, 0x99, 0x3a, 0xbd, 0x44, 0x46, 0x26, 0xfa, 0xd8, 0xe6, 0x8b, 0x62,
    };
    struct values v;
    uint8_t digests[32 * VALUES], fold[32] = {0};
    kernel_hmac_key key;
    make_values(&v);
    kernel_hmac_sha256_key(&key, v.key, sizeof v.key);
    const struct column column = {v.message, v.offsets, 0, NULL, VALUES};
    hash_column(version, &key, &column, OFFSETS_32, digests);
    fold_digests(fold, digests, 32);
    return memcmp(fold, expected, 32) == 0;
}

/* CMAC of each value with the first 16, 24 and 32 bytes of that key; and the block of FIPS 197, appendix C.3, nine times. */
bool self_test_aes(const void *version)
{
    static const uint8_t expected[16] = {
        0xb8, 0x26, 0xa5, 0xfc, 0x54, 0x2a, 0xe5, 0x36, 0x77, 0x7a, 0xba, 0x91, 0x0a, 0xc5, 0xb9, 0x7c,
    };
    static const uint8_t cipher[16] = {
        0x8e, 0xa2, 0xb7, 0xca, 0x51, 0x67, 0x45, 0xbf, 0xea, 0xfc, 0x49, 0x90, 0x4b, 0x49, 0x60, 0x89,
    };
    const struct aes_version *aes = version;
    struct values v;
    uint8_t digests[16 * VALUES], fold[16] = {0}, blocks[9][16], bytes[32];
    make_values(&v);
    for (size_t size = 16; size <= 32; size += 8) {
        kernel_cmac_key key;
        if (!kernel_cmac_aes_key(&key, v.key, size)) return false;
        const struct column column = {v.message, v.offsets, 0, NULL, VALUES};
        aes_cmac_column(aes, &key, &column, OFFSETS_32, digests);
        fold_digests(fold, digests, 16);
    }
    kernel_aes_key key;
    for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)i;
    for (int i = 0; i < 9; i++)
        for (int j = 0; j < 16; j++) blocks[i][j] = (uint8_t)(17 * j);
    if (!kernel_aes_key_expand(&key, bytes, 32)) return false;
    aes->blocks(&key, blocks[0], blocks[0], 9);
    bool same = memcmp(fold, expected, 16) == 0;
    for (int i = 0; i < 9; i++) same &= memcmp(blocks[i], cipher, 16) == 0;
    return same;
}

/* Seventy values of growing length over two alphabets, with and without a long tweak, and seventy of sixteen digits;
 * encrypted text is folded by position, then decrypted again. The answers come from a Python program that follows
 * SP 800-38G step by step and agrees with its samples. */
bool self_test_ff1(const void *version)
{
    static const uint8_t expected[3][32] = {
        {0x2d, 0xcb, 0xff, 0x8d, 0xc5, 0xaa, 0x51, 0x95, 0x1c, 0xa7, 0x4e, 0xb8, 0x9b, 0x6c, 0xe3, 0xdc,
         0xb2, 0x17, 0x3b, 0xed, 0xaa, 0x2b, 0x8c, 0x54, 0x93, 0xb8, 0xf1, 0xd4, 0x8c, 0xc1, 0x1d, 0x25},
        {0x22, 0xf9, 0xaf, 0xbe, 0x14, 0x72, 0x25, 0x65, 0x6b, 0x79, 0x39, 0xe3, 0xcc, 0x35, 0xa3, 0xf9,
         0x72, 0x79, 0xe3, 0x24, 0x25, 0xa8, 0xf1, 0x17, 0xe3, 0xfb, 0x10, 0x0d, 0xbc, 0x61, 0x11, 0x41},
        {0xb7, 0xb9, 0x14, 0xe9, 0x17, 0x4c, 0xeb, 0xcf, 0xbb, 0xf1, 0x3a, 0x4d, 0xf5, 0x4b, 0xfe, 0x04,
         0x50, 0x18, 0x24, 0xca, 0x58, 0xec, 0x80, 0x36, 0x42, 0xa6, 0x46, 0x39, 0xec, 0x6f, 0x1a, 0xec},
    };
    static const struct {
        const char *alphabet, *tweak;
        int32_t shortest, span;
    } cases[3] = {
        {"0123456789", "people.card", 6, 43},
        {"abcdefghijklmnopqrstuvwxyz0123456789", "a tweak that is longer than one block of AES", 4, 43},
        {"0123456789", "", 16, 1},
    };
    enum { ROWS = 70, LONGEST = 48 };
    uint8_t key[32], plain[ROWS * LONGEST], text[ROWS * LONGEST], back[ROWS * LONGEST], status[ROWS];
    int32_t offsets[ROWS + 1] = {0};
    for (int i = 0; i < 32; i++) key[i] = (uint8_t)(i + 1);
    bool same = true;
    for (int c = 0; c < 3; c++) {
        const size_t radix = strlen(cases[c].alphabet);
        kernel_ff1_cipher cipher;
        if (!kernel_ff1_cipher_make(&cipher, key, 32, (const uint8_t *)cases[c].alphabet, radix,
                                    (const uint8_t *)cases[c].tweak, strlen(cases[c].tweak), KERNEL_FF1_LEAST_DOMAIN))
            return false;
        for (int32_t i = 0; i < ROWS; i++) {
            const int32_t n = cases[c].shortest + i % cases[c].span;
            offsets[i + 1] = offsets[i] + n;
            for (int32_t j = 0; j < n; j++)
                plain[offsets[i] + j] =
                    (uint8_t)cases[c].alphabet[(size_t)(i * i * 7 + j * j * 3 + 5 * j + i * j) % radix];
        }
        const struct column column = {plain, offsets, 0, NULL, ROWS};
        const struct column encrypted = {text, offsets, 0, NULL, ROWS};
        same &= ff1_column(version, &cipher, &column, OFFSETS_32, text, status, false, false) == 0;
        same &= ff1_column(version, &cipher, &encrypted, OFFSETS_32, back, status, true, false) == 0;
        same &= memcmp(back, plain, (size_t)offsets[ROWS]) == 0;
        uint8_t fold[32] = {0};
        for (int32_t i = 0; i < ROWS; i++)
            for (int32_t j = 0; j < offsets[i + 1] - offsets[i]; j++)
                fold[(i + j) % 32] = (uint8_t)(fold[(i + j) % 32] * 31 + text[offsets[i] + j]);
        same &= memcmp(fold, expected[c], 32) == 0;
    }
    return same;
}

/* The text of one digest at every length; of base32, at those of multiples of five bytes, which end with a whole character,
 * and 26 characters of sixteen bytes. */
bool self_test_token(const void *version)
{
    static const char base32[] = "bmyfk6u7ytuq4m2ypwrmp3argznybjok54kdsxudvdg7efz4mgda";
    static const char hex[] = "0b30557a9fc4e90e33587da2c7ec11365b80a5caef14395e83a8cdf2173c6186";
    const struct token_version *text = version;
    uint8_t digest[32], out[64];
    int32_t offsets[2];
    bool same = true;
    for (int i = 0; i < 32; i++) digest[i] = (uint8_t)(37 * i + 11);
    for (size_t length = 1; length <= 64; length++) {
        if (length <= 48 && length % 8 == 0) {
            text->base32(digest, 32, NULL, 1, length, out, offsets);
            same &= memcmp(out, base32, length) == 0 && offsets[1] == (int32_t)length;
        }
        text->hex(digest, 32, NULL, 1, length, out, offsets);
        same &= memcmp(out, hex, length) == 0 && offsets[1] == (int32_t)length;
    }
    text->base32(digest, 32, NULL, 1, 26, out, offsets);
    same &= memcmp(out, "bmyfk6u7ytuq4m2ypwrmp3argy", 26) == 0;
    text->base32(digest, 32, NULL, 1, 52, out, offsets);
    same &= memcmp(out, base32, 52) == 0;
    return same;
}
