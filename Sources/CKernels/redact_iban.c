/* IBANs in text: two letters, two digits, the length of the country, remainder 1 modulo 97 (ISO 13616). */
#include "redact.h"

/* Countries and lengths of the SWIFT registry and of countries with IBANs of their own; some have an older form beside it. Ascending. */
static const char iban_lengths[] = "AA16AD24AE23AL28AO25AT20AX18AZ28BA20BE16BF27BF28BG22BH22BI16BI27BJ28BL27BR29BY28CF2"
                                   "7CG27CH21CI28CM27CR22CV25CY28CZ24DE22DJ27DK18"
                                   "DO28DZ24DZ26EE20EG29ES24FI18FK18FO18FR27GA27GB22GE22GF27GI23GL18GP27GQ27GR27GT28GW2"
                                   "5HN28HR21HU28IE22IL23IQ23IR26IS26IT27JO30"
                                   "KM27KW30KZ20LB28LC32LI21LT20LU20LV21LY25MA28MC27MD24ME22MF27MG27MK19ML28MN20MQ27MR2"
                                   "7MT31MU30MZ25NC27NE28NI28NI32NL18NO15OM23"
                                   "PF27PK24PL28PM27PS29PT25QA29RE27RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SN28SO23ST2"
                                   "5SV28TD27TF27TG28TL23TN24TR26UA29VA22"
                                   "VG24WF27XK20YE30YT27";

static inline unsigned letters_of(const char *entry) { return (unsigned)(uint8_t)entry[0] << 8 | (uint8_t)entry[1]; }

/* The first entry of a country, whose next ones follow; where it would be when there is none. Entries ascend. */
static const char *iban_entry(uint8_t a, uint8_t b)
{
    const unsigned wanted = (unsigned)a << 8 | b;
    size_t low = 0, high = (sizeof iban_lengths - 1) / 4;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (letters_of(iban_lengths + 4 * middle) < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return iban_lengths + 4 * low;
}

static inline int is_of(const char *entry, uint8_t a, uint8_t b)
{
    return (uint8_t)entry[0] == a && (uint8_t)entry[1] == b;
}
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

/* The gap at i behind `count` characters. The first four stand closer together. */
static size_t gap_within(text t, size_t i, size_t count)
{
    uint8_t mark;
    if (count < 2) return 0;
    const size_t length = gap(t, i, &mark);
    if (count < 4) return length == 1 ? 1 : 0;
    const size_t line = line_break(t, i);
    return line ? line : length;
}

static size_t match_of_length(text t, size_t start, size_t wanted)
{
    uint8_t compact[34];
    size_t count = 0, i = start;
    while (i < t.length && count < wanted) {
        if (!is_alnum(t.bytes[i])) {
            const size_t between = gap_within(t, i, count);
            if (between == 0 || !is_alnum(at(t, i + between))) return 0;
            i += between;
        }
        compact[count++] = upper(t.bytes[i++]);
    }
    return count == wanted && !is_alnum(at(t, i)) && kernel_is_iban(compact, count) ? i : 0;
}

/* For each first letter, a bit for each second one that makes a country of the table. */
static const uint32_t second_letters[26] = {
    0x2884819, 0x1020bf1, 0x32211e0, 0x2004610, 0x0040050, 0x0024500, 0x04b8933, 0x0122000, 0x00f0810,
    0x0004000, 0x2401000, 0x1380106, 0x21b2c7d, 0x0004914, 0x0001000, 0x00c1c20, 0x0000001, 0x0144010,
    0x028751d, 0x0022868, 0x0000001, 0x0000041, 0x0000020, 0x0000400, 0x0080010, 0x0000000,
};

size_t redact_match_iban(text t, size_t start)
{
    /* Most pairs of letters have no digit behind. */
    if (!is_alpha(at(t, start + 1)) || (!is_digit(at(t, start + 2)) && !is_digit(at(t, start + 3)))) return 0;
    uint8_t a = upper(at(t, start)), b = upper(at(t, start + 1));
    /* Behind a letter, as in `IBANDE89`, the digits follow at once. */
    if (!starts_word(t, start) && !(is_digit(at(t, start + 2)) && is_digit(at(t, start + 3)))) return 0;
    if (!(second_letters[a - 'A'] >> (b - 'A') & 1)) return 0;
    for (const char *entry = iban_entry(a, b); is_of(entry, a, b); entry += 4) {
        size_t end = match_of_length(t, start, iban_length(entry));
        if (end) return end;
    }
    return 0;
}
