/* Text that is shown in part. Columns are in Arrow layout: row i is bytes[offsets[i]] up to bytes[offsets[i + 1]]; validity is
 * an LSB-first bitmap, or NULL where no row is null; a null gives an empty row, whatever bytes it has.
 * Text is valid UTF-8; characters are Unicode scalars. out_offsets: rows + 1 elements, the first becomes 0. out: room for
 * offsets[rows] - offsets[0] bytes, times with_length where characters are replaced by `with`, its 1 to 4 bytes.
 * Each function returns the bytes written. Nothing is allocated, no pointer kept, nothing can fail.
 * The versions (kernel_dispatch.h, "mask") give the same bytes; the plain one is the reference for the others.
 * Time depends on lengths, nulls and which bytes begin a character; in kernel_mask_email and kernel_mask_classes also on the form
 * of the values. */
#ifndef KERNEL_MASK_H
#define KERNEL_MASK_H

#include <stddef.h>
#include <stdint.h>

/* Replaces each character but the first `keep_first` and the last `keep_last` of a row by `with`. With `hides_short`, a row of
 * at most keep_first + keep_last characters is replaced whole, otherwise it stays. */
size_t kernel_mask_text(const int32_t *offsets, const uint8_t *bytes, const uint8_t *validity, size_t rows,
                        size_t keep_first, size_t keep_last, const uint8_t *with, size_t with_length, int hides_short,
                        int32_t *out_offsets, uint8_t *out);

/* Replaces the characters of e-mail addresses by `with`, but for @, the dots of the domain, the first character of the local
 * part, the first of each label of the domain, and the whole last label: a***@e******.com. With keeps_domain all behind @ stays.
 * With hides_short, the only character of a local part or label is replaced too.
 * An address is a local part, one @, and a domain of at least two labels. A local part has no control character, space or
 * one of "(),:;<>[\]; a domain ASCII letters, digits and hyphens, or what is not ASCII; the last label at least two bytes,
 * and no digit or hyphen in front. Any other text is replaced whole. */
size_t kernel_mask_email(const int32_t *offsets, const uint8_t *bytes, const uint8_t *validity, size_t rows,
                         int keeps_domain, const uint8_t *with, size_t with_length, int hides_short,
                         int32_t *out_offsets, uint8_t *out);

enum { KERNEL_MASK_CLASSES = 0x20000 };

/* Replaces each character by what `classes` has for it, one byte below 128, or keeps it where that is 0. Characters from
 * U+20000 on become what U+20000 - 1 does. ASCII: A to Z become X, a to z x, 0 to 9 9, all others stay, whatever
 * `classes` says. One version: its loop over ASCII runs at the speed of memory at every level. */
size_t kernel_mask_classes(const int32_t *offsets, const uint8_t *bytes, const uint8_t *validity, size_t rows,
                           const uint8_t classes[KERNEL_MASK_CLASSES], int32_t *out_offsets, uint8_t *out);

/* Keeps the first `count` characters of each row. No row is null. */
size_t kernel_prefix_text(const int32_t *offsets, const uint8_t *bytes, size_t rows, size_t count, int32_t *out_offsets,
                          uint8_t *out);

/* Plain versions, same contract. */
size_t reference_mask_text(const int32_t *offsets, const uint8_t *bytes, const uint8_t *validity, size_t rows,
                           size_t keep_first, size_t keep_last, const uint8_t *with, size_t with_length,
                           int hides_short, int32_t *out_offsets, uint8_t *out);
size_t reference_mask_email(const int32_t *offsets, const uint8_t *bytes, const uint8_t *validity, size_t rows,
                            int keeps_domain, const uint8_t *with, size_t with_length, int hides_short,
                            int32_t *out_offsets, uint8_t *out);

#endif
