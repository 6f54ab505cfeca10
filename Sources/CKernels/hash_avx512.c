/* HMAC-SHA-256 of sixteen values at a time with AVX-512.
 *
 * Values come in through masked loads (no byte outside a value is touched, no padding is asked for); between the inner
 * and the outer hash nothing is moved: the eight state vectors are the first eight message words of the outer block.
 *
 * The bound of a compression is that of the vector ports, 64 * 17 + 48 * 11 operations two a cycle: 50.5 cycles a value, 48
 * where words are known (compress_short). Zen 4 takes 57 and 55.5: there 637 rotations and
 * shifts, two cycles each from operand to result, have two of the four ports, and other operations get in their way. SHA
 * instructions between these rounds (four to sixteen more values) made it slower there, 165 cycles a value instead of 125,
 * because they need the same two ports. */
#include "hash.h"

#if defined(__x86_64__)
#include <immintrin.h>

_Static_assert(sizeof(struct lane) == 16 && offsetof(struct lane, length) == 8, "lengths_of takes them so");

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,bmi2"))), apply_to = function)

#define INLINE static inline __attribute__((always_inline))

INLINE __m512i add(__m512i x, __m512i y) { return _mm512_add_epi32(x, y); }
INLINE __m512i xor3(__m512i x, __m512i y, __m512i z) { return _mm512_ternarylogic_epi32(x, y, z, 0x96); }
INLINE __m512i word(uint32_t x) { return _mm512_set1_epi32((int)x); }
#define ROTATE(x, by) _mm512_ror_epi32(x, by)

INLINE __m512i sigma0(__m512i x) { return xor3(ROTATE(x, 7), ROTATE(x, 18), _mm512_srli_epi32(x, 3)); }
INLINE __m512i sigma1(__m512i x) { return xor3(ROTATE(x, 17), ROTATE(x, 19), _mm512_srli_epi32(x, 10)); }

INLINE __m512i schedule(__m512i w0, __m512i w1, __m512i w9, __m512i w14)
{
    return add(add(w0, sigma0(w1)), add(w9, sigma1(w14)));
}

/* One round; `addend` is message word and constant. Its last line is the renaming of the eight variables. From e to the
 * next e is the longest path, and a rotation takes two cycles: h and addend are added before, where the compiler would do
 * it after. */
#define ROUND(addend)                                                                                                  \
    do {                                                                                                               \
        __m512i before = add(h, addend);                                                                               \
        __asm__("" : "+v"(before));                                                                                    \
        const __m512i s1 = xor3(ROTATE(e, 6), ROTATE(e, 11), ROTATE(e, 25));                                           \
        const __m512i choose = _mm512_ternarylogic_epi32(e, f, g, 0xCA);                                               \
        const __m512i t1 = add(add(before, choose), s1);                                                               \
        const __m512i s0 = xor3(ROTATE(a, 2), ROTATE(a, 13), ROTATE(a, 22));                                           \
        const __m512i majority = _mm512_ternarylogic_epi32(a, b, c, 0xE8);                                             \
        h = g, g = f, f = e, e = add(d, t1), d = c, c = b, b = a, a = add(t1, add(s0, majority));                      \
    } while (0)

/* Rounds 16 * from to 63, and the schedule on the way; w holds the last sixteen words. A macro, for variables in registers. */
#define ROUNDS_FROM(from)                                                                                              \
    do {                                                                                                               \
        for (int base = 16 * (from); base < 48; base += 16) {                                                          \
            _Pragma("clang loop unroll(full)") for (int i = 0; i < 16; i++)                                            \
            {                                                                                                          \
                ROUND(add(word(hash_k[base + i]), w[i]));                                                              \
                /* In place: the words that slot i needs are either old (after it) or new (before). */                 \
                w[i] = schedule(w[i], w[(i + 1) & 15], w[(i + 9) & 15], w[(i + 14) & 15]);                             \
            }                                                                                                          \
        }                                                                                                              \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < 16; i++) ROUND(add(word(hash_k[48 + i]), w[i]));        \
    } while (0)

/* One compression of sixteen messages; w holds word i of every message in w[i]. A loop over sixteen rounds and a function
 * of its own, because all sixty-four in a row, twice, do not fit the decoded-instruction cache: 111 cycles a value instead
 * of 100 on Zen 4. */
static __attribute__((noinline)) void compress(__m512i state[8], const __m512i words[16])
{
    __m512i a = state[0], b = state[1], c = state[2], d = state[3];
    __m512i e = state[4], f = state[5], g = state[6], h = state[7], w[16];
    for (int i = 0; i < 16; i++) w[i] = words[i];
    ROUNDS_FROM(0);
    state[0] = add(state[0], a), state[1] = add(state[1], b), state[2] = add(state[2], c), state[3] = add(state[3], d);
    state[4] = add(state[4], e), state[5] = add(state[5], f), state[6] = add(state[6], g), state[7] = add(state[7], h);
}

/* Where a compression starts that is the first of its hash: the same state in all lanes, so that the first round is a
 * matter of constants, and the next three know their h. */
struct start {
    uint32_t state[8];
    uint32_t a, e;        /* of round 0, without the message word */
    uint32_t constant[4]; /* rounds 1 to 3: constant and h */
};

INLINE uint32_t turn(uint32_t x, int by) { return x >> by | x << (32 - by); }

static struct start start_of(const uint32_t state[8])
{
    struct start s;
    const uint32_t a = state[0], b = state[1], c = state[2], e = state[4], f = state[5], g = state[6];
    memcpy(s.state, state, sizeof s.state);
    const uint32_t t1 = state[7] + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + hash_k[0];
    s.e = state[3] + t1;
    s.a = t1 + (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    for (int i = 1; i < 4; i++) s.constant[i] = hash_k[i] + state[7 - i];
    return s;
}

/* The first compression of a hash when words 9 to 14 of the message are zero and word 8 is the same in all lanes: the outer
 * hash, and the inner one of values of up to 31 bytes. A twenty-fourth of the work falls away.
 * words: 0 to 7, and 15 in words[8]. */
static __attribute__((noinline)) void compress_short(const struct start *start, const __m512i words[9], uint32_t word8,
                                                     __m512i state[8])
{
    __m512i w[16];
    __m512i a = word(start->state[0]), b = word(start->state[1]), c = word(start->state[2]);
    __m512i e = word(start->state[4]), f = word(start->state[5]), g = word(start->state[6]), d, h;
    for (int i = 0; i < 8; i++) w[i] = words[i];
    w[15] = words[8];
    const __m512i last = w[15], last0 = sigma0(last);
    h = g, g = f, f = e, e = add(word(start->e), w[0]), d = c, c = b, b = a, a = add(word(start->a), w[0]);
    w[0] = add(w[0], sigma0(w[1]));
    h = _mm512_setzero_si512(); /* is in the constant, three times */
    ROUND(add(word(start->constant[1]), w[1]));
    w[1] = add(add(w[1], sigma0(w[2])), sigma1(last));
    h = _mm512_setzero_si512();
    ROUND(add(word(start->constant[2]), w[2]));
    w[2] = add(add(w[2], sigma0(w[3])), sigma1(w[0]));
    h = _mm512_setzero_si512();
    ROUND(add(word(start->constant[3]), w[3]));
    w[3] = add(add(w[3], sigma0(w[4])), sigma1(w[1]));
    ROUND(add(word(hash_k[4]), w[4]));
    w[4] = add(add(w[4], sigma0(w[5])), sigma1(w[2]));
    ROUND(add(word(hash_k[5]), w[5]));
    w[5] = add(add(w[5], sigma0(w[6])), sigma1(w[3]));
    ROUND(add(word(hash_k[6]), w[6]));
    w[6] = add(add(w[6], sigma0(w[7])), add(last, sigma1(w[4])));
    ROUND(add(word(hash_k[7]), w[7]));
    w[7] = add(add(w[7], word(turn(word8, 7) ^ turn(word8, 18) ^ word8 >> 3)), add(w[0], sigma1(w[5])));
    ROUND(word(hash_k[8] + word8));
    w[8] = add(add(word(word8), w[1]), sigma1(w[6]));
    ROUND(word(hash_k[9]));
    w[9] = add(w[2], sigma1(w[7]));
    ROUND(word(hash_k[10]));
    w[10] = add(w[3], sigma1(w[8]));
    ROUND(word(hash_k[11]));
    w[11] = add(w[4], sigma1(w[9]));
    ROUND(word(hash_k[12]));
    w[12] = add(w[5], sigma1(w[10]));
    ROUND(word(hash_k[13]));
    w[13] = add(w[6], sigma1(w[11]));
    ROUND(word(hash_k[14]));
    w[14] = add(add(w[7], sigma1(w[12])), last0);
    ROUND(add(word(hash_k[15]), last));
    w[15] = add(add(last, sigma0(w[0])), add(w[8], sigma1(w[13])));
    ROUNDS_FROM(1);
    state[0] = add(word(start->state[0]), a), state[1] = add(word(start->state[1]), b);
    state[2] = add(word(start->state[2]), c), state[3] = add(word(start->state[3]), d);
    state[4] = add(word(start->state[4]), e), state[5] = add(word(start->state[5]), f);
    state[6] = add(word(start->state[6]), g), state[7] = add(word(start->state[7]), h);
}

INLINE __m512i word_swap(__m512i x)
{
    return _mm512_shuffle_epi8(
        x, _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3)));
}

/* Rows to columns: r[i] word j becomes r[j] word i. */
INLINE void transpose(__m512i r[16])
{
    __m512i t[16], u[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        u[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        u[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        u[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        u[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) { /* u[i], u[i + 4], u[i + 8], u[i + 12] hold column 4 * k + i in quarter k */
        const __m512i low = _mm512_shuffle_i32x4(u[i], u[i + 4], 0x88),
                      low2 = _mm512_shuffle_i32x4(u[i + 8], u[i + 12], 0x88);
        const __m512i high = _mm512_shuffle_i32x4(u[i], u[i + 4], 0xDD),
                      high2 = _mm512_shuffle_i32x4(u[i + 8], u[i + 12], 0xDD);
        r[i] = _mm512_shuffle_i32x4(low, low2, 0x88);
        r[i + 4] = _mm512_shuffle_i32x4(high, high2, 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(low, low2, 0xDD);
        r[i + 12] = _mm512_shuffle_i32x4(high, high2, 0xDD);
    }
}

/* Bytes 64 * block … of a value with the mark behind its end, as big-endian words. */
INLINE __m512i block_load(struct lane lane, uint32_t block)
{
    const int64_t left = (int64_t)lane.length - 64 * (int64_t)block;
    const uint32_t here = left < 0 ? 0 : left > 64 ? 64 : (uint32_t)left;
    const __m512i data = _mm512_maskz_loadu_epi8(_bzhi_u64(~0ULL, here), lane.bytes + 64 * (size_t)block);
    const uint64_t mark = (uint64_t)(left >= 0 && left < 64) << (left & 63);
    return word_swap(_mm512_mask_mov_epi8(data, mark, _mm512_set1_epi8((char)0x80)));
}

/* Words 0 to 7 of sixteen values of up to 31 bytes, each with its mark: two values to a register, then rows to columns. */
INLINE void load_short(const struct lane *lanes, __m512i w[8])
{
    __m512i r[8], t[8], u[8];
    for (int i = 0; i < 8; i++) { /* so that the columns have the lanes in order: 0 and 4, 1 and 5, …, 8 and 12, … */
        const struct lane *low = lanes + (i & 3) + 2 * (i & 4), *high = low + 4;
        const __m256i a = _mm256_maskz_loadu_epi8(_bzhi_u32(~0U, low->length), low->bytes);
        const __m256i b = _mm256_maskz_loadu_epi8(_bzhi_u32(~0U, high->length), high->bytes);
        const uint64_t mark = 1ULL << low->length | 1ULL << 32 << high->length;
        const __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1);
        r[i] = word_swap(_mm512_mask_mov_epi8(both, mark, _mm512_set1_epi8((char)0x80)));
    }
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8;
         i += 4) { /* u[i + j] has words j and j + 4 of lanes 0 to 3, then of lanes 4 to 7, all + 2 * i */
        u[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        u[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        u[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        u[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int j = 0; j < 4; j++) {
        w[j] = _mm512_shuffle_i32x4(u[j], u[j + 4], 0x88);
        w[j + 4] = _mm512_shuffle_i32x4(u[j], u[j + 4], 0xDD);
    }
}

/* Digest of sixteen lanes from the state vectors: columns to rows, 32 bytes each. */
INLINE void store(const __m512i state[8], const struct lane lanes[16], uint8_t *out)
{
    __m512i t[8], u[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm512_unpacklo_epi32(state[i], state[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(state[i], state[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        u[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        u[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        u[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        u[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) { /* quarter q of u[i] and u[i + 4] is lane 4 * q + i */
        const __m512i first = word_swap(u[i]), second = word_swap(u[i + 4]);
        const __m512i even = _mm512_permutex2var_epi64(first, _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0), second);
        const __m512i odd = _mm512_permutex2var_epi64(first, _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2), second);
        _mm256_storeu_si256((__m256i *)(out + 32 * (size_t)lanes[i].row), _mm512_castsi512_si256(even));
        _mm256_storeu_si256((__m256i *)(out + 32 * (size_t)lanes[i + 4].row), _mm512_castsi512_si256(odd));
        _mm256_storeu_si256((__m256i *)(out + 32 * (size_t)lanes[i + 8].row), _mm512_extracti64x4_epi64(even, 1));
        _mm256_storeu_si256((__m256i *)(out + 32 * (size_t)lanes[i + 12].row), _mm512_extracti64x4_epi64(odd, 1));
    }
}

enum { SHORT = 31 };

/* The lengths of sixteen lanes, without a detour through memory that was written in smaller pieces. */
INLINE __m512i lengths_of(const struct lane lanes[16])
{
    const __m512i third = _mm512_set_epi32(30, 26, 22, 18, 14, 10, 6, 2, 30, 26, 22, 18, 14, 10, 6, 2);
    const __m512i low = _mm512_permutex2var_epi32(_mm512_loadu_si512(lanes), third, _mm512_loadu_si512(lanes + 4));
    const __m512i high =
        _mm512_permutex2var_epi32(_mm512_loadu_si512(lanes + 8), third, _mm512_loadu_si512(lanes + 12));
    return _mm512_mask_mov_epi32(low, 0xFF00, high);
}

/* Word 15 of the last block, the length in bits with the ipad block; word 14 stays 0, a value is shorter than 2^29 bytes. */
INLINE __m512i bit_counts(__m512i lengths) { return _mm512_slli_epi32(add(lengths, word(64)), 3); }

/* The inner hashes of sixteen values of `blocks` blocks each. */
static void inner_hash(const struct start *inner, const struct lane *lanes, uint32_t blocks, __m512i state[9])
{
    __m512i w[16];
    const __m512i lengths = lengths_of(lanes);
    if (_mm512_cmpgt_epu32_mask(lengths, word(SHORT)) == 0) {
        load_short(lanes, w);
        w[8] = bit_counts(lengths);
        compress_short(inner, w, 0, state);
        return;
    }
    for (int i = 0; i < 8; i++) state[i] = word(inner->state[i]);
    for (uint32_t block = 0; block < blocks; block++) {
        for (int l = 0; l < 16; l++) w[l] = block_load(lanes[l], block);
        transpose(w);
        if (block + 1 == blocks) w[15] = bit_counts(lengths);
        compress(state, w);
    }
}

static void outer_hash(const struct start *outer, __m512i state[9])
{
    state[8] = word((64 + 32) * 8);
    compress_short(outer, state, 0x80000000, state);
}

/* All full groups; returns how many values are done. Two at a time in turns, so that one compression begins while the one
 * before it, which it does not depend on, ends. */
static size_t full_groups(const kernel_hmac_key *key, const struct lane *lanes, size_t count, uint32_t blocks,
                          uint8_t *out)
{
    struct start inner = start_of(key->inner), outer = start_of(key->outer);
    __m512i first[9], second[9];
    size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        inner_hash(&inner, lanes + i, blocks, first);
        inner_hash(&inner, lanes + i + 16, blocks, second);
        outer_hash(&outer, first);
        outer_hash(&outer, second);
        store(first, lanes + i, out);
        store(second, lanes + i + 16, out);
    }
    if (i + 16 <= count) {
        inner_hash(&inner, lanes + i, blocks, first);
        outer_hash(&outer, first);
        store(first, lanes + i, out);
        i += 16;
    }
    wipe(&inner, sizeof inner), wipe(&outer, sizeof outer); /* as secret as the key */
    return i;
}

static void padded_group(const kernel_hmac_key *key, const struct lane *lanes, size_t count, uint32_t blocks,
                         uint8_t *out)
{
    /* Repeat the final value in the free lanes; it writes the same digest again. */
    struct lane all[16];
    for (size_t l = 0; l < 16; l++) all[l] = lanes[l < count ? l : count - 1];
    full_groups(key, all, 16, blocks, out);
}

static void group(const kernel_hmac_key *key, const struct lane *lanes, size_t count, uint32_t blocks, uint8_t *out)
{
    const size_t done = full_groups(key, lanes, count, blocks, out);
    if (done < count) padded_group(key, lanes + done, count - done, blocks, out);
}

#pragma clang attribute pop

/* From this many leftover values on, a padded group is cheaper than SHA instructions: break-even is at thirteen on Zen 4; of
 * an earlier form, two values interleaved, it was at nine on Emerald Rapids. */
enum { PADDED_FROM = 11 };

static void group_with_shani(const kernel_hmac_key *key, const struct lane *lanes, size_t count, uint32_t blocks,
                             uint8_t *out)
{
    const size_t rest = count % 16;
    if (rest >= PADDED_FROM) {
        group(key, lanes, count, blocks, out);
    } else {
        full_groups(key, lanes, count, blocks, out);
        if (rest > 0) hash_shani.group(key, lanes + (count - rest), rest, blocks, out);
    }
}

static void stream(uint32_t state[8], const uint8_t *data, size_t blocks) { hash_plain.stream(state, data, blocks); }
static void stream_with_shani(uint32_t state[8], const uint8_t *data, size_t blocks)
{
    hash_shani.stream(state, data, blocks);
}

const struct hash_version hash_avx512 = {group, stream};
const struct hash_version hash_avx512_with_shani = {group_with_shani, stream_with_shani};

#endif
