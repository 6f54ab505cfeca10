/* AES-CMAC columns through one version of the cipher. */
#include "aes.h"

struct context {
    const struct aes_version *version;
    const kernel_cmac_key *key;
};

static void group(const void *context, const struct lane *lanes, size_t count, uint32_t blocks, uint8_t *out)
{
    const struct context *c = context;
    c->version->cmac_group(c->key, lanes, count, blocks, out);
}

static void longer(const void *context, const uint8_t *bytes, size_t length, uint8_t *out)
{
    const struct context *c = context;
    const size_t before = (length - 1) / 16;
    uint8_t state[16] = {0}, last[16];
    c->version->chain(&c->key->aes, state, bytes, before);
    cmac_last_block(c->key, bytes + 16 * before, length - 16 * before, last);
    c->version->chain(&c->key->aes, state, last, 1);
    memcpy(out, state, 16);
}

static inline size_t blocks_of(size_t length) { return length == 0 ? 1 : (length + 15) / 16; }

void aes_cmac_column(const struct aes_version *version, const kernel_cmac_key *key, const struct column *column,
                     enum offset_kind kind, uint8_t *out)
{
    const struct context context = {version, key};
    const struct column_work work = {COLUMN_CLASSES, KERNEL_CMAC_BYTES, group, longer, &context};
    switch (kind) {
    case OFFSETS_32: column_run(column, OFFSETS_32, blocks_of, &work, out); break;
    case OFFSETS_64: column_run(column, OFFSETS_64, blocks_of, &work, out); break;
    case FIXED_WIDTH: column_run(column, FIXED_WIDTH, blocks_of, &work, out); break;
    }
}
