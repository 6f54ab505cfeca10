/* AES-SIV (RFC 5297) of whole columns: deterministic authenticated encryption, reversible by the holder of the key.
 *
 * The same key, context and value give the same bytes, so equal values stay equal; a changed byte is noticed when opened.
 * A sealed value is the 16-byte synthetic vector, then as many bytes as the value has. One piece of associated data, the
 * context (say, the scope's name), is bound into every value of a column.
 * Nothing allocates or keeps a pointer; time depends on lengths, nulls and rows only, and on whether a value opened. */
#ifndef KERNEL_SIV_H
#define KERNEL_SIV_H

#include "kernel_cipher.h"

enum { KERNEL_SIV_BYTES = 16 /* that a sealed value is longer */ };

typedef struct {
    kernel_cmac_key mac;
    kernel_aes_key counter;
    uint8_t context[16]; /* S2V after the associated data */
} kernel_siv_key;

/* key: 32, 48 or 64 bytes (AES-128, -192, -256), the half for the MAC first. context: any length; NULL when empty, which
 * is an empty piece of associated data, not its absence. False for a key of another size. */
bool kernel_siv_key_make(kernel_siv_key *siv, const uint8_t *key, size_t key_count, const uint8_t *context,
                         size_t context_count);
void kernel_siv_key_wipe(kernel_siv_key *siv);

/* Seals the values of a column in Arrow layout (arguments as in kernel_hmac_sha256_i32). Output in Arrow layout too: row i
 * is out[out_offsets[i] .. out_offsets[i + 1]), out_offsets[0] is 0, nulls take no bytes.
 * out: offsets[rows] - offsets[0] + 16 * rows bytes are enough, at most INT32_MAX; out_offsets: rows + 1. */
void kernel_siv_seal_i32(const kernel_siv_key *siv, const uint8_t *bytes, const int32_t *offsets,
                         const uint8_t *validity, size_t rows, uint8_t *out, int32_t *out_offsets);

/* Opens sealed values. opened[i] is 1 when row i was sealed with this key and context, and for a null; 0 otherwise, and
 * then its bytes in `out` (sealed length - 16, nothing when shorter than 16) are zero. Returns how many did not open. */
size_t kernel_siv_open_i32(const kernel_siv_key *siv, const uint8_t *bytes, const int32_t *offsets,
                           const uint8_t *validity, size_t rows, uint8_t *out, int32_t *out_offsets, uint8_t *opened);

#endif
