#include "kernel_validity.h"

#include <string.h>

size_t kernel_count_valid(const uint8_t *bits, size_t rows)
{
    size_t count = 0, i = 0, words = rows / 64;
    for (; i < words; i++) {
        uint64_t word;
        memcpy(&word, bits + 8 * i, 8);
        count += (size_t)__builtin_popcountll(word);
    }
    for (size_t row = 64 * words; row < rows; row++) count += bits[row >> 3] >> (row & 7) & 1;
    return count;
}
