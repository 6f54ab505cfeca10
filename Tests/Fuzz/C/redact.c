/* Redaction: what is found in a text, alone and in a column, which is searched another way. The first byte chooses the
 * kinds; a zero byte ends a row. */
#include "CKernels.h"
#include "fuzz.h"

enum { ROWS = 64 };

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

    const size_t capacity = count / 5 + rows + 1;
    kernel_row_entity *column = malloc(capacity * sizeof *column);
    const size_t found = kernel_find_entities_i32(text, offsets, NULL, rows, wanted, column, capacity);
    MUST(found <= capacity);
    size_t next = 0;
    for (size_t row = 0; row < rows; row++) {
        const size_t length = (size_t)(offsets[row + 1] - offsets[row]);
        uint8_t *alone = padded(text + offsets[row], length, 0);
        kernel_entity *entities = malloc((length / 5 + 1) * sizeof *entities);
        const size_t expected = kernel_find_entities(alone, length, wanted, entities, length / 5 + 1);
        uint32_t last = 0;
        for (size_t i = 0; i < expected; i++, next++) {
            MUST(last <= entities[i].start && entities[i].start < entities[i].end && entities[i].end <= length);
            MUST((entities[i].kind & wanted) != 0);
            last = entities[i].end;
            MUST(next < found && column[next].row == row && column[next].start == entities[i].start);
            MUST(column[next].end == entities[i].end && column[next].kind == entities[i].kind);
        }
        free(entities);
        free(alone);
    }
    MUST(next == found);
    free(column);
    free(text);
    return 0;
}
