/* Cells as text for people and other programs: CSV fields, JSON values, and rows of them.
 *
 * Texts of a column: the bytes of all rows one after the other, and where each row's end (`rows` 64-bit numbers; the first
 * begins at 0). validity: one bit a row, or NULL: no row is null. Each function returns the bytes that it wrote; the room
 * that it needs stands with it. Nothing is allocated, no pointer kept. */
#ifndef KERNEL_EXPORT_H
#define KERNEL_EXPORT_H

#include <stddef.h>
#include <stdint.h>

/* Fields of RFC 4180: quoted where there is a quote, comma or line break, and where the text is empty; a null is nothing at
 * all. out: 2 * bytes + 2 * rows. */
size_t kernel_export_csv(const uint8_t *bytes, const int64_t *ends, const uint8_t *validity, size_t rows, uint8_t *out,
                         int64_t *out_ends);

/* JSON strings (RFC 8259); a null is `null`. Escaped is what must be, and what some readers take for the end of a line
 * (U+0085, U+2028, U+2029). out: 6 * bytes + 4 * rows. */
size_t kernel_export_json_text(const uint8_t *bytes, const int64_t *ends, const uint8_t *validity, size_t rows,
                               uint8_t *out, int64_t *out_ends);

/* The texts as they are, and `null` for nulls. out: bytes + 4 * rows. */
size_t kernel_export_json_plain(const uint8_t *bytes, const int64_t *ends, const uint8_t *validity, size_t rows,
                                uint8_t *out, int64_t *out_ends);

/* Binary values as lower-case hexadecimal digits. out: 2 * bytes. */
size_t kernel_export_hex(const uint8_t *bytes, const int32_t *offsets, size_t rows, uint8_t *out, int64_t *out_ends);

/* Lists of JSON values: row i has the elements offsets[i] .. offsets[i + 1]. out: bytes + elements + 4 * rows. */
size_t kernel_export_lists(const uint8_t *bytes, const int64_t *ends, const int32_t *offsets, const uint8_t *validity,
                           size_t rows, uint8_t *out, int64_t *out_ends);

/* A member of a record: what stands in front of each of its texts, and they. */
typedef struct {
    const uint8_t *bytes;
    const int64_t *ends;
    const uint8_t *prefix;
    size_t prefix_size;
} kernel_export_member;

/* Row after row, member after member, with `suffix` behind each row; `null` instead where a row is null.
 * out: all bytes, prefixes and suffixes, + 4 * rows. out_ends may be NULL. */
size_t kernel_export_records(const kernel_export_member *members, size_t count, const uint8_t *suffix,
                             size_t suffix_size, const uint8_t *validity, size_t rows, uint8_t *out, int64_t *out_ends);

#endif
