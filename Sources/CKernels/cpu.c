#include "cpu.h"
#include "kernel_dispatch.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdatomic.h>

/* The registers that the operating system saves: a bit in cpuid alone does not mean that a register may be used. */
static uint64_t saved_state(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

/* AMD before Zen 3, and Hygon, run pdep as a loop in microcode: up to hundreds of cycles. */
static int has_slow_pdep(uint32_t leaf1)
{
    uint32_t a, b, c, d;
    if (!__get_cpuid(0, &a, &b, &c, &d)) return 0;
    const int is_amd = b == signature_AMD_ebx && d == signature_AMD_edx && c == signature_AMD_ecx;
    const int is_hygon = b == signature_HYGON_ebx && d == signature_HYGON_edx && c == signature_HYGON_ecx;
    const uint32_t base = leaf1 >> 8 & 0xf, family = base == 0xf ? base + (leaf1 >> 20 & 0xff) : base;
    return is_hygon || (is_amd && family < 0x19);
}

static uint32_t ask(void)
{
    uint32_t a, b, c, d, features = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    const int slow_pdep = has_slow_pdep(a);
    const uint32_t sse = (c >> 9 & 1) & (c >> 19 & 1), aes = c >> 25 & 1; /* SSSE3 and SSE4.1 */
    const uint32_t avx = c >> 28 & 1, osxsave = c >> 27 & 1, popcnt = c >> 23 & 1;
    const uint64_t state = osxsave ? saved_state() : 0;
    const int saves256 = avx && (state & 0x06) == 0x06, saves512 = saves256 && (state & 0xE6) == 0xE6;
    if (saves256) features |= CPU_AVX;
    if (sse && aes) features |= CPU_AESNI;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return features;
    const uint32_t avx2 = b >> 5 & 1, bits = popcnt & b >> 3 & b >> 8 & 1; /* BMI1 and BMI2 too */
    const uint32_t f = b >> 16 & 1, dq = b >> 17 & 1, bw = b >> 30 & 1, vl = b >> 31 & 1;
    if (sse && (b >> 29 & 1)) features |= CPU_SHANI;
    if (saves256 && avx2 && bits) features |= CPU_AVX2;
    if (bits && !slow_pdep) features |= CPU_PDEP;
    if (saves512 && f && dq && bw && vl && bits) {
        features |= CPU_AVX512;
        if (c >> 1 & 1) features |= CPU_VBMI;
        if (c >> 6 & 1) features |= CPU_VBMI2;
        if (aes && (c >> 9 & 1)) features |= CPU_VAES;
    }
    return features;
}

uint32_t kernel_cpu_features(void)
{
    /* Remembered, because a virtual machine leaves for its host at every cpuid, which takes microseconds. */
    static _Atomic uint32_t known = 0; /* with one bit more than there are features when it has been asked */
    const uint32_t asked = 1u << 31;
    uint32_t features = atomic_load_explicit(&known, memory_order_relaxed);
    if (features == 0) {
        features = ask() | asked;
        atomic_store_explicit(&known, features, memory_order_relaxed);
    }
    return features & ~asked;
}

void cpu_clear_upper_halves(void)
{
    if (kernel_cpu_features() & CPU_AVX) __asm__ volatile("vzeroupper" ::: "memory");
}

__attribute__((target("avx"))) static void write_upper_halves(void)
{
    __asm__ volatile("vinsertf128 $1, %%xmm0, %%ymm0, %%ymm0\n\tvinsertf128 $1, %%xmm1, %%ymm1, %%ymm1" ::: "memory");
}

void kernel_dirty_upper_halves(void)
{
    if (kernel_cpu_features() & CPU_AVX) write_upper_halves();
}

#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>

uint32_t kernel_cpu_features(void)
{
    /* HWCAP_AES and HWCAP_SHA2 of <asm/hwcap.h>; __builtin_cpu_supports needs a newer libgcc than Debian 12 has. */
    const unsigned long capabilities = getauxval(AT_HWCAP);
    return (capabilities & 1UL << 6 ? CPU_ARM_SHA2 : 0) | (capabilities & 1UL << 3 ? CPU_ARM_AES : 0);
}

#else

uint32_t kernel_cpu_features(void) { return 0; }

#endif

#if !defined(__x86_64__)
void kernel_dirty_upper_halves(void) {}
#endif
