"""Published tables, opened as Delta and as Iceberg tables by the readers that others have: rows, nulls and a sum of every
column are those of the Parquet files."""
import glob
import json
import os
import shutil

from lib import open_formats
from lib.checks import expect, expect_equal, require
from lib.document import Document, Table, relation
from lib.etlx import run_well
from lib.published import Version
from lib.samples import clinic, sample, wide_document, wide_table
from lib.database import Database
from lib.surroundings import scratch
from test_datasets import publish_with_keep


def test_clinic():
    folder = scratch("clinic")
    document = clinic(folder)
    run_well("keys", "new", f"{folder}/people.key")
    run_well("run", document)
    version = Version(f"{folder}/modules", "clinic")
    expect(
        not [path for path in version.digests() if "/metadata/" in path], "Iceberg's metadata were written unasked")
    outcome = compare(version, "delta")

    with open(document, encoding="utf-8") as file:
        text = file.read().replace("target: {directory: modules}", "target: {directory: modules, iceberg: true}")
    with open(document, "w", encoding="utf-8") as file:
        file.write(text)
    run_well("run", document)
    version = Version(f"{folder}/modules", "clinic")
    return f"{outcome}; {compare(version, 'delta', 'iceberg')}"


def test_pagila():
    database = sample("pagila")
    sources = database.columns("public")
    document = Document(
        scratch("pagila"), "pagila", {"db": {"kind": "postgres", "url": database.url}},
        [Table(table, relation("db", schema, table), {column: "keep" for column, _ in columns})
         for (schema, table), columns in sources.items()],
        iceberg=True)
    publish_with_keep(document)
    return compare(Version(document.store, "pagila"), "delta", "iceberg")


def test_table_of_several_parts():
    database = Database.fresh("e2e_open_formats")
    wide_table(database, "wide", leaves=4, rows_per_leaf=5_000)
    document = wide_document(scratch("wide"), database, "wide")
    document.iceberg = True
    run_well("run", document.write())
    version = Version(document.store, "wide")
    expect(len(version.parts("wide")) >= 4, "the table has one part alone")
    return compare(version, "delta", "iceberg")


def test_delta_moves_with_its_folder():
    folder = scratch("moved")
    document = clinic(folder, patients=200)
    run_well("keys", "new", f"{folder}/people.key")
    run_well("run", document)
    version = Version(f"{folder}/modules", "clinic")
    shutil.copytree(version.folder, f"{folder}/elsewhere")
    shutil.rmtree(f"{folder}/elsewhere/report")
    for table in version.record["tables"]:
        differences, absent = open_formats.compare(f"{folder}/elsewhere/data/{table}", "delta")
        expect(not differences, f"{table}: {differences}")
    require(len(absent) < len(open_formats.READERS["delta"]), f"no reader of Delta is installed: {absent}")


def compare(version: Version, *forms: str) -> str:
    """Expects every table of the version to be what its parts are, for each reader there is."""
    outcome = []
    for form in forms:
        absent: list[str] = []
        for table, facts in version.record["tables"].items():
            folder = f"{version.folder}/data/{table}"
            differences, absent = open_formats.compare(folder, form)
            expect(not differences, f"{table}: {differences}")
            check_log(version, table) if form == "delta" else check_metadata(version, table)
        require(len(absent) < len(open_formats.READERS[form]), f"no reader of {form} is installed: {absent}")
        readers = [name for name in open_formats.READERS[form] if not any(text.startswith(name) for text in absent)]
        outcome.append(f"{len(version.record['tables'])} tables as {form} by {', '.join(readers)}{f', without {absent}' if absent else ''}")
    return "; ".join(outcome)


def check_log(version: Version, table: str) -> None:
    """The log names the table's parts, no others, and says nothing of their values but how many there are."""
    path = f"data/{table}/_delta_log/00000000000000000000.json"
    expect(path in version.digests(), f"{path} is not listed")
    with open(f"{version.folder}/{path}") as file:
        adds = [line["add"] for line in map(json.loads, file) if "add" in line]
    expect_equal(
        [os.path.join(version.folder, "data", table, add["path"]) for add in adds], version.parts(table), f"parts of {table}")
    statistics = [json.loads(add["stats"]) for add in adds]
    expect(all(set(entry) == {"numRecords"} for entry in statistics), f"{table}: statistics of values")
    expect_equal(sum(entry["numRecords"] for entry in statistics), version.rows(table), f"rows of {table} in its log")


def check_metadata(version: Version, table: str) -> None:
    names = glob.glob(f"{version.folder}/data/{table}/metadata/*")
    listed = version.digests()
    expect(names and all(os.path.relpath(name, version.folder) in listed for name in names), f"{table}: files that are not listed")
