#include "redact.h"

#include <string.h>

/* One of the words (separated by `|`, lower case) is among the `window` bytes before `start` or, with `after`, behind `end`. */
static int word_near(text t, size_t start, size_t end, size_t window, size_t after, const char *words)
{
    size_t low = start > window ? start - window : 0;
    size_t high = end + after < t.length ? end + after : t.length;
    for (const char *word = words; *word;) {
        size_t length = strcspn(word, "|");
        for (size_t i = low; i + length <= high; i++) {
            if (i + length > start && i < end) continue;
            size_t k = 0;
            while (k < length && (uint8_t)(is_alpha(t.bytes[i + k]) ? t.bytes[i + k] | 0x20 : t.bytes[i + k]) == (uint8_t)word[k]) k++;
            if (k == length) return 1;
        }
        word += length;
        if (*word == '|') word++;
    }
    return 0;
}

/* ---- E-mail ---- */

/* Length of the letter of U+00C0 to U+07FF (Latin, Greek, Cyrillic, Hebrew, Arabic) at i, or 0. */
static size_t wide_letter(text t, size_t i)
{
    return at(t, i) >= 0xc3 && at(t, i) <= 0xdf && (at(t, i + 1) & 0xc0) == 0x80 ? 2 : 0;
}

static int is_local(uint8_t c)
{
    return is_alnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-' || c == '&' || c == '\'' || c == '~';
}

static size_t local_start(text t, size_t mark)
{
    size_t limit = mark > 256 ? mark - 256 : 0, i = mark;
    while (i > limit) {
        if (is_local(t.bytes[i - 1])) {
            i--;
        } else if (i >= limit + 2 && wide_letter(t, i - 2)) {
            i -= 2;
        } else {
            break;
        }
    }
    while (i < mark && !is_alnum(t.bytes[i]) && t.bytes[i] != '_' && !wide_letter(t, i)) i++;
    if (i + 1 < mark && follows_escape(t, i + 1)) i++;
    return i;
}

/* End of the domain that starts at i, or i when there is none. */
static size_t domain_end(text t, size_t i)
{
    size_t limit = i + 255 < t.length ? i + 255 : t.length, end = i, start = i;
    int labels = 0;
    while (i < limit) {
        size_t label = i;
        int letters = 1;
        while (i < limit) {
            size_t wide = wide_letter(t, i);
            if (wide) { i += wide; continue; }
            if (!is_alnum(t.bytes[i]) && t.bytes[i] != '-') break;
            if (!is_alpha(t.bytes[i])) letters = 0;
            i++;
        }
        size_t stop = i;
        while (stop > label && t.bytes[stop - 1] == '-') stop--;
        if (stop == label) break;
        int puny = stop - label > 4 && memcmp(t.bytes + label, "xn--", 4) == 0;
        labels++;
        if (labels >= 2 && ((letters && stop - label >= 2) || puny)) end = stop;
        if (stop != i || at(t, i) != '.') break;
        i++;
    }
    return labels >= 2 ? end : start;
}

size_t redact_find_email(text t, size_t mark, size_t floor, kernel_entity *out)
{
    size_t start = local_start(t, mark);
    if (start < floor) start = floor;
    size_t end = domain_end(t, mark + 1);
    if (start == mark || end == mark + 1) return 0;
    *out = (kernel_entity){(uint32_t)start, (uint32_t)end, KERNEL_ENTITY_EMAIL};
    return end;
}

/* ---- IBAN ---- */

/* Countries and lengths of the SWIFT registry and of countries with IBANs of their own; some have an older form beside it. Ascending. */
static const char iban_lengths[] =
    "AA16AD24AE23AL28AO25AT20AX18AZ28BA20BE16BF27BF28BG22BH22BI16BI27BJ28BL27BR29BY28CF27CG27CH21CI28CM27CR22CV25CY28CZ24DE22DJ27DK18"
    "DO28DZ24DZ26EE20EG29ES24FI18FK18FO18FR27GA27GB22GE22GF27GI23GL18GP27GQ27GR27GT28GW25HN28HR21HU28IE22IL23IQ23IR26IS26IT27JO30"
    "KM27KW30KZ20LB28LC32LI21LT20LU20LV21LY25MA28MC27MD24ME22MF27MG27MK19ML28MN20MQ27MR27MT31MU30MZ25NC27NE28NI28NI32NL18NO15OM23"
    "PF27PK24PL28PM27PS29PT25QA29RE27RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SN28SO23ST25SV28TD27TF27TG28TL23TN24TR26UA29VA22"
    "VG24WF27XK20YE30YT27";

static inline unsigned letters_of(const char *entry) { return (unsigned)(uint8_t)entry[0] << 8 | (uint8_t)entry[1]; }

/* The first entry of a country, whose next ones follow; where it would be when there is none. Entries ascend. */
static const char *iban_entry(uint8_t a, uint8_t b)
{
    const unsigned wanted = (unsigned)a << 8 | b;
    size_t low = 0, high = (sizeof iban_lengths - 1) / 4;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (letters_of(iban_lengths + 4 * middle) < wanted) low = middle + 1;
        else high = middle;
    }
    return iban_lengths + 4 * low;
}

static inline int is_of(const char *entry, uint8_t a, uint8_t b) { return (uint8_t)entry[0] == a && (uint8_t)entry[1] == b; }
static inline size_t iban_length(const char *entry) { return (size_t)((entry[2] - '0') * 10 + entry[3] - '0'); }

static int is_iban_length(uint8_t a, uint8_t b, size_t length)
{
    for (const char *entry = iban_entry(a, b); is_of(entry, a, b); entry += 4)
        if (iban_length(entry) == length) return 1;
    return 0;
}

int kernel_is_iban(const uint8_t *iban, size_t length)
{
    if (length < 15 || length > 34 || !is_upper(iban[0]) || !is_upper(iban[1])) return 0;
    if (!is_digit(iban[2]) || !is_digit(iban[3]) || !is_iban_length(iban[0], iban[1], length)) return 0;
    unsigned rest = 0;
    for (size_t i = 0; i < length; i++) {
        uint8_t c = iban[(i + 4) % length];
        if (is_digit(c)) {
            rest = (rest * 10 + (unsigned)(c - '0')) % 97;
        } else if (is_upper(c)) {
            rest = (rest * 100 + (unsigned)(c - 'A') + 10) % 97;
        } else {
            return 0;
        }
    }
    return rest == 1;
}

static size_t match_iban_of(text t, size_t start, size_t wanted)
{
    uint8_t compact[34];
    size_t count = 0, i = start;
    while (i < t.length && count < wanted) {
        if (is_alnum(t.bytes[i])) {
            compact[count++] = upper(t.bytes[i++]);
        } else if ((t.bytes[i] == ' ' || t.bytes[i] == '-') && is_alnum(at(t, i + 1)) && count >= 2) {
            i++;
        } else {
            return 0;
        }
    }
    return count == wanted && !is_alnum(at(t, i)) && kernel_is_iban(compact, count) ? i : 0;
}

static size_t match_iban(text t, size_t start)
{
    uint8_t a = upper(at(t, start)), b = upper(at(t, start + 1));
    for (const char *entry = iban_entry(a, b); is_of(entry, a, b); entry += 4) {
        size_t end = match_iban_of(t, start, iban_length(entry));
        if (end) return end;
    }
    return 0;
}

/* ---- Payment card ---- */

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

/* First digits and lengths of the known card networks. */
static int is_known_issuer(const uint8_t *digits, size_t count)
{
    unsigned four = (unsigned)((digits[0] - '0') * 1000 + (digits[1] - '0') * 100 + (digits[2] - '0') * 10 + digits[3] - '0');
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

static size_t match_card(text t, size_t start)
{
    int is_named = -1; /* not looked at yet */
    uint8_t digits[19];
    size_t count = 0, i = start, end = 0;
    while (i < t.length && count < 19) {
        if (is_digit(t.bytes[i])) {
            digits[count++] = t.bytes[i++];
            /* The longest run of whole groups that is a card. */
            if (count < 12 || is_alnum(at(t, i)) || !kernel_is_luhn(digits, count)) continue;
            if (is_named < 0) is_named = word_near(t, start, start, 30, 0, "card|visa|amex");
            if (is_named || is_known_issuer(digits, count)) end = i;
        } else if ((t.bytes[i] == ' ' || t.bytes[i] == '-') && is_digit(at(t, i + 1)) && count > 0) {
            i++;
        } else {
            break;
        }
    }
    return end;
}

/* ---- US social security number ---- */

static size_t match_ssn(text t, size_t start)
{
    uint8_t digits[9];
    size_t i = start, count = 0;
    uint8_t mark = 0;
    while (count < 9) {
        uint8_t c = at(t, i);
        if (is_digit(c)) {
            digits[count++] = c;
        } else if (count == 3 && mark == 0 && (c == '-' || c == ' ')) {
            mark = c;
        } else if (!(count == 5 && mark != 0 && c == mark && at(t, i - 1) != mark)) {
            return 0;
        }
        i++;
    }
    if (mark != 0 && i - start != 11) return 0;
    if (is_alnum(at(t, i)) || (at(t, i) == '-' && is_digit(at(t, i + 1)))) return 0;
    if (memcmp(digits, "000", 3) == 0 || memcmp(digits, "666", 3) == 0 || digits[0] == '9') return 0;
    if (memcmp(digits + 3, "00", 2) == 0 || memcmp(digits + 5, "0000", 4) == 0) return 0;
    if (mark == 0 && !word_near(t, start, i, 40, 0, "ssn|social security")) return 0;
    return i;
}

/* ---- IP address ---- */

static size_t match_ipv4(text t, size_t start)
{
    size_t i = start;
    for (int octet = 0; octet < 4; octet++) {
        unsigned value = 0;
        size_t first = i;
        while (is_digit(at(t, i)) && i - first < 3) value = value * 10 + (unsigned)(t.bytes[i++] - '0');
        if (i == first || value > 255) return 0;
        if (octet < 3 && at(t, i++) != '.') return 0;
    }
    if (is_alnum(at(t, i)) || (at(t, i) == '.' && is_digit(at(t, i + 1)))) return 0;
    return i;
}

static size_t match_ipv6(text t, size_t start)
{
    size_t i = start;
    int groups = 0, is_short = 0, has_digit = 0;
    if (at(t, i) == ':' && at(t, i + 1) != ':') return 0;
    for (;;) {
        if (at(t, i) == ':' && at(t, i + 1) == ':') {
            if (is_short) return 0;
            is_short = 1;
            i += 2;
            if (!is_hex(at(t, i))) break;
        } else if (groups > 0) {
            if (at(t, i) != ':' || !is_hex(at(t, i + 1))) break;
            i++;
        }
        size_t end = groups > 0 ? match_ipv4(t, i) : 0;
        if (end) {
            groups += 2;
            i = end;
            has_digit = 1;
            break;
        }
        size_t first = i;
        while (is_hex(at(t, i)) && i - first < 5) has_digit |= is_digit(t.bytes[i++]);
        if (i == first || i - first > 4) return 0;
        if (++groups > 8) return 0;
    }
    if (is_alnum(at(t, i)) || at(t, i) == ':') return 0;
    if (is_short ? groups > 7 || groups == 0 || (groups < 3 && !has_digit) : groups != 8) return 0;
    return i;
}

/* ---- Phone ---- */

enum { most_groups = 8 };

typedef struct {
    size_t ends[most_groups];    /* position behind each group */
    size_t sizes[most_groups];   /* digits of each group */
    unsigned values[most_groups];
    uint8_t marks[most_groups];  /* what stands between a group and the one before it */
    size_t count, digits;
    int parentheses;
} phone_groups;

static int all_marks(const phone_groups *p, size_t count, uint8_t mark)
{
    for (size_t i = 1; i < count; i++)
        if (p->marks[i] != mark) return 0;
    return 1;
}

/* The first `count` groups have the form of a date, of a pair of years, of thousands, of a ZIP+4 or of an SSN. */
static int is_other_number(const phone_groups *p, size_t count)
{
    const size_t *s = p->sizes;
    uint8_t mark = p->marks[1];
    if (count == 3 && s[0] == 4 && s[1] <= 2 && s[2] <= 2) return 1;
    if (count == 3 && s[0] <= 2 && s[1] <= 2 && s[2] == 4 && all_marks(p, 3, mark)) return 1;
    if (count == 2 && s[0] == 4 && s[1] == 4 && p->values[0] >= 1800 && p->values[0] < 2100 && p->values[1] >= 1800
        && p->values[1] < 2100)
        return 1;
    if (count == 2 && s[0] == 5 && s[1] == 4 && mark == '-') return 1;
    if (count == 3 && s[0] == 3 && s[1] == 2 && s[2] == 4) return 1;
    int threes = s[0] <= 3;
    for (size_t i = 1; i < count; i++)
        if (s[i] != 3) threes = 0;
    return threes && (all_marks(p, count, '.') || s[0] == 1) && (p->values[0] != 1 || p->digits != 10);
}

static const char phone_words[] = "phone|tel|call|mobile|cell|fax|desk|office|dial|sms|whatsapp";

/* A national number of `count` groups ending at `end`. */
static int is_national(text t, const phone_groups *p, size_t count, size_t start, size_t end)
{
    size_t digits = 0;
    for (size_t i = 0; i < count; i++) digits += p->sizes[i];
    uint8_t first = t.bytes[start];
    if (count == 1) {
        if (p->parentheses) return 0;
        if (first == '0' && (digits == 10 || digits == 11)) return 1;
        if (digits == 10 && first >= '2' && t.bytes[start + 3] >= '2') return 1;
        return digits >= 7 && digits <= 12
            && word_near(t, start, end, 30, 10, phone_words);
    }
    if (digits < 7 || digits > 12) return 0;
    if (p->parentheses) return 1;
    /* A single digit stands only in front, where it is a trunk prefix or a country's code. */
    for (size_t i = 1; i < count; i++)
        if (p->sizes[i] < 2) return 0;
    /* Two groups are often a house and a street number or a post code: `6343 119 Baker Street`, `90010-170`. */
    int shape = count == 2 && ((p->marks[1] == ' ' && first != '0' && at(t, end) == ' ' && is_alpha(at(t, end + 1)))
                               || (p->marks[1] == '-' && p->sizes[0] >= 4 && p->sizes[1] == 3));
    if (shape && !word_near(t, start, end, 30, 10, phone_words) && !word_near(t, start, end, 20, 0, "number|reach|ring|text|contact"))
        return 0;
    if (p->sizes[0] == 1 && (digits != 11 || (first != '0' && first != '1' && first != '7' && first != '8'))) return 0;
    return !is_other_number(p, count);
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

/* A number may end here: nothing of it goes on behind. */
static int may_end(text t, size_t end)
{
    uint8_t c = at(t, end), next = at(t, end + 1);
    if ((c == '-' || c == '.' || c == '/' || c == ':') && is_digit(next)) return 0;
    if (c == ',' && is_digit(next) && is_digit(at(t, end + 2)) && is_digit(at(t, end + 3))) return 0;
    return c != '_' && c != '%' && (!is_alnum(c) || with_extension(t, end) != end);
}

static size_t match_phone(text t, size_t start)
{
    phone_groups p = {.count = 0};
    size_t i = start;
    int international = at(t, i) == '+';
    if (international) i++;
    if (international && at(t, i) == '(') i++;
    while (p.count < most_groups) {
        uint8_t mark = 0;
        size_t next = i;
        int opened = 0;
        if (p.count > 0) {
            if (at(t, next) == ')') { next++; mark = ')'; p.parentheses = 1; }
            if (at(t, next) == 0xc2 && at(t, next + 1) == 0xa0) {
                mark = ' ';
                next += 2;
            } else if (at(t, next) == ' ' || at(t, next) == '-' || at(t, next) == '.' || at(t, next) == '/') {
                mark = mark ? mark : at(t, next);
                next++;
                /* ` - ` */
                if (mark == ' ' && at(t, next) == '-' && at(t, next + 1) == ' ') next += 2;
            }
            if (mark == 0 && at(t, next) != '(') break;
        }
        if (at(t, next) == '(') { next++; opened = 1; }
        size_t first = next;
        unsigned value = 0;
        while (is_digit(at(t, next)) && next - first < 16) value = value * 10 + (unsigned)(t.bytes[next++] - '0');
        size_t size = next - first;
        if (size == 0 || size > 15) break;
        if (opened && (at(t, next) != ')' || size > 5)) break;
        if (p.digits + size > (international ? 16u : 17u)) break;
        p.sizes[p.count] = size;
        p.values[p.count] = value;
        p.marks[p.count] = mark;
        p.ends[p.count] = opened ? next + 1 : next;
        p.digits += size;
        p.count++;
        /* Behind `)` the next group may follow at once: `(579)888-3058`. */
        p.parentheses |= opened;
        i = next;
    }
    if (p.count == 0) return 0;
    size_t first_digit = start;
    while (first_digit < t.length && !is_digit(t.bytes[first_digit])) first_digit++;
    int doubled_zero = !international && at(t, first_digit) == '0' && at(t, first_digit + 1) == '0';
    size_t digits = p.digits;
    for (size_t count = p.count; count > 0; digits -= p.sizes[--count]) {
        size_t end = p.ends[count - 1];
        if (!may_end(t, end)) continue;
        if (international || doubled_zero) {
            size_t own = doubled_zero ? digits - 2 : digits;
            if (own >= 8 && own <= 16 && (doubled_zero || at(t, first_digit) != '0')) return with_extension(t, end);
            if (international) continue;
        }
        if (is_national(t, &p, count, first_digit, end)) return with_extension(t, end);
    }
    return 0;
}

size_t redact_run_of_fours(text t, size_t i)
{
    size_t end = i, groups = 0;
    for (;;) {
        size_t digits = 0;
        while (digits < 5 && is_digit(at(t, end + digits))) digits++;
        if (digits != 4) return i;
        end += 4;
        groups++;
        if ((at(t, end) != ' ' && at(t, end) != '-') || !is_digit(at(t, end + 1)) || groups > 8) break;
        end++;
    }
    return groups >= 3 && !is_alnum(at(t, end)) ? end : i;
}

/* ---- All together ---- */

/* What starts at i: its end, or 0; in the order of how sure a form is. */
size_t redact_match(text t, size_t i, uint32_t wanted, uint32_t *kind)
{
    uint8_t c = t.bytes[i];
    size_t end;
    if (is_alpha(c) && (wanted & KERNEL_ENTITY_IBAN) && (end = match_iban(t, i))) {
        *kind = KERNEL_ENTITY_IBAN;
        return end;
    }
    if ((wanted & KERNEL_ENTITY_IP) && !continues_number(t, i)) {
        if (is_digit(c) && (end = match_ipv4(t, i))) {
            *kind = KERNEL_ENTITY_IP;
            return end;
        }
        if ((is_hex(c) || c == ':') && before(t, i, 1) != ':' && (end = match_ipv6(t, i))) {
            *kind = KERNEL_ENTITY_IP;
            return end;
        }
    }
    if (is_digit(c) && !continues_number(t, i)) {
        if ((wanted & KERNEL_ENTITY_CARD) && (end = match_card(t, i))) {
            *kind = KERNEL_ENTITY_CARD;
            return end;
        }
        if ((wanted & KERNEL_ENTITY_SSN) && (end = match_ssn(t, i))) {
            *kind = KERNEL_ENTITY_SSN;
            return end;
        }
        if (redact_run_of_fours(t, i) > i) return 0;
    }
    if ((wanted & KERNEL_ENTITY_PHONE) && (c == '+' || c == '(' || (is_digit(c) && !continues_number(t, i)))) {
        uint8_t previous = before(t, i, 1);
        if (previous != '$' && previous != '#' && previous != '+' && (end = match_phone(t, i))) {
            *kind = KERNEL_ENTITY_PHONE;
            return end;
        }
    }
    return 0;
}

size_t kernel_find_entities(const uint8_t *bytes, size_t length, uint32_t wanted, kernel_entity *out, size_t capacity)
{
    text t = {bytes, length};
    size_t count = 0, i = 0, floor = 0;
    /* The next e-mail address, found ahead, because its local part may look like something else. */
    kernel_entity email = {0, 0, 0};
    size_t looked = wanted & KERNEL_ENTITY_EMAIL ? 0 : length;
    while (i < length && count < capacity) {
        while (!email.kind && looked < length) {
            const uint8_t *mark = memchr(bytes + looked, '@', length - looked);
            looked = mark ? (size_t)(mark - bytes) + 1 : length;
            if (mark && !redact_find_email(t, looked - 1, floor, &email)) email.kind = 0;
        }
        if (email.kind && i >= email.start) {
            out[count++] = email;
            i = floor = email.end;
            if (looked < i) looked = i;
            email.kind = 0;
            continue;
        }
        uint8_t c = bytes[i];
        uint32_t kind = 0;
        size_t end = 0;
        if (redact_is_start(t, i)) end = redact_match(t, i, wanted, &kind);
        if (end && !(email.kind && end > email.start)) {
            out[count++] = (kernel_entity){(uint32_t)i, (uint32_t)end, kind};
            i = floor = end;
            continue;
        }
        size_t skipped = is_digit(c) && starts_word(t, i) ? redact_run_of_fours(t, i) : i;
        i = skipped > i ? skipped : i + 1;
    }
    return count;
}
