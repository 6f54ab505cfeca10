/* Columns through one version of the hash. */
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
    for (int i = 0; i < 8; i++) store_be32(tail + 4 * i, state[i]);
    tail[32] = 0x80, tail[62] = (64 + 32) * 8 >> 8, tail[63] = (uint8_t)((64 + 32) * 8);
    memcpy(state, key->outer, sizeof state);
    version->stream(state, tail, 1);
    for (int i = 0; i < 8; i++) store_be32(out + 4 * i, state[i]);
}

struct context {
    const struct hash_version *version;
    const kernel_hmac_key *key;
};

static void group(const void *context, const struct lane *lanes, size_t count, uint32_t blocks, uint8_t *out)
{
    const struct context *c = context;
    c->version->group(c->key, lanes, count, blocks, out);
}

static void longer(const void *context, const uint8_t *bytes, size_t length, uint8_t *out)
{
    const struct context *c = context;
    hash_one(c->version, c->key, bytes, length, out);
}

static inline size_t blocks_of(size_t length) { return (length + 72) / 64; }

void hash_column(const struct hash_version *version, const kernel_hmac_key *key, const struct column *column,
                 enum offset_kind kind, uint8_t *out)
{
    const struct context context = {version, key};
    const struct column_work work = {HASH_CLASSES, KERNEL_HMAC_BYTES, group, longer, &context};
    switch (kind) {
    case OFFSETS_32: column_run(column, OFFSETS_32, blocks_of, &work, out); break;
    case OFFSETS_64: column_run(column, OFFSETS_64, blocks_of, &work, out); break;
    case FIXED_WIDTH: column_run(column, FIXED_WIDTH, blocks_of, &work, out); break;
    }
}
