/* Pages of Parquet: levels and indexes of the RLE / bit-packed hybrid, byte strings, rows of levels. */
#include "CKernels.h"
#include "fuzz.h"

enum { SLACK = KERNEL_PARQUET_SLACK };

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t total)
{
    if (total < 3) return 0;
    const int width = 1 + input[0] % 8;
    const size_t count = input[1], size = total - 3;
    uint8_t *bytes = padded(input + 3, size, SLACK);
    uint8_t *levels = calloc(count + SLACK, 1);
    size_t used = kernel_parquet_read_levels(bytes, size, width, input[2], count, levels);
    MUST(used == KERNEL_PARQUET_MALFORMED || used <= size);
    if (used != KERNEL_PARQUET_MALFORMED) {
        for (size_t i = 0; i < count; i++) MUST(levels[i] <= input[2]);
        size_t rows = 0;
        kernel_parquet_rows(levels, count, 3, &rows);
        kernel_parquet_count_level(levels, count, 1);
        uint8_t *flags = calloc(count + SLACK, 1);
        MUST(kernel_parquet_slots(levels, NULL, count, 0, 1, 2, flags) <= count);
        free(flags);
    }
    free(levels);
    uint32_t *indexes = calloc(count + SLACK, sizeof *indexes);
    used = kernel_parquet_read_indexes(bytes, size, 1 + input[0] % 32, input[2], count, indexes);
    MUST(used == KERNEL_PARQUET_MALFORMED || used <= size);
    if (used != KERNEL_PARQUET_MALFORMED) {
        for (size_t i = 0; i < count; i++) MUST(indexes[i] <= input[2]);
    }
    free(indexes);
    int32_t *ends = calloc(count + SLACK, sizeof *ends);
    uint8_t *out = malloc(size + SLACK);
    used = kernel_parquet_read_bytes(bytes, size, count, 0, ends, out);
    MUST(used == KERNEL_PARQUET_MALFORMED || used <= size);
    if (used != KERNEL_PARQUET_MALFORMED) kernel_parquet_begin_characters(out, 0, ends, count);
    free(out);
    free(ends);
    free(bytes);
    return 0;
}
