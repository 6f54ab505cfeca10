/* Rows of PostgreSQL's binary COPY format into columns of Arrow's layout.
 *
 * A tuple: int16 field count, then per field int32 length (-1: NULL) and that many bytes; integers are big-endian.
 * Array:     int32 dimensions, int32 has-null flag, uint32 element type, per dimension int32 size and int32 lower
 *            bound, then elements as fields. No dimensions: an empty array.
 * Composite: int32 field count, then per field uint32 type, int32 length, bytes.
 * numeric:   int16 digit count, int16 weight, uint16 sign (0 +, 0x4000 -, 0xC000 NaN, 0xD000 +Inf, 0xF000 -Inf),
 *            uint16 display scale, then digits of base 10000; the value is sum(digit[i] * 10000^(weight - i)). */
#ifndef KERNEL_PGCOPY_H
#define KERNEL_PGCOPY_H

#include <stddef.h>
#include <stdint.h>

/* What a field's bytes are, and what they become. */
enum {
    KERNEL_PGCOPY_BOOLEAN, /* bool: one bit */
    KERNEL_PGCOPY_INT16,   /* int2, int4, int8, float4, float8: bytes swapped */
    KERNEL_PGCOPY_32,
    KERNEL_PGCOPY_64,
    KERNEL_PGCOPY_UNSIGNED,  /* oid: uint32 to int64 */
    KERNEL_PGCOPY_DECIMAL,   /* numeric: int128 in units of 10^-scale */
    KERNEL_PGCOPY_TEXT,      /* bytes, checked to be UTF-8 */
    KERNEL_PGCOPY_JSONB,     /* version byte 1, then text */
    KERNEL_PGCOPY_BINARY,    /* bytes */
    KERNEL_PGCOPY_UUID,      /* 16 bytes to 36 characters */
    KERNEL_PGCOPY_DATE,      /* days since 2000-01-01 to days since 1970-01-01 */
    KERNEL_PGCOPY_TIMESTAMP, /* microseconds since 2000-01-01 to microseconds since 1970-01-01 */
    KERNEL_PGCOPY_TIME,      /* microseconds since midnight to HH:MM:SS[.ffffff] */
    KERNEL_PGCOPY_INET_TEXT, /* text(inet): the /32 or /128 that inet_out leaves out is cut off */
    KERNEL_PGCOPY_LIST,      /* array; children[0] holds the elements */
    KERNEL_PGCOPY_STRUCT,    /* composite; one child a field */
};

/* Results. All but OK leave the columns of no further use. */
enum {
    KERNEL_PGCOPY_OK,
    KERNEL_PGCOPY_BROKEN,      /* the bytes are not what the format says */
    KERNEL_PGCOPY_FIELD_COUNT, /* a tuple with another number of fields */
    KERNEL_PGCOPY_NO_MEMORY,
    KERNEL_PGCOPY_INVALID_UTF8,
    KERNEL_PGCOPY_CELL_TOO_LARGE,
    KERNEL_PGCOPY_INFINITE,     /* infinite date or timestamp */
    KERNEL_PGCOPY_YEAR,         /* a date outside the years 1 to 9999 */
    KERNEL_PGCOPY_HOUR_24,      /* 24:00:00 */
    KERNEL_PGCOPY_NOT_A_NUMBER, /* NaN or an infinity in a numeric */
    KERNEL_PGCOPY_TOO_PRECISE,  /* a numeric with more fractional digits than the scale */
    KERNEL_PGCOPY_TOO_WIDE,     /* a numeric with more digits than the precision */
    KERNEL_PGCOPY_DIMENSIONS,   /* an array of several dimensions, or one that does not start at 1 */
};

/* Of a column that takes its bytes: larger cells are moved, not copied. */
#define KERNEL_PGCOPY_LARGE_CELL ((size_t)4 << 20)

/* A column being built. Zero it, then set the first six members; the rest is the kernel's. Memory comes from
 * realloc; whoever takes values, offsets, bytes or validity over puts NULL in their place, then calls _reset. */
typedef struct kernel_pgcopy_column {
    int32_t kind;
    int32_t nulls_specials;   /* special values become NULL and are counted */
    int32_t precision, scale; /* of a decimal */
    int32_t takes_bytes;      /* large cells of text and bytes are left as zeros where they came from, which must be
                                    * private anonymous memory (malloc's): the pages go back to the system */
    size_t child_count;
    struct kernel_pgcopy_column *children; /* `child_count` of them, the caller's memory */

    size_t rows, row_capacity;
    uint8_t *validity; /* LSB-first bits; NULL while no row is null */
    uint8_t *values;   /* fixed widths; bits for booleans */
    int32_t *offsets;  /* rows + 1, for text, binary and lists; NULL while there are no rows */
    uint8_t *bytes;
    size_t byte_count, byte_capacity;
    int64_t specials; /* values that became NULL; not reset */
} kernel_pgcopy_column;

/* Decodes the tuple at the start of `bytes` into one row of each column.
 * *used: bytes of the tuple. On failure *failed_column is the column's index (column_count: none in particular).
 * `cell_limit`: the largest field. Allocates by realloc, amortised; keeps no pointer into `bytes`. */
int kernel_pgcopy_append(kernel_pgcopy_column *columns, size_t column_count, const uint8_t *bytes, size_t length,
                         size_t cell_limit, size_t *used, size_t *failed_column);

/* Room for `rows` rows at once, so that early growth is not by doubling. 0, or KERNEL_PGCOPY_NO_MEMORY. */
int kernel_pgcopy_reserve(kernel_pgcopy_column *column, size_t rows);

/* Frees what is still there and sets the column to no rows; its children too. Counts of specials stay. */
void kernel_pgcopy_reset(kernel_pgcopy_column *column);

/* The bytes a row takes in `values`; 0 for booleans and for kinds without. */
size_t kernel_pgcopy_width(int32_t kind);

/* One numeric's bytes as an integer in units of 10^-scale, 16 bytes little endian into `out`. Returns a result above. */
int kernel_pgcopy_numeric(const uint8_t *bytes, size_t length, int precision, int scale, uint8_t *out);

/* 1 when the bytes are well-formed UTF-8 (Unicode 15, table 3-7). */
int kernel_pgcopy_is_utf8(const uint8_t *bytes, size_t length);

#endif
