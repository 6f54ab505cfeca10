/* Known-answer tests of the versions of masking and of Luhn's check. The answers for masking come from a Python program that
 * masks strings character by character; the numbers are published examples. */
#include "dispatch.h"
#include "luhn.h"
#include "mask.h"

/* Position-dependent, so that a byte in a wrong place shows. */
static void fold_texts(uint8_t fold[16], const uint8_t *text, const int32_t *offsets, size_t rows)
{
    memset(fold, 0, 16);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < (size_t)(offsets[i + 1] - offsets[i]); j++) {
            uint8_t *sum = &fold[(i + j) % 16];
            *sum = (uint8_t)(*sum * 31 + text[(size_t)offsets[i] + j]);
        }
}

enum { TEXTS = 40, TEXT_BYTES = 8192 };

/* Texts of 0 to 89 characters of one to four bytes. */
static void make_texts(uint8_t *bytes, int32_t *offsets)
{
    static const char *letters[8] = {"a", "Z", "9", ".", "é", "€", "😀", " "};
    offsets[0] = 0;
    for (int i = 0; i < TEXTS; i++) {
        int32_t end = offsets[i];
        for (int j = 0; j < (7 * i * i + 3 * i) % 90; j++) {
            const char *letter = letters[(i * i + 5 * j * j + 3 * j + i * j) % 8];
            memcpy(bytes + end, letter, strlen(letter));
            end += (int32_t)strlen(letter);
        }
        offsets[i + 1] = end;
    }
}

static bool ends_come_out(const struct mask_version *version)
{
    static const struct {
        size_t first, last;
        const char *with;
        bool hides_short;
        uint8_t expected[16];
    } cases[3] = {
        {1,
         0,
         "*",
         false,
         {0x0a, 0xd0, 0x8b, 0xdb, 0x4a, 0x40, 0xdc, 0xfc, 0x92, 0xaa, 0xce, 0xde, 0xae, 0xaa, 0xc3, 0x11}},
        {0,
         4,
         "*",
         true,
         {0x3e, 0x58, 0xa0, 0x8a, 0x2e, 0x94, 0x4b, 0xd0, 0x95, 0xae, 0x73, 0x13, 0x6e, 0x65, 0xa3, 0x65}},
        {2,
         3,
         "█",
         false,
         {0x5f, 0x24, 0x2a, 0x81, 0xe1, 0xe4, 0xe4, 0x67, 0xfb, 0xc0, 0x83, 0xd7, 0x84, 0xea, 0x08, 0x76}},
    };
    uint8_t bytes[TEXT_BYTES], out[3 * TEXT_BYTES], fold[16];
    int32_t offsets[TEXTS + 1], out_offsets[TEXTS + 1];
    bool same = true;
    make_texts(bytes, offsets);
    const struct mask_column column = {offsets, bytes, NULL, TEXTS};
    for (int i = 0; i < 3; i++) {
        const struct mask_rule rule = {
            cases[i].first,       cases[i].last, false, cases[i].hides_short, (const uint8_t *)cases[i].with,
            strlen(cases[i].with)};
        version->ends(&column, &rule, out_offsets, out);
        fold_texts(fold, out, out_offsets, TEXTS);
        same &= memcmp(fold, cases[i].expected, 16) == 0;
    }
    return same;
}

static bool emails_come_out(const struct mask_version *version)
{
    static const char *texts[] = {
        "anna.smith@mail.example.org",
        "a@b.de",
        "é@ü.рф",
        "anna@localhost",
        "anna@@example.org",
        "@example.org",
        "anna@.org",
        "anna@example.",
        "a b@example.org",
        "anna@1.2.3.4",
        "anna@example.c",
        "anna@ex ample.org",
        "anna@example.-rg",
        "Ωmega+tag@sub-domain.日本語.example.museum",
        "",
        "x@y.zz",
        "anna@example..org",
        "anna.smith@a-very-long-domain-name-for-one-test.example.organisation",
    };
    static const struct {
        bool keeps_domain;
        const char *with;
        bool hides_short;
        uint8_t expected[16];
    } cases[4] = {
        {false,
         "*",
         false,
         {0x0b, 0xbb, 0x63, 0x2f, 0x38, 0x3b, 0xd4, 0x56, 0x07, 0xe2, 0x28, 0x9e, 0xe0, 0x0a, 0xca, 0xa9}},
        {true,
         "*",
         false,
         {0x5a, 0x3e, 0xff, 0x2a, 0x89, 0x26, 0xfa, 0xb8, 0x43, 0xe0, 0x1f, 0x41, 0x34, 0x39, 0x4f, 0xa8}},
        {false,
         "*",
         true,
         {0x0b, 0x03, 0xdc, 0x3e, 0xa2, 0x70, 0xe9, 0xc4, 0x07, 0xe6, 0x2b, 0xd4, 0xe0, 0x0a, 0xca, 0x37}},
        {true,
         "•",
         true,
         {0xd0, 0x39, 0x3d, 0x5b, 0x27, 0x72, 0xf0, 0x4c, 0xcb, 0x44, 0xf7, 0xc2, 0x8d, 0x18, 0x72, 0xe9}},
    };
    enum {
        ROWS = sizeof texts / sizeof texts[0],
        SPARE = 6
    }; /* rows behind, so that the last texts meet the vectors too */
    uint8_t bytes[1024], out[3 * 1024], fold[16];
    int32_t offsets[ROWS + SPARE + 1] = {0}, out_offsets[ROWS + SPARE + 1];
    for (int i = 0; i < ROWS + SPARE; i++) {
        const char *text = texts[i < ROWS ? i : 0];
        memcpy(bytes + offsets[i], text, strlen(text));
        offsets[i + 1] = offsets[i] + (int32_t)strlen(text);
    }
    bool same = true;
    const struct mask_column column = {offsets, bytes, NULL, ROWS + SPARE};
    for (int i = 0; i < 4; i++) {
        const struct mask_rule rule = {
            0, 0, cases[i].keeps_domain, cases[i].hides_short, (const uint8_t *)cases[i].with, strlen(cases[i].with)};
        version->email(&column, &rule, out_offsets, out);
        fold_texts(fold, out, out_offsets, ROWS);
        same &= memcmp(fold, cases[i].expected, 16) == 0;
    }
    return same;
}

bool self_test_mask(const void *version) { return ends_come_out(version) && emails_come_out(version); }

/* Six numbers that hold; each also with another last digit, and with a letter in the middle. */
bool self_test_luhn(const void *version)
{
    static const char *numbers[6] = {
        "4111111111111111", "5500000000000004", "340000000000009",
        "30000000000004",   "79927398713",      "6304900017740292441",
    };
    enum { ROUNDS = 4, ROWS = 6 * ROUNDS };
    const struct luhn_version *luhn = version;
    uint8_t bytes[20 * ROWS], holds[ROWS];
    int32_t offsets[ROWS + 1] = {0};
    bool same = true;
    for (int change = 0; change < 3; change++) {
        for (int i = 0; i < ROWS; i++) {
            const char *number = numbers[i % 6];
            const int32_t length = (int32_t)strlen(number);
            uint8_t *value = bytes + offsets[i];
            memcpy(value, number, (size_t)length);
            /* Every third row of a round stays as it is. */
            if (change == 1 && i % 3 != 0)
                value[length - 1] = (uint8_t)(value[length - 1] == '9' ? '0' : value[length - 1] + 1);
            if (change == 2 && i % 3 != 0) value[length / 2] = 'A';
            offsets[i + 1] = offsets[i] + length;
        }
        luhn->rows(bytes, offsets, NULL, ROWS, holds);
        for (int i = 0; i < ROWS; i++) same &= holds[i] == (change == 0 || i % 3 == 0);
    }
    return same;
}
