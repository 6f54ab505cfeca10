/* Columns of values handed to a keyed function in groups: nulls dropped, values of the same number of blocks together, so
 * that every lane of a vector does the same work. Shared by HMAC and CMAC.
 *
 * A batch is at most COLUMN_BATCH rows; its scratch (17 KiB of addresses and lengths, no value bytes) is on the stack.
 * Rows that need no sorting go in batches of COLUMN_UNIFORM, whose lanes, values and digests stay in the first cache. */
#ifndef CKERNELS_COLUMN_H
#define CKERNELS_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { COLUMN_BATCH = 1024, COLUMN_UNIFORM = 256, COLUMN_CLASSES = 64 };

/* One value of a batch; its digest goes to slot `row` of the batch's output. */
struct lane {
    const uint8_t *bytes;
    uint32_t length;
    uint32_t row;
};

enum offset_kind { OFFSETS_32, OFFSETS_64, FIXED_WIDTH };

struct column {
    const uint8_t *bytes;
    const void *offsets; /* int32_t or int64_t; NULL for a fixed width */
    size_t width;
    const uint8_t *validity;
    size_t rows;
};

/* What to do with a column. `group` finishes `count` values of `blocks` blocks each, 1 to `classes` (at most
 * COLUMN_CLASSES); `longer` finishes one value of more. Both write digests of `digest_bytes`. */
struct column_work {
    uint32_t classes;
    size_t digest_bytes;
    void (*group)(const void *context, const struct lane *lanes, size_t count, uint32_t blocks, uint8_t *out);
    void (*longer)(const void *context, const uint8_t *bytes, size_t length, uint8_t *out);
    const void *context;
};

#define COLUMN_INLINE static inline __attribute__((always_inline))

/* First byte and length of a value; `kind` is a constant wherever this is inlined. */
COLUMN_INLINE const uint8_t *column_value(const struct column *column, enum offset_kind kind, size_t row,
                                          size_t *length)
{
    if (kind == FIXED_WIDTH) {
        *length = column->width;
        return column->bytes + column->width * row;
    }
    if (kind == OFFSETS_32) {
        const int32_t *offsets = (const int32_t *)column->offsets + row;
        *length = (size_t)(offsets[1] - offsets[0]);
        return column->bytes + offsets[0];
    }
    const int64_t *offsets = (const int64_t *)column->offsets + row;
    *length = (size_t)(offsets[1] - offsets[0]);
    return column->bytes + offsets[0];
}

/* Whether rows first … first + rows hold values only. first is a multiple of 8. */
COLUMN_INLINE bool column_all_valid(const uint8_t *validity, size_t first, size_t rows)
{
    if (!validity) return true;
    const uint8_t *bits = validity + first / 8;
    uint8_t all = 0xFF;
    for (size_t i = 0; i < rows / 8; i++) all &= bits[i];
    if (rows % 8 != 0) all &= bits[rows / 8] | (uint8_t)(0xFF << rows % 8);
    return all == 0xFF;
}

/* Blocks of a value: a function of the length that never falls. */
typedef size_t column_blocks_function(size_t length);

/* The usual case, no null and one number of blocks: lanes in row order, nothing to sort. Returns that number, or 0. */
COLUMN_INLINE uint32_t column_uniform(const struct column *column, enum offset_kind kind,
                                      column_blocks_function *blocks_of, uint32_t classes, size_t first, size_t rows,
                                      struct lane *lanes)
{
    size_t shortest = SIZE_MAX, longest = 0;
    for (size_t i = 0; i < rows; i++) {
        size_t length;
        const uint8_t *bytes = column_value(column, kind, first + i, &length);
        lanes[i] = (struct lane){bytes, (uint32_t)length, (uint32_t)i};
        shortest = length < shortest ? length : shortest;
        longest = length > longest ? length : longest;
    }
    const size_t blocks = blocks_of(longest);
    if (blocks > classes || blocks_of(shortest) != blocks) return 0;
    return (uint32_t)blocks;
}

/* Any batch. Two passes: count the values of each class, then place them, so that each class is one run of lanes.
 * Class 0 takes the nulls, the one after the last the long values. */
COLUMN_INLINE void column_sorted(const struct column *column, enum offset_kind kind, column_blocks_function *blocks_of,
                                 const struct column_work *work, size_t first, size_t rows, struct lane *lanes,
                                 uint8_t *out)
{
    const uint32_t classes = work->classes;
    uint8_t class_of[COLUMN_BATCH];
    uint32_t next[COLUMN_CLASSES + 3] = {0}; /* next[c + 1] counts class c; then next[c] is where its next value goes */
    for (size_t i = 0; i < rows; i++) {
        size_t length;
        column_value(column, kind, first + i, &length);
        const size_t blocks = blocks_of(length);
        uint32_t class = blocks > classes ? classes + 1 : (uint32_t)blocks;
        if (column->validity) class &= 0u - (column->validity[(first + i) >> 3] >> ((first + i) & 7) & 1u);
        class_of[i] = (uint8_t)class;
        next[class + 1]++;
    }
    for (uint32_t c = 0; c <= classes; c++) next[c + 1] += next[c];
    for (size_t i = 0; i < rows; i++) {
        size_t length;
        const uint8_t *bytes = column_value(column, kind, first + i, &length);
        lanes[next[class_of[i]]++] = (struct lane){bytes, (uint32_t)length, (uint32_t)i};
    }
    /* Now next[c] is where class c ends. */
    for (size_t i = 0; i < next[0]; i++) memset(out + work->digest_bytes * lanes[i].row, 0, work->digest_bytes);
    for (uint32_t c = 1; c <= classes; c++)
        if (next[c] > next[c - 1]) work->group(work->context, lanes + next[c - 1], next[c] - next[c - 1], c, out);
    for (size_t i = next[classes]; i < next[classes + 1]; i++) {
        size_t length; /* again: a lane's length has 32 bits only */
        const uint8_t *bytes = column_value(column, kind, first + lanes[i].row, &length);
        work->longer(work->context, bytes, length, out + work->digest_bytes * lanes[i].row);
    }
}

COLUMN_INLINE void column_run(const struct column *column, enum offset_kind kind, column_blocks_function *blocks_of,
                              const struct column_work *work, uint8_t *out)
{
    struct lane lanes[COLUMN_BATCH];
    size_t rows;
    for (size_t first = 0; first < column->rows; first += rows) {
        const size_t left = column->rows - first;
        uint8_t *digests = out + work->digest_bytes * first;
        uint32_t blocks = 0;
        rows = left < COLUMN_UNIFORM ? left : COLUMN_UNIFORM;
        if (column_all_valid(column->validity, first, rows))
            blocks = column_uniform(column, kind, blocks_of, work->classes, first, rows, lanes);
        if (blocks > 0) {
            work->group(work->context, lanes, rows, blocks, digests);
        } else {
            rows = left < COLUMN_BATCH ? left : COLUMN_BATCH;
            column_sorted(column, kind, blocks_of, work, first, rows, lanes, digests);
        }
    }
}

#endif
