/* What the C targets share: each is a file with LLVMFuzzerTestOneInput, linked with libFuzzer and the kernels under the
 * address and undefined-behaviour sanitizers. Inputs are copied to memory of exactly the promised size, so that a byte
 * read or written behind it is seen. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* Ends the process, which libFuzzer takes for a finding and keeps the input. */
#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                    \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* A copy with `padding` bytes behind it that may be read. */
static inline uint8_t *padded(const uint8_t *bytes, size_t count, size_t padding)
{
    uint8_t *copy = malloc(count + padding + 1);
    if (count > 0) memcpy(copy, bytes, count);
    memset(copy + count, 0xA5, padding);
    return copy;
}

#endif
