/* Known-answer tests of the versions. The answers were computed with Python's hmac, hashlib and base64 modules
 * (which use OpenSSL), over inputs made from a formula so that none of them has to be stored. */
#include "dispatch.h"
#include "hash.h"
#include "token.h"

enum { VALUES = 40, MESSAGE_BYTES = 8192 };

/* Lengths of one to eleven blocks: full groups, leftovers, and values hashed as streams. */
static int32_t value_length(int32_t i) { return i < 24 ? 5 * i % 64 : (37 * i * i + 11 * i) % 650; }

/* HMAC of each value with the key 01 02 … 21; the digests are folded by rotating the fold one byte to the left and
 * exclusive-oring the next digest, so that a swap of two rows shows. */
bool self_test_hash(const void *version)
{
    static const uint8_t expected[32] = {
        0xed, 0x43, 0x37, 0x72, 0xa8, 0x0e, 0x9a, 0x73, 0x6a, 0x0d, 0x57, 0xf6, 0xdc, 0x22, 0x10, 0x11,
        0xe9, 0xec, 0x8e, 0xe2, 0xde, 0x99, 0x3a, 0xbd, 0x44, 0x46, 0x26, 0xfa, 0xd8, 0xe6, 0x8b, 0x62,
    };
    uint8_t message[MESSAGE_BYTES], key_bytes[33], digests[32 * VALUES], fold[32] = {0};
    int32_t offsets[VALUES + 1] = {0};
    for (int32_t i = 0; i < VALUES; i++) offsets[i + 1] = offsets[i] + value_length(i);
    for (uint32_t i = 0; i < MESSAGE_BYTES; i++) message[i] = (uint8_t)(i * i + 7 * i + 13);
    for (int i = 0; i < 33; i++) key_bytes[i] = (uint8_t)(i + 1);
    kernel_hmac_key key;
    kernel_hmac_sha256_key(&key, key_bytes, sizeof key_bytes);
    hash_column_i32(version, &key, message, offsets, NULL, VALUES, digests);
    for (int i = 0; i < VALUES; i++) {
        const uint8_t first = fold[0];
        for (int j = 0; j < 31; j++) fold[j] = fold[j + 1] ^ digests[32 * i + j];
        fold[31] = first ^ digests[32 * i + 31];
    }
    return memcmp(fold, expected, 32) == 0;
}

/* The text of one digest at every length. */
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
        if (length <= 52) {
            text->base32(digest, 32, NULL, 1, length, out, offsets);
            same &= memcmp(out, base32, length) == 0 && offsets[1] == (int32_t)length;
        }
        text->hex(digest, 32, NULL, 1, length, out, offsets);
        same &= memcmp(out, hex, length) == 0 && offsets[1] == (int32_t)length;
    }
    return same;
}
