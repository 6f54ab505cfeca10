/* Delimited text: splitting, inference, and each type of column. The first two bytes choose dialect and width. */
#include "CKernels.h"
#include "fuzz.h"

enum { ROWS = 64, WIDTH = 4, BAD = 16 };

static void read_column(const kernel_csv_column *column)
{
    const size_t rows = column->rows;
    uint8_t validity[ROWS / 8 + 1], statuses[ROWS];
    _Alignas(16) uint8_t wide[16 * ROWS];
    kernel_csv_evidence evidence = {0};
    kernel_csv_infer(column, &evidence);
/* As many rows fail as have a status, and none of them has a value. */
#define READ(kernel, out, ...)                                                                                         \
    do {                                                                                                               \
        memset(out, 0, sizeof out);                                                                                    \
        memset(validity, 0, sizeof validity);                                                                          \
        memset(statuses, 0, sizeof statuses);                                                                          \
        const size_t failed = kernel(column, (void *)out, validity, 0, statuses __VA_OPT__(, ) __VA_ARGS__);           \
        size_t told = 0;                                                                                               \
        for (size_t row = 0; row < rows; row++) {                                                                      \
            told += statuses[row] != KERNEL_CSV_OK;                                                                    \
            MUST(statuses[row] == KERNEL_CSV_OK || (validity[row / 8] >> row % 8 & 1) == 0);                           \
        }                                                                                                              \
        MUST(told == failed);                                                                                          \
    } while (0)
    READ(kernel_csv_read_boolean, wide);
    READ(kernel_csv_read_decimal, wide, 38, 10);
    READ(kernel_csv_read_decimal, wide, 9, 2);
    READ(kernel_csv_read_int16, wide);
    READ(kernel_csv_read_int32, wide);
    READ(kernel_csv_read_int64, wide);
    READ(kernel_csv_read_float32, wide);
    READ(kernel_csv_read_float64, wide);
    READ(kernel_csv_read_date, wide);
    READ(kernel_csv_read_timestamp, wide, 0);
    READ(kernel_csv_read_timestamp, wide, 1);
#undef READ
    const size_t size = kernel_csv_text_size(column);
    uint8_t *text = malloc(size + KERNEL_CSV_PADDING);
    int32_t offsets[ROWS + 1] = {0};
    memset(validity, 0, sizeof validity);
    kernel_csv_read_text(column, offsets, text, validity, 0);
    for (size_t row = 0; row < rows; row++) MUST(offsets[row] <= offsets[row + 1]);
    MUST((size_t)offsets[rows] <= size);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t total)
{
    if (total < 2) return 0;
    const uint8_t choice = input[0];
    const size_t width = 1 + input[1] % WIDTH, count = total - 2;
    const kernel_csv_dialect dialect = {
        .delimiter = choice & 1 ? ';' : ',',
        .quote = '"',
        .escape = choice & 2 ? '\\' : '"',
        .comment = '#',
        .has_quote = (choice & 4) == 0,
        .has_escape = (choice & 2) != 0,
        .has_comment = (choice & 8) != 0,
        .keeps_blank = width == 1,
        .cr_ends = (choice & 128) != 0,
    };
    uint8_t *bytes = padded(input + 2, count, KERNEL_CSV_PADDING);
    const size_t valid = kernel_csv_valid_utf8(bytes, count);
    MUST(valid <= count);
    kernel_csv_count_scalars(bytes, valid);
    kernel_csv_line(bytes, count, choice & 16);

    kernel_csv_field *fields = malloc(ROWS * width * sizeof *fields);
    uint32_t records[ROWS], ends[ROWS];
    kernel_csv_bad bad[BAD];
    size_t at = 0;
    while (at < valid) {
        kernel_csv_split_result result;
        kernel_csv_split(&dialect, bytes + at, valid - at, choice & 16, width, ROWS, fields, records, ends, bad, BAD,
                         &result);
        MUST(result.consumed <= valid - at && result.rows <= ROWS && result.bad <= BAD);
        MUST(result.rows + result.bad == result.records);
        for (size_t i = 0; i < result.rows * width; i++) {
            MUST(fields[i].start + (size_t)(fields[i].size & KERNEL_CSV_LENGTH) <= valid - at);
        }
        const uint8_t nulls[] = {'N', 'A'};
        const uint32_t null_end = 2;
        for (size_t column = 0; column < width; column++) {
            const kernel_csv_column one = {
                .bytes = bytes + at,
                .fields = fields + column,
                .stride = width,
                .rows = result.rows,
                .quote = dialect.quote,
                .escape = dialect.escape,
                .has_escape = dialect.has_escape,
                .empty_is_null = (choice & 32) != 0,
                .null_bytes = nulls,
                .null_ends = &null_end,
                .null_count = (choice & 64) != 0,
            };
            read_column(&one);
        }
        if (result.consumed == 0) break;
        at += result.consumed;
    }
    free(fields);

    uint8_t *out = malloc(3 * count + 1);
    size_t written = 0;
    MUST(kernel_csv_from_utf16(bytes, count, choice & 1, out, &written) <= count && written <= 3 * count / 2);
    uint16_t high[128];
    for (int i = 0; i < 128; i++) high[i] = (uint16_t)(i % 5 == 0 ? 0 : 0x80 + i * 17);
    MUST(kernel_csv_from_single_byte(bytes, count, high, out, &written) <= count && written <= 3 * count);
    free(out);
    free(bytes);
    return 0;
}
