/* Inside of the HMAC kernels: what a version must supply, and how values are handed to it. */
#ifndef CKERNELS_HASH_H
#define CKERNELS_HASH_H

#include "kernel_hash.h"

#include <string.h>

/* Values of more blocks than this are hashed one at a time, as streams. */
enum { HASH_CLASSES = 8, HASH_BATCH = 1024 };

/* One value of a batch: at most 64 * HASH_CLASSES - 9 bytes. Its digest goes to out + 32 * row. */
struct hash_lane {
    const uint8_t *bytes;
    uint32_t length;
    uint32_t row;
};

/* A version of the hash. `group` finishes the HMAC of `count` values that all take `blocks` inner blocks;
 * `stream` runs the compression function over whole blocks of one message. */
struct hash_version {
    void (*group)(const kernel_hmac_key *key, const struct hash_lane *lanes, size_t count, uint32_t blocks, uint8_t *out);
    void (*stream)(uint32_t state[8], const uint8_t *data, size_t blocks);
};

extern const uint32_t hash_k[64];       /* round constants of FIPS 180-4 */
extern const uint32_t hash_initial[8];  /* initial state */

extern const struct hash_version hash_plain;
#if defined(__x86_64__)
extern const struct hash_version hash_shani, hash_avx2, hash_avx512, hash_avx512_with_shani;
#elif defined(__aarch64__)
extern const struct hash_version hash_armv8;
#endif

/* HMAC of one value of any length through `stream`. */
void hash_one(const struct hash_version *version, const kernel_hmac_key *key, const uint8_t *bytes, size_t length,
              uint8_t out[32]);

/* Columns through one version; the public kernels call them with the version in force. */
void hash_column_i32(const struct hash_version *version, const kernel_hmac_key *key, const uint8_t *bytes,
                     const int32_t *offsets, const uint8_t *validity, size_t rows, uint8_t *out);
void hash_column_i64(const struct hash_version *version, const kernel_hmac_key *key, const uint8_t *bytes,
                     const int64_t *offsets, const uint8_t *validity, size_t rows, uint8_t *out);
void hash_column_fixed(const struct hash_version *version, const kernel_hmac_key *key, const uint8_t *bytes,
                       size_t width, const uint8_t *validity, size_t rows, uint8_t *out);

static inline uint32_t hash_blocks(size_t length) { return (uint32_t)((length + 72) / 64); }

static inline void hash_store_be32(uint8_t *out, uint32_t word)
{
    word = __builtin_bswap32(word);
    memcpy(out, &word, 4);
}

/* Copies `count` bytes, fewer than 64. No library call: one whose vector registers we do not control must not sit
 * between SHA instructions. Lengths may be learned from the time, bytes not. */
static inline void hash_copy_short(uint8_t *target, const uint8_t *source, size_t count)
{
    if (count >= 16) {
        for (size_t at = 0; at + 16 <= count; at += 16) __builtin_memcpy(target + at, source + at, 16);
        __builtin_memcpy(target + count - 16, source + count - 16, 16);
    } else if (count >= 8) {
        __builtin_memcpy(target, source, 8);
        __builtin_memcpy(target + count - 8, source + count - 8, 8);
    } else if (count >= 4) {
        __builtin_memcpy(target, source, 4);
        __builtin_memcpy(target + count - 4, source + count - 4, 4);
    } else if (count > 0) {
        target[0] = source[0];
        target[count / 2] = source[count / 2];
        target[count - 1] = source[count - 1];
    }
}

/* The last one or two blocks of an inner message: what is left of the value after its whole blocks, the mark, zeros and
 * the length in bits, in which the ipad block counts. Returns how many blocks that makes. */
static inline size_t hash_tail(uint8_t tail[128], const uint8_t *bytes, size_t length)
{
    const size_t left = length % 64, blocks = left > 55 ? 2 : 1;
    __builtin_memset(tail, 0, 64 * blocks);
    hash_copy_short(tail, bytes + (length - left), left);
    tail[left] = 0x80;
    const uint64_t bits = __builtin_bswap64(((uint64_t)length + 64) * 8);
    __builtin_memcpy(tail + 64 * blocks - 8, &bits, 8);
    return blocks;
}

#endif
