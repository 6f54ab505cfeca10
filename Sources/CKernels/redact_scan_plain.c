/* The scan for identifiers in ordinary C: eight bytes at a time in a 64-bit word. */
#include "redact_scan.h"

#define BLOCK_INLINE static inline __attribute__((always_inline))

typedef struct {
    uint64_t words[8]; /* first byte lowest */
} block;

#define EACH(byte) (0x0101010101010101u * (uint64_t)(byte))

BLOCK_INLINE block load(const uint8_t *from)
{
    block b;
    __builtin_memcpy(b.words, from, 64);
    return b;
}

/* The top bit of each byte that is `low` to `high`, both below 128 or both above. */
BLOCK_INLINE uint64_t tops_within(uint64_t word, uint8_t low, uint8_t high)
{
    const uint64_t half = low & 0x80 ? ~word : word, rest = word & ~EACH(0x80);
    /* No byte carries into the next: the summands are below 128. */
    const uint64_t from = rest + EACH(0x80 - (low & 0x7f)), above = rest + EACH(0x7f - (high & 0x7f));
    return from & ~above & ~half & EACH(0x80);
}

/* Collects the top bits of a word's bytes into a byte. */
BLOCK_INLINE uint64_t gather(uint64_t tops) { return (tops >> 7) * 0x0102040810204080u >> 56; }

BLOCK_INLINE uint64_t within(block b, uint8_t low, uint8_t high)
{
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++) bits |= gather(tops_within(b.words[i], low, high)) << (8 * i);
    return bits;
}
BLOCK_INLINE uint64_t equals(block b, uint8_t byte) { return within(b, byte, byte); }
BLOCK_INLINE uint64_t within_letters(block b)
{
    for (int i = 0; i < 8; i++) b.words[i] |= EACH(0x20);
    return within(b, 'a', 'z');
}

/* No digit, colon (the byte behind 9) or @. */
BLOCK_INLINE int is_quiet(block b)
{
    uint64_t any = 0;
    for (int i = 0; i < 8; i++) any |= tops_within(b.words[i], '0', ':') | tops_within(b.words[i], '@', '@');
    return any == 0;
}

#include "redact_scan_blocks.h"

const struct scan_version scan_plain = {candidates};
