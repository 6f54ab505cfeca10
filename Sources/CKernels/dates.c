#include "kernel_dates.h"

/* Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": eras of 400 years that start on 1 March. */
void kernel_civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted_month = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    *month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    *year = (int64_t)year_of_era + era * 400 + (*month <= 2);
}

int64_t kernel_days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static inline int is_valid(const uint8_t *validity, size_t row)
{
    return !validity || (validity[row >> 3] >> (row & 7) & 1);
}

static inline size_t write_two(int value, uint8_t *out)
{
    out[0] = (uint8_t)('0' + value / 10);
    out[1] = (uint8_t)('0' + value % 10);
    return 2;
}

/* At least four digits. */
static size_t write_year(int64_t year, uint8_t *out)
{
    size_t written = 0;
    if (year < 0) {
        out[written++] = '-';
        year = -year;
    }
    uint8_t digits[20];
    size_t count = 0;
    while (year > 0 || count < 4) {
        digits[count++] = (uint8_t)('0' + year % 10);
        year /= 10;
    }
    while (count > 0) out[written++] = digits[--count];
    return written;
}

static size_t write_date(int64_t days, uint8_t *out)
{
    int64_t year;
    int month, day;
    kernel_civil_from_days(days, &year, &month, &day);
    size_t written = write_year(year, out);
    out[written++] = '-';
    written += write_two(month, out + written);
    out[written++] = '-';
    return written + write_two(day, out + written);
}

size_t kernel_text_date(const int32_t *days, const uint8_t *validity, size_t rows, int32_t *out_offsets, uint8_t *out)
{
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        if (is_valid(validity, row)) written += write_date(days[row], out + written);
        out_offsets[row + 1] = (int32_t)written;
    }
    return written;
}

static const int64_t micros_per_day = 86400000000;

static inline int64_t floor_days(int64_t micros)
{
    int64_t days = micros / micros_per_day;
    return micros % micros_per_day < 0 ? days - 1 : days;
}

static size_t write_timestamp(int64_t micros, int is_utc, uint8_t *out)
{
    int64_t days = floor_days(micros);
    /* Of the remainders, not of days * micros_per_day: that product can lie below INT64_MIN. */
    int64_t rest = micros % micros_per_day;
    if (rest < 0) rest += micros_per_day;
    size_t written = write_date(days, out);
    int seconds = (int)(rest / 1000000), fraction = (int)(rest % 1000000);
    out[written++] = 'T';
    written += write_two(seconds / 3600, out + written);
    out[written++] = ':';
    written += write_two(seconds / 60 % 60, out + written);
    out[written++] = ':';
    written += write_two(seconds % 60, out + written);
    if (fraction != 0) {
        out[written++] = '.';
        for (int i = 5; i >= 0; i--, fraction /= 10) out[written + (size_t)i] = (uint8_t)('0' + fraction % 10);
        written += 6;
    }
    if (is_utc) out[written++] = 'Z';
    return written;
}

size_t kernel_text_timestamp(const int64_t *micros, const uint8_t *validity, size_t rows, int is_utc,
                             int32_t *out_offsets, uint8_t *out)
{
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        if (is_valid(validity, row)) written += write_timestamp(micros[row], is_utc, out + written);
        out_offsets[row + 1] = (int32_t)written;
    }
    return written;
}

void kernel_days_of_timestamps(const int64_t *micros, size_t rows, int32_t *out)
{
    for (size_t row = 0; row < rows; row++) out[row] = (int32_t)floor_days(micros[row]);
}

void kernel_years_of_days(const int32_t *days, const uint8_t *validity, size_t rows, int32_t *out)
{
    for (size_t row = 0; row < rows; row++) {
        int64_t year;
        int month, day;
        kernel_civil_from_days(days[row], &year, &month, &day);
        out[row] = is_valid(validity, row) ? (int32_t)year : 0;
    }
}

static size_t write_period(int32_t days, int period, uint8_t *out)
{
    int64_t year;
    int month, day;
    kernel_civil_from_days(days, &year, &month, &day);
    if (period == KERNEL_PERIOD_DECADE) {
        int64_t decade = (year >= 0 ? year : year - 9) / 10 * 10;
        size_t written = write_year(decade, out);
        out[written++] = 's';
        return written;
    }
    size_t written = write_year(year, out);
    out[written++] = '-';
    if (period == KERNEL_PERIOD_MONTH) return written + write_two(month, out + written);
    out[written++] = 'Q';
    out[written++] = (uint8_t)('0' + (month + 2) / 3);
    return written;
}

size_t kernel_periods_of_days(const int32_t *days, const uint8_t *validity, size_t rows, int period,
                              int32_t *out_offsets, uint8_t *out)
{
    size_t written = 0;
    out_offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        if (is_valid(validity, row)) written += write_period(days[row], period, out + written);
        out_offsets[row + 1] = (int32_t)written;
    }
    return written;
}
