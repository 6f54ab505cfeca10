/* The kernels without Swift, for processors that are emulated: self-tests, then published vectors at every level.
 *
 * Standard input, one case a line, blanks between, bytes in hexadecimal, `-` for none; verdict v (valid) or i (invalid):
 *   hmac VERDICT KEY MESSAGE TAG          cmac VERDICT KEY MESSAGE TAG         blocks VERDICT KEY PLAIN CIPHER
 *   siv VERDICT KEY CONTEXT PLAIN SEALED  ff1 VERDICT KEY ALPHABET TWEAK PLAIN CIPHER
 * Each value is asked for alone and in a column of copies. Prints what is in use and the counts; status 1 when a
 * self-test fails, a case disagrees, or there was none. ops/check-kernels-elsewhere writes the input. */
#include "CKernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 7, COPIES = 19 };

#if defined(WITHOUT_CAPABILITIES)
/* Linked in place of getauxval: an arm64 without the optional instructions, which qemu does not offer. */
unsigned long __wrap_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type) { return type - type; }
#endif

struct field {
    uint8_t *bytes;
    size_t count;
};

static struct field read_field(const char *text)
{
    struct field field = {malloc(strlen(text) / 2 + 1), 0};
    if (strcmp(text, "-") == 0) return field;
    for (; text[0] && text[1]; text += 2) {
        const char digits[3] = {text[0], text[1], 0};
        field.bytes[field.count++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return field;
}

/* A column of copies of one value. */
static struct field repeat(struct field value, size_t rows, int32_t *offsets)
{
    struct field column = {malloc(value.count * rows + 1), value.count * rows};
    for (size_t i = 0; i < rows; i++) {
        memcpy(column.bytes + i * value.count, value.bytes, value.count);
        offsets[i] = (int32_t)(i * value.count);
    }
    offsets[rows] = (int32_t)column.count;
    return column;
}

/* All rows of `width` bytes begin with the expected bytes. */
static bool all_begin(const uint8_t *rows, size_t width, size_t count, struct field expected)
{
    bool same = expected.count > 0 && expected.count <= width;
    for (size_t i = 0; same && i < count; i++) same = memcmp(rows + i * width, expected.bytes, expected.count) == 0;
    return same;
}

static bool same_column(const uint8_t *bytes, struct field column)
{
    return memcmp(bytes, column.bytes, column.count) == 0;
}

static bool comes_out(const char *kind, const struct field *f, size_t rows)
{
    const struct field *value = strcmp(kind, "ff1") == 0 ? &f[3] : strcmp(kind, "siv") == 0 ? &f[2] : &f[1];
    int32_t offsets[COPIES + 1], cipher_offsets[COPIES + 1], out_offsets[COPIES + 1];
    const struct field column = repeat(*value, rows, offsets), cipher = repeat(value[1], rows, cipher_offsets);
    uint8_t *out = malloc(column.count + cipher.count + 64 * rows), status[COPIES];
    bool same = false;
    if (strcmp(kind, "hmac") == 0) {
        kernel_hmac_key key;
        kernel_hmac_sha256_key(&key, f[0].bytes, f[0].count);
        kernel_hmac_sha256_i32(&key, column.bytes, offsets, NULL, rows, out);
        same = all_begin(out, 32, rows, f[2]);
    } else if (strcmp(kind, "cmac") == 0) {
        kernel_cmac_key key;
        if (kernel_cmac_aes_key(&key, f[0].bytes, f[0].count)) {
            kernel_cmac_aes_i32(&key, column.bytes, offsets, NULL, rows, out);
            same = all_begin(out, 16, rows, f[2]);
        }
    } else if (strcmp(kind, "blocks") == 0) {
        kernel_aes_key key;
        if (kernel_aes_key_expand(&key, f[0].bytes, f[0].count)) {
            kernel_aes_blocks(&key, column.bytes, out, column.count / 16);
            same = cipher.count == column.count && same_column(out, cipher);
        }
    } else if (strcmp(kind, "siv") == 0) {
        kernel_siv_key key;
        if (kernel_siv_key_make(&key, f[0].bytes, f[0].count, f[1].bytes, f[1].count)) {
            same = kernel_siv_open_i32(&key, cipher.bytes, cipher_offsets, NULL, rows, out, out_offsets, status) == 0 &&
                   same_column(out, column);
            kernel_siv_seal_i32(&key, column.bytes, offsets, NULL, rows, out, out_offsets);
            same = same && same_column(out, cipher);
        }
    } else if (strcmp(kind, "ff1") == 0) {
        kernel_ff1_cipher ff1;
        if (kernel_ff1_cipher_make(&ff1, f[0].bytes, f[0].count, f[1].bytes, f[1].count, f[2].bytes, f[2].count, 100)) {
            same = column.count == cipher.count &&
                   kernel_ff1_encrypt_i32(&ff1, column.bytes, offsets, NULL, rows, out, status) == 0 &&
                   same_column(out, cipher) &&
                   kernel_ff1_decrypt_i32(&ff1, cipher.bytes, offsets, NULL, rows, out, status) == 0 &&
                   same_column(out, column);
        }
    }
    free(column.bytes), free(cipher.bytes), free(out);
    return same;
}

struct test {
    char kind[8], verdict;
    struct field fields[FIELDS];
};

static struct test *read_tests(size_t *count)
{
    struct test *tests = NULL;
    size_t room = 0, capacity = 0;
    char *line = NULL;
    *count = 0;
    while (getline(&line, &capacity, stdin) > 0) {
        if (*count == room) tests = realloc(tests, (room = room ? 2 * room : 1024) * sizeof *tests);
        struct test *test = &tests[(*count)++];
        memset(test, 0, sizeof *test);
        strncpy(test->kind, strtok(line, " \n"), sizeof test->kind - 1);
        test->verdict = *strtok(NULL, " \n");
        char *word;
        for (int i = 0; i < FIELDS && (word = strtok(NULL, " \n")); i++) test->fields[i] = read_field(word);
    }
    free(line);
    return tests;
}

int main(void)
{
    kernel_self_test_row rows[64];
    const size_t versions = kernel_self_test(rows, 64);
    int failed = 0;
    printf("in use:");
    for (size_t i = 0; i < versions; i++)
        if (rows[i].selected) printf(" %s=%s", rows[i].kernel, rows[i].version);
    printf("\nself-tests:");
    for (size_t i = 0; i < versions; i++) {
        if (!rows[i].available) continue;
        printf(" %s/%s=%s", rows[i].kernel, rows[i].version, rows[i].passed ? "passed" : "FAILED");
        failed |= !rows[i].passed;
    }
    printf("\n");

    size_t count;
    struct test *tests = read_tests(&count);
    const char *levels[16];
    const size_t level_count = kernel_levels(levels, 16);
    for (size_t l = 0; l < level_count; l++) {
        size_t agreed = 0, disagreed = 0;
        failed |= !kernel_force_level(levels[l]);
        for (size_t i = 0; i < count; i++) {
            const bool alone = comes_out(tests[i].kind, tests[i].fields, 1);
            const bool together = comes_out(tests[i].kind, tests[i].fields, COPIES);
            const bool wanted = tests[i].verdict == 'v';
            if (alone == wanted && together == wanted)
                agreed++;
            else
                disagreed++;
        }
        printf("%s: %zu agree, %zu disagree\n", levels[l], agreed, disagreed);
        failed |= disagreed > 0;
    }
    return failed || count == 0;
}
