"""Tables of as many columns as PostgreSQL allows, with a rule for each: published, verified, within the memory of any other.

`ETL_TEST_WIDE_ROWS` sets how many rows; 100,000 take some minutes.
"""
import os

from lib.checks import expect, expect_equal
from lib.database import Database
from lib.document import Document, Table
from lib.etlx import run_well
from lib.published import Version
from lib.surroundings import scratch
from test_memory import LIMIT, peak_of_workers

COLUMNS = 1600
ROWS = int(os.environ.get("ETL_TEST_WIDE_ROWS", "2500"))

# Four kinds of columns in turn. A row has to fit a page of 8 KiB: most texts are NULL.
RULES = (
    {"clamp": [0, 500]}, {"cast": "text"}, {"generalize": {"to": "year"}},
    ["trim", "lowercase", {"token": {"key": "k", "scope": "text"}}],
)


def value(row: int, column: int) -> str:
    """As text; empty: NULL."""
    number = row * 31 + column * 7
    match column % 4:
        case 0: return str(number % 1000)
        case 1: return str(number % 30_000)
        case 2: return f"20{number % 24:02d}-03-01"
        case _: return "Abc " if (row + column // 4) % 40 == 0 else ""


def document(folder: str, source: dict, origin: str) -> Document:
    rules = {f"column_{index}": RULES[index % 4] for index in range(COLUMNS)}
    return Document(folder, "wide", {"db": source}, [Table("wide", origin, rules)]).with_key("k")


def check(document: Document) -> str:
    peak, seconds = peak_of_workers(document, "1")
    version = Version(document.store, "wide")
    table = version.read("wide")
    expect_equal(table.num_columns, COLUMNS, "columns")
    expect_equal(table.num_rows, ROWS, "rows")
    for index in (0, 1, 3, 799, 1596, 1597, 1599):
        found = table.column(f"column_{index}").to_pylist()
        texts = [value(row, index) for row in range(ROWS)]
        match index % 4:
            case 0: wanted = [min(int(text), 500) for text in texts]
            case 1: wanted = texts
            case _:
                expect_equal([cell is None for cell in found], [text == "" for text in texts], f"nulls of {index}")
                expect(len({cell for cell in found if cell}) <= 1, f"tokens of column {index}")
                continue
        expect_equal(found, wanted, f"column {index}")
    run_well("modules", document.store, "verify", "wide")
    expect(peak < LIMIT, f"peak {peak >> 20} MiB, limit {LIMIT >> 20} MiB")
    return f"{ROWS} rows: peak {peak >> 20} MiB, {seconds:.0f} s"


def test_1600_columns_of_a_database():
    database = Database.fresh("e2e_wide")
    types = ("int2", "int2", "date", "text")
    columns = ", ".join(f"column_{index} {types[index % 4]}" for index in range(COLUMNS))
    database.execute(f"create table wide ({columns})")
    expressions = []
    for index in range(COLUMNS):
        number = f"(i * 31 + {index * 7})"
        expressions.append((
            f"({number} % 1000)::int2", f"({number} % 30000)::int2",
            f"make_date(2000 + ({number} % 24)::int, 3, 1)",
            f"case when (i + {index // 4}) % 40 = 0 then 'Abc ' end")[index % 4])
    database.execute(f"insert into wide select {', '.join(expressions)} from generate_series(0, {ROWS - 1}) i")
    return check(document(scratch("wide"), {"kind": "postgres", "url": database.url}, "db.public.wide"))


def test_1600_columns_of_a_file():
    folder = scratch("wide")
    with open(f"{folder}/in.csv", "w") as file:
        file.write(",".join(f"column_{index}" for index in range(COLUMNS)) + "\n")
        for row in range(ROWS):
            file.write(",".join(value(row, index) for index in range(COLUMNS)) + "\n")
    return check(document(folder, {"kind": "csv", "path": "in.csv"}, "db"))
