/* Inside of the HMAC kernels: what a version must supply, and how values are handed to it. */
#ifndef CKERNELS_HASH_H
#define CKERNELS_HASH_H

#include "bytes.h"
#include "column.h"
#include "kernel_hash.h"

#include <string.h>

/* Values of more blocks than this are hashed one at a time, as streams. */
enum { HASH_CLASSES = 8 };

/* A version of the hash. `group` finishes the HMAC of `count` values that all take `blocks` inner blocks;
 * `stream` runs the compression function over whole blocks of one message. */
struct hash_version {
    void (*group)(const kernel_hmac_key *key, const struct lane *lanes, size_t count, uint32_t blocks, uint8_t *out);
    void (*stream)(uint32_t state[8], const uint8_t *data, size_t blocks);
};

extern const uint32_t hash_k[64];      /* round constants of FIPS 180-4 */
extern const uint32_t hash_initial[8]; /* initial state */

extern const struct hash_version hash_plain;
#if defined(__x86_64__)
extern const struct hash_version hash_shani, hash_avx2, hash_avx512, hash_avx512_with_shani;
#elif defined(__aarch64__)
extern const struct hash_version hash_armv8;
#endif

/* HMAC of one value of any length through `stream`. */
void hash_one(const struct hash_version *version, const kernel_hmac_key *key, const uint8_t *bytes, size_t length,
              uint8_t out[32]);

/* A column through one version; the public kernels pass the version in force. */
void hash_column(const struct hash_version *version, const kernel_hmac_key *key, const struct column *column,
                 enum offset_kind kind, uint8_t *out);

/* The last one or two blocks of an inner message: what is left of the value after its whole blocks, the mark, zeros and
 * the length in bits, in which the ipad block counts. Returns how many blocks that makes. */
static inline size_t hash_tail(uint8_t tail[128], const uint8_t *bytes, size_t length)
{
    const size_t left = length % 64, blocks = left > 55 ? 2 : 1;
    __builtin_memset(tail, 0, 64 * blocks);
    copy_short(tail, bytes + (length - left), left);
    tail[left] = 0x80;
    const uint64_t bits = __builtin_bswap64(((uint64_t)length + 64) * 8);
    __builtin_memcpy(tail + 64 * blocks - 8, &bits, 8);
    return blocks;
}

#endif
