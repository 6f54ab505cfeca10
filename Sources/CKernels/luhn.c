#include "kernel_luhn.h"

#include "dispatch.h"
#include "luhn.h"

bool luhn_value(const uint8_t *value, size_t length)
{
    unsigned sum = 0, others = 0;
    for (size_t i = 0; i < length; i++) {
        const unsigned digit = (unsigned)value[i] - '0', doubled = digit < 5 ? 2 * digit : 2 * digit - 9;
        others |= digit > 9;
        sum += (length - 1 - i) & 1 ? doubled : digit;
    }
    return (length > 0) & !others & (sum % 10 == 0);
}

void luhn_rows_plain(const uint8_t *bytes, const int32_t *offsets, const uint8_t *validity, size_t first, size_t end,
                     uint8_t *holds)
{
    for (size_t row = first; row < end; row++)
        holds[row] =
            luhn_is_valid(validity, row) && luhn_value(bytes + offsets[row], (size_t)(offsets[row + 1] - offsets[row]));
}

void reference_luhn_rows(const uint8_t *bytes, const int32_t *offsets, const uint8_t *validity, size_t rows,
                         uint8_t *holds)
{
    luhn_rows_plain(bytes, offsets, validity, 0, rows, holds);
}

const struct luhn_version luhn_plain = {reference_luhn_rows};

void kernel_luhn_rows(const uint8_t *bytes, const int32_t *offsets, const uint8_t *validity, size_t rows,
                      uint8_t *holds)
{
    const struct luhn_version *version = kernel_chosen(SLOT_LUHN);
    version->rows(bytes, offsets, validity, rows, holds);
}
