/* Inside of redaction: what a version of the scan supplies. redact_scan_blocks.h says what the scan looks for. */
#ifndef CKERNELS_REDACT_SCAN_H
#define CKERNELS_REDACT_SCAN_H

#include "redact.h"

/* How far ahead the scan looks: it does not know all that begins in as many bytes before the end of a buffer that goes on. */
enum {
    SCAN_REACH = 64,
    /* Bytes in which a number shows seven digits. */
    SCAN_NUMBER = 37,
    SCAN_NUMBERS = KERNEL_ENTITY_PHONE | KERNEL_ENTITY_CARD | KERNEL_ENTITY_SSN | KERNEL_ENTITY_IP,
};

/* Writes a bit for each of `count` bytes, 1 where an identifier of the `wanted` kinds may begin or where an @ is.
 * starts: a bit for each byte, 1 where a row begins; starts and out: (count + 63) / 64 words, bits from the lowest. */
struct scan_version {
    void (*candidates)(const uint8_t *bytes, size_t count, const uint64_t *starts, uint32_t wanted, uint64_t *out);
};

/* kernel_find_entities_i32 with one version. */
size_t scan_column(const struct scan_version *scan, const uint8_t *bytes, const int32_t *offsets,
                   const uint8_t *validity, size_t rows, uint32_t wanted, kernel_row_entity *out, size_t capacity);

extern const struct scan_version scan_plain;
#if defined(__x86_64__)
extern const struct scan_version scan_avx2, scan_avx512;
#endif

#endif
