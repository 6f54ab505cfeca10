/* Inside of the dispatch: one slot per kernel, filled once with the version that calls use. */
#ifndef CKERNELS_DISPATCH_H
#define CKERNELS_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

enum kernel_slot { SLOT_HASH, SLOT_AES, SLOT_FF1, SLOT_TOKEN, SLOT_MASK, SLOT_LUHN, SLOT_ENTITIES, SLOTS };

/* The chosen version (a struct <kernel>_version) of a kernel; chooses when nothing is chosen yet. */
const void *kernel_chosen(enum kernel_slot slot);

/* Known-answer tests: true when `version` gives the recorded answers. */
bool self_test_hash(const void *version);
bool self_test_aes(const void *version);
bool self_test_ff1(const void *version);
bool self_test_token(const void *version);
bool self_test_mask(const void *version);
bool self_test_luhn(const void *version);
bool self_test_entities(const void *version);

#endif
