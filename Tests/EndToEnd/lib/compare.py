"""Holds published columns against PostgreSQL's own text of the same data, and readers against each other.

A value of a part becomes a PostgreSQL literal, is loaded into a table of the source's types, and comes out of `COPY`
beside the original's `COPY`: equal lines, whatever their order, are equal cells. Columns published as text are also
compared as they are, without PostgreSQL's reading of them in between.
"""
import contextlib
import decimal
import hashlib
import io
import math

import duckdb
import polars
import pyarrow

from lib.checks import expect, shortened
from lib.database import Database, quoted
from lib.published import Version

# Published text that is not what COPY prints, by declared mapping: loaded again it must be, and is compared so.
OTHER_TEXT = ("interval", "time", "money", "character(", "xml", "bit")


def plain_type(kind: pyarrow.DataType) -> pyarrow.DataType:
    """The type with dates and timestamps as the integers that they are: Python's own end at the year 9999."""
    if pyarrow.types.is_timestamp(kind):
        return pyarrow.int64()
    if pyarrow.types.is_date32(kind):
        return pyarrow.int32()
    if pyarrow.types.is_list(kind):
        return pyarrow.list_(kind.value_field.with_type(plain_type(kind.value_type)))
    if pyarrow.types.is_struct(kind):
        return pyarrow.struct([field.with_type(plain_type(field.type)) for field in kind])
    return kind


def literal(value: object, kind: pyarrow.DataType) -> str | None:
    """A value as text that PostgreSQL reads as the same value; None for NULL."""
    if value is None:
        return None
    if pyarrow.types.is_boolean(kind):
        return "t" if value else "f"
    if pyarrow.types.is_timestamp(kind):
        return timestamp_text(value, kind)
    if pyarrow.types.is_date32(kind):
        return date_text(value)
    if pyarrow.types.is_binary(kind) or pyarrow.types.is_fixed_size_binary(kind):
        return "\\x" + value.hex()
    if pyarrow.types.is_floating(kind):
        return float_text(value, kind)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if pyarrow.types.is_list(kind):
        return "{" + ",".join(element(item, kind.value_type) for item in value) + "}"
    if pyarrow.types.is_struct(kind):
        return "(" + ",".join(member(value[field.name], field.type) for field in kind) + ")"
    return str(value)


def element(value: object, kind: pyarrow.DataType) -> str:
    if value is None:
        return "NULL"
    text = literal(value, kind)
    if pyarrow.types.is_list(kind):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def member(value: object, kind: pyarrow.DataType) -> str:
    if value is None:
        return ""
    return '"' + literal(value, kind).replace("\\", "\\\\").replace('"', '""') + '"'


def float_text(value: float, kind: pyarrow.DataType) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return f"{value:.9g}" if kind == pyarrow.float32() else repr(value)


def date_text(days: int) -> str:
    """Days since 1970 in the proleptic Gregorian calendar, as PostgreSQL writes dates, BC and all."""
    year, month, day = civil(days)
    return f"{year:04d}-{month:02d}-{day:02d}" if year > 0 else f"{1 - year:04d}-{month:02d}-{day:02d} BC"


def timestamp_text(count: int, kind: pyarrow.DataType) -> str:
    expect(kind.unit == "us", f"timestamps in {kind.unit}")
    days, rest = divmod(count, 86_400_000_000)
    seconds, micros = divmod(rest, 1_000_000)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{micros:06d}"
    date, _, era = date_text(days).partition(" ")
    return f"{date} {clock}{'+00' if kind.tz else ''}{' ' + era if era else ''}"


def civil(days: int) -> tuple[int, int, int]:
    """Year (0 is 1 BC), month, day of a day number; http://howardhinnant.github.io/date_algorithms.html."""
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year_of_era + era * 400 + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1


def copy_field(text: str | None) -> str:
    """A field of COPY's text format."""
    if text is None:
        return "\\N"
    for plain, escaped in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"), ("\b", "\\b"), ("\f", "\\f"), ("\v", "\\v")):
        text = text.replace(plain, escaped)
    return text


def literals(table: pyarrow.Table, column: str) -> list[str | None]:
    data = table.column(column)
    kind = data.type
    return [literal(value, kind) for value in data.cast(plain_type(kind)).to_pylist()]


def copy_out(cursor, query: str) -> list[bytes]:
    buffer = io.BytesIO()
    cursor.copy_expert(f"copy ({query}) to stdout", buffer)
    return sorted(buffer.getvalue().split(b"\n")[:-1])


def compare_with_source(
    database: Database, schema: str, table: str, published: pyarrow.Table, columns: list[tuple[str, str]],
    condition: str = "true",
) -> None:
    """Expects the published rows to be the source's, cell by cell. `columns` are (name, PostgreSQL type)."""
    source = f"{quoted(schema)}.{quoted(table)}"
    names = ", ".join(quoted(name) for name, _ in columns)
    wanted_names = [name for name, _ in columns]
    expect(published.column_names == wanted_names, f"{table}: columns {published.column_names}, expected {wanted_names}")
    with contextlib.closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"create temporary table reloaded as select {names} from {source} with no data")
        fields = [literals(published, name) for name, _ in columns]
        lines = ("\t".join(map(copy_field, row)) + "\n" for row in zip(*fields)) if fields else ()
        cursor.copy_expert("copy reloaded from stdin", io.BytesIO("".join(lines).encode()))
        found = copy_out(cursor, "select * from reloaded")
        wanted = copy_out(cursor, f"select {names} from {source} where {condition}")
        if found != wanted:
            raise AssertionError(f"{schema}.{table}: {difference(found, wanted, columns)}")
        for (name, kind), texts in zip(columns, fields):
            if pyarrow.types.is_string(published.schema.field(name).type) and not kind.startswith(OTHER_TEXT):
                original = copy_out(cursor, f"select {quoted(name)} from {source} where {condition}")
                expect(
                    sorted(copy_field(text).encode() for text in texts) == original,
                    f"{schema}.{table}.{name} ({kind}): published text is not what COPY prints")


def difference(found: list[bytes], wanted: list[bytes], columns: list[tuple[str, str]]) -> str:
    """Where two sorted lists of COPY lines part; the data are public samples, so values may be shown."""
    if len(found) != len(wanted):
        return f"{len(found)} rows, expected {len(wanted)}"
    for one, other in zip(found, wanted):
        if one != other:
            for (name, kind), a, b in zip(columns, one.split(b"\t"), other.split(b"\t")):
                if a != b:
                    return f"column {name} ({kind}): found {shortened(a, 120)}, expected {shortened(b, 120)}"
    return "equal"


def profile(database: Database, schema: str, table: str, column: str, published: pyarrow.Table) -> tuple[int, int, int, str]:
    """Rows, non-null, distinct and md5 of the sorted texts of a published column, as the expected profiles count them."""
    source = f"{quoted(schema)}.{quoted(table)}"
    with contextlib.closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"create temporary table reloaded as select {quoted(column)} as value from {source} with no data")
        lines = "".join(copy_field(text) + "\n" for text in literals(published, column))
        cursor.copy_expert("copy reloaded from stdin", io.BytesIO(lines.encode()))
        cursor.execute(
            """select count(*), count(value), count(distinct value::text collate "C"),
                      md5(coalesce(string_agg(coalesce(value::text, '\\N'), chr(10)
                                     order by coalesce(value::text, '\\N') collate "C"), ''))
               from reloaded""")
        return cursor.fetchone()


def compare_readers(version: Version, table: str) -> None:
    """Expects pyarrow, DuckDB and polars to read the same rows in the same order."""
    files = version.parts(table)
    ours = version.read(table)
    with contextlib.closing(duckdb.connect()) as connection:
        connection.execute("set timezone = 'UTC'")
        theirs = connection.execute("select * from read_parquet(?)", [files]).to_arrow_table()
    frame = polars.concat([polars.read_parquet(path) for path in files])
    for name in ours.column_names:
        wanted = cells(ours.column(name))
        expect(cells(theirs.column(name)) == wanted, f"{table}.{name}: DuckDB and pyarrow read different values")
        expect(
            cells(frame.get_column(name).to_arrow()) == wanted,
            f"{table}.{name}: polars and pyarrow read different values")


def cells(column) -> str:
    """Digest of a column's values, the same for every reader: `repr` tells NaN, -0.0 and types apart."""
    if isinstance(column, pyarrow.Array):
        column = pyarrow.chunked_array([column])
    kind = same_type(column.type)
    digest = hashlib.sha256()
    for chunk in column.chunks:
        for value in chunk.cast(kind).to_pylist():
            digest.update(repr(value).encode("utf-8", "backslashreplace") + b"\n")
    return digest.hexdigest()


def same_type(kind: pyarrow.DataType) -> pyarrow.DataType:
    """One type for what readers call string, large string and string view, and so on; instants as integers."""
    if pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind) or kind == pyarrow.string_view():
        return pyarrow.string()
    if pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind) or kind == pyarrow.binary_view():
        return pyarrow.binary()
    if pyarrow.types.is_integer(kind):
        return pyarrow.int64()
    if pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind):
        return pyarrow.list_(pyarrow.field("element", same_type(kind.value_type)))
    if pyarrow.types.is_struct(kind):
        return pyarrow.struct([pyarrow.field(field.name, same_type(field.type)) for field in kind])
    if pyarrow.types.is_decimal(kind):
        return pyarrow.decimal128(kind.precision, kind.scale)
    if kind == pyarrow.json_() if hasattr(pyarrow, "json_") else False:
        return pyarrow.string()
    return plain_type(kind)
