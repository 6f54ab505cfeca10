/* Delimited text: UTF-8 bytes to fields, fields to columns.
 *
 * A block of bytes is split into records (kernel_csv_split); each column of the block is then read by one call, straight
 * into the memory of a chunk's column (kernel_csv_read_*), or only looked at (kernel_csv_infer).
 *
 * Every pointer to text has KERNEL_CSV_PADDING readable bytes after its end (any content); so has every `out` of bytes.
 * Nothing is allocated, no pointer is kept. Plain version for tests: the reference parser of DelimitedFuzzTests. */
#ifndef KERNEL_CSV_H
#define KERNEL_CSV_H

#include <stddef.h>
#include <stdint.h>

#define KERNEL_CSV_PADDING 64

/* The bytes that mean something. `has_*` 0: there is no such byte. All are ASCII and differ from each other, CR and LF. */
typedef struct {
    uint8_t delimiter, quote, escape, comment;
    uint8_t has_quote, has_escape, has_comment;
    /* A blank line is a record of one empty field (files of one column); otherwise it is no record. */
    uint8_t keeps_blank;
    /* A CR without LF ends a record too (files whose first record ends so); otherwise it breaks the record that it is in. */
    uint8_t cr_ends;
} kernel_csv_dialect;

/* A field: `start` in the block; the low 30 bits of `size` are its length without quotes. */
typedef struct {
    uint32_t start, size;
} kernel_csv_field;

#define KERNEL_CSV_QUOTED 0x80000000u  /* it stood in quotes */
#define KERNEL_CSV_ESCAPED 0x40000000u /* it holds doubled quotes or escapes */
#define KERNEL_CSV_LENGTH 0x3fffffffu
#define KERNEL_CSV_MAX_BLOCK 0x3fffffffu

enum {
    KERNEL_CSV_WRONG_WIDTH = 1,  /* more or fewer fields than the header */
    KERNEL_CSV_TEXT_AFTER_QUOTE, /* text between a closing quote and the next delimiter */
    KERNEL_CSV_UNTERMINATED,     /* the file ends inside quotes */
    KERNEL_CSV_LONE_CR,          /* a CR without LF outside quotes, where that ends no record */
    KERNEL_CSV_MARK_INSIDE,      /* a byte-order mark before the record: files were joined */
};

/* A record that is not as it should be; it has no row. `record` counts from the block's first record; its bytes are
 * start ..< end, its line end with them. */
typedef struct {
    uint32_t record, start, end, width, reason;
} kernel_csv_bad;

typedef struct {
    size_t consumed; /* bytes of the block that are done: whole records, blank lines, comments */
    size_t rows;     /* sound records */
    size_t records;  /* all records */
    size_t bad;
    size_t longest; /* of the rows' fields, in bytes */
    int needs_more; /* the rest of the block is the beginning of a record that does not end in it */
} kernel_csv_split_result;

/* Splits whole records from `bytes[0 ..< count]`, a block that starts with a record, until it ends, `row_limit` rows or
 * `bad_limit` bad records are found. `is_last`: nothing follows the block, so its end ends the last record.
 *
 * Row i: fields[i * width ..< (i + 1) * width]; row_record[i] its ordinal among the block's records; row_end[i] where the
 * next record may start. `width` >= 1.
 *
 * Records end with LF or CRLF outside quotes, with CR as the dialect says and where the bytes end. A quote opens a quoted field only as its first byte, elsewhere it is
 * text. After text behind a closing quote the field goes on as unquoted to its end, and the record is bad. */
void kernel_csv_split(const kernel_csv_dialect *dialect, const uint8_t *bytes, size_t count, int is_last, size_t width,
                      size_t row_limit, kernel_csv_field *fields, uint32_t *row_record, uint32_t *row_end,
                      kernel_csv_bad *bad, size_t bad_limit, kernel_csv_split_result *result);

/* Splits the first record alone, whatever its width. Returns how many fields it has and stores the first `limit` of
 * them; 0 when there is no record. `reason`: 0 or why the record is bad. */
size_t kernel_csv_split_one(const kernel_csv_dialect *dialect, const uint8_t *bytes, size_t count, int is_last,
                            kernel_csv_field *fields, size_t limit, uint32_t *reason, kernel_csv_split_result *result);

/* Where the first line of the block ends, its newline included (LF, CRLF, CR; quotes mean nothing);
 * SIZE_MAX when it does not end in the block. */
size_t kernel_csv_line(const uint8_t *bytes, size_t count, int is_last);

/* How many bytes from the start are whole valid UTF-8 sequences (RFC 3629). */
size_t kernel_csv_valid_utf8(const uint8_t *bytes, size_t count);
/* Whether `bytes` is the proper beginning of a longer valid sequence. */
int kernel_csv_is_partial_utf8(const uint8_t *bytes, size_t count);
/* Unicode scalars in valid UTF-8. */
size_t kernel_csv_count_scalars(const uint8_t *bytes, size_t count);

/* One byte a character to UTF-8. `high[b - 128]` is the scalar of byte b, 0 when it has none. Takes bytes until `count`
 * or one that has none; returns how many. `out` has room for 3 * count; `*written` bytes of it are. */
size_t kernel_csv_from_single_byte(const uint8_t *bytes, size_t count, const uint16_t *high, uint8_t *out,
                                   size_t *written);
/* UTF-16 to UTF-8. Takes whole characters until the end or a surrogate without its other half; returns how many bytes.
 * `out` has room for 3 * count / 2. */
size_t kernel_csv_from_utf16(const uint8_t *bytes, size_t count, int is_big_endian, uint8_t *out, size_t *written);

/* One column of a split block: the field of row r is fields[r * stride]. */
typedef struct {
    const uint8_t *bytes;
    const kernel_csv_field *fields;
    size_t stride, rows;
    uint8_t quote, escape, has_escape;
    /* An unquoted empty field is NULL. */
    uint8_t empty_is_null;
    /* Other texts that are NULL when unquoted: text i is null_bytes[null_ends[i - 1] ..< null_ends[i]]. */
    const uint8_t *null_bytes;
    const uint32_t *null_ends;
    size_t null_count;
} kernel_csv_column;

enum {
    KERNEL_CSV_OK = 0,
    KERNEL_CSV_WRONG,   /* not written as its type is */
    KERNEL_CSV_NO_ROOM, /* a number that the type does not hold */
    KERNEL_CSV_SPECIAL, /* a value without counterpart: infinite dates, BC, 24:00:00, NaN as decimal */
};

/* Each reads the column's rows into out[first ..< first + rows] and sets the validity bits of values (bits start at
 * zero; rows that are NULL or fail are left 0 and hold zero). A failing row's status is stored, others are not touched.
 * Returns how many rows failed. `validity` and bits of booleans: LSB first. */
size_t kernel_csv_read_boolean(const kernel_csv_column *column, uint8_t *out, uint8_t *validity, size_t first,
                               uint8_t *statuses);
size_t kernel_csv_read_int16(const kernel_csv_column *column, int16_t *out, uint8_t *validity, size_t first,
                             uint8_t *statuses);
size_t kernel_csv_read_int32(const kernel_csv_column *column, int32_t *out, uint8_t *validity, size_t first,
                             uint8_t *statuses);
size_t kernel_csv_read_int64(const kernel_csv_column *column, int64_t *out, uint8_t *validity, size_t first,
                             uint8_t *statuses);
size_t kernel_csv_read_float32(const kernel_csv_column *column, float *out, uint8_t *validity, size_t first,
                               uint8_t *statuses);
size_t kernel_csv_read_float64(const kernel_csv_column *column, double *out, uint8_t *validity, size_t first,
                               uint8_t *statuses);
/* `out`: 16 bytes a row, little endian two's complement, in units of 10^-scale. */
size_t kernel_csv_read_decimal(const kernel_csv_column *column, uint8_t *out, uint8_t *validity, size_t first,
                               uint8_t *statuses, int precision, int scale);
size_t kernel_csv_read_date(const kernel_csv_column *column, int32_t *out, uint8_t *validity, size_t first,
                            uint8_t *statuses);
size_t kernel_csv_read_timestamp(const kernel_csv_column *column, int64_t *out, uint8_t *validity, size_t first,
                                 uint8_t *statuses, int is_utc);

/* Bytes that the column's fields hold, at least. */
size_t kernel_csv_text_size(const kernel_csv_column *column);
/* Copies the fields behind out[offsets[first]] and writes offsets[first + 1 ... first + rows]. Cannot fail. */
void kernel_csv_read_text(const kernel_csv_column *column, int32_t *offsets, uint8_t *out, uint8_t *validity,
                          size_t first);

/* What a field looks like. Kinds from KERNEL_CSV_ODD on can only be text. */
enum {
    KERNEL_CSV_IS_BOOLEAN,
    KERNEL_CSV_IS_INTEGER,       /* fits 64 bits */
    KERNEL_CSV_IS_BIG_INTEGER,   /* up to 38 digits */
    KERNEL_CSV_IS_DECIMAL,       /* up to 10 fractional digits, 38 in all */
    KERNEL_CSV_IS_LONG_FRACTION, /* more than 10 fractional digits */
    KERNEL_CSV_IS_EXPONENT,
    KERNEL_CSV_IS_DATE,
    KERNEL_CSV_IS_TIMESTAMP,
    KERNEL_CSV_IS_TIMESTAMPTZ,
    KERNEL_CSV_ODD, /* text that resembles no type */
    KERNEL_CSV_ODD_LEADING_ZERO,
    KERNEL_CSV_ODD_PLUS,
    KERNEL_CSV_ODD_BLANK, /* a blank first or last */
    KERNEL_CSV_ODD_EMPTY, /* quoted and empty */
    KERNEL_CSV_ODD_LONG_NUMBER,
    KERNEL_CSV_ODD_EXPONENT,      /* 3E12: an exponent without sign behind digits without point */
    KERNEL_CSV_ODD_NEGATIVE_ZERO, /* -0 */
    KERNEL_CSV_ODD_POINT,         /* a point without a digit on either side */
    KERNEL_CSV_KINDS,
};

typedef struct {
    uint32_t kinds;          /* bit k: kind k was seen */
    uint32_t integer_digits; /* most digits before and after the point of a plain number */
    uint32_t fraction_digits;
    uint32_t loses_as_float;              /* a number that float64 would not give back as it is written */
    uint32_t first_row[KERNEL_CSV_KINDS]; /* of the latest call: where each newly seen kind was first seen */
} kernel_csv_evidence;

/* Adds what the column's values look like; NULLs say nothing. The sum does not depend on the order of values, except
 * that nothing more is looked at after the first kind that can only be text. */
void kernel_csv_infer(const kernel_csv_column *column, kernel_csv_evidence *evidence);

#endif
