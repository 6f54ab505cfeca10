/* Redaction: what is found in a text alone is found in a column, which is searched another way, at every level of the
 * processor. The first byte chooses the kinds; a zero byte ends a row. */
#include "CKernels.h"
#include "fuzz.h"

enum { ROWS = 64 };

/* A folded text is no longer, holds nothing more that is folded, and each of its bytes leads back to its place. */
static void folds_and_leads_back(const uint8_t *text, size_t length, uint8_t no_width)
{
    uint8_t *folded = malloc(length + 1);
    const size_t count = kernel_fold_text(text, length, no_width, folded);
    const size_t first = kernel_next_fold(text, 0, length);
    MUST(count <= length && first <= length && (first < length || count == length));
    size_t place = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t next = kernel_unfold(text, length, place, no_width, i > 0);
        MUST(next < length && (i == 0 || next > place));
        MUST(folded[i] == text[next] || text[next] >= 0xc2);
        place = next;
    }
    free(folded);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t total)
{
    if (total < 1) return 0;
    const uint32_t wanted = (input[0] & 63) == 0 ? 63 : input[0] & 63;
    /* Rows one after the other, without what stood between them. */
    uint8_t *bytes = malloc(total);
    int32_t offsets[ROWS + 1] = {0};
    size_t rows = 0, count = 0;
    for (size_t i = 1; i < total && rows < ROWS; i++) {
        if (input[i] == 0)
            offsets[++rows] = (int32_t)count;
        else
            bytes[count++] = input[i];
    }
    if (rows < ROWS) offsets[++rows] = (int32_t)count;
    uint8_t *text = padded(bytes, (size_t)offsets[rows], 0);
    free(bytes);

    const size_t capacity = count / 4 + rows + 1;
    kernel_row_entity *expected = malloc(capacity * sizeof *expected);
    size_t expected_count = 0;
    for (size_t row = 0; row < rows; row++) {
        const size_t length = (size_t)(offsets[row + 1] - offsets[row]);
        uint8_t *alone = padded(text + offsets[row], length, 0);
        kernel_entity *entities = malloc((length / 4 + 1) * sizeof *entities);
        const size_t found = kernel_find_entities(alone, length, wanted, entities, length / 4 + 1);
        MUST(found <= length / 4 + 1);
        uint32_t last = 0;
        for (size_t i = 0; i < found; i++) {
            const kernel_entity one = entities[i];
            MUST(last <= one.start && one.start < one.end && one.end <= length && (one.kind & wanted) == one.kind);
            last = one.end;
            expected[expected_count++] = (kernel_row_entity){(uint32_t)row, one.start, one.end, one.kind};
        }
        free(entities);
        folds_and_leads_back(alone, length, 0);
        folds_and_leads_back(alone, length, 0x1f);
        free(alone);
    }

    kernel_row_entity *column = malloc(capacity * sizeof *column);
    const char *levels[8];
    const size_t level_count = kernel_levels(levels, 8);
    for (size_t level = 0; level < level_count; level++) {
        MUST(kernel_force_level(levels[level]));
        MUST(kernel_find_entities_i32(text, offsets, NULL, rows, wanted, column, capacity) == expected_count);
        for (size_t i = 0; i < expected_count; i++) {
            MUST(column[i].row == expected[i].row && column[i].start == expected[i].start);
            MUST(column[i].end == expected[i].end && column[i].kind == expected[i].kind);
        }
    }
    free(expected);
    free(column);
    free(text);
    return 0;
}
