/* Which instructions the kernels use. One table is chosen once, when the first kernel is called: the best version of each
 * kernel that this processor has, that the environment allows and whose known-answer self-test passes.
 *
 * Levels: "plain"  ordinary C, runs everywhere;
 *         "shani"  x86-64 SHA and AES instructions, 128-bit registers only;
 *         "avx2"   x86-64 AVX2 (eight lanes) and AES instructions;
 *         "avx512" x86-64 AVX-512 F, BW, VL, DQ, VBMI, VBMI2 (sixteen lanes) and VAES where present;
 *         "armv8"  arm64 SHA-2 and AES instructions.
 * A level allows its instruction sets; a kernel without a version for them runs the plain one.
 * The environment variable ETL_KERNELS=<level> caps the choice; a name that this machine lacks is reported by
 * kernel_environment_refused and otherwise ignored. */
#ifndef KERNEL_DISPATCH_H
#define KERNEL_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>

/* Names of the levels that this machine can run, best last; writes at most `capacity` pointers to static strings,
 * returns how many there are. */
size_t kernel_levels(const char **names, size_t capacity);

/* The level in force: a forced one, or "auto". */
const char *kernel_level(void);

/* Uses one level from now on ("auto" or NULL: the best again). False, and nothing changes, when this machine lacks it.
 * Not for use while other threads are inside kernels whose level matters to them; all levels give the same bytes. */
bool kernel_force_level(const char *name);

/* True when ETL_KERNELS named a level that does not exist or that this machine lacks. */
bool kernel_environment_refused(void);

typedef struct {
    const char *kernel;  /* "hmac-sha256", "base32", … */
    const char *version; /* "avx512", "shani", … */
    bool available;      /* this processor has the instructions */
    bool passed;         /* the known answers came out; false when not available */
    bool selected;       /* calls use this one now */
} kernel_self_test_row;

/* Runs the known-answer test of every version of every kernel, whatever is selected, and says what calls use.
 * Writes at most `capacity` rows, returns how many there are. Takes well under a millisecond. */
size_t kernel_self_test(kernel_self_test_row *rows, size_t capacity);

/* For tests of the fallback: the named version of the named kernel fails its self-test from now on
 * (both NULL: none does). The table is chosen again; the names must stay where they are until the next such call. */
void kernel_pretend_failure(const char *kernel, const char *version);

/* For tests: leaves something in the upper halves of two vector registers, as careless code does (x86-64 with AVX). */
void kernel_dirty_upper_halves(void);

#endif
