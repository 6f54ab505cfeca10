/* Small things every kernel needs. */
#ifndef CKERNELS_BYTES_H
#define CKERNELS_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* A store that the compiler keeps although nobody reads the memory afterwards. */
static inline void wipe(void *memory, size_t count)
{
    __builtin_memset(memory, 0, count);
    __asm__ volatile("" : : "r"(memory) : "memory");
}

static inline uint64_t load_be64(const uint8_t *bytes)
{
    uint64_t word;
    __builtin_memcpy(&word, bytes, 8);
    return __builtin_bswap64(word);
}

static inline void store_be64(uint8_t *bytes, uint64_t word)
{
    word = __builtin_bswap64(word);
    __builtin_memcpy(bytes, &word, 8);
}

static inline void store_be32(uint8_t *bytes, uint32_t word)
{
    word = __builtin_bswap32(word);
    __builtin_memcpy(bytes, &word, 4);
}

/* Copies `count` bytes, fewer than 64. No library call: one whose vector registers we do not control must not sit
 * between instructions that mind a dirty upper half. Lengths may be learned from the time, bytes not. */
static inline void copy_short(uint8_t *target, const uint8_t *source, size_t count)
{
    if (count >= 16) {
        for (size_t at = 0; at + 16 <= count; at += 16) __builtin_memcpy(target + at, source + at, 16);
        __builtin_memcpy(target + count - 16, source + count - 16, 16);
    } else if (count >= 8) {
        __builtin_memcpy(target, source, 8);
        __builtin_memcpy(target + count - 8, source + count - 8, 8);
    } else if (count >= 4) {
        __builtin_memcpy(target, source, 4);
        __builtin_memcpy(target + count - 4, source + count - 4, 4);
    } else if (count > 0) {
        target[0] = source[0];
        target[count / 2] = source[count / 2];
        target[count - 1] = source[count - 1];
    }
}

#endif
