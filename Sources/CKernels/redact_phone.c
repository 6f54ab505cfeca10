/* Phone numbers in text: by their groups, since they have no check digit. */
#include "redact.h"

enum { most_groups = 8 };

typedef struct {
    size_t ends[most_groups];  /* position behind each group */
    size_t sizes[most_groups]; /* digits of each group */
    unsigned values[most_groups];
    uint8_t marks[most_groups]; /* what stands between a group and the one before it */
    size_t starts[most_groups]; /* position of each group's first digit */
    size_t count, digits;
    size_t plain; /* so many groups stand in front of the first with a parenthesis around or before it */
} phone_groups;

static int all_marks(const phone_groups *p, size_t count, uint8_t mark)
{
    for (size_t i = 1; i < count; i++)
        if (p->marks[i] != mark) return 0;
    return 1;
}

static int is_year(unsigned value) { return value >= 1800 && value < 2100; }

/* A date stands in front of more digits: `2020-04-16 11`. */
static int begins_with_date(const phone_groups *p)
{
    const size_t *s = p->sizes;
    const uint8_t mark = p->marks[1];
    if (p->count < 4 || mark == ' ' || mark == ')' || p->marks[2] != mark || p->marks[3] == mark) return 0;
    return (s[0] == 4 && s[1] <= 2 && s[2] <= 2 && is_year(p->values[0])) ||
           (s[0] <= 2 && s[1] <= 2 && s[2] == 4 && is_year(p->values[2]));
}

/* The first `count` groups have the form of a date, of a pair of years, of thousands, of a fraction, of a ZIP+4 or of an SSN. */
static int is_other_number(const phone_groups *p, size_t count, uint8_t first)
{
    const size_t *s = p->sizes;
    uint8_t mark = p->marks[1];
    if (count == 3 && s[0] == 4 && s[1] <= 2 && s[2] <= 2) return 1;
    if (count == 3 && s[0] <= 2 && s[1] <= 2 && s[2] == 4 && all_marks(p, 3, mark)) return 1;
    if (count == 2 && s[0] == 4 && s[1] == 4 && p->values[0] >= 1800 && p->values[0] < 2100 && p->values[1] >= 1800 &&
        p->values[1] < 2100)
        return 1;
    if (count == 2 && s[0] == 1 && mark == '.') return 1;
    if (count == 2 && s[0] == 5 && s[1] == 4 && mark == '-') return 1;
    if (count == 3 && (s[0] == 3 || (s[0] == 4 && first != '0')) && s[1] == 2 && s[2] == 4) return 1;
    int threes = s[0] <= 3;
    for (size_t i = 1; i < count; i++)
        if (s[i] != 3) threes = 0;
    return threes && (all_marks(p, count, '.') || s[0] == 1) && (p->values[0] != 1 || p->digits != 10);
}

static const redact_words phone_words = {
    FIRST('p') | FIRST('t') | FIRST('c') | FIRST('m') | FIRST('f') | FIRST('d') | FIRST('o') | FIRST('s') | FIRST('w'),
    {"phone", "tel", "call", "mobile", "cell", "fax", "desk", "office", "dial", "sms", "whatsapp"}};
static const redact_words reaching_words = {FIRST('n') | FIRST('r') | FIRST('t') | FIRST('c'),
                                            {"number", "reach", "ring", "text", "contact"}};

/* A word beside a number from `start` to `end` says that it is a phone number. */
static int is_named(text t, size_t start, size_t end)
{
    return redact_word_before(t, start, 30, &phone_words) || redact_word_within(t, end, end + 10, &phone_words);
}

/* A national number of `count` groups ending at `end`. */
static int is_national(text t, const phone_groups *p, size_t count, size_t start, size_t end)
{
    size_t digits = 0;
    for (size_t i = 0; i < count; i++) digits += p->sizes[i];
    uint8_t first = t.bytes[start];
    if (count == 1) {
        if (p->plain == 0) return 0;
        if (first == '0' && (digits == 10 || digits == 11)) return 1;
        if (digits == 10 && first >= '2' && t.bytes[start + 3] >= '2') return 1;
        return digits >= 7 && digits <= 12 && is_named(t, start, end);
    }
    if (digits < 7 || digits > 12) return 0;
    if (count > p->plain) return 1;
    /* A single digit stands only in front, where it is a trunk prefix or a country's code. */
    for (size_t i = 1; i < count; i++)
        if (p->sizes[i] < 2) return 0;
    /* Two groups are often a house and a street number or a post code: `6343 119 Baker Street`, `90010-170`. */
    int shape = count == 2 && ((p->marks[1] == ' ' && first != '0' && at(t, end) == ' ' && is_alpha(at(t, end + 1))) ||
                               (p->marks[1] == '-' && p->sizes[0] >= 4 && p->sizes[1] == 3));
    if (shape && !is_named(t, start, end) && !redact_word_before(t, start, 20, &reaching_words)) return 0;
    if (p->sizes[0] == 1 && (digits != 11 || (first != '0' && first != '1' && first != '7' && first != '8'))) return 0;
    return !is_other_number(p, count, first);
}

static size_t with_extension(text t, size_t end)
{
    size_t i = end;
    if (at(t, i) == ' ') i++;
    if ((at(t, i) | 0x20) == 'e' && (at(t, i + 1) | 0x20) == 'x' && (at(t, i + 2) | 0x20) == 't') {
        i += 3;
        if (at(t, i) == '.') i++;
    } else if ((at(t, i) | 0x20) == 'x') {
        i++;
    } else {
        return end;
    }
    if (at(t, i) == ' ') i++;
    size_t first = i;
    while (is_digit(at(t, i)) && i - first < 7) i++;
    return i > first && i - first <= 6 && !is_alnum(at(t, i)) ? i : end;
}

/* The gap at i between two groups of a phone number: that of other numbers, or a slash, each also behind `)`. */
static size_t phone_gap(text t, size_t i, uint8_t *mark, int *closes)
{
    size_t end = i;
    *closes = at(t, end) == ')';
    if (*closes) end++;
    uint8_t own = 0;
    const size_t between = at(t, end) == '/' ? 1 : gap(t, end, &own);
    *mark = *closes ? ')' : between ? at(t, end) == '/' ? '/' : own : 0;
    return end + between - i;
}

/* Behind the character at `end` the same groups come once more, so that a list goes on there. */
static int repeats(text t, const phone_groups *p, size_t count, size_t end)
{
    size_t i = end + 1;
    for (size_t group = 0; group < count; group++) {
        if (group > 0) {
            uint8_t mark;
            int closes;
            const size_t between = phone_gap(t, i, &mark, &closes);
            if (between == 0 || mark != p->marks[group]) return 0;
            i += between;
        }
        for (size_t k = 0; k < p->sizes[group]; k++)
            if (!is_digit(at(t, i++))) return 0;
    }
    return !is_digit(at(t, i)) && count <= p->plain;
}

/* The last of `count` groups is the hour of a time that goes on behind it. */
static int ends_in_hour(text t, const phone_groups *p, size_t count, size_t end)
{
    if (count < 2 || p->sizes[count - 1] > 2 || p->values[count - 1] > 23) return 0;
    if (!is_digit(at(t, end + 2)) || is_digit(at(t, end + 3)) || at(t, end + 1) > '5') return 0;
    return p->marks[count - 1] != p->marks[1] || count == 2 || p->sizes[count - 2] != 2;
}

/* A number of `count` groups may end here: nothing of it goes on behind. */
static int may_end(text t, const phone_groups *p, size_t count, size_t end)
{
    const uint8_t c = at(t, end);
    if (is_digit(at(t, end + 1)) && (c == '-' || c == '.' || c == '/' || c == ':' || c == ',')) {
        if (repeats(t, p, count, end)) return 1;
        if (c == '-' || c == '.') return 0;
        if (c == '/') return count == 1 || !(all_marks(p, count, '/'));
        if (c == ':') return !ends_in_hour(t, p, count, end);
        /* Thousands: `123,456`. */
        return !(p->sizes[count - 1] <= 3 && is_digit(at(t, end + 2)) && is_digit(at(t, end + 3)) &&
                 !is_digit(at(t, end + 4)));
    }
    if (c == '%' || (c == '_' && count == 1)) return 0;
    return !is_alnum(c) || with_extension(t, end) != end;
}

/* A number of `count` groups may start here: it is no tail of a date, a time, a fraction or a longer number. */
static int may_start(text t, const phone_groups *p, size_t count, size_t start)
{
    const uint8_t mark = before(t, start, 1);
    if (!is_digit(at(t, start))) return 1;
    if (count == 1 && mark == '_') return 0;
    if (!is_digit(before(t, start, 2))) return 1;
    switch (mark) {
    case '.': return count > 1 && p->sizes[0] >= 3 && p->marks[1] != ' ';
    case '-':
    case '/': return count > 1 && p->sizes[0] >= 3 && !(p->sizes[0] == 4 && p->marks[1] == ' ');
    case ':': return p->sizes[0] != 2 || (count >= 3 && at(t, start) == '0' && all_marks(p, count, p->marks[1]));
    default: return 1;
    }
}

/* Digits in the groups that go on behind `end`, as far as they may be of one number. */
static size_t digits_behind(text t, size_t end)
{
    size_t count = 0;
    while (count < 7) {
        uint8_t mark;
        const size_t between = gap(t, end, &mark);
        if (between == 0 || !is_digit(at(t, end + between))) break;
        end += between;
        while (is_digit(at(t, end)) && count < 7) count++, end++;
    }
    return count;
}

/* A number of `count` groups ends at `end`. */
static int is_number(text t, const phone_groups *p, size_t count, size_t start, size_t end)
{
    if (!may_end(t, p, count, end) || !may_start(t, p, count, start)) return 0;
    const int international = at(t, start) == '+';
    size_t first = start, digits = 0;
    while (!is_digit(at(t, first))) first++;
    for (size_t i = 0; i < count; i++) digits += p->sizes[i];
    const int doubled_zero = !international && at(t, first) == '0' && at(t, first + 1) == '0';
    if (international) return digits >= 8 && digits <= 16 && at(t, first) != '0';
    if (doubled_zero && digits >= 10 && digits <= 18) return 1;
    return is_national(t, p, count, first, end);
}

static phone_groups read_groups(text t, size_t start, int international)
{
    phone_groups p;
    p.count = p.digits = 0;
    p.plain = most_groups;
    size_t i = start + (size_t)international;
    while (p.count < most_groups) {
        uint8_t mark = 0;
        int closes = 0;
        size_t next = i;
        if (p.count > 0) {
            next += phone_gap(t, i, &mark, &closes);
            if (mark == 0 && at(t, next) != '(') break;
        }
        const int opened = at(t, next) == '(';
        next += (size_t)opened;
        /* What is surer begins here. */
        if (p.count > 0 && mark && starts_digits(t, next) && redact_match_surer(t, next)) break;
        const size_t first = next;
        unsigned value = 0;
        while (is_digit(at(t, next)) && next - first < 16) value = value * 10 + (unsigned)(t.bytes[next++] - '0');
        const size_t size = next - first;
        if (size == 0 || size > 15) break;
        if (opened && (at(t, next) != ')' || size > 5)) break;
        if (p.digits + size > (international ? 16u : 17u)) break;
        p.sizes[p.count] = size;
        p.values[p.count] = value;
        p.marks[p.count] = mark;
        p.starts[p.count] = first;
        p.ends[p.count] = opened ? next + 1 : next;
        p.digits += size;
        if ((opened | closes) && p.plain > p.count) p.plain = p.count;
        p.count++;
        i = next;
    }
    return p;
}

/* The number that starts at `start`: its end without an extension, or 0. *behind: digits of groups that go on behind it. */
static size_t match_groups(text t, size_t start, const phone_groups *p, size_t *behind)
{
    /* The longest beginning behind which no groups are left, or enough for another number; else the longest. */
    size_t longest = 0, digits = p->digits;
    for (size_t count = p->count; count > 0 && digits >= 7; digits -= p->sizes[--count]) {
        const size_t end = p->ends[count - 1];
        if (!is_number(t, p, count, start, end)) continue;
        const size_t left = digits_behind(t, end);
        if (longest && left != 0 && left < 7) continue;
        *behind = left;
        longest = end;
        if (left == 0 || left >= 7) break;
    }
    return longest;
}

/* Behind groups that are no number by themselves one with a leading 0 begins, which leaves nothing over: those groups are
 * something else, as in `10115 0049 30 1234567`. */
static int is_head_of_another(text t, size_t start, const phone_groups *p)
{
    for (size_t count = 1; count < p->count; count++) {
        const size_t next = p->starts[count];
        if (at(t, next) != '0' || p->marks[count] != ' ') continue;
        if (is_number(t, p, count, start, p->ends[count - 1])) return 0;
        const phone_groups other = read_groups(t, next, 0);
        size_t behind;
        if (match_groups(t, next, &other, &behind) && (behind == 0 || behind >= 7)) return 1;
    }
    return 0;
}

size_t redact_match_phone(text t, size_t start)
{
    const uint8_t previous = before(t, start, 1);
    if (previous == '$' || previous == '#' || previous == '+') return 0;
    const int international = at(t, start) == '+';
    if (is_digit(at(t, start)) && !starts_word(t, start)) return 0;
    const phone_groups p = read_groups(t, start, international);
    if (p.count == 0 || (!international && begins_with_date(&p))) return 0;
    size_t behind = 0;
    const size_t end = match_groups(t, start, &p, &behind);
    if (!end || (behind && !international && is_head_of_another(t, start, &p))) return 0;
    return with_extension(t, end);
}
