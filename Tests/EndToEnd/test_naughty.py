"""The big list of naughty strings passes from PostgreSQL into Parquet byte for byte, as values and as names."""
import contextlib
import json

from lib.checks import expect_equal
from lib.compare import compare_readers
from lib.database import Database, quoted
from lib.document import Document, Table, relation
from lib.etlx import run_well
from lib.published import Version, audit
from lib.surroundings import scratch, shared


# What texts stumble over; U+0000 is no text of PostgreSQL's.
OWN = [
    "", " ", "  two  ", "\t", "\n", "\r\n", "\\", "\\N", "\\.", '"', "''", "`", "null", "NULL", "None", "NaN", "-0", "1e309", "0x1F", "١٢٣",
    "true", "$1", "%s", "${env:HOME}", "{{x}}", "a,b;c|d", "<script>alert(1)</script>", "'; drop table naughty; --", "../../etc/passwd",
    "\u0001\u0008\u001b\u007f", "\u0085\u2028\u2029", "\ufeffmark", "\u200bzero\u200dwidth", "\u202eright to left", "e\u0301 is not é",
    "ﬁ ß İ ı ŉ", "漢字かな交じり", "العربية עברית", "नमस्ते", "👩‍👩‍👧‍👦🏳️‍🌈", "\U0001f600\U0010fffd", "\uffff\ufffe", "z\u0336\u0337\u0338" * 50,
    "x" * 70_000,
]


def test_strings_of_our_own_pass_byte_for_byte():
    return publish(OWN)


def test_strings_pass_byte_for_byte():
    with open(shared("data/naughty-strings/blns.json"), encoding="utf-8") as file:
        return publish(json.load(file))


def publish(strings: list[str]) -> str:
    database = Database.fresh("e2e_naughty")
    with contextlib.closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("create table naughty (id int, value text, doubled text[], document jsonb)")
        for number, string in enumerate(strings):
            cursor.execute(
                "insert into naughty values (%s, %s, %s, %s)",
                (number, string, [string, None, string], json.dumps({"key": string})))
    document = Document(
        scratch("naughty"), "naughty", {"db": {"kind": "postgres", "url": database.url}},
        [Table("naughty", "db.public.naughty", dict.fromkeys(("id", "value", "doubled", "document"), "keep"))])
    run_well("run", document.write())
    version = Version(document.store, "naughty")
    rows = sorted(version.read("naughty").to_pylist(), key=lambda row: row["id"])
    expect_equal([row["value"] for row in rows], strings, "strings")
    expect_equal([row["doubled"] for row in rows], [[string, None, string] for string in strings], "arrays")
    expect_equal([json.loads(row["document"]) for row in rows], [{"key": string} for string in strings], "documents")
    compare_readers(version, "naughty")
    audit(version.all_parts())
    return f"{len(strings)} strings"


def test_names_that_need_quoting():
    """Columns named like SQL, with spaces, quotes, dots and other scripts: read and published under their names."""
    names = ["select", "With Space", 'quo"te', "semi;colon", "naïve", "日本", "a.b", "percent%s", "back\\slash", "UPPER"]
    database = Database.fresh("e2e_names")
    columns = ", ".join(f"{quoted(name)} int" for name in names)
    values = ", ".join(map(str, range(len(names))))
    database.execute(f'create table "Odd Table; drop" ({columns})')
    database.execute(f'insert into "Odd Table; drop" values ({values})')
    document = Document(
        scratch("names"), "names", {"db": {"kind": "postgres", "url": database.url}},
        [Table("odd", relation("db", "public", "Odd Table; drop"), dict.fromkeys(names, "keep"))])
    run_well("run", document.write())
    version = Version(document.store, "names")
    expect_equal(version.read("odd").to_pylist(), [dict(zip(names, range(len(names))))], "row")
