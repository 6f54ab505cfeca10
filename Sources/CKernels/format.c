#include "kernel_format.h"
#include "kernel_luhn.h"

#include <string.h>

static inline bool is_lead(uint8_t byte) { return (byte & 0xc0) != 0x80; }

static inline bool is_null(const uint8_t *validity, size_t row)
{
    return validity && !(validity[row >> 3] >> (row & 7) & 1);
}

bool kernel_format_make(kernel_format *format, const uint8_t *alphabet, size_t radix, const uint8_t *separators,
                        size_t separator_count, uint32_t keep_first, uint32_t keep_last, uint32_t least, uint32_t most,
                        uint32_t check)
{
    memset(format, 0, sizeof *format);
    memset(format->digit, KERNEL_FORMAT_OUTSIDE, sizeof format->digit);
    if (radix < 2 || radix > 128) return false;
    for (size_t i = 0; i < radix; i++) {
        if (alphabet[i] >= 128 || format->digit[alphabet[i]] != KERNEL_FORMAT_OUTSIDE) return false;
        format->digit[alphabet[i]] = (uint8_t)i;
        format->alphabet[i] = alphabet[i];
    }
    for (size_t i = 0; i < separator_count; i++) {
        if (separators[i] >= 128 || format->digit[separators[i]] < radix) return false;
        format->digit[separators[i]] = KERNEL_FORMAT_SEPARATOR;
    }
    if (check == KERNEL_FORMAT_MOD97 && keep_first < 4) return false;
    format->keep_first = keep_first;
    format->keep_last = keep_last;
    format->least = least;
    format->most = most;
    format->check = check;
    return true;
}

/* No digit is a separator. */
static bool counts_digits(const kernel_format *format)
{
    for (int digit = '0'; digit <= '9'; digit++)
        if (format->digit[digit] == KERNEL_FORMAT_SEPARATOR) return false;
    return true;
}

static inline size_t count_characters(const kernel_format *format, const uint8_t *value, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += is_lead(value[i]) & (format->digit[value[i]] != KERNEL_FORMAT_SEPARATOR);
    return count;
}

/* The digit that the character number `place` needs for the whole to be a Luhn number; -1 when another is no digit. */
static int luhn_digit(const kernel_format *format, const uint8_t *value, size_t length, size_t characters, size_t place)
{
    unsigned sum = 0;
    size_t index = 0;
    for (size_t i = 0; i < length; i++) {
        if (format->digit[value[i]] == KERNEL_FORMAT_SEPARATOR) continue;
        if (index != place) {
            unsigned digit = (unsigned)value[i] - '0';
            if (digit > 9) return -1;
            if ((characters - 1 - index) % 2 == 1) digit = digit < 5 ? 2 * digit : 2 * digit - 9;
            sum += digit;
        }
        index++;
    }
    const int needed = (int)((10 - sum % 10) % 10);
    if ((characters - 1 - place) % 2 == 0) return needed;
    return needed % 2 == 0 ? needed / 2 : (needed + 9) / 2; /* doubled and its digits added, this is `needed` */
}

/* Appends a character's value, one digit or two, to `number`, of which only the remainder by 97 counts: divided when there is no
 * room for two digits more. False for a character that has no value. */
static inline bool mod97_append(uint64_t *number, uint8_t character)
{
    if (*number >= 100000000000000000) *number %= 97;
    if (character >= '0' && character <= '9')
        *number = *number * 10 + (uint64_t)(character - '0');
    else if (character >= 'A' && character <= 'Z')
        *number = *number * 100 + (uint64_t)(character - 'A' + 10);
    else
        return false;
    return true;
}

/* The check digits that an IBAN needs, 2 to 98, and where its two stand; -1 when it is not of an IBAN's form. */
static int mod97_digits(const kernel_format *format, const uint8_t *value, size_t length, size_t at[2])
{
    uint8_t country[2] = {0};
    uint64_t number = 0;
    size_t index = 0;
    for (size_t i = 0; i < length; i++) {
        if (format->digit[value[i]] == KERNEL_FORMAT_SEPARATOR) continue;
        if (index < 2) {
            country[index] = value[i];
        } else if (index < 4) {
            at[index - 2] = i;
        } else if (!mod97_append(&number, value[i])) {
            return -1;
        }
        index++;
    }
    if (index < 5) return -1;
    for (int i = 0; i < 2; i++) {
        if (country[i] < 'A' || country[i] > 'Z') return -1;
        mod97_append(&number, country[i]);
    }
    return 98 - (int)(number % 97 * 100 % 97);
}

/* The byte position of a character. */
static size_t position_of(const kernel_format *format, const uint8_t *value, size_t length, size_t place)
{
    size_t index = 0;
    for (size_t i = 0; i < length; i++) {
        if (!is_lead(value[i]) || format->digit[value[i]] == KERNEL_FORMAT_SEPARATOR) continue;
        if (index++ == place) return i;
    }
    return length;
}

/* Whether the value's own check digits are the ones that it needs. luhn_place: the character that holds Luhn's. */
static bool check_holds(const kernel_format *format, const uint8_t *value, size_t length, size_t characters,
                        size_t luhn_place)
{
    if (format->check == KERNEL_FORMAT_LUHN) {
        const int needed = luhn_digit(format, value, length, characters, luhn_place);
        return needed >= 0 && value[position_of(format, value, length, luhn_place)] == '0' + needed;
    }
    size_t at[2] = {0, 0};
    const int needed = mod97_digits(format, value, length, at);
    return needed >= 0 && value[at[0]] == '0' + needed / 10 && value[at[1]] == '0' + needed % 10;
}

static void correct_check(const kernel_format *format, uint8_t *value, size_t length, size_t characters,
                          size_t luhn_place)
{
    if (format->check == KERNEL_FORMAT_LUHN) {
        const int needed = luhn_digit(format, value, length, characters, luhn_place);
        if (needed >= 0) value[position_of(format, value, length, luhn_place)] = (uint8_t)('0' + needed);
    } else {
        size_t at[2] = {0, 0};
        const int needed = mod97_digits(format, value, length, at);
        if (needed < 0) return;
        value[at[0]] = (uint8_t)('0' + needed / 10);
        value[at[1]] = (uint8_t)('0' + needed % 10);
    }
}

/* One value's digits; *count is their number. checked: its check digits are known to be right. */
static uint8_t gather(const kernel_format *format, const uint8_t *value, size_t length, bool checked, uint8_t *digits,
                      size_t *count)
{
    const size_t characters = count_characters(format, value, length);
    const size_t first = format->keep_first, last = format->keep_last;
    const size_t checks = format->check == KERNEL_FORMAT_LUHN;
    if (first > characters || last > characters - first || checks > characters - first - last)
        return KERNEL_FORMAT_SHORT;
    const size_t wanted = characters - first - last - checks;
    size_t index = 0;
    uint8_t outside = 0;
    for (size_t i = 0; i < length; i++) {
        const uint8_t digit = format->digit[value[i]];
        if (digit == KERNEL_FORMAT_SEPARATOR) continue;
        /* Bytes that continue a character are outside every alphabet. */
        index += is_lead(value[i]);
        const size_t place = index - 1 - first; /* huge for those that stay in front */
        if (index == 0 || place >= wanted) continue;
        outside |= digit >= KERNEL_FORMAT_SEPARATOR;
        digits[place] = digit;
    }
    if (outside) return KERNEL_FORMAT_NOT_ALPHABET;
    if (wanted < format->least || wanted == 0) return KERNEL_FORMAT_SHORT;
    if (wanted > format->most) return KERNEL_FORMAT_LONG;
    if (format->check != KERNEL_FORMAT_UNCHECKED && !checked &&
        !check_holds(format, value, length, characters, first + wanted))
        return KERNEL_FORMAT_WRONG_CHECK;
    *count = wanted;
    return KERNEL_FORMAT_DONE;
}

size_t kernel_format_gather_i32(const kernel_format *format, const uint8_t *bytes, const int32_t *offsets,
                                const uint8_t *validity, size_t rows, uint8_t *digits, int32_t *digit_offsets,
                                uint8_t *status)
{
    size_t written = 0, failed = 0;
    /* A value of digits alone is a Luhn number or not, whichever of them is the check digit: that is asked of the whole
     * column. Values with separators are left, and looked at one by one. */
    const bool asks_luhn = format->check == KERNEL_FORMAT_LUHN && counts_digits(format);
    if (asks_luhn) kernel_luhn_rows(bytes, offsets, validity, rows, status);
    if (rows > 0) digit_offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        const size_t length = (size_t)(offsets[row + 1] - offsets[row]);
        const bool checked = asks_luhn && status[row] != 0;
        size_t count = 0;
        status[row] = KERNEL_FORMAT_DONE;
        if (length > 0 && !is_null(validity, row))
            status[row] = gather(format, bytes + offsets[row], length, checked, digits + written, &count);
        failed += status[row] != KERNEL_FORMAT_DONE;
        written += count;
        digit_offsets[row + 1] = (int32_t)written;
    }
    return failed;
}

size_t kernel_format_scatter_i32(const kernel_format *format, const uint8_t *bytes, const int32_t *offsets, size_t rows,
                                 const uint8_t *digits, const int32_t *digit_offsets, const uint8_t *status,
                                 uint8_t *out, int32_t *out_offsets)
{
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        const size_t count = (size_t)(digit_offsets[row + 1] - digit_offsets[row]);
        /* A done row without digits is null or empty. */
        if (status[row] == KERNEL_FORMAT_DONE && count > 0) {
            const uint8_t *source = digits + digit_offsets[row];
            const size_t length = (size_t)(offsets[row + 1] - offsets[row]), first = format->keep_first;
            uint8_t *value = out + written;
            size_t index = 0;
            memcpy(value, bytes + offsets[row], length);
            for (size_t i = 0; i < length; i++) {
                if (!is_lead(value[i]) || format->digit[value[i]] == KERNEL_FORMAT_SEPARATOR) continue;
                if (index - first < count) value[i] = format->alphabet[source[index - first]];
                index++;
            }
            if (format->check != KERNEL_FORMAT_UNCHECKED) correct_check(format, value, length, index, first + count);
            written += length;
        }
        out_offsets[row + 1] = (int32_t)written;
    }
    return written;
}

void kernel_format_places(const uint64_t *numbers, size_t count, uint32_t *place, uint32_t *index_at, uint32_t *scratch)
{
    for (size_t i = 0; i < count; i++) index_at[i] = (uint32_t)i;
    /* Stable, byte by byte from the lowest; after eight passes the order is back in index_at. */
    uint32_t *from = index_at, *to = scratch;
    for (int shift = 0; shift < 64; shift += 8) {
        size_t next[257] = {0};
        for (size_t i = 0; i < count; i++) next[(numbers[i] >> shift & 0xff) + 1]++;
        for (int i = 0; i < 256; i++) next[i + 1] += next[i];
        for (size_t i = 0; i < count; i++) to[next[numbers[from[i]] >> shift & 0xff]++] = from[i];
        uint32_t *turned = from;
        from = to;
        to = turned;
    }
    for (size_t i = 0; i < count; i++) place[index_at[i]] = (uint32_t)i;
}
