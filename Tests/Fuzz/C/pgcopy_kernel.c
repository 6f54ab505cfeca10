/* Tuples of PostgreSQL's binary COPY: each kind of field, lists and structures within each other. */
#include "CKernels.h"
#include "fuzz.h"

enum { KINDS = KERNEL_PGCOPY_LIST, ROWS = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t total)
{
    if (total < 2) return 0;
    /* Two columns of the kinds that the first byte chooses, a list of such a structure, and a list of lists' element. */
    const int32_t first = input[0] % KINDS, second = input[0] / KINDS % KINDS;
    kernel_pgcopy_column members[2] = {
        {.kind = first, .nulls_specials = 1, .precision = 12, .scale = 3},
        {.kind = second, .precision = 38, .scale = 10},
    };
    kernel_pgcopy_column element = {.kind = KERNEL_PGCOPY_STRUCT, .child_count = 2, .children = members};
    kernel_pgcopy_column columns[3] = {
        {.kind = first, .precision = 12, .scale = 3},
        {.kind = KERNEL_PGCOPY_LIST, .child_count = 1, .children = &element},
        {.kind = second, .nulls_specials = 1, .precision = 5, .scale = 5},
    };
    const size_t column_count = 1 + input[1] % 3;
    uint8_t *bytes = padded(input + 2, total - 2, 0);
    size_t at = 0, rows = 0;
    while (at < total - 2 && rows < ROWS) {
        size_t used = 0, failed = 0;
        if (kernel_pgcopy_append(columns, column_count, bytes + at, total - 2 - at, 1 << 16, &used, &failed) !=
            KERNEL_PGCOPY_OK) {
            MUST(failed <= column_count);
            break;
        }
        MUST(used > 0 && used <= total - 2 - at);
        rows++;
        for (size_t column = 0; column < column_count; column++) MUST(columns[column].rows == rows);
        at += used;
    }
    for (size_t column = 0; column < 3; column++) kernel_pgcopy_reset(&columns[column]);
    free(bytes);
    uint8_t decimal[16];
    kernel_pgcopy_numeric(input, total, 38, 10, decimal);
    return 0;
}
