/* Payment cards (ISO/IEC 7812) and US social security numbers in text. */
#include "redact.h"

#include <string.h>

int kernel_is_luhn(const uint8_t *digits, size_t count)
{
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = (unsigned)(digits[count - 1 - i] - '0');
        if (i & 1) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        sum += digit;
    }
    return count > 0 && sum % 10 == 0;
}

static unsigned leading(const uint8_t *digits, size_t count)
{
    unsigned value = 0;
    for (size_t i = 0; i < count; i++) value = value * 10 + (unsigned)(digits[i] - '0');
    return value;
}

/* First digits and lengths of the known card networks. */
static int is_known_issuer(const uint8_t *digits, size_t count)
{
    const unsigned four = leading(digits, 4);
    switch (digits[0]) {
    case '1': return four == 1800 && count == 15;
    case '2': return (four == 2131 && count == 15) || (four >= 2200 && four <= 2720 && count == 16);
    case '3': return count >= 14;
    case '4': return count == 13 || count == 16 || count == 19;
    case '5':
    case '6': return 1;
    default: return 0;
    }
}

/* A length that the network issues today. */
static int is_usual_length(const uint8_t *digits, size_t count)
{
    const unsigned two = leading(digits, 2);
    switch (digits[0]) {
    case '3': return two == 34 || two == 37 ? count == 15 : two == 35 ? count >= 16 : count == 14 || count == 16;
    case '5': return two >= 51 && two <= 55 && count == 16;
    case '6': return count >= 16;
    default: return is_known_issuer(digits, count);
    }
}

/* How a run of digits in groups may be a card. */
typedef struct {
    size_t first_usual, last_usual; /* ends; 0: none */
    size_t last_known;
    size_t groups[19]; /* where groups start, but the first */
    size_t group_count;
} card_run;

/* A number goes on behind `end`. */
static int goes_on(text t, size_t end)
{
    const uint8_t c = at(t, end);
    return (c == ' ' || c == '-' || c == '.' || c == '/') && is_digit(at(t, end + 1));
}

/* A group of four digits starts at i. */
static int is_four(text t, size_t i)
{
    size_t count = 0;
    while (count < 5 && is_digit(at(t, i + count))) count++;
    return count == 4;
}

static const redact_words card_words = {FIRST('c') | FIRST('v') | FIRST('a'), {"card", "visa", "amex"}};

/* Over a line break go groups of four alone: columns of numbers are no cards. */
static card_run read_run(text t, size_t start, int may_be_named)
{
    card_run run;
    run.first_usual = run.last_usual = run.last_known = run.group_count = 0;
    int is_named = may_be_named ? -1 : 0; /* -1: not looked at yet */
    int lines = 0, fours = 1, usual_groups = 1, is_usual_complete = 0, is_known_complete = 0;
    uint8_t digits[19], mark;
    size_t count = 0, i = start, first_group = 0, group = start;
    while (count < 19) {
        if (is_digit(at(t, i))) {
            digits[count++] = t.bytes[i++];
            if (run.group_count == 0) first_group = count;
            if (count < 12 || is_digit(at(t, i)) || !kernel_is_luhn(digits, count)) continue;
            /* A letter may touch a usual card on one side: on both it is of a digest. */
            const int is_touched = is_alpha(at(t, i));
            if (is_touched && !starts_word(t, start)) continue;
            const int complete = !goes_on(t, i);
            if (usual_groups && i - group >= 3 && first_group >= 4 && is_usual_length(digits, count)) {
                if (!run.first_usual) run.first_usual = i;
                if (complete || !run.last_usual) run.last_usual = i;
                is_usual_complete |= complete;
            } else if (!is_touched) {
                if (is_named < 0) is_named = redact_word_before(t, start, 30, &card_words);
                const int is_known = first_group >= 4 && is_known_issuer(digits, count);
                if ((is_named || is_known) && (complete || !is_known_complete)) run.last_known = i;
                is_known_complete |= complete;
            }
            continue;
        }
        fours &= i - group == 4;
        usual_groups &= i - group >= 3;
        size_t between = line_break(t, i);
        if (between && (lines++ || !fours || !is_four(t, i + between))) break;
        if (!between) between = gap(t, i, &mark);
        if (between == 0 || count == 0 || !is_digit(at(t, i + between))) break;
        i += between;
        group = i;
        run.groups[run.group_count++] = i;
    }
    if (!is_usual_complete) run.last_usual = run.first_usual;
    return run;
}

size_t redact_match_usual_card(text t, size_t start) { return read_run(t, start, 0).last_usual; }

/* ---- US social security number ---- */

size_t redact_ssn_groups(text t, size_t start, uint8_t digits[9], uint8_t *mark)
{
    static const size_t sizes[3] = {3, 2, 4};
    size_t i = start, count = 0;
    for (int group = 0; group < 3; group++) {
        if (group > 0) {
            uint8_t own;
            const size_t between = gap(t, i, &own);
            if (between == 0 || (group == 2 && own != *mark)) return start;
            *mark = own;
            i += between;
        }
        for (size_t k = 0; k < sizes[group]; k++, i++) {
            if (!is_digit(at(t, i))) return start;
            digits[count++] = t.bytes[i];
        }
    }
    return is_digit(at(t, i)) ? start : i;
}

static int is_possible(const uint8_t digits[9])
{
    return memcmp(digits, "000", 3) != 0 && memcmp(digits, "666", 3) != 0 && digits[0] != '9' &&
           memcmp(digits + 3, "00", 2) != 0 && memcmp(digits + 5, "0000", 4) != 0;
}

static size_t match_ssn_groups(text t, size_t start)
{
    uint8_t digits[9], more[9], mark, next;
    const size_t end = redact_ssn_groups(t, start, digits, &mark);
    if (end == start || is_alnum(at(t, end)) || !is_possible(digits)) return 0;
    /* A longer number with the same mark is something else, but for the next one of a list. */
    if (mark != ' ' && at(t, end) == mark && is_digit(at(t, end + 1)) &&
        redact_ssn_groups(t, end + 1, more, &next) == end + 1)
        return 0;
    return end;
}

static const redact_words ssn_words = {FIRST('s'), {"ssn", "social security"}};

size_t redact_match_ssn(text t, size_t start)
{
    size_t end = match_ssn_groups(t, start);
    if (end) return end;
    for (end = start; end < start + 9; end++)
        if (!is_digit(at(t, end))) return 0;
    if (is_alnum(at(t, end)) || !is_possible(t.bytes + start)) return 0;
    if ((at(t, end) == '-' || at(t, end) == '.') && is_digit(at(t, end + 1))) return 0;
    return redact_word_before(t, start, 40, &ssn_words) ? end : 0;
}

size_t redact_match_surer(text t, size_t start)
{
    size_t digits = 1;
    while (digits < 4 && is_digit(at(t, start + digits))) digits++;
    if (digits == 4) return redact_match_usual_card(t, start);
    const size_t end = digits == 3 ? match_ssn_groups(t, start) : 0;
    return end || at(t, start + digits) != '.' ? end : redact_match_ipv4(t, start);
}

size_t redact_match_card(text t, size_t start)
{
    const card_run run = read_run(t, start, 1);
    if (run.last_usual) return run.last_usual;
    /* A letter in front: as in a digest, where digits that pass are no card. */
    if (!run.last_known || !starts_word(t, start)) return 0;
    if (match_ssn_groups(t, start)) return 0;
    for (size_t i = 0; i < run.group_count && run.groups[i] < run.last_known; i++)
        if (redact_match_surer(t, run.groups[i])) return 0;
    return run.last_known;
}
