/* Columns of text through FF1: values grouped by length, bytes to halves, rounds, halves to bytes. */
#include "ff1.h"

struct context {
    const struct ff1_version *version;
    const kernel_ff1_cipher *cipher;
    const uint8_t *source; /* first byte of the column's text, whose copy in the output is at `target` */
    uint8_t *target;
    bool decrypt, big_only;
};

/* At most FF1_BATCH values of plan->n characters. */
static void batch(const struct context *c, const struct ff1_plan *plan, const struct lane *lanes, size_t count,
                  uint8_t *status)
{
    uint64_t a[FF1_BATCH] = {0}, b[FF1_BATCH] = {0};
    uint8_t outside[FF1_BATCH], *texts[FF1_BATCH], scratch[KERNEL_FF1_LONGEST];
    const struct ff1_text *text = &ff1_text_any;
    if (plan->n <= 16 && ff1_is_decimal(c->cipher)) text = c->version->decimal;
    text->parse(c->cipher, plan, lanes, count, a, b, outside);
    for (size_t i = 0; i < count; i++) {
        const uint64_t in = (uint64_t)outside[i] - 1; /* a refused value's number may be above the modulus */
        a[i] &= in, b[i] &= in;
        status[lanes[i].row] = outside[i] ? KERNEL_FF1_OUTSIDE : KERNEL_FF1_DONE;
        texts[i] = outside[i] ? scratch : c->target + (lanes[i].bytes - c->source);
    }
    c->version->rounds(plan, &c->cipher->aes, a, b, count, c->decrypt);
    text->format(c->cipher, plan, texts, count, a, b);
    wipe(a, sizeof a), wipe(b, sizeof b);
}

static uint8_t one(const struct context *c, const uint8_t *bytes, size_t length)
{
    if (length < c->cipher->shortest) return KERNEL_FF1_SHORT;
    if (length > KERNEL_FF1_LONGEST) return KERNEL_FF1_LONG;
    uint8_t digits[KERNEL_FF1_LONGEST] = {0}, known[KERNEL_FF1_LONGEST], outside = 0;
    const size_t padded = (length + 15) / 16 * 16;
    memcpy(digits, bytes, length);
    ff1_digits(c->cipher, digits, known, padded);
    for (size_t i = 0; i < length; i++) outside |= known[i] ^ 0xFF;
    if (!outside) {
        ff1_big(c->version->aes, c->cipher, digits, (uint32_t)length, c->decrypt);
        ff1_letters(c->cipher, digits, padded);
        memcpy(c->target + (bytes - c->source), digits, length);
    }
    wipe(digits, length);
    return outside ? KERNEL_FF1_OUTSIDE : KERNEL_FF1_DONE;
}

/* A class is one more than the length, because class 0 takes the nulls. */
static inline size_t class_of(size_t length) { return length + 1; }

static void group(const void *context, const struct lane *lanes, size_t count, uint32_t class, uint8_t *status)
{
    const struct context *c = context;
    const uint32_t n = class - 1;
    struct ff1_plan plan;
    if (c->big_only || n < c->cipher->shortest || !ff1_plan_make(&plan, c->version->aes, c->cipher, n)) {
        for (size_t i = 0; i < count; i++) status[lanes[i].row] = one(c, lanes[i].bytes, n);
        return;
    }
    for (size_t i = 0; i < count; i += FF1_BATCH)
        batch(c, &plan, lanes + i, count - i < FF1_BATCH ? count - i : FF1_BATCH, status);
    wipe(&plan, sizeof plan);
}

static void longer(const void *context, const uint8_t *bytes, size_t length, uint8_t *status)
{
    *status = one(context, bytes, length);
}

size_t ff1_column(const struct ff1_version *version, const kernel_ff1_cipher *cipher, const struct column *column,
                  enum offset_kind kind, uint8_t *out, uint8_t *status, bool decrypt, bool big_only)
{
    size_t first = 0, end = 0, not_done = 0;
    if (column->rows > 0) {
        first = kind == OFFSETS_32 ? (size_t)((const int32_t *)column->offsets)[0]
                                   : (size_t)((const int64_t *)column->offsets)[0];
        end = kind == OFFSETS_32 ? (size_t)((const int32_t *)column->offsets)[column->rows]
                                 : (size_t)((const int64_t *)column->offsets)[column->rows];
    }
    if (end > first) memset(out, 0, end - first); /* what nulls and refused rows keep */
    const struct context context = {version, cipher, column->bytes + first, out, decrypt, big_only};
    const struct column_work work = {COLUMN_CLASSES - 1, 1, group, longer, &context};
    if (kind == OFFSETS_32)
        column_run(column, OFFSETS_32, class_of, &work, status);
    else
        column_run(column, OFFSETS_64, class_of, &work, status);
    for (size_t i = 0; i < column->rows; i++) not_done += status[i] != KERNEL_FF1_DONE;
    return not_done;
}
