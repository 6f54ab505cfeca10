"""Holds a published version against its source: nothing lost, nothing doubled, nothing changed. Knows nothing of the product's code.

Every row becomes canonical text of its kept columns, every text an MD5 under a key drawn for the comparison; the two 64-bit
halves are summed over the rows modulo 2^64. The sums do not depend on order, and a row twice counts twice. PostgreSQL
computes them for the source by a plain SELECT, DuckDB for the parts as pyarrow reads them.

Canonical text of a row: for each column `LENGTH:TEXT` with the length in bytes, or `-` for NULL, one after the other.
Numbers, UUIDs, text: as printed; booleans 0 or 1; floats: their bits as a signed integer; dates: days, instants: microseconds since
1970; bytes: hexadecimal; arrays of text: elements between U+001F, NULL as U+001E.
"""
import contextlib
import dataclasses
import hashlib
import json
import os
import re
import secrets
import subprocess
import sys

import duckdb
import psycopg2
import pyarrow
import pyarrow.compute
import pyarrow.parquet

BATCH_ROWS = 131_072
HALF = 1 << 64


@dataclasses.dataclass(frozen=True)
class Table:
    """A table to compare: its relation in the source, the columns that are published as they are, the one that names a row."""
    name: str
    relation: str
    kept: tuple[str, ...]
    key: str
    where: str = "true"


@dataclasses.dataclass(frozen=True)
class Print:
    """What stands for a multiset of rows."""
    rows: int
    digest: str

    def __str__(self) -> str:
        return f"{self.rows} rows with print {self.digest}"


class Version:
    """A published version as its files say."""

    def __init__(self, store: str, module: str, number: int):
        self.number = number
        with open(os.path.join(store, module, "_versions", f"{number:08d}.json"), "rb") as file:
            self.record_bytes = file.read()
        self.record = json.loads(self.record_bytes)
        self.folder = os.path.join(store, module, self.record["path"]).rstrip("/")

    def sums(self) -> dict[str, str]:
        """Path → SHA-256 as SHA256SUMS has it."""
        with open(os.path.join(self.folder, "SHA256SUMS")) as file:
            return {path: digest for digest, path in (line.rstrip("\n").split("  ", 1) for line in file)}

    def parts(self, table: str) -> list[str]:
        return sorted(path for path in self.sums() if path.startswith(f"data/{table}/") and path.endswith(".parquet"))

    def part_digests(self) -> dict[str, str]:
        """Path → SHA-256 of the parts, from their bytes."""
        return {path: file_digest(os.path.join(self.folder, path)) for path in self.sums() if path.endswith(".parquet")}


def numbers(store: str, module: str) -> list[int]:
    folder = os.path.join(store, module, "_versions")
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return sorted(int(match[1]) for name in names if (match := re.fullmatch(r"(\d{8})\.json", name)))


def file_digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


# The source's side.

def source_text(column: str, kind: str) -> str:
    """SQL of PostgreSQL for a column's canonical text."""
    name = quoted(column)
    if kind == "boolean":
        return f"{name}::int::text"
    if kind == "double precision":
        return f"('x' || encode(float8send({name}), 'hex'))::bit(64)::bigint::text"
    if kind == "real":
        return f"('x' || encode(float4send({name}), 'hex'))::bit(32)::int::text"
    if kind == "date":
        return f"({name} - date '1970-01-01')::text"
    if kind.startswith("timestamp"):
        return f"(extract(epoch from {name}) * 1000000)::bigint::text"
    if kind == "bytea":
        return f"encode({name}, 'hex')"
    if kind == "text[]":
        return f"array_to_string({name}, U&'\\001F', U&'\\001E')"
    if kind in ("smallint", "integer", "bigint", "text", "jsonb", "uuid") or kind.startswith(("character varying", "numeric(")):
        return f"{name}::text"
    raise ValueError(f"column {column}: no canonical text for {kind}")


def source_row(cursor, table: Table, key: str) -> str:
    """SQL of a row's MD5."""
    cursor.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = %s::regclass and attnum > 0",
        (table.relation,))
    kinds = dict(cursor.fetchall())
    texts = [source_text(column, kinds[column]) for column in table.kept]
    fields = [f"coalesce(octet_length({text}) || ':' || {text}, '-')" for text in texts]
    return f"md5('{key}' || {' || '.join(fields)})"


def source_query(cursor, table: Table, key: str) -> str:
    return f"select {quoted(table.key)} as k, {source_row(cursor, table, key)} as m from {table.relation} where {table.where}"


SOURCE_SUMS = """count(*), coalesce(sum(('x' || substr(m, 1, 16))::bit(64)::bigint), 0),
                 coalesce(sum(('x' || substr(m, 17, 16))::bit(64)::bigint), 0)"""


@contextlib.contextmanager
def source_cursor(url: str):
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            cursor.execute("set timezone = 'UTC'")
            yield cursor


def source_print(url: str, table: Table, key: str) -> Print:
    with source_cursor(url) as cursor:
        cursor.execute(f"select {SOURCE_SUMS} from ({source_query(cursor, table, key)}) as rows")
        return made_print(*cursor.fetchone())


def made_print(rows: int, first: int, second: int) -> Print:
    return Print(rows, f"{int(first) % HALF:016x}{int(second) % HALF:016x}")


# The published side.

def plain(batch: pyarrow.RecordBatch) -> pyarrow.Table:
    """A batch with floats, dates and instants as the integers that they are."""
    columns = []
    for column in batch.columns:
        kind = column.type
        if pyarrow.types.is_float64(kind):
            column = column.view(pyarrow.int64())
        elif pyarrow.types.is_float32(kind):
            column = column.view(pyarrow.int32())
        elif pyarrow.types.is_date32(kind):
            column = column.view(pyarrow.int32())
        elif pyarrow.types.is_timestamp(kind):
            column = column.cast(pyarrow.timestamp("us", kind.tz)).view(pyarrow.int64())
        columns.append(column)
    return pyarrow.Table.from_arrays(columns, names=batch.schema.names)


def part_text(name: str, kind: pyarrow.DataType) -> str:
    """SQL of DuckDB for a column's canonical text."""
    name = quoted(name)
    if pyarrow.types.is_boolean(kind):
        return f"{name}::int::varchar"
    if pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind) or pyarrow.types.is_fixed_size_binary(kind):
        return f"lower(hex({name}))"
    if pyarrow.types.is_list(kind):
        return f"array_to_string(list_transform({name}, lambda one: coalesce(one::varchar, chr(30))), chr(31))"
    return f"{name}::varchar"


def part_queries(version: Version, table: Table, key: str):
    """For every batch of the table's parts: a connection, and a query of its rows' keys and MD5s."""
    with contextlib.closing(duckdb.connect(config={"threads": os.cpu_count()})) as connection:
        for path in version.parts(table.name):
            with pyarrow.parquet.ParquetFile(os.path.join(version.folder, path)) as file:
                for batch in file.iter_batches(BATCH_ROWS, columns=list(dict.fromkeys([*table.kept, table.key]))):
                    batch = plain(batch)
                    texts = [part_text(name, batch.schema.field(name).type) for name in table.kept]
                    fields = [f"coalesce(strlen({text}) || ':' || {text}, '-')" for text in texts]
                    connection.register("batch", batch)
                    yield connection, f"select {quoted(table.key)} as k, md5('{key}' || {' || '.join(fields)}) as m from batch"


PART_SUMS = """count(*), coalesce(sum(('0x' || substr(m, 1, 16))::ubigint), 0),
               coalesce(sum(('0x' || substr(m, 17, 16))::ubigint), 0)"""


def published_print(version: Version, table: Table, key: str) -> Print:
    rows = first = second = 0
    for connection, query in part_queries(version, table, key):
        found = connection.execute(f"select {PART_SUMS} from ({query})").fetchone()
        rows, first, second = rows + found[0], first + int(found[1]), second + int(found[2])
    return made_print(rows, first, second)


# What is different.

def bucket(text: str) -> str:
    """SQL of both databases: one of 4,096 buckets for a key."""
    return f"substr(md5({text}), 1, 3)"


def difference(version: Version, url: str, table: Table, key: str) -> str:
    """Counts rows that were lost, doubled and changed, and names some keys: of the first eight buckets of keys that differ."""
    found, wanted = {}, {}
    for connection, query in part_queries(version, table, key):
        for name, *sums in connection.execute(f"select {bucket('k::varchar')}, {PART_SUMS} from ({query}) group by 1").fetchall():
            found[name] = [a + int(b) for a, b in zip(found.get(name, [0, 0, 0]), sums)]
    with source_cursor(url) as cursor:
        query = source_query(cursor, table, key)
        cursor.execute(f"select {bucket('k::text')}, {SOURCE_SUMS} from ({query}) as rows group by 1")
        for name, *sums in cursor.fetchall():
            wanted[name] = [int(one) for one in sums]
        reduced = lambda sums: [sums[0], sums[1] % HALF, sums[2] % HALF]  # noqa: E731
        bad = sorted(
            name for name in {*found, *wanted}
            if reduced(found.get(name, [0, 0, 0])) != reduced(wanted.get(name, [0, 0, 0])))[:8]
        if not bad:
            return "the buckets of keys are equal"
        names = ", ".join(f"'{name}'" for name in bad)
        cursor.execute(f"select k::text, m from ({query}) as rows where {bucket('k::text')} in ({names})")
        wanted_rows = gathered(cursor.fetchall())
    found_rows: dict[str, list[str]] = {}
    for connection, query in part_queries(version, table, key):
        rows = connection.execute(f"select k::varchar, m from ({query}) where {bucket('k::varchar')} in ({names})").fetchall()
        for name, texts in gathered(rows).items():
            found_rows.setdefault(name, []).extend(texts)
    return told(found_rows, wanted_rows)


def gathered(rows: list[tuple[str, str]]) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {}
    for name, text in rows:
        made.setdefault(name, []).append(text)
    return made


def told(found: dict[str, list[str]], wanted: dict[str, list[str]]) -> str:
    kinds: dict[str, list[str]] = {"lost": [], "doubled": [], "changed": [], "never there": []}
    for name in sorted({*found, *wanted}):
        one, other = sorted(found.get(name, [])), sorted(wanted.get(name, []))
        if one != other:
            kind = ("never there" if not other else "lost" if len(one) < len(other)
                    else "doubled" if len(one) > len(other) else "changed")
            kinds[kind].append(name)
    return "; ".join(f"{len(names)} {kind}: {', '.join(names[:5])}" for kind, names in kinds.items() if names)


# The verdict.

def compare(version: Version, url: str, tables: list[Table]) -> list[str]:
    """Violations: tables whose published rows are not the source's."""
    key = secrets.token_hex(16)
    violations = []
    for table in tables:
        wanted = source_print(url, table, key)
        try:
            found = published_print(version, table, key)
        except (pyarrow.ArrowException, OSError, duckdb.Error) as error:
            violations.append(f"version {version.number}, {table.name}: cannot be read: {type(error).__name__}")
            continue
        if found != wanted:
            violations.append(
                f"version {version.number}, {table.name}: {found}, the source has {wanted}: {difference(version, url, table, key)}")
        told_rows = version.record.get("tables", {}).get(table.name, {}).get("rows")
        if told_rows != found.rows:
            violations.append(f"version {version.number}, {table.name}: the record tells {told_rows} rows, there are {found.rows}")
    return violations


def check_files(version: Version, reference: dict[str, str] | None = None) -> list[str]:
    """Violations: files that are not what SHA256SUMS and the record say, parts that are not those of the reference."""
    violations = []
    with open(os.path.join(version.folder, "SHA256SUMS"), "rb") as file:
        if hashlib.sha256(file.read()).hexdigest() != version.record["sha256sums"]:
            violations.append(f"version {version.number}: SHA256SUMS is not the record's")
    for path, digest in version.sums().items():
        whole = os.path.join(version.folder, path)
        if not os.path.exists(whole):
            violations.append(f"version {version.number}: {path} is missing")
        elif file_digest(whole) != digest:
            violations.append(f"version {version.number}: {path} is not what SHA256SUMS says")
    parts = {path: digest for path, digest in version.sums().items() if path.endswith(".parquet")}
    if reference is not None and parts != reference:
        other = sorted(path for path in {*parts, *reference} if parts.get(path) != reference.get(path))
        violations.append(f"version {version.number}: {len(other)} parts are not those of the undisturbed run: {', '.join(other[:4])}")
    return violations


def check_chain(store: str, module: str) -> list[str]:
    """Violations: numbers with gaps, records that do not name the one before."""
    found = numbers(store, module)
    violations = [] if found == list(range(1, len(found) + 1)) else [f"versions are {found}"]
    before = None
    for number in found:
        version = Version(store, module, number)
        if version.record.get("parent", {}).get("commit_sha256") != before:
            violations.append(f"version {number} does not name the digest of the one before")
        before = hashlib.sha256(version.record_bytes).hexdigest()
    return violations


def check_by_outsider(store: str, module: str) -> list[str]:
    """Violations that tools/check_module.py of ETL_SHARED finds; none where it is not there."""
    program = os.path.join(os.environ.get("ETL_SHARED", ""), "tools/check_module.py")
    if not os.environ.get("ETL_SHARED") or not os.path.exists(program):
        return []
    done = subprocess.run([sys.executable, program, store, module], capture_output=True, text=True)
    # Threads of its readers may abort while Python ends, behind the verdict.
    has_passed = done.returncode in (0, -6) and done.stdout.rstrip().endswith("passed")
    return [] if has_passed else [f"check_module.py: {done.stdout[-1000:]}{done.stderr[-500:]}"]
