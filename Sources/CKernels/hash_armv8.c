/* HMAC-SHA-256 with the SHA-2 instructions of arm64, two values interleaved so that their latencies overlap. */
#include "hash.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#pragma clang attribute push(__attribute__((target("sha2"))), apply_to = function)

#define INLINE static inline __attribute__((always_inline))

struct state {
    uint32x4_t abcd, efgh;
};

INLINE void compress(struct state *s, uint32x4_t m[][4], const int lanes)
{
    struct state start[2];
    for (int l = 0; l < lanes; l++) start[l] = s[l];
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) {
        const uint32x4_t k = vld1q_u32(hash_k + 4 * i);
        for (int l = 0; l < lanes; l++) {
            const uint32x4_t wk = vaddq_u32(m[l][i & 3], k), abcd = s[l].abcd;
            s[l].abcd = vsha256hq_u32(abcd, s[l].efgh, wk);
            s[l].efgh = vsha256h2q_u32(s[l].efgh, abcd, wk);
            if (i < 12)
                m[l][i & 3] = vsha256su1q_u32(vsha256su0q_u32(m[l][i & 3], m[l][(i + 1) & 3]), m[l][(i + 2) & 3],
                                              m[l][(i + 3) & 3]);
        }
    }
    for (int l = 0; l < lanes; l++) {
        s[l].abcd = vaddq_u32(s[l].abcd, start[l].abcd);
        s[l].efgh = vaddq_u32(s[l].efgh, start[l].efgh);
    }
}

INLINE void block_load(uint32x4_t m[4], const uint8_t *data)
{
    for (int i = 0; i < 4; i++) m[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(data + 16 * i)));
}

static void stream(uint32_t words[8], const uint8_t *data, size_t blocks)
{
    struct state s = {vld1q_u32(words), vld1q_u32(words + 4)};
    for (; blocks > 0; blocks--, data += 64) {
        uint32x4_t m[1][4];
        block_load(m[0], data);
        compress(&s, m, 1);
    }
    vst1q_u32(words, s.abcd), vst1q_u32(words + 4, s.efgh);
}

INLINE void finish(const kernel_hmac_key *key, const struct lane *values, uint32_t blocks, uint8_t *out,
                   const int lanes)
{
    uint8_t tail[2][128];
    struct state s[2];
    uint32x4_t m[2][4];
    size_t whole[2];
    for (int l = 0; l < lanes; l++) {
        whole[l] = blocks - hash_tail(tail[l], values[l].bytes, values[l].length);
        s[l] = (struct state){vld1q_u32(key->inner), vld1q_u32(key->inner + 4)};
    }
    for (size_t block = 0; block < blocks; block++) {
        for (int l = 0; l < lanes; l++)
            block_load(m[l], block < whole[l] ? values[l].bytes + 64 * block : tail[l] + 64 * (block - whole[l]));
        compress(s, m, lanes);
    }
    for (int l = 0; l < lanes; l++) {
        m[l][0] = s[l].abcd, m[l][1] = s[l].efgh;
        m[l][2] = vsetq_lane_u32(0x80000000, vdupq_n_u32(0), 0);
        m[l][3] = vsetq_lane_u32((64 + 32) * 8, vdupq_n_u32(0), 3);
        s[l] = (struct state){vld1q_u32(key->outer), vld1q_u32(key->outer + 4)};
    }
    compress(s, m, lanes);
    for (int l = 0; l < lanes; l++) {
        uint8_t *digest = out + 32 * (size_t)values[l].row;
        vst1q_u8(digest, vrev32q_u8(vreinterpretq_u8_u32(s[l].abcd)));
        vst1q_u8(digest + 16, vrev32q_u8(vreinterpretq_u8_u32(s[l].efgh)));
    }
}

static void group(const kernel_hmac_key *key, const struct lane *lanes, size_t count, uint32_t blocks, uint8_t *out)
{
    size_t i = 0;
    for (; i + 2 <= count; i += 2) finish(key, lanes + i, blocks, out, 2);
    if (i < count) finish(key, lanes + i, blocks, out, 1);
}

#pragma clang attribute pop

const struct hash_version hash_armv8 = {group, stream};

#endif
