/* What this processor offers, asked once. Bits, because a version needs several at a time. */
#ifndef CKERNELS_CPU_H
#define CKERNELS_CPU_H

#include <stdint.h>

enum {
    CPU_AVX = 1 << 0,    /* 256-bit state is saved by the system: vzeroupper exists and is needed */
    CPU_SHANI = 1 << 1,  /* SHA, SSE4.1, SSSE3 */
    CPU_AESNI = 1 << 2,  /* AES, SSE4.1, SSSE3 */
    CPU_AVX2 = 1 << 3,   /* AVX2, BMI, BMI2, POPCNT */
    CPU_AVX512 = 1 << 4, /* F, BW, VL, DQ, BMI, BMI2, POPCNT, and the system saves the state */
    CPU_VBMI = 1 << 5,   /* AVX-512 VBMI */
    CPU_VAES = 1 << 6,   /* VAES on 512-bit registers */
    CPU_ARM_SHA2 = 1 << 7,
    CPU_ARM_AES = 1 << 8,
    CPU_VBMI2 = 1 << 9, /* AVX-512 VBMI2 */
    CPU_PDEP = 1 << 10, /* BMI2's pdep and pext take a few cycles */
};

uint32_t kernel_cpu_features(void);

#if defined(__x86_64__)
/* vzeroupper where the registers have an upper half. Code made of legacy-encoded 128-bit vector instructions calls this
 * first: a dirty upper half makes each of them wait for a merge (a factor of 99 was measured for SHA instructions;
 * llvm/llvm-project issue 142368). */
void cpu_clear_upper_halves(void);
#endif

#endif
