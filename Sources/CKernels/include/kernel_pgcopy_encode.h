/* Columns in Arrow's layout into rows of PostgreSQL's binary COPY format: the way back of kernel_pgcopy.h, whose kinds
 * and results are used. Lists hold scalars. */
#ifndef KERNEL_PGCOPY_ENCODE_H
#define KERNEL_PGCOPY_ENCODE_H

#include <stddef.h>
#include <stdint.h>

/* Results beside KERNEL_PGCOPY_OK and KERNEL_PGCOPY_YEAR. */
enum {
    KERNEL_PGCOPY_NUL = 32, /* a text with a zero byte, which PostgreSQL cannot hold */
    KERNEL_PGCOPY_FULL,     /* not even one row fits: *needed bytes are enough for it */
};

typedef struct kernel_pgcopy_source {
    int32_t kind;            /* BOOLEAN, INT16, 32, 64, DECIMAL, TEXT, BINARY, DATE, TIMESTAMP or LIST */
    int32_t scale;           /* of a decimal, 0 to 38 */
    uint32_t element_type;   /* of a list: the oid of its elements' type */
    const uint8_t *validity; /* LSB-first bits; NULL while no row is null */
    const uint8_t *values;   /* fixed widths; bits for booleans */
    const int32_t *offsets;  /* rows + 1, for text, binary and lists */
    const uint8_t *bytes;
    const struct kernel_pgcopy_source *elements; /* of a list */
} kernel_pgcopy_source;

/* Encodes rows from *row on, below `row_limit`, until the next one might not fit into `capacity` bytes of `out`.
 * *row: the first row that is not encoded. *used: bytes written. On failure *row is the row at fault and *failed_column
 * its column. Reads and writes nothing else, keeps no pointer, allocates nothing. */
int kernel_pgcopy_encode(const kernel_pgcopy_source *columns, size_t column_count, size_t *row, size_t row_limit,
                         uint8_t *out, size_t capacity, size_t *used, size_t *needed, size_t *failed_column);

#endif
