/* Known-answer test of the search in columns: one text of each kind, and texts that only look like one, behind a first row
 * whose length moves them over the boundaries of blocks. */
#include "dispatch.h"
#include "redact_scan.h"

#include <string.h>

static const struct answer {
    const char *text;
    uint32_t start, end, kind; /* kind 0: nothing is found */
} answers[] = {
    {"write to anna.b+x@mail.example.org, please", 9, 34, KERNEL_ENTITY_EMAIL},
    {"a call to +1 415 555 0199 was not answered", 10, 25, KERNEL_ENTITY_PHONE},
    {"(415) 555-0199x12 is the desk", 0, 17, KERNEL_ENTITY_PHONE},
    {"NO9386011117947", 0, 15, KERNEL_ENTITY_IBAN},
    {"paid from de 89 3704 0044 0532 0130 00 in May", 10, 38, KERNEL_ENTITY_IBAN},
    {"4111-1111-1111-1111", 0, 19, KERNEL_ENTITY_CARD},
    {"SSN 219-09-4563", 4, 15, KERNEL_ENTITY_SSN},
    {"seen from 203.0.113.177", 10, 23, KERNEL_ENTITY_IP},
    {"and from 2001:db8::1 later", 9, 20, KERNEL_ENTITY_IP},
    {"abcd:ef01:abcd:ef01:abcd:ef01:abcd:ef01", 0, 39, KERNEL_ENTITY_IP},
    {"at 11:34 on 2020-04-16, 12.5 mg, in room 204, for 1,234,567 of them, std::vector, a@b", 0, 0, 0},
    {"4111 1111 1111 1112 GB00NWBK60161331926819 1.2.3.4.5", 0, 0, 0},
};
enum { ANSWERS = sizeof answers / sizeof answers[0], LONGEST = 96, STEP = 5 };

bool self_test_entities(const void *version)
{
    uint8_t bytes[64 + LONGEST * ANSWERS];
    int32_t offsets[ANSWERS + 2] = {0};
    kernel_row_entity found[ANSWERS + 1];
    bool same = true;
    for (size_t shift = 0; shift < 64; shift += STEP) {
        size_t at = shift;
        memset(bytes, '7', shift);
        for (size_t i = 0; i < ANSWERS; i++) {
            const size_t length = strlen(answers[i].text);
            offsets[i + 1] = (int32_t)at;
            memcpy(bytes + at, answers[i].text, length);
            at += length;
        }
        offsets[ANSWERS + 1] = (int32_t)at;
        /* Nothing counts in the first row: the bit of its null is 0, those of the others are 1. */
        const uint8_t validity[(ANSWERS + 8) / 8] = {0xfe, 0xff};
        const size_t count = scan_column(version, bytes, offsets, validity, ANSWERS + 1, 63, found, ANSWERS + 1);
        size_t next = 0;
        for (size_t i = 0; i < ANSWERS; i++) {
            if (answers[i].kind == 0) continue;
            const kernel_row_entity expected = {(uint32_t)i + 1, answers[i].start, answers[i].end, answers[i].kind};
            same &= next < count && next <= ANSWERS && memcmp(&found[next], &expected, sizeof expected) == 0;
            next++;
        }
        same &= next == count;
    }
    return same;
}
