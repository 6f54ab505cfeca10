/* Dates (days since 1970-01-01, proleptic Gregorian calendar) and timestamps (microseconds since its midnight).
 * validity: one bit a row, or NULL; rows without a value give an empty text or 0. out_offsets: rows + 1 elements.
 * Nothing is allocated, no pointer kept. Functions that write text return the bytes written. */
#ifndef KERNEL_DATES_H
#define KERNEL_DATES_H

#include <stddef.h>
#include <stdint.h>

/* Room that the texts need a row. */
enum { KERNEL_DATE_TEXT = 16, KERNEL_TIMESTAMP_TEXT = 40 };

/* `2026-11-05`. Years of more or less than four digits are written as they are, at least four digits, `-` before negative ones. */
size_t kernel_text_date(const int32_t *days, const uint8_t *validity, size_t rows, int32_t *out_offsets, uint8_t *out);

/* `2026-11-05T07:08:09`, `.` and six digits of microseconds only where they are not 0, then `Z` when `is_utc`. */
size_t kernel_text_timestamp(const int64_t *micros, const uint8_t *validity, size_t rows, int is_utc,
                             int32_t *out_offsets, uint8_t *out);

/* The day that each timestamp lies in. out may not overlap micros. */
void kernel_days_of_timestamps(const int64_t *micros, size_t rows, int32_t *out);

/* The calendar year of each day. out may be days itself. Rows without a value give 0. */
void kernel_years_of_days(const int32_t *days, const uint8_t *validity, size_t rows, int32_t *out);

/* The period that each day lies in: `2026-Q4`, `2026-11`, `2020s`. Room as for a date. */
enum { KERNEL_PERIOD_QUARTER = 0, KERNEL_PERIOD_MONTH = 1, KERNEL_PERIOD_DECADE = 2 };
size_t kernel_periods_of_days(const int32_t *days, const uint8_t *validity, size_t rows, int period,
                              int32_t *out_offsets, uint8_t *out);

/* The day number of a calendar date; month 1 to 12, day as given (no check). */
int64_t kernel_days_from_civil(int64_t year, int month, int day);

/* The date of a day number. */
void kernel_civil_from_days(int64_t days, int64_t *year, int *month, int *day);

#endif
