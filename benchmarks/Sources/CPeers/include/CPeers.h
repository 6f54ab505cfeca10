/* What the kernels are measured against, and the clock. All loops are in C, so that no call from Swift is in the time. */
#ifndef CPEERS_H
#define CPEERS_H

#include <stddef.h>
#include <stdint.h>

/* Ticks of the counter that runs at one rate whatever the processor does. */
uint64_t peer_ticks(void);

/* Core cycles in a tick now: times a chain of multiplications of three cycles each (x86-64; 0 elsewhere). */
double peer_cycles_per_tick(void);

const char *peer_compiler(void);
const char *peer_openssl(void);

/* Each hashes `rows` values of a column with 32-bit offsets; out has 32 (HMAC) or 16 (CMAC) bytes a row. */
void peer_hmac_evp_mac(const uint8_t key[32], const uint8_t *bytes, const int32_t *offsets, size_t rows, uint8_t *out);
void peer_hmac_one_shot(const uint8_t key[32], const uint8_t *bytes, const int32_t *offsets, size_t rows, uint8_t *out);
void peer_cmac_evp_mac(const uint8_t key[32], const uint8_t *bytes, const int32_t *offsets, size_t rows, uint8_t *out);

/* Copies each value to a slot of 32 bytes: what moving the column costs by itself. */
void peer_copy(const uint8_t *bytes, const int32_t *offsets, size_t rows, uint8_t *out);

#endif
