#include "kernel_parquet_dictionary.h"

#include <string.h>

/* A product of 64 by 64 bits whose halves are folded together, after wyhash; the constants are digits of pi. */
#define SEED_A 0x243f6a8885a308d3ULL
#define SEED_B 0x13198a2e03707345ULL

static inline uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t load8(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, 8);
    return word;
}

static inline uint64_t load4(const uint8_t *p)
{
    uint32_t word;
    memcpy(&word, p, 4);
    return word;
}

static inline uint32_t hash_bytes(const uint8_t *p, size_t length)
{
    uint64_t state = SEED_B ^ length, a, b;
    if (length >= 8) {
        const uint8_t *last = p + length - 8;
        for (; length > 16; p += 16, length -= 16) state = fold(load8(p) ^ SEED_A, load8(p + 8) ^ state);
        a = length > 8 ? load8(p) : 0;
        b = load8(last);
    } else if (length >= 4) {
        a = load4(p);
        b = load4(p + length - 4);
    } else {
        a = length ? (uint64_t)p[0] << 16 | (uint64_t)p[length >> 1] << 8 | p[length - 1] : 0;
        b = 0;
    }
    return (uint32_t)(fold(fold(a ^ SEED_A, b ^ state), SEED_B) >> 32);
}

static inline void load_words(const uint8_t *p, int width, uint64_t *a, uint64_t *b)
{
    *a = *b = 0;
    if (width == 4)
        *a = load4(p);
    else if (width == 8)
        *a = load8(p);
    else {
        memcpy(a, p, width < 8 ? (size_t)width : 8);
        if (width > 8) memcpy(b, p + 8, (size_t)width - 8);
    }
}

/* `width` is a constant at each call, so each becomes a loop of its own. */
static inline __attribute__((always_inline)) void add_fixed(struct kernel_parquet_dictionary *dictionary,
                                                            const uint8_t *values, size_t count, int width,
                                                            uint32_t *indexes)
{
    uint64_t *slots = dictionary->slots;
    size_t mask = dictionary->slot_mask, entries = dictionary->entry_count;
    uint8_t *bytes = dictionary->bytes;
    for (size_t i = 0; i < count; i++, values += width) {
        uint64_t a, b, entry_a, entry_b;
        load_words(values, width, &a, &b);
        uint32_t hash = (uint32_t)(fold(a ^ SEED_A, b ^ SEED_B) >> 16);
        for (size_t slot = hash & mask;; slot = (slot + 1) & mask) {
            uint64_t found = slots[slot];
            if (!found) {
                slots[slot] = (uint64_t)hash << 32 | (entries + 1);
                memcpy(bytes + entries * (size_t)width, values, (size_t)width);
                indexes[i] = (uint32_t)entries++;
                break;
            }
            size_t entry = (uint32_t)found - 1;
            load_words(bytes + entry * (size_t)width, width, &entry_a, &entry_b);
            if (entry_a == a && entry_b == b) {
                indexes[i] = (uint32_t)entry;
                break;
            }
        }
    }
    dictionary->entry_count = entries;
    dictionary->byte_count = entries * (size_t)width;
}

void kernel_parquet_dictionary_fixed(struct kernel_parquet_dictionary *dictionary, const uint8_t *values, size_t count,
                                     int width, uint32_t *indexes)
{
    if (width == 4)
        add_fixed(dictionary, values, count, 4, indexes);
    else if (width == 8)
        add_fixed(dictionary, values, count, 8, indexes);
    else
        add_fixed(dictionary, values, count, width, indexes);
}

size_t kernel_parquet_dictionary_bytes(struct kernel_parquet_dictionary *dictionary, const uint8_t *values,
                                       size_t count, uint32_t *indexes)
{
    uint64_t *slots = dictionary->slots;
    size_t mask = dictionary->slot_mask, entries = dictionary->entry_count, used = dictionary->byte_count;
    uint8_t *bytes = dictionary->bytes;
    uint32_t *ends = dictionary->ends;
    const uint8_t *start = values;
    for (size_t i = 0; i < count; i++) {
        /* With its length in front a PLAIN string compares in one go. */
        size_t size = 4 + (size_t)load4(values);
        uint32_t hash = hash_bytes(values + 4, size - 4);
        for (size_t slot = hash & mask;; slot = (slot + 1) & mask) {
            uint64_t found = slots[slot];
            if (!found) {
                slots[slot] = (uint64_t)hash << 32 | (entries + 1);
                memcpy(bytes + used, values, size);
                used += size;
                ends[entries] = (uint32_t)used;
                indexes[i] = (uint32_t)entries++;
                break;
            }
            if ((uint32_t)(found >> 32) != hash) continue;
            size_t entry = (uint32_t)found - 1, from = entry ? ends[entry - 1] : 0;
            if (ends[entry] - from == size && memcmp(bytes + from, values, size) == 0) {
                indexes[i] = (uint32_t)entry;
                break;
            }
        }
        values += size;
    }
    dictionary->entry_count = entries;
    dictionary->byte_count = used;
    return (size_t)(values - start);
}

void kernel_parquet_dictionary_rehash(struct kernel_parquet_dictionary *dictionary, const uint64_t *old,
                                      size_t old_mask)
{
    for (size_t i = 0; i <= old_mask; i++) {
        if (!old[i]) continue;
        size_t slot = (old[i] >> 32) & dictionary->slot_mask;
        while (dictionary->slots[slot]) slot = (slot + 1) & dictionary->slot_mask;
        dictionary->slots[slot] = old[i];
    }
}
