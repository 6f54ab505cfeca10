/* Inside of redaction: where in a text an identifier may begin, found 64 bytes at a time. Included by each version after it
 * has defined `block` (64 bytes) with load, equals, within, within_letters and is_quiet; the rest is the same for all.
 *
 * What a kind cannot be without, looking forward from where it begins (redact.c has the whole forms):
 *   e-mail                    the @, which is marked itself; the search of a row looks around it
 *   IBAN                      two letters and two digits; at most one blank, hyphen or dot before each digit where a word starts
 *   phone, card, SSN,         seven digits in 37 bytes with nothing but blanks, line breaks and - . / ( ) between: six gaps
 *   groups of four digits     of at most five bytes; a phone number may begin up to three bytes earlier, with + and (
 *   IPv4                      three dots behind digits in twelve bytes of digits and dots
 *   IPv6                      two colons in a row, with nothing but hexadecimal digits and colons before them, or six
 *                             colons with one to four bytes between each two
 * So a block without digit, colon and @ has nothing, and most text is passed over by that alone. Of rows only the beginnings
 * are known: what crosses a boundary, or hides before the block, is marked too often, never too seldom. */
#ifndef CKERNELS_REDACT_SCAN_BLOCKS_H
#define CKERNELS_REDACT_SCAN_BLOCKS_H

#include <string.h>

#define SCAN_INLINE static inline __attribute__((always_inline))

/* The `left` bytes at `from`, zeros behind them. */
SCAN_INLINE block load_some(const uint8_t *from, size_t left)
{
    if (left >= 64) return load(from);
    uint8_t padded[64] = {0};
    memcpy(padded, from, left);
    return load(padded);
}

SCAN_INLINE uint64_t digits_of(block b) { return within(b, '0', '9'); }

/* Bytes that may stand inside of a phone number or a card. */
SCAN_INLINE uint64_t number_bytes(block b)
{
    return within(b, '-', '9') | within(b, '(', ')') | equals(b, ' ') | equals(b, '\n') | equals(b, '\r');
}

/* 64 bits from bit `at` of the two words on. */
SCAN_INLINE uint64_t from_bit(uint64_t word, uint64_t next, unsigned at) { return word >> at | next << 1 << (63 - at); }

SCAN_INLINE uint64_t lowest(uint64_t bits, unsigned count) { return bits & (((uint64_t)1 << count) - 1); }
SCAN_INLINE unsigned count_of(uint64_t bits) { return (unsigned)__builtin_popcountll(bits); }

/* The candidates that one block shows: its own bits, and those of the block before. */
struct marks {
    uint64_t own, earlier;
};

/* IBANs whose first digit is in the block. */
SCAN_INLINE void mark_ibans(block b, uint64_t digits, uint64_t starts, struct marks *marks)
{
    const uint64_t letters = within_letters(b), gaps = equals(b, ' ') | within(b, '-', '.');
    /* Where a word may start: not behind a letter, unless an escape such as `\n` stands there; behind a digit a card may
     * have ended. What is before the first two bytes is out of sight. */
    const uint64_t words = ~(letters << 1) | equals(b, '\\') << 2 | starts | 3;
    /* The second of two letters. */
    const uint64_t pairs = letters & letters << 1;
    /* A second digit follows, or may follow out of sight. */
    const uint64_t next = digits >> 1, goes_on = next | (gaps & next) >> 1 | (uint64_t)3 << 62;
    const uint64_t close = digits & goes_on & pairs << 1,
                   apart = digits & goes_on & (gaps & (pairs & words << 1) << 1) << 1;
    /* Before the third bit the letters are out of sight. */
    const uint64_t early = digits & ~(digits << 1) & goes_on & 7;
    marks->own |= close >> 2 | apart >> 3 | early >> 2;
    marks->earlier |= early << 62 | early << 61;
}

/* Numbers whose first digit is in the block. */
SCAN_INLINE void mark_numbers(block b, block next, uint64_t digits, uint64_t starts, uint32_t wanted,
                              struct marks *marks)
{
    const uint64_t more = digits_of(next);
    /* Dots behind digits, for IPv4. */
    uint64_t dots = 0, more_dots = 0;
    if (wanted & KERNEL_ENTITY_IP) {
        dots = equals(b, '.') & (digits << 1 | 1);
        more_dots = equals(next, '.') & (more << 1 | 1);
    }
    if (count_of(digits) + count_of(lowest(more, SCAN_NUMBER - 1)) < 7 &&
        count_of(dots) + count_of(lowest(more_dots, 11)) < 3)
        return;
    const uint64_t breaks = ~number_bytes(b), more_breaks = ~number_bytes(next);
    uint64_t found = 0;
    for (uint64_t left = digits & (~(digits << 1) | starts); left; left &= left - 1) {
        const unsigned first = (unsigned)__builtin_ctzll(left);
        const uint64_t end = from_bit(breaks, more_breaks, first) | (uint64_t)1 << SCAN_NUMBER;
        const unsigned length = (unsigned)__builtin_ctzll(end);
        const unsigned short_length = length < 12 ? length : 12;
        const int is_long = count_of(lowest(from_bit(digits, more, first), length)) >= 7;
        const int is_dotted = count_of(lowest(from_bit(dots, more_dots, first), short_length)) >= 3;
        found |= (uint64_t)(is_long | is_dotted) << first;
    }
    const uint64_t openings = equals(b, '+') | equals(b, '(');
    marks->own |= found | (openings & (found >> 1 | found >> 2 | found >> 3));
    marks->earlier |= found << 63 | found << 62 | found << 61;
}

/* IPv6 addresses whose two colons, or whose first colon, are in the block. `passed`: bytes that
 * may be looked at before `bytes`. */
SCAN_INLINE void mark_colons(block b, block next, const uint8_t *bytes, size_t passed, struct marks *marks)
{
    const uint64_t colons = equals(b, ':'), more = equals(next, ':');
    for (uint64_t left = colons & from_bit(colons, more, 1); left; left &= left - 1) {
        const size_t pair = (size_t)__builtin_ctzll(left);
        /* At most seven groups of four digits stand before the pair, each with its colon. */
        const size_t reach = passed + pair < 35 ? passed + pair : 35;
        marks->own |= (uint64_t)1 << pair;
        for (size_t back = 1; back <= reach; back++) {
            const uint8_t c = bytes[(ptrdiff_t)pair - (ptrdiff_t)back];
            if (!is_hex(c) && c != ':') break;
            if (back <= pair)
                marks->own |= (uint64_t)1 << (pair - back);
            else
                marks->earlier |= (uint64_t)1 << (64 + pair - back);
        }
    }
    if (count_of(colons) + count_of(lowest(more, 25)) < 6) return;
    const unsigned __int128 all = (unsigned __int128)more << 64 | colons;
    unsigned __int128 chain = all;
    for (int further = 1; further < 6; further++) chain = all & (chain >> 2 | chain >> 3 | chain >> 4 | chain >> 5);
    const uint64_t firsts = (uint64_t)chain;
    marks->own |= firsts >> 1 | firsts >> 2 | firsts >> 3 | firsts >> 4;
    marks->earlier |= firsts << 63 | firsts << 62 | firsts << 61 | firsts << 60;
}

/* A block in which something may be. Not inlined: its vectors want all registers. */
static __attribute__((noinline)) void busy_block(const uint8_t *bytes, size_t passed, size_t left, uint64_t starts,
                                                 uint32_t wanted, uint64_t *out)
{
    const block b = load_some(bytes, left);
    const uint64_t digits = digits_of(b), signs = equals(b, '@'), colons = equals(b, ':');
    struct marks marks = {wanted & KERNEL_ENTITY_EMAIL ? signs : 0, 0};
    if (digits) {
        if (wanted & KERNEL_ENTITY_IBAN) mark_ibans(b, digits, starts, &marks);
        if (wanted & SCAN_NUMBERS)
            mark_numbers(b, load_some(bytes + 64, left > 64 ? left - 64 : 0), digits, starts, wanted, &marks);
    }
    if (colons && (wanted & KERNEL_ENTITY_IP))
        mark_colons(b, load_some(bytes + 64, left > 64 ? left - 64 : 0), bytes, passed, &marks);
    out[0] = marks.own;
    if (passed > 0) out[-1] |= marks.earlier;
}

static void candidates(const uint8_t *bytes, size_t count, const uint64_t *starts, uint32_t wanted, uint64_t *out)
{
    size_t done = 0;
    for (; done + 64 <= count; done += 64) {
        out[done / 64] = 0;
        if (!is_quiet(load(bytes + done)))
            busy_block(bytes + done, done, count - done, starts[done / 64], wanted, out + done / 64);
    }
    if (done < count) busy_block(bytes + done, done, count - done, starts[done / 64], wanted, out + done / 64);
}

#endif
