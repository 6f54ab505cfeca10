/* AES without tables: four blocks at a time, bit-sliced, so that no address or branch depends on a byte of key or data.
 *
 * Plane p holds bit p of every byte; byte i of block b is bit 16 * b + i of each plane, and i = 4 * column + row.
 * S-box circuit: J. Boyar and R. Peralta, "A depth-16 circuit for the AES S-box", 2011, in the form with 113 gates. */
#include "aes.h"

struct planes {
    uint64_t p[8];
};

static inline uint64_t transpose_bits(uint64_t x) /* byte j of the result has bit j of each byte */
{
    uint64_t t = (x ^ x >> 7) & 0x00AA00AA00AA00AA;
    x ^= t ^ t << 7;
    t = (x ^ x >> 14) & 0x0000CCCC0000CCCC;
    x ^= t ^ t << 14;
    t = (x ^ x >> 28) & 0x00000000F0F0F0F0;
    return x ^ t ^ t << 28;
}

/* Byte j of word k and byte k of word j change places. */
static inline void transpose_bytes(uint64_t w[8])
{
    for (int i = 0; i < 4; i++) {
        const uint64_t low = w[i], high = w[i + 4];
        w[i] = (low & 0x00000000FFFFFFFF) | high << 32;
        w[i + 4] = low >> 32 | (high & 0xFFFFFFFF00000000);
    }
    for (int i = 0; i < 8; i += i % 4 == 1 ? 3 : 1) {
        const uint64_t low = w[i], high = w[i + 2];
        w[i] = (low & 0x0000FFFF0000FFFF) | (high & 0x0000FFFF0000FFFF) << 16;
        w[i + 2] = (low >> 16 & 0x0000FFFF0000FFFF) | (high & 0xFFFF0000FFFF0000);
    }
    for (int i = 0; i < 8; i += 2) {
        const uint64_t low = w[i], high = w[i + 1];
        w[i] = (low & 0x00FF00FF00FF00FF) | (high & 0x00FF00FF00FF00FF) << 8;
        w[i + 1] = (low >> 8 & 0x00FF00FF00FF00FF) | (high & 0xFF00FF00FF00FF00);
    }
}

static struct planes slice(const uint8_t bytes[64])
{
    struct planes s;
    __builtin_memcpy(s.p, bytes, 64);
    for (int i = 0; i < 8; i++) s.p[i] = transpose_bits(s.p[i]);
    transpose_bytes(s.p);
    return s;
}

static void unslice(struct planes s, uint8_t bytes[64])
{
    transpose_bytes(s.p);
    for (int i = 0; i < 8; i++) s.p[i] = transpose_bits(s.p[i]);
    __builtin_memcpy(bytes, s.p, 64);
}

static void substitute(uint64_t q[8])
{
    const uint64_t x0 = q[7], x1 = q[6], x2 = q[5], x3 = q[4], x4 = q[3], x5 = q[2], x6 = q[1], x7 = q[0];
    const uint64_t y14 = x3 ^ x5, y13 = x0 ^ x6, y9 = x0 ^ x3, y8 = x0 ^ x5, t0 = x1 ^ x2, y1 = t0 ^ x7, y4 = y1 ^ x3;
    const uint64_t y12 = y13 ^ y14, y2 = y1 ^ x0, y5 = y1 ^ x6, y3 = y5 ^ y8, t1 = x4 ^ y12, y15 = t1 ^ x5,
                   y20 = t1 ^ x1;
    const uint64_t y6 = y15 ^ x7, y10 = y15 ^ t0, y11 = y20 ^ y9, y7 = x7 ^ y11, y17 = y10 ^ y11, y19 = y10 ^ y8;
    const uint64_t y16 = t0 ^ y11, y21 = y13 ^ y16, y18 = x0 ^ y16;
    const uint64_t t2 = y12 & y15, t4 = (y3 & y6) ^ t2, t6 = (y4 & x7) ^ t2, t7 = y13 & y16, t9 = (y5 & y1) ^ t7;
    const uint64_t t11 = (y2 & y7) ^ t7, t12 = y9 & y11, t14 = (y14 & y17) ^ t12, t16 = (y8 & y10) ^ t12;
    const uint64_t t21 = t4 ^ t14 ^ y20, t22 = t6 ^ t16 ^ y19, t23 = t9 ^ t14 ^ y21, t24 = t11 ^ t16 ^ y18;
    const uint64_t t25 = t21 ^ t22, t26 = t21 & t23, t27 = t24 ^ t26, t29 = (t25 & t27) ^ t22, t30 = t23 ^ t24;
    const uint64_t t31 = t22 ^ t26, t33 = (t31 & t30) ^ t24, t34 = t23 ^ t33, t35 = t27 ^ t33, t36 = t24 & t35;
    const uint64_t t37 = t36 ^ t34, t38 = t27 ^ t36, t40 = t25 ^ (t29 & t38), t41 = t40 ^ t37, t42 = t29 ^ t33;
    const uint64_t t43 = t29 ^ t40, t44 = t33 ^ t37, t45 = t42 ^ t41;
    const uint64_t z0 = t44 & y15, z1 = t37 & y6, z2 = t33 & x7, z3 = t43 & y16, z4 = t40 & y1, z5 = t29 & y7;
    const uint64_t z6 = t42 & y11, z7 = t45 & y17, z8 = t41 & y10, z9 = t44 & y12, z10 = t37 & y3, z11 = t33 & y4;
    const uint64_t z12 = t43 & y13, z13 = t40 & y5, z14 = t29 & y2, z15 = t42 & y9, z16 = t45 & y14, z17 = t41 & y8;
    const uint64_t t46 = z15 ^ z16, t47 = z10 ^ z11, t48 = z5 ^ z13, t49 = z9 ^ z10, t50 = z2 ^ z12, t51 = z2 ^ z5;
    const uint64_t t52 = z7 ^ z8, t53 = z0 ^ z3, t54 = z6 ^ z7, t55 = z16 ^ z17, t56 = z12 ^ t48, t57 = t50 ^ t53;
    const uint64_t t58 = z4 ^ t46, t59 = z3 ^ t54, t60 = t46 ^ t57, t61 = z14 ^ t57, t62 = t52 ^ t58, t63 = t49 ^ t58;
    const uint64_t t64 = z4 ^ t59, t65 = t61 ^ t62, t66 = z1 ^ t63, t67 = t64 ^ t65, s3 = t53 ^ t66;
    q[7] = t59 ^ t63;
    q[6] = t64 ^ ~s3;
    q[5] = t55 ^ ~t67;
    q[4] = s3;
    q[3] = t51 ^ t66;
    q[2] = t47 ^ t65;
    q[1] = t56 ^ ~t62;
    q[0] = t48 ^ ~t60;
}

/* Row r moves r columns to the left: 4 * r bits down within the sixteen bits of its block. */
static inline uint64_t shift_rows(uint64_t x)
{
    const uint64_t row1 = x & 0x2222222222222222, row2 = x & 0x4444444444444444, row3 = x & 0x8888888888888888;
    return (x & 0x1111111111111111) | (row1 >> 4 & 0x0222022202220222) | (row1 << 12 & 0x2000200020002000) |
           (row2 >> 8 & 0x0044004400440044) | (row2 << 8 & 0x4400440044004400) | (row3 >> 12 & 0x0008000800080008) |
           (row3 << 4 & 0x8880888088808880);
}

/* Each byte takes the place of the one above it in its column: rows are the bits of a group of four. */
static inline uint64_t rotate1(uint64_t x) { return (x >> 1 & 0x7777777777777777) | (x << 3 & 0x8888888888888888); }
static inline uint64_t rotate2(uint64_t x) { return (x >> 2 & 0x3333333333333333) | (x << 2 & 0xCCCCCCCCCCCCCCCC); }

/* New byte = 2 * a ^ 3 * b ^ c ^ d = 2 * (a ^ b) ^ b ^ (c ^ d), with b, c, d the next ones in the column. */
static inline void mix_columns(uint64_t q[8])
{
    uint64_t sum[8], next[8];
    for (int i = 0; i < 8; i++) {
        next[i] = rotate1(q[i]);
        sum[i] = q[i] ^ next[i];
    }
    for (int i = 0; i < 8; i++) q[i] = next[i] ^ rotate2(sum[i]) ^ (i > 0 ? sum[i - 1] : 0);
    q[0] ^= sum[7], q[1] ^= sum[7], q[3] ^= sum[7], q[4] ^= sum[7];
}

struct sliced_key {
    struct planes round[15];
    uint32_t rounds;
};

static void slice_key(struct sliced_key *sliced, const kernel_aes_key *key)
{
    uint8_t bytes[64];
    for (uint32_t r = 0; r <= key->rounds; r++) {
        for (int b = 0; b < 4; b++) __builtin_memcpy(bytes + 16 * b, key->round_keys[r], 16);
        sliced->round[r] = slice(bytes);
    }
    sliced->rounds = key->rounds;
    wipe(bytes, sizeof bytes);
}

static void encrypt_four(const struct sliced_key *key, uint8_t bytes[64])
{
    struct planes s = slice(bytes);
    for (int i = 0; i < 8; i++) s.p[i] ^= key->round[0].p[i];
    for (uint32_t r = 1; r <= key->rounds; r++) {
        substitute(s.p);
        for (int i = 0; i < 8; i++) s.p[i] = shift_rows(s.p[i]);
        if (r < key->rounds) mix_columns(s.p);
        for (int i = 0; i < 8; i++) s.p[i] ^= key->round[r].p[i];
    }
    unslice(s, bytes);
}

uint32_t aes_plain_substitute(uint32_t word)
{
    uint8_t bytes[64] = {0};
    __builtin_memcpy(bytes, &word, 4);
    struct planes s = slice(bytes);
    substitute(s.p);
    unslice(s, bytes);
    __builtin_memcpy(&word, bytes, 4);
    wipe(bytes, sizeof bytes);
    return word;
}

static void blocks(const kernel_aes_key *key, const uint8_t *in, uint8_t *out, size_t count)
{
    struct sliced_key sliced;
    uint8_t four[64] = {0};
    slice_key(&sliced, key);
    for (size_t i = 0; i < count; i += 4) {
        const size_t here = count - i < 4 ? count - i : 4;
        memcpy(four, in + 16 * i, 16 * here);
        encrypt_four(&sliced, four);
        memcpy(out + 16 * i, four, 16 * here);
    }
    wipe(&sliced, sizeof sliced);
}

static void chain(const kernel_aes_key *key, uint8_t state[16], const uint8_t *data, size_t count)
{
    struct sliced_key sliced;
    uint8_t four[64] = {0};
    slice_key(&sliced, key);
    memcpy(four, state, 16);
    for (; count > 0; count--, data += 16) {
        for (int i = 0; i < 16; i++) four[i] ^= data[i];
        encrypt_four(&sliced, four);
    }
    memcpy(state, four, 16);
    wipe(&sliced, sizeof sliced);
}

static void cmac_group(const kernel_cmac_key *key, const struct lane *lanes, size_t count, uint32_t block_count,
                       uint8_t *out)
{
    struct sliced_key sliced;
    slice_key(&sliced, &key->aes);
    for (size_t i = 0; i < count; i += 4) {
        const size_t here = count - i < 4 ? count - i : 4;
        uint8_t four[64] = {0};
        for (size_t block = 0; block < block_count; block++) {
            for (size_t l = 0; l < here; l++) {
                const struct lane *lane = lanes + i + l;
                uint8_t data[16];
                if (block + 1 < block_count)
                    memcpy(data, lane->bytes + 16 * block, 16);
                else
                    cmac_last_block(key, lane->bytes + 16 * block, lane->length - 16 * block, data);
                for (int j = 0; j < 16; j++) four[16 * l + (size_t)j] ^= data[j];
            }
            encrypt_four(&sliced, four);
        }
        for (size_t l = 0; l < here; l++) memcpy(out + 16 * (size_t)lanes[i + l].row, four + 16 * l, 16);
    }
    wipe(&sliced, sizeof sliced);
}

const struct aes_version aes_plain = {blocks, chain, cmac_group};
