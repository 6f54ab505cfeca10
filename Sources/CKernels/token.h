/* Inside of the text forms: what a version supplies. */
#ifndef CKERNELS_TOKEN_H
#define CKERNELS_TOKEN_H

#include "kernel_token.h"

#include <stdbool.h>
#include <string.h>

typedef void token_text_function(const uint8_t *digests, size_t stride, const uint8_t *validity, size_t rows,
                                 size_t length, uint8_t *out, int32_t *offsets);

struct token_version {
    token_text_function *base32;
    token_text_function *hex;
};

extern const struct token_version token_plain;
#if defined(__x86_64__)
extern const struct token_version token_avx512;
#endif

static inline bool token_is_valid(const uint8_t *validity, size_t row)
{
    return !validity || validity[row >> 3] >> (row & 7) & 1;
}

#endif
