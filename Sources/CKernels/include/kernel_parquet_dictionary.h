/* The dictionary of a Parquet column chunk: an open-addressing hash table from PLAIN values to entry numbers.
 *
 * Entry numbers are given in order of first appearance, and the hash has fixed constants, so equal values in equal order
 * give equal bytes everywhere. The caller owns all memory; before each call it provides
 * - slots: slot_mask + 1 of them (a power of two), at least twice (entry_count + count); zero is an empty slot;
 * - bytes: room for the values of the call on top of byte_count;
 * - ends: room for entry_count + count numbers (used by kernel_parquet_dictionary_bytes alone).
 * Nothing here allocates, keeps a pointer or can fail. */
#ifndef KERNEL_PARQUET_DICTIONARY_H
#define KERNEL_PARQUET_DICTIONARY_H

#include <stddef.h>
#include <stdint.h>

struct kernel_parquet_dictionary {
    uint64_t *slots; /* hash in the high half, entry number + 1 in the low half */
    size_t slot_mask;
    uint8_t *bytes; /* the entries, PLAIN */
    size_t byte_count;
    uint32_t *ends; /* where each entry of variable length ends in `bytes` */
    size_t entry_count;
};

/* Finds or adds `count` PLAIN values of `width` bytes (1 ... 16) and writes their entry numbers. */
void kernel_parquet_dictionary_fixed(struct kernel_parquet_dictionary *dictionary, const uint8_t *values, size_t count,
                                     int width, uint32_t *indexes);

/* The same for PLAIN byte strings; returns how many bytes of `values` they took.
 * values: readable for 16 bytes behind the last string. */
size_t kernel_parquet_dictionary_bytes(struct kernel_parquet_dictionary *dictionary, const uint8_t *values,
                                       size_t count, uint32_t *indexes);

/* Puts the entries of `old` (old_mask + 1 slots) into the dictionary's new, zeroed slots. */
void kernel_parquet_dictionary_rehash(struct kernel_parquet_dictionary *dictionary, const uint64_t *old,
                                      size_t old_mask);

#endif
