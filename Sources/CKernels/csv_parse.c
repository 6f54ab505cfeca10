#include "kernel_csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The longest field that can be anything but text. */
enum { SCRATCH = 512 };

typedef struct {
    const uint8_t *bytes;
    size_t length;
} text;

static inline int is_null(const kernel_csv_column *c, kernel_csv_field f)
{
    if (f.size & KERNEL_CSV_QUOTED) return 0;
    if (f.size == 0) return c->empty_is_null;
    uint32_t start = 0;
    for (size_t i = 0; i < c->null_count; i++) {
        uint32_t end = c->null_ends[i];
        if (end - start == f.size && memcmp(c->null_bytes + start, c->bytes + f.start, f.size) == 0) return 1;
        start = end;
    }
    return 0;
}

/* Copies a quoted field's content without doubling and escapes; returns its length. */
static size_t unescape(const kernel_csv_column *c, kernel_csv_field f, uint8_t *out)
{
    const uint8_t *p = c->bytes + f.start;
    size_t length = f.size & KERNEL_CSV_LENGTH, written = 0;
    for (size_t i = 0; i < length; i++) {
        /* An escape, or the first of two quotes: what counts is the byte after it. */
        if (((c->has_escape && p[i] == c->escape) || p[i] == c->quote) && i + 1 < length) i++;
        out[written++] = p[i];
    }
    return written;
}

/* The field's content; `scratch` holds it when it has escapes. Longer content than any number has is cut to no use. */
static inline text content(const kernel_csv_column *c, kernel_csv_field f, uint8_t *scratch)
{
    size_t length = f.size & KERNEL_CSV_LENGTH;
    if (!(f.size & KERNEL_CSV_ESCAPED)) return (text){c->bytes + f.start, length};
    if (length > SCRATCH) return (text){c->bytes + f.start, length};
    return (text){scratch, unescape(c, f, scratch)};
}

static inline void set_bit(uint8_t *bits, size_t i) { bits[i >> 3] |= (uint8_t)(1u << (i & 7)); }
static inline int is_digit(uint8_t b) { return (uint8_t)(b - '0') < 10; }

static inline int is_word(text t, const char *lower)
{
    size_t n = strlen(lower);
    if (t.length != n) return 0;
    for (size_t i = 0; i < n; i++)
        if ((t.bytes[i] | 0x20) != (uint8_t)lower[i]) return 0;
    return 1;
}

static inline int is_infinity(text t)
{
    if (t.length > 0 && (t.bytes[0] == '-' || t.bytes[0] == '+')) t = (text){t.bytes + 1, t.length - 1};
    return is_word(t, "infinity") || is_word(t, "inf");
}

/* ---- values: each returns a status and stores the value when that is KERNEL_CSV_OK ---- */

static inline int parse_boolean(text t, int *out)
{
    static const char *const yes[] = {"true", "t", "yes", "y", "on"}, *const no[] = {"false", "f", "no", "n", "off"};
    for (int i = 0; i < 5; i++) {
        if (is_word(t, yes[i])) return *out = 1, KERNEL_CSV_OK;
        if (is_word(t, no[i])) return *out = 0, KERNEL_CSV_OK;
    }
    if (t.length == 1 && (t.bytes[0] == '0' || t.bytes[0] == '1')) return *out = t.bytes[0] == '1', KERNEL_CSV_OK;
    return KERNEL_CSV_WRONG;
}

static inline int parse_integer(text t, int64_t *out)
{
    size_t i = 0;
    int negative = 0;
    if (t.length > 0 && (t.bytes[0] == '-' || t.bytes[0] == '+')) negative = t.bytes[i++] == '-';
    if (i == t.length) return KERNEL_CSV_WRONG;
    uint64_t value = 0;
    if (t.length - i <= 18) {
        for (; i < t.length; i++) {
            uint8_t digit = (uint8_t)(t.bytes[i] - '0');
            if (digit > 9) return KERNEL_CSV_WRONG;
            value = value * 10 + digit;
        }
        *out = negative ? -(int64_t)value : (int64_t)value;
        return KERNEL_CSV_OK;
    }
    int overflows = 0;
    for (; i < t.length; i++) {
        if (!is_digit(t.bytes[i])) return KERNEL_CSV_WRONG;
        overflows |= (int)__builtin_mul_overflow(value, 10, &value);
        overflows |= (int)__builtin_add_overflow(value, (uint64_t)(t.bytes[i] - '0'), &value);
    }
    if (overflows || value > (uint64_t)INT64_MAX + (uint64_t)negative) return KERNEL_CSV_NO_ROOM;
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return KERNEL_CSV_OK;
}

/* The parts of a plain or exponential number. */
typedef struct {
    int negative, has_plus, has_exponent, has_exponent_sign;
    size_t integer, integer_digits;   /* where, how many */
    size_t fraction, fraction_digits; /* likewise; 0 without a point */
    int has_point;
    long exponent;
} number;

static inline int scan_number(text t, number *n)
{
    size_t i = 0;
    *n = (number){0};
    if (t.length > 0 && (t.bytes[0] == '-' || t.bytes[0] == '+')) {
        n->negative = t.bytes[0] == '-';
        n->has_plus = t.bytes[0] == '+';
        i++;
    }
    n->integer = i;
    while (i < t.length && is_digit(t.bytes[i])) i++;
    n->integer_digits = i - n->integer;
    if (i < t.length && t.bytes[i] == '.') {
        n->has_point = 1;
        n->fraction = ++i;
        while (i < t.length && is_digit(t.bytes[i])) i++;
        n->fraction_digits = i - n->fraction;
    }
    if (n->integer_digits + n->fraction_digits == 0) return 0;
    if (i < t.length && (t.bytes[i] | 0x20) == 'e') {
        n->has_exponent = 1;
        i++;
        int negative = 0;
        if (i < t.length && (t.bytes[i] == '-' || t.bytes[i] == '+')) {
            n->has_exponent_sign = 1;
            negative = t.bytes[i++] == '-';
        }
        if (i == t.length) return 0;
        for (; i < t.length && is_digit(t.bytes[i]); i++)
            if (n->exponent < 100000) n->exponent = n->exponent * 10 + (t.bytes[i] - '0');
        if (negative) n->exponent = -n->exponent;
    }
    return i == t.length;
}

/* Up to 19 digits of integer and fraction as one number; 0 when there are more. */
static inline int mantissa(text t, const number *n, uint64_t *out)
{
    if (n->integer_digits + n->fraction_digits > 19) return 0;
    uint64_t value = 0;
    for (size_t i = 0; i < n->integer_digits; i++) value = value * 10 + (uint64_t)(t.bytes[n->integer + i] - '0');
    for (size_t i = 0; i < n->fraction_digits; i++) value = value * 10 + (uint64_t)(t.bytes[n->fraction + i] - '0');
    *out = value;
    return 1;
}

/* The library's conversion, for what the short way does not round correctly for certain. The process keeps the "C"
 * locale. Content is at most SCRATCH bytes. */
static int parse_float64_exactly(text t, double *out)
{
    char copy[SCRATCH + 1];
    if (t.length > SCRATCH) return KERNEL_CSV_WRONG;
    memcpy(copy, t.bytes, t.length);
    copy[t.length] = 0;
    *out = strtod(copy, NULL);
    return isinf(*out) ? KERNEL_CSV_NO_ROOM : KERNEL_CSV_OK;
}

static int parse_float64(text t, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    number n;
    if (!scan_number(t, &n)) {
        if (is_word(t, "nan")) return *out = NAN, KERNEL_CSV_OK;
        if (is_infinity(t)) return *out = t.bytes[0] == '-' ? -INFINITY : INFINITY, KERNEL_CSV_OK;
        return KERNEL_CSV_WRONG;
    }
    uint64_t digits;
    long power = n.exponent - (long)n.fraction_digits;
    /* Both factors are exact, so one division or multiplication rounds once (Clinger 1990). */
    if (mantissa(t, &n, &digits) && digits <= (uint64_t)1 << 53 && power >= -22 && power <= 22) {
        double value = (double)digits;
        value = power < 0 ? value / powers[-power] : value * powers[power];
        *out = n.negative ? -value : value;
        return KERNEL_CSV_OK;
    }
    return parse_float64_exactly(t, out);
}

static int parse_float32(text t, float *out)
{
    number n;
    if (!scan_number(t, &n)) {
        double special;
        int status = parse_float64(t, &special);
        if (status == KERNEL_CSV_OK) *out = (float)special;
        return status;
    }
    char copy[SCRATCH + 1];
    if (t.length > SCRATCH) return KERNEL_CSV_WRONG;
    memcpy(copy, t.bytes, t.length);
    copy[t.length] = 0;
    *out = strtof(copy, NULL);
    return isinf(*out) ? KERNEL_CSV_NO_ROOM : KERNEL_CSV_OK;
}

static inline int parse_decimal(text t, int precision, int scale, __int128 *out)
{
    number n;
    if (!scan_number(t, &n) || n.has_exponent) {
        return is_word(t, "nan") || is_infinity(t) ? KERNEL_CSV_SPECIAL : KERNEL_CSV_WRONG;
    }
    /* Zeros at either end hold no digit. */
    while (n.integer_digits > 0 && t.bytes[n.integer] == '0') n.integer++, n.integer_digits--;
    while (n.fraction_digits > (size_t)scale && t.bytes[n.fraction + n.fraction_digits - 1] == '0') n.fraction_digits--;
    if (n.fraction_digits > (size_t)scale || n.integer_digits > (size_t)(precision - scale)) return KERNEL_CSV_NO_ROOM;
    __int128 value = 0;
    uint64_t small;
    if (mantissa(t, &n, &small)) {
        value = small;
    } else {
        for (size_t i = 0; i < n.integer_digits; i++) value = value * 10 + (t.bytes[n.integer + i] - '0');
        for (size_t i = 0; i < n.fraction_digits; i++) value = value * 10 + (t.bytes[n.fraction + i] - '0');
    }
    for (size_t i = n.fraction_digits; i < (size_t)scale; i++) value *= 10;
    *out = n.negative ? -value : value;
    return KERNEL_CSV_OK;
}

static inline int two_digits(const uint8_t *p, int *out)
{
    if (!is_digit(p[0]) || !is_digit(p[1])) return 0;
    *out = 10 * (p[0] - '0') + (p[1] - '0');
    return 1;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms"). */
static inline int32_t days_from_civil(int year, int month, int day)
{
    year -= month <= 2;
    int era = year / 400; /* years are positive here, or 0 */
    int year_of_era = year - era * 400;
    int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

/* `YYYY-MM-DD`, years 0001 to 9999, at the text's start. */
static inline int scan_date(text t, int32_t *days)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (t.length < 10 || t.bytes[4] != '-' || t.bytes[7] != '-') return 0;
    int century, rest, month, day;
    if (!two_digits(t.bytes, &century) || !two_digits(t.bytes + 2, &rest) || !two_digits(t.bytes + 5, &month) ||
        !two_digits(t.bytes + 8, &day))
        return 0;
    int year = 100 * century + rest;
    if (year == 0 || month < 1 || month > 12 || day < 1) return 0;
    int leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > lengths[month - 1] + leap) return 0;
    *days = days_from_civil(year, month, day);
    return 1;
}

/* ` BC` at the end, as PostgreSQL writes it. */
static inline text without_era(text t, int *is_bc)
{
    *is_bc = t.length > 3 && memcmp(t.bytes + t.length - 3, " BC", 3) == 0;
    return *is_bc ? (text){t.bytes, t.length - 3} : t;
}

static inline int parse_date(text t, int32_t *out)
{
    int is_bc;
    text plain = without_era(t, &is_bc);
    if (plain.length == 10 && scan_date(plain, out)) return is_bc ? KERNEL_CSV_SPECIAL : KERNEL_CSV_OK;
    return is_infinity(t) ? KERNEL_CSV_SPECIAL : KERNEL_CSV_WRONG;
}

enum { WITHOUT_ZONE, WITH_ZONE };

/* `YYYY-MM-DD[ T]hh:mm:ss[.f{1,6}][Z|±hh[[:]mm]]`. */
static inline int scan_timestamp(text t, int64_t *micros, int *zone)
{
    int32_t days;
    int hour, minute, second;
    if (t.length < 19 || !scan_date(t, &days)) return KERNEL_CSV_WRONG;
    const uint8_t *p = t.bytes;
    if ((p[10] != ' ' && p[10] != 'T') || p[13] != ':' || p[16] != ':' || !two_digits(p + 11, &hour) ||
        !two_digits(p + 14, &minute) || !two_digits(p + 17, &second) || hour > 24 || minute > 59 || second > 59)
        return KERNEL_CSV_WRONG;
    size_t i = 19;
    int64_t fraction = 0;
    if (i < t.length && p[i] == '.') {
        int digits = 0;
        for (i++; i < t.length && is_digit(p[i]); i++, digits++) {
            if (digits == 6) return KERNEL_CSV_WRONG;
            fraction = fraction * 10 + (p[i] - '0');
        }
        if (digits == 0) return KERNEL_CSV_WRONG;
        for (; digits < 6; digits++) fraction *= 10;
    }
    int offset = 0;
    *zone = WITHOUT_ZONE;
    if (i < t.length) {
        *zone = WITH_ZONE;
        if (p[i] == 'Z') {
            i++;
        } else if (p[i] == '+' || p[i] == '-') {
            int sign = p[i] == '-' ? -1 : 1, zone_hour, zone_minute = 0;
            if (t.length - i < 3 || !two_digits(p + i + 1, &zone_hour)) return KERNEL_CSV_WRONG;
            i += 3;
            if (i < t.length) {
                if (p[i] == ':') i++;
                if (t.length - i < 2 || !two_digits(p + i, &zone_minute)) return KERNEL_CSV_WRONG;
                i += 2;
            }
            if (zone_hour > 15 || zone_minute > 59) return KERNEL_CSV_WRONG;
            offset = sign * (zone_hour * 60 + zone_minute);
        }
        if (i != t.length) return KERNEL_CSV_WRONG;
    }
    if (hour == 24) return minute == 0 && second == 0 && fraction == 0 ? KERNEL_CSV_SPECIAL : KERNEL_CSV_WRONG;
    int64_t seconds = (int64_t)days * 86400 + hour * 3600 + minute * 60 + second - (int64_t)offset * 60;
    *micros = seconds * 1000000 + fraction;
    return KERNEL_CSV_OK;
}

static inline int parse_timestamp(text t, int is_utc, int64_t *out)
{
    int zone, is_bc;
    text plain = without_era(t, &is_bc);
    int status = scan_timestamp(plain, out, &zone);
    if (status == KERNEL_CSV_WRONG) return is_infinity(t) ? KERNEL_CSV_SPECIAL : KERNEL_CSV_WRONG;
    if (zone != (is_utc ? WITH_ZONE : WITHOUT_ZONE)) return KERNEL_CSV_WRONG;
    return is_bc ? KERNEL_CSV_SPECIAL : status;
}

/* ---- columns ---- */

/* Reads every row with PARSE(t), which sets `status` and, when that is 0, STOREs the value of row `i` of `out`. */
#define READ_ROWS(PARSE, STORE, ZERO)                                                                                  \
    uint8_t scratch[SCRATCH];                                                                                          \
    size_t failed = 0;                                                                                                 \
    for (size_t row = 0; row < column->rows; row++) {                                                                  \
        size_t i = first + row;                                                                                        \
        kernel_csv_field f = column->fields[row * column->stride];                                                     \
        if (is_null(column, f)) {                                                                                      \
            ZERO;                                                                                                      \
            continue;                                                                                                  \
        }                                                                                                              \
        text t = content(column, f, scratch);                                                                          \
        int status;                                                                                                    \
        status = PARSE;                                                                                                \
        if (status == KERNEL_CSV_OK) {                                                                                 \
            STORE;                                                                                                     \
            set_bit(validity, i);                                                                                      \
        } else {                                                                                                       \
            ZERO;                                                                                                      \
            statuses[row] = (uint8_t)status;                                                                           \
            failed++;                                                                                                  \
        }                                                                                                              \
    }                                                                                                                  \
    return failed

size_t kernel_csv_read_boolean(const kernel_csv_column *column, uint8_t *out, uint8_t *validity, size_t first,
                               uint8_t *statuses)
{
    int value;
    READ_ROWS(parse_boolean(t, &value), if (value) set_bit(out, i), (void)0);
}

#define INTEGER_KERNEL(NAME, TYPE, LOW, HIGH)                                                                          \
    size_t NAME(const kernel_csv_column *column, TYPE *out, uint8_t *validity, size_t first, uint8_t *statuses)        \
    {                                                                                                                  \
        int64_t value;                                                                                                 \
        READ_ROWS((status = parse_integer(t, &value)) != KERNEL_CSV_OK ? status                                        \
                  : value < (LOW) || value > (HIGH)                    ? KERNEL_CSV_NO_ROOM                            \
                                                                       : KERNEL_CSV_OK,                                \
                  out[i] = (TYPE)value, out[i] = 0);                                                                   \
    }
INTEGER_KERNEL(kernel_csv_read_int16, int16_t, INT16_MIN, INT16_MAX)
INTEGER_KERNEL(kernel_csv_read_int32, int32_t, INT32_MIN, INT32_MAX)

size_t kernel_csv_read_int64(const kernel_csv_column *column, int64_t *out, uint8_t *validity, size_t first,
                             uint8_t *statuses)
{
    int64_t value;
    READ_ROWS(parse_integer(t, &value), out[i] = value, out[i] = 0);
}

size_t kernel_csv_read_float32(const kernel_csv_column *column, float *out, uint8_t *validity, size_t first,
                               uint8_t *statuses)
{
    float value;
    READ_ROWS(parse_float32(t, &value), out[i] = value, out[i] = 0);
}

size_t kernel_csv_read_float64(const kernel_csv_column *column, double *out, uint8_t *validity, size_t first,
                               uint8_t *statuses)
{
    double value;
    READ_ROWS(parse_float64(t, &value), out[i] = value, out[i] = 0);
}

size_t kernel_csv_read_decimal(const kernel_csv_column *column, uint8_t *out, uint8_t *validity, size_t first,
                               uint8_t *statuses, int precision, int scale)
{
    __int128 value;
    READ_ROWS(parse_decimal(t, precision, scale, &value), memcpy(out + 16 * i, &value, 16),
              memset(out + 16 * i, 0, 16));
}

size_t kernel_csv_read_date(const kernel_csv_column *column, int32_t *out, uint8_t *validity, size_t first,
                            uint8_t *statuses)
{
    int32_t value;
    READ_ROWS(parse_date(t, &value), out[i] = value, out[i] = 0);
}

size_t kernel_csv_read_timestamp(const kernel_csv_column *column, int64_t *out, uint8_t *validity, size_t first,
                                 uint8_t *statuses, int is_utc)
{
    int64_t value;
    READ_ROWS(parse_timestamp(t, is_utc, &value), out[i] = value, out[i] = 0);
}

size_t kernel_csv_text_size(const kernel_csv_column *column)
{
    size_t size = 0;
    for (size_t row = 0; row < column->rows; row++)
        size += column->fields[row * column->stride].size & KERNEL_CSV_LENGTH;
    return size;
}

void kernel_csv_read_text(const kernel_csv_column *column, int32_t *offsets, uint8_t *out, uint8_t *validity,
                          size_t first)
{
    size_t written = (size_t)offsets[first];
    for (size_t row = 0; row < column->rows; row++) {
        kernel_csv_field f = column->fields[row * column->stride];
        if (!is_null(column, f)) {
            size_t length = f.size & KERNEL_CSV_LENGTH;
            if (f.size & KERNEL_CSV_ESCAPED) {
                length = unescape(column, f, out + written);
            } else if (length <= 16) {
                memcpy(out + written, column->bytes + f.start, 16); /* both ends are padded */
            } else {
                memcpy(out + written, column->bytes + f.start, length);
            }
            written += length;
            set_bit(validity, first + row);
        }
        offsets[first + row + 1] = (int32_t)written;
    }
}

/* ---- inference ---- */

static int kind_of_number(text t, const number *n, kernel_csv_evidence *e)
{
    if (n->has_plus) return KERNEL_CSV_ODD_PLUS;
    if (n->integer_digits > 1 && t.bytes[n->integer] == '0') return KERNEL_CSV_ODD_LEADING_ZERO;
    if (n->has_point && (n->fraction_digits == 0 || n->integer_digits == 0)) return KERNEL_CSV_ODD_POINT;
    /* Programs write an exponent with its sign or behind a point; 3E12 may as well be a room. */
    if (n->has_exponent && !n->has_point && !n->has_exponent_sign) return KERNEL_CSV_ODD_EXPONENT;
    size_t integer_digits = n->integer_digits, fraction_digits = n->fraction_digits;
    if (integer_digits == 1 && t.bytes[n->integer] == '0') integer_digits = 0;
    if (integer_digits + fraction_digits > 400) return KERNEL_CSV_ODD_LONG_NUMBER;

    /* Significant digits: without zeros at either end. */
    size_t leading = 0, trailing = 0, all = n->integer_digits + n->fraction_digits;
#define DIGIT(k) ((k) < n->integer_digits ? t.bytes[n->integer + (k)] : t.bytes[n->fraction + (k) - n->integer_digits])
    while (leading < all && DIGIT(leading) == '0') leading++;
    while (trailing < all - leading && DIGIT(all - 1 - trailing) == '0') trailing++;
#undef DIGIT
    size_t significant = all - leading - trailing;
    int is_float_like = n->has_exponent || fraction_digits > 10;
    /* Whoever writes floats in full writes up to 17 digits; 15 of any number come back as they were. */
    int is_float = significant <= (is_float_like ? 17 : 15);
    if (is_float_like) {
        double value;
        if (!is_float || parse_float64(t, &value) != KERNEL_CSV_OK || (value == 0 && significant > 0))
            return KERNEL_CSV_ODD_LONG_NUMBER;
        return n->has_exponent ? KERNEL_CSV_IS_EXPONENT : KERNEL_CSV_IS_LONG_FRACTION;
    }
    if (integer_digits + fraction_digits > 38) return KERNEL_CSV_ODD_LONG_NUMBER;
    if (!is_float) e->loses_as_float = 1;
    if (integer_digits > e->integer_digits) e->integer_digits = (uint32_t)integer_digits;
    if (fraction_digits > e->fraction_digits) e->fraction_digits = (uint32_t)fraction_digits;
    if (n->has_point) return KERNEL_CSV_IS_DECIMAL;
    int64_t value;
    return parse_integer(t, &value) == KERNEL_CSV_OK ? KERNEL_CSV_IS_INTEGER : KERNEL_CSV_IS_BIG_INTEGER;
}

static int kind_of(text t, kernel_csv_evidence *e)
{
    if (t.length == 0) return KERNEL_CSV_ODD_EMPTY;
    uint8_t b = t.bytes[0], last = t.bytes[t.length - 1];
    if (b == ' ' || b == '\t' || last == ' ' || last == '\t') return KERNEL_CSV_ODD_BLANK;
    if (is_digit(b) || b == '-' || b == '.' || b == '+') {
        /* The commonest first: a short integer. */
        size_t i = b == '-';
        if (t.length - i <= 15 && t.length > i && (t.bytes[i] != '0' || t.length - i == 1)) {
            size_t start = i;
            while (i < t.length && is_digit(t.bytes[i])) i++;
            if (i == t.length) {
                uint32_t digits = (uint32_t)(i - start);
                if (digits == 1 && t.bytes[start] == '0') {
                    if (start == 1) return KERNEL_CSV_ODD_NEGATIVE_ZERO; /* no integer gives it back */
                    digits = 0;
                }
                if (digits > e->integer_digits) e->integer_digits = digits;
                return KERNEL_CSV_IS_INTEGER;
            }
        }
        int32_t days;
        if (t.length >= 10 && t.bytes[4] == '-' && scan_date(t, &days)) {
            if (t.length == 10) return KERNEL_CSV_IS_DATE;
            int64_t micros;
            int zone;
            if (scan_timestamp(t, &micros, &zone) == KERNEL_CSV_OK)
                return zone == WITH_ZONE ? KERNEL_CSV_IS_TIMESTAMPTZ : KERNEL_CSV_IS_TIMESTAMP;
            return KERNEL_CSV_ODD;
        }
        number n;
        return t.length <= SCRATCH && scan_number(t, &n) ? kind_of_number(t, &n, e) : KERNEL_CSV_ODD;
    }
    if ((b == 't' && t.length == 4 && memcmp(t.bytes, "true", 4) == 0) ||
        (b == 'f' && t.length == 5 && memcmp(t.bytes, "false", 5) == 0) ||
        (b == 'T' && t.length == 4 && (memcmp(t.bytes, "TRUE", 4) == 0 || memcmp(t.bytes, "True", 4) == 0)) ||
        (b == 'F' && t.length == 5 && (memcmp(t.bytes, "FALSE", 5) == 0 || memcmp(t.bytes, "False", 5) == 0)))
        return KERNEL_CSV_IS_BOOLEAN;
    return KERNEL_CSV_ODD;
}

void kernel_csv_infer(const kernel_csv_column *column, kernel_csv_evidence *evidence)
{
    uint8_t scratch[SCRATCH];
    for (size_t row = 0; row < column->rows; row++) {
        kernel_csv_field f = column->fields[row * column->stride];
        if (is_null(column, f)) continue;
        int kind = kind_of(content(column, f, scratch), evidence);
        if (evidence->kinds & 1u << kind) continue;
        evidence->kinds |= 1u << kind;
        evidence->first_row[kind] = (uint32_t)row;
        if (kind >= KERNEL_CSV_ODD) return;
    }
}
