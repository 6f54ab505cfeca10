/* Check digits of whole columns by ISO/IEC 7812-1 (Luhn). Columns are in Arrow layout: row i is bytes[offsets[i]] up to
 * bytes[offsets[i + 1]]; validity is an LSB-first bitmap, or NULL where no row is null.
 * Nothing is allocated, no pointer kept, nothing can fail. */
#ifndef KERNEL_LUHN_H
#define KERNEL_LUHN_H

#include <stddef.h>
#include <stdint.h>

/* holds[i] becomes 1 where row i is ASCII digits alone, at least one, and a Luhn number, otherwise 0; 0 for a null.
 * For one value whose digits are known to be digits: kernel_is_luhn (kernel_redact.h). */
void kernel_luhn_rows(const uint8_t *bytes, const int32_t *offsets, const uint8_t *validity, size_t rows,
                      uint8_t *holds);

/* Plain version, same contract. */
void reference_luhn_rows(const uint8_t *bytes, const int32_t *offsets, const uint8_t *validity, size_t rows,
                         uint8_t *holds);

#endif
