#include "kernel_dispatch.h"

#include "aes.h"
#include "cpu.h"
#include "dispatch.h"
#include "ff1.h"
#include "hash.h"
#include "luhn.h"
#include "mask.h"
#include "redact_scan.h"
#include "token.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A level allows instruction sets. Best last. */
static const struct level {
    const char *name;
    uint32_t needs; /* the machine has the level when it has these */
    uint32_t allows;
} levels[] = {
    {"plain", 0, 0},
#if defined(__x86_64__)
    {"avx2", CPU_AVX2, CPU_AVX | CPU_AVX2 | CPU_AESNI | CPU_PDEP},
    {"shani", CPU_SHANI, CPU_SHANI | CPU_AESNI},
    {"avx512", CPU_AVX512, ~0u},
#elif defined(__aarch64__)
    {"armv8", CPU_ARM_SHA2, ~0u},
#endif
};
enum { LEVELS = sizeof levels / sizeof levels[0] };

/* Every version of every kernel, best first within a kernel. The order is the same on both classes that were measured, in
 * core cycles per HMAC of 24 bytes: Emerald Rapids 112 (avx512), 195 (shani), 329 (avx2); Zen 4, whose 512-bit operations
 * take two turns and whose rotates have one port in two, 124, 147, 294. */
static const struct candidate {
    enum kernel_slot slot;
    const char *kernel, *version;
    uint32_t needs;
    const void *functions;
    bool (*self_test)(const void *functions);
} candidates[] = {
#if defined(__x86_64__)
    {SLOT_HASH, "hmac-sha256", "avx512+shani", CPU_AVX512 | CPU_SHANI, &hash_avx512_with_shani, self_test_hash},
    {SLOT_HASH, "hmac-sha256", "avx512", CPU_AVX512, &hash_avx512, self_test_hash},
    {SLOT_HASH, "hmac-sha256", "shani", CPU_SHANI, &hash_shani, self_test_hash},
    {SLOT_HASH, "hmac-sha256", "avx2", CPU_AVX2, &hash_avx2, self_test_hash},
#elif defined(__aarch64__)
    {SLOT_HASH, "hmac-sha256", "armv8", CPU_ARM_SHA2, &hash_armv8, self_test_hash},
#endif
    {SLOT_HASH, "hmac-sha256", "plain", 0, &hash_plain, self_test_hash},
#if defined(__x86_64__)
    {SLOT_AES, "aes-cmac", "vaes", CPU_AVX512 | CPU_VAES | CPU_AESNI, &aes_vaes, self_test_aes},
    {SLOT_AES, "aes-cmac", "aesni", CPU_AESNI, &aes_ni, self_test_aes},
#elif defined(__aarch64__)
    {SLOT_AES, "aes-cmac", "armv8", CPU_ARM_AES, &aes_armv8, self_test_aes},
#endif
    {SLOT_AES, "aes-cmac", "plain", 0, &aes_plain, self_test_aes},
#if defined(__x86_64__)
    {SLOT_FF1, "aes-ff1", "vaes", CPU_AVX512 | CPU_VAES | CPU_AESNI, &ff1_vaes, self_test_ff1},
    {SLOT_FF1, "aes-ff1", "aesni", CPU_AESNI, &ff1_aesni, self_test_ff1},
#elif defined(__aarch64__)
    {SLOT_FF1, "aes-ff1", "armv8", CPU_ARM_AES, &ff1_armv8, self_test_ff1},
#endif
    {SLOT_FF1, "aes-ff1", "plain", 0, &ff1_plain, self_test_ff1},
#if defined(__x86_64__)
    {SLOT_TOKEN, "token-text", "avx512", CPU_AVX512 | CPU_VBMI, &token_avx512, self_test_token},
#endif
    {SLOT_TOKEN, "token-text", "plain", 0, &token_plain, self_test_token},
#if defined(__x86_64__)
    {SLOT_MASK, "mask", "avx512", CPU_AVX512 | CPU_VBMI | CPU_VBMI2 | CPU_PDEP, &mask_avx512, self_test_mask},
    {SLOT_MASK, "mask", "avx2", CPU_AVX2 | CPU_PDEP, &mask_avx2, self_test_mask},
#endif
    {SLOT_MASK, "mask", "plain", 0, &mask_plain, self_test_mask},
#if defined(__x86_64__)
    {SLOT_LUHN, "luhn", "avx2", CPU_AVX2, &luhn_avx2, self_test_luhn},
#endif
    {SLOT_LUHN, "luhn", "plain", 0, &luhn_plain, self_test_luhn},
#if defined(__x86_64__)
    {SLOT_ENTITIES, "entities", "avx512", CPU_AVX512, &scan_avx512, self_test_entities},
    {SLOT_ENTITIES, "entities", "avx2", CPU_AVX2, &scan_avx2, self_test_entities},
#endif
    {SLOT_ENTITIES, "entities", "plain", 0, &scan_plain, self_test_entities},
};
enum { CANDIDATES = sizeof candidates / sizeof candidates[0] };

static _Atomic(const void *) chosen[SLOTS];
static _Atomic(const struct level *) forced;
static atomic_bool environment_refused;
static _Atomic(const char *) pretended_kernel, pretended_version;

static const struct level *level_named(const char *name)
{
    const uint32_t features = kernel_cpu_features();
    for (size_t i = 0; i < LEVELS; i++)
        if (strcmp(levels[i].name, name) == 0)
            return (features & levels[i].needs) == levels[i].needs ? &levels[i] : NULL;
    return NULL;
}

static bool passes_now(const struct candidate *candidate)
{
    const char *kernel = atomic_load(&pretended_kernel), *version = atomic_load(&pretended_version);
    if (kernel && version && strcmp(kernel, candidate->kernel) == 0 && strcmp(version, candidate->version) == 0)
        return false;
    return candidate->self_test(candidate->functions);
}

/* The first answer of a version, remembered: levels are changed often in tests. */
static bool passes(const struct candidate *candidate)
{
    static _Atomic(signed char) remembered[CANDIDATES]; /* 0: not asked yet */
    if (atomic_load(&pretended_kernel)) return passes_now(candidate);
    _Atomic(signed char) *answer = &remembered[candidate - candidates];
    if (atomic_load(answer) == 0) atomic_store(answer, passes_now(candidate) ? 1 : -1);
    return atomic_load(answer) > 0;
}

/* Two threads that choose at the same time choose the same: the result depends on the machine and the level only. */
static void choose(void)
{
    const struct level *level = atomic_load(&forced);
    const uint32_t usable = kernel_cpu_features() & (level ? level->allows : ~0u);
    for (int slot = 0; slot < SLOTS; slot++) {
        const void *last = NULL;
        for (size_t i = 0; i < CANDIDATES; i++) {
            if (candidates[i].slot != (enum kernel_slot)slot) continue;
            last = candidates[i]
                       .functions; /* the plain one, which stays even if it fails: kernel_self_test reports that */
            if ((usable & candidates[i].needs) == candidates[i].needs && passes(&candidates[i])) break;
        }
        atomic_store_explicit(&chosen[slot], last, memory_order_release);
    }
}

static void read_environment(void)
{
    static atomic_bool done;
    if (atomic_exchange(&done, true)) return;
    const char *name = getenv("ETL_KERNELS");
    if (!name || !*name || strcmp(name, "auto") == 0) return;
    const struct level *level = level_named(name);
    if (level)
        atomic_store(&forced, level);
    else
        atomic_store(&environment_refused, true);
}

const void *kernel_chosen(enum kernel_slot slot)
{
    const void *functions = atomic_load_explicit(&chosen[slot], memory_order_acquire);
    if (__builtin_expect(functions != NULL, 1)) return functions;
    read_environment();
    choose();
    return atomic_load_explicit(&chosen[slot], memory_order_acquire);
}

size_t kernel_levels(const char **names, size_t capacity)
{
    const uint32_t features = kernel_cpu_features();
    size_t count = 0;
    for (size_t i = 0; i < LEVELS; i++) {
        if ((features & levels[i].needs) != levels[i].needs) continue;
        if (count < capacity) names[count] = levels[i].name;
        count++;
    }
    return count;
}

const char *kernel_level(void)
{
    read_environment();
    const struct level *level = atomic_load(&forced);
    return level ? level->name : "auto";
}

bool kernel_force_level(const char *name)
{
    read_environment(); /* so that it does not undo this later */
    const struct level *level = NULL;
    if (name && strcmp(name, "auto") != 0 && !(level = level_named(name))) return false;
    atomic_store(&forced, level);
    choose();
    return true;
}

bool kernel_environment_refused(void)
{
    read_environment();
    return atomic_load(&environment_refused);
}

size_t kernel_self_test(kernel_self_test_row *rows, size_t capacity)
{
    const uint32_t features = kernel_cpu_features();
    for (size_t i = 0; i < CANDIDATES && i < capacity; i++) {
        const struct candidate *candidate = &candidates[i];
        const bool available = (features & candidate->needs) == candidate->needs;
        rows[i] = (kernel_self_test_row){
            candidate->kernel,
            candidate->version,
            available,
            available && passes_now(candidate),
            kernel_chosen(candidate->slot) == candidate->functions,
        };
    }
    return CANDIDATES;
}

void kernel_pretend_failure(const char *kernel, const char *version)
{
    atomic_store(&pretended_kernel, kernel);
    atomic_store(&pretended_version, version);
    read_environment();
    choose();
}
