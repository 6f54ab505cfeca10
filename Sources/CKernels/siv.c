/* AES-SIV: S2V over context and value (RFC 5297, section 2.4), then counter mode from the synthetic vector (2.6).
 * Values of up to SHORT bytes go in batches, so that the cipher always has many blocks in flight; longer ones singly. */
#include "aes.h"
#include "dispatch.h"
#include "kernel_siv.h"

enum { BATCH = 64, SHORT = 112, SHORT_BLOCKS = SHORT / 16 };

static const struct aes_version *aes(void) { return kernel_chosen(SLOT_AES); }

static void cmac(const struct aes_version *version, const kernel_cmac_key *key, const uint8_t *bytes, size_t count,
                 uint8_t out[16])
{
    const int64_t offsets[2] = {0, (int64_t)count};
    const struct column column = {bytes, offsets, 0, NULL, 1};
    aes_cmac_column(version, key, &column, OFFSETS_64, out);
}

bool kernel_siv_key_make(kernel_siv_key *siv, const uint8_t *key, size_t key_count, const uint8_t *context,
                         size_t context_count)
{
    memset(siv, 0, sizeof *siv);
    if (key_count != 32 && key_count != 48 && key_count != 64) return false;
    kernel_cmac_aes_key(&siv->mac, key, key_count / 2);
    kernel_aes_key_expand(&siv->counter, key + key_count / 2, key_count / 2);
    const uint8_t zero[16] = {0}, none = 0;
    uint8_t start[16], of_context[16];
    cmac(aes(), &siv->mac, zero, 16, start);
    cmac(aes(), &siv->mac, context ? context : &none, context_count, of_context);
    aes_double(start, siv->context);
    for (int i = 0; i < 16; i++) siv->context[i] ^= of_context[i];
    wipe(start, sizeof start), wipe(of_context, sizeof of_context);
    return true;
}

void kernel_siv_key_wipe(kernel_siv_key *siv) { wipe(siv, sizeof *siv); }

/* The message whose CMAC is the synthetic vector, for a value of at most SHORT bytes; returns its length. */
static size_t s2v_message(const kernel_siv_key *siv, const uint8_t *value, size_t count, uint8_t *message)
{
    if (count >= 16) {
        memcpy(message, value, count);
        for (size_t i = 0; i < 16; i++) message[count - 16 + i] ^= siv->context[i];
        return count;
    }
    uint8_t padded[16] = {0};
    copy_short(padded, value, count);
    padded[count] = 0x80;
    aes_double(siv->context, message);
    for (int i = 0; i < 16; i++) message[i] ^= padded[i];
    wipe(padded, sizeof padded);
    return 16;
}

/* The same CMAC for a value of any length, without a copy of it. */
static void s2v_long(const struct aes_version *version, const kernel_siv_key *siv, const uint8_t *value, size_t count,
                     uint8_t vector[16])
{
    /* All but the last 16 to 31 bytes are chained from where they are. */
    const size_t direct = (count - 16) / 16;
    uint8_t state[16] = {0}, end[32], last[16];
    version->chain(&siv->mac.aes, state, value, direct);
    const size_t left = count - 16 * direct;
    memcpy(end, value + 16 * direct, left);
    for (size_t i = 0; i < 16; i++) end[left - 16 + i] ^= siv->context[i];
    const size_t whole = (left - 1) / 16;
    version->chain(&siv->mac.aes, state, end, whole);
    cmac_last_block(&siv->mac, end + 16 * whole, left - 16 * whole, last);
    version->chain(&siv->mac.aes, state, last, 1);
    memcpy(vector, state, 16);
    wipe(end, sizeof end), wipe(state, sizeof state), wipe(last, sizeof last);
}

/* Counter block `index` of a vector: two bits cleared, so that the addition stays within the last 31 bits. */
static void counter_block(const uint8_t vector[16], uint64_t index, uint8_t block[16])
{
    memcpy(block, vector, 8);
    store_be64(block + 8, (load_be64(vector + 8) & 0x7FFFFFFF7FFFFFFF) + index);
}

static void apply_stream(const uint8_t *in, const uint8_t *stream, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++) out[i] = in[i] ^ stream[i];
}

static void counter_long(const struct aes_version *version, const kernel_siv_key *siv, const uint8_t vector[16],
                         const uint8_t *in, size_t count, uint8_t *out)
{
    uint8_t stream[BATCH * 16];
    for (size_t at = 0; at < count; at += sizeof stream) {
        const size_t here = count - at < sizeof stream ? count - at : sizeof stream, blocks = (here + 15) / 16;
        for (size_t i = 0; i < blocks; i++) counter_block(vector, at / 16 + i, stream + 16 * i);
        version->blocks(&siv->counter, stream, stream, blocks);
        apply_stream(in + at, stream, here, out + at);
    }
    wipe(stream, sizeof stream);
}

/* Values of a batch, as the steps below need them. Sealing: text is the value, out the sealed bytes behind the vector.
 * Opening: text is the sealed bytes behind the vector, out the value. */
struct batch {
    size_t count;
    const uint8_t *text[BATCH];
    uint8_t *out[BATCH];
    size_t length[BATCH];
    uint8_t vectors[BATCH][16];
};

static void batch_vectors(const struct aes_version *version, const kernel_siv_key *siv, const struct batch *b,
                          const uint8_t *const *values, uint8_t vectors[][16])
{
    uint8_t messages[BATCH * SHORT];
    int32_t offsets[BATCH + 1];
    offsets[0] = 0;
    for (size_t i = 0; i < b->count; i++)
        offsets[i + 1] = offsets[i] + (int32_t)s2v_message(siv, values[i], b->length[i], messages + offsets[i]);
    const struct column column = {messages, offsets, 0, NULL, b->count};
    aes_cmac_column(version, &siv->mac, &column, OFFSETS_32, vectors[0]);
    wipe(messages, sizeof messages);
}

static void batch_stream(const struct aes_version *version, const kernel_siv_key *siv, const struct batch *b)
{
    uint8_t stream[BATCH * SHORT_BLOCKS][16];
    size_t blocks = 0;
    for (size_t i = 0; i < b->count; i++)
        for (size_t j = 0; j < (b->length[i] + 15) / 16; j++) counter_block(b->vectors[i], j, stream[blocks++]);
    version->blocks(&siv->counter, stream[0], stream[0], blocks);
    blocks = 0;
    for (size_t i = 0; i < b->count; i++) {
        apply_stream(b->text[i], stream[blocks], b->length[i], b->out[i]);
        blocks += (b->length[i] + 15) / 16;
    }
    wipe(stream, sizeof stream);
}

static void seal_batch(const struct aes_version *version, const kernel_siv_key *siv, struct batch *b)
{
    batch_vectors(version, siv, b, b->text, b->vectors);
    for (size_t i = 0; i < b->count; i++) memcpy(b->out[i] - 16, b->vectors[i], 16);
    batch_stream(version, siv, b);
    b->count = 0;
}

static bool row_is_valid(const uint8_t *validity, size_t row)
{
    return !validity || validity[row >> 3] >> (row & 7) & 1;
}

void kernel_siv_seal_i32(const kernel_siv_key *siv, const uint8_t *bytes, const int32_t *offsets,
                         const uint8_t *validity, size_t rows, uint8_t *out, int32_t *out_offsets)
{
    const struct aes_version *version = aes();
    struct batch b = {0};
    size_t end = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        if (row_is_valid(validity, row)) {
            const uint8_t *value = bytes + offsets[row];
            const size_t count = (size_t)(offsets[row + 1] - offsets[row]);
            uint8_t *sealed = out + end;
            if (count <= SHORT) {
                b.text[b.count] = value, b.out[b.count] = sealed + 16, b.length[b.count++] = count;
                if (b.count == BATCH) seal_batch(version, siv, &b);
            } else {
                s2v_long(version, siv, value, count, sealed);
                counter_long(version, siv, sealed, value, count, sealed + 16);
            }
            end += 16 + count;
        }
        out_offsets[row + 1] = (int32_t)end;
    }
    if (b.count > 0) seal_batch(version, siv, &b);
}

/* 1 when equal; looks at every byte. */
static uint8_t same_vector(const uint8_t a[16], const uint8_t b[16])
{
    uint32_t difference = 0;
    for (int i = 0; i < 16; i++) difference |= a[i] ^ b[i];
    return (uint8_t)((difference - 1) >> 31);
}

static void open_batch(const struct aes_version *version, const kernel_siv_key *siv, struct batch *b,
                       uint8_t *const *opened)
{
    uint8_t vectors[BATCH][16];
    for (size_t i = 0; i < b->count; i++) memcpy(b->vectors[i], b->text[i] - 16, 16);
    batch_stream(version, siv, b);
    batch_vectors(version, siv, b, (const uint8_t *const *)b->out, vectors);
    for (size_t i = 0; i < b->count; i++) {
        *opened[i] = same_vector(vectors[i], b->vectors[i]);
        if (!*opened[i]) memset(b->out[i], 0, b->length[i]);
    }
    wipe(vectors, sizeof vectors);
    b->count = 0;
}

size_t kernel_siv_open_i32(const kernel_siv_key *siv, const uint8_t *bytes, const int32_t *offsets,
                           const uint8_t *validity, size_t rows, uint8_t *out, int32_t *out_offsets, uint8_t *opened)
{
    const struct aes_version *version = aes();
    struct batch b = {0};
    uint8_t *answers[BATCH];
    size_t end = 0, refused = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        const size_t sealed = (size_t)(offsets[row + 1] - offsets[row]);
        opened[row] = 1;
        if (row_is_valid(validity, row) && sealed < 16) {
            opened[row] = 0;
        } else if (row_is_valid(validity, row)) {
            const uint8_t *vector = bytes + offsets[row];
            const size_t count = sealed - 16;
            uint8_t *value = out + end;
            if (count <= SHORT) {
                answers[b.count] = opened + row;
                b.text[b.count] = vector + 16, b.out[b.count] = value, b.length[b.count++] = count;
                if (b.count == BATCH) open_batch(version, siv, &b, answers);
            } else {
                uint8_t again[16];
                counter_long(version, siv, vector, vector + 16, count, value);
                s2v_long(version, siv, value, count, again);
                opened[row] = same_vector(again, vector);
                if (!opened[row]) memset(value, 0, count);
            }
            end += count;
        }
        out_offsets[row + 1] = (int32_t)end;
    }
    if (b.count > 0) open_batch(version, siv, &b, answers);
    for (size_t row = 0; row < rows; row++) refused += !opened[row];
    return refused;
}
