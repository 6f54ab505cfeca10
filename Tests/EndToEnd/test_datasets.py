"""Every table of the sample databases: published with `keep` and compared cell by cell, or refused by name and then
published as PostgreSQL's text. Prints for each set how many tables went which way."""
import csv
import re

from lib.checks import expect, expect_equal
from lib.compare import compare_readers, compare_with_source, profile
from lib.document import Document, Table, relation
from lib.etlx import run
from lib.marks import by_night
from lib.published import Version, audit, check_module
from lib.samples import PROFILES, sample
from lib.surroundings import shared, scratch

ROUNDS = 60
RENAMED = "__2"  # end of a published column's name whose own differs from another's only in case


def test_types_of_our_own():
    """Needs nothing from outside."""
    return publish_and_compare("types_here")


def test_pagila():
    return publish_and_compare("pagila", checked=True)


def test_chinook():
    return publish_and_compare("chinook")


def test_northwind():
    return publish_and_compare("northwind")


def test_pgexercises():
    return publish_and_compare("pgexercises")


def test_pg_types_all():
    return publish_and_compare("types_all")


def test_pg_types_other():
    return publish_and_compare("types_other")


def test_pg_types_decimals():
    """By day one table of seven."""
    return publish_and_compare("types_decimals", each=by_night(1, 7))


def test_pg_types_regress():
    return publish_and_compare("types_regress")


def publish_and_compare(name: str, checked: bool = False, each: int = 1) -> str:
    database = sample(name)
    sources = dict(list(database.columns().items())[::each])
    names = published_names(list(sources))
    document = Document(
        scratch(name), name.replace("_", "-"), {"db": {"kind": "postgres", "url": database.url}},
        [Table(names[where], relation("db", *where), {column: "keep" for column, _ in columns})
         for where, columns in sources.items()])
    reasons = publish_with_keep(document)

    version = Version(document.store, document.module)
    expect_equal(set(version.record["tables"]), set(names.values()), "published tables")
    for (schema, table), columns in sources.items():
        if version.parts(names[schema, table]):
            compare_with_source(database, schema, table, read(version, names[schema, table]), columns)
            compare_readers(version, names[schema, table])
        else:
            rows = database.execute(f'select count(*) from "{schema}"."{table}"')[0][0]
            expect_equal(rows, 0, f"rows of {schema}.{table}, which has no part")
        expect_equal(
            version.rows(names[schema, table]), database.execute(f'select count(*) from "{schema}"."{table}"')[0][0],
            f"rows of {schema}.{table} in the commit record")
    profiled = compare_profiles(name, version, names)
    probes = audit(version.all_parts())
    if checked:
        check_module(document.store, document.module)
    refused = {table for table, _ in reasons}
    return (
        f"{len(sources)} tables: {len(sources) - len(refused)} published as they are, {len(refused)} refused by name and "
        f"published with {len(reasons)} columns as text or renamed; {sum(len(c) for c in sources.values())} columns compared, "
        f"{profiled} profiles met, {probes} push-down probes")


def read(version: Version, table: str):
    """The published table under the source's column names."""
    published = version.read(table)
    return published.rename_columns([name.removesuffix(RENAMED) for name in published.column_names])


def published_names(sources: list[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Names for modules: lower case, unique."""
    names: dict[tuple[str, str], str] = {}
    for schema, table in sources:
        name = re.sub(r"[^a-z0-9_]", "_", table.lower())
        while name in names.values():
            name += "_2"
        names[schema, table] = name
    return names


def publish_with_keep(document: Document) -> dict[tuple[str, str], str]:
    """Runs until the version is there, answering each refusal by `{cast: text}` for the columns that it names, and by
    another name where two differ only in case.

    Returns (table, column) → the message that named it.
    """
    reasons: dict[tuple[str, str], str] = {}
    tables = {table.name: table for table in document.tables}
    for _ in range(ROUNDS):
        result = run("run", document.write(), "--workers", "2")
        if result.status == 0:
            return reasons
        refused = columns_refused(document, result.text) - set(reasons)
        expect(refused, f"exit code {result.status} names no further column:\n{result.text[-3000:]}")
        for table, column in refused:
            reasons[table, column] = next((line for line in result.text.splitlines() if column in line), "")
            if "differ only in case" in reasons[table, column]:
                rename(tables[table], column)
            else:
                tables[table].columns[column] = {"cast": "text"}
    raise AssertionError(f"still refused after {ROUNDS} rounds: {result.text[-1500:]}")


def rename(table: Table, column: str) -> None:
    """Publishes the column under another name, at its place."""
    table.columns = {
        name + RENAMED if name == column else name: [{"from": name}, "keep"] if name == column else rule
        for name, rule in table.columns.items()}


def columns_refused(document: Document, messages: str) -> set[tuple[str, str]]:
    """The columns that messages point at by line, or name as table.column or as table "t", column "c"."""
    found = document.columns_named(messages)
    for line in messages.splitlines():
        for table in document.tables:
            for column in table.columns:
                if re.search(rf"""\b{re.escape(table.name)}\b["']?(\.|,? column )["']?{re.escape(column)}(?!\w)""", line):
                    found.add((table.name, column))
    return found


def compare_profiles(name: str, version: Version, names: dict[tuple[str, str], str]) -> int:
    """Expects the columns that the profile beside the data describes to have its counts and its md5."""
    if name not in PROFILES:
        return 0
    database, count = sample(name), 0
    with open(shared(f"data/{PROFILES[name]}"), newline="") as file:
        for row in csv.DictReader(file):
            where = row["schema"], row["table"]
            if where not in names or not version.parts(names[where]):
                continue
            found = profile(database, *where, row["column"], read(version, names[where]))
            wanted = (int(row["rows"]), int(row["non_null"]), int(row["distinct_text"]), row["md5_sorted_text"])
            expect_equal(found, wanted, f"profile of {row['schema']}.{row['table']}.{row['column']} ({row['pg_type']})")
            count += 1
    return count
