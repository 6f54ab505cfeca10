/* Columns of values through one version of the hash: nulls dropped, values sorted by their number of blocks. */
#include "hash.h"

void hash_one(const struct hash_version *version, const kernel_hmac_key *key, const uint8_t *bytes, size_t length,
              uint8_t out[32])
{
    uint32_t state[8];
    uint8_t tail[128];
    memcpy(state, key->inner, sizeof state);
    if (length >= 64) version->stream(state, bytes, length / 64);
    version->stream(state, tail, hash_tail(tail, bytes, length));
    memset(tail, 0, 64);
    for (int i = 0; i < 8; i++) hash_store_be32(tail + 4 * i, state[i]);
    tail[32] = 0x80, tail[62] = (64 + 32) * 8 >> 8, tail[63] = (uint8_t)((64 + 32) * 8);
    memcpy(state, key->outer, sizeof state);
    version->stream(state, tail, 1);
    for (int i = 0; i < 8; i++) hash_store_be32(out + 4 * i, state[i]);
}

enum offset_kind { OFFSETS_32, OFFSETS_64, FIXED_WIDTH };

struct column {
    const uint8_t *bytes;
    const void *offsets;
    size_t width;
};

/* First byte and length of a value; `kind` is a constant wherever this is inlined. */
static inline __attribute__((always_inline)) const uint8_t *value(
    const struct column *column, enum offset_kind kind, size_t row, size_t *length)
{
    if (kind == FIXED_WIDTH) {
        *length = column->width;
        return column->bytes + column->width * row;
    }
    if (kind == OFFSETS_32) {
        const int32_t *offsets = (const int32_t *)column->offsets + row;
        *length = (size_t)(offsets[1] - offsets[0]);
        return column->bytes + offsets[0];
    }
    const int64_t *offsets = (const int64_t *)column->offsets + row;
    *length = (size_t)(offsets[1] - offsets[0]);
    return column->bytes + offsets[0];
}

/* One batch of at most HASH_BATCH rows from `first` on. Two passes: count the values of each class, then place them, so
 * that each class is one run of lanes. Class 0 takes the nulls, the last class the long values. */
static inline __attribute__((always_inline)) void batch(
    const struct hash_version *version, const kernel_hmac_key *key, const struct column *column, enum offset_kind kind,
    const uint8_t *validity, size_t first, size_t rows, uint8_t *out)
{
    enum { LONG = HASH_CLASSES + 1 };
    uint8_t class_of[HASH_BATCH];
    struct hash_lane lanes[HASH_BATCH];
    uint32_t next[LONG + 2] = {0}; /* next[c + 1] counts class c, then next[c] is where its next value goes */
    for (size_t i = 0; i < rows; i++) {
        size_t length;
        value(column, kind, first + i, &length);
        const size_t blocks = (length + 72) / 64;
        uint32_t class = blocks > HASH_CLASSES ? LONG : (uint32_t)blocks;
        if (validity) class &= 0u - (validity[(first + i) >> 3] >> ((first + i) & 7) & 1u);
        class_of[i] = (uint8_t)class;
        next[class + 1]++;
    }
    for (int c = 0; c <= LONG; c++) next[c + 1] += next[c];
    for (size_t i = 0; i < rows; i++) {
        size_t length;
        const uint8_t *bytes = value(column, kind, first + i, &length);
        lanes[next[class_of[i]]++] = (struct hash_lane){bytes, (uint32_t)length, (uint32_t)i};
    }
    /* Now next[c] is where class c ends. */
    uint8_t *digests = out + KERNEL_HMAC_BYTES * first;
    for (size_t i = 0; i < next[0]; i++) memset(digests + KERNEL_HMAC_BYTES * lanes[i].row, 0, KERNEL_HMAC_BYTES);
    for (uint32_t c = 1; c <= HASH_CLASSES; c++)
        if (next[c] > next[c - 1]) version->group(key, lanes + next[c - 1], next[c] - next[c - 1], c, digests);
    for (size_t i = next[HASH_CLASSES]; i < next[LONG]; i++) {
        size_t length; /* again: a lane's length has 32 bits only */
        const uint8_t *bytes = value(column, kind, first + lanes[i].row, &length);
        hash_one(version, key, bytes, length, digests + KERNEL_HMAC_BYTES * lanes[i].row);
    }
}

#define BATCHES(name, kind)                                                                                       \
    static void name(const struct hash_version *version, const kernel_hmac_key *key, const struct column *column, \
                     const uint8_t *validity, size_t rows, uint8_t *out)                                          \
    {                                                                                                             \
        for (size_t first = 0; first < rows; first += HASH_BATCH)                                                 \
            batch(version, key, column, kind, validity, first,                                                    \
                  rows - first < HASH_BATCH ? rows - first : HASH_BATCH, out);                                    \
    }
BATCHES(batches_i32, OFFSETS_32)
BATCHES(batches_i64, OFFSETS_64)
BATCHES(batches_fixed, FIXED_WIDTH)

void hash_column_i32(const struct hash_version *version, const kernel_hmac_key *key, const uint8_t *bytes,
                     const int32_t *offsets, const uint8_t *validity, size_t rows, uint8_t *out)
{
    const struct column column = {bytes, offsets, 0};
    batches_i32(version, key, &column, validity, rows, out);
}

void hash_column_i64(const struct hash_version *version, const kernel_hmac_key *key, const uint8_t *bytes,
                     const int64_t *offsets, const uint8_t *validity, size_t rows, uint8_t *out)
{
    const struct column column = {bytes, offsets, 0};
    batches_i64(version, key, &column, validity, rows, out);
}

void hash_column_fixed(const struct hash_version *version, const kernel_hmac_key *key, const uint8_t *bytes,
                       size_t width, const uint8_t *validity, size_t rows, uint8_t *out)
{
    const struct column column = {bytes, NULL, width};
    batches_fixed(version, key, &column, validity, rows, out);
}
