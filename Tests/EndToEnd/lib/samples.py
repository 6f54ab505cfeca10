"""The sample databases, ours and public ones, loaded once a lane."""
import functools
import os
import shutil
import subprocess
import sys

from lib.database import Database, script, without_lines
from lib.document import Document, Table
from lib.surroundings import ROOT, shared

ABOUT_DATABASES = (b"DROP DATABASE", b"CREATE DATABASE", b"CREATE USER", b"ALTER USER", b"ALTER DATABASE", b"GRANT", b"REVOKE", b"\\c ")


@functools.cache
def sample(name: str) -> Database:
    """One of `SAMPLES`, loaded into a database of its own."""
    files = SAMPLES[name]
    database = Database.fresh(f"sample_{name}")
    scripts = [script(data(file)) for file in files]
    if name in ("chinook", "pgexercises"):
        scripts = [without_lines(text, *ABOUT_DATABASES) for text in scripts]
    database.load(*scripts)
    database.execute("analyze")
    return database


def data(file: str) -> str:
    """A file of this repository's own data, or of the public ones."""
    own = f"{ROOT}/Tests/EndToEnd/data/{file}"
    return own if os.path.exists(own) else shared(f"data/{file}")


SAMPLES = {
    "types_here": ["types.sql"],
    "pagila": ["pagila-pg/pagila-schema.sql.gz", "pagila-pg/pagila-data.sql.gz", "pagila-pg/pagila-schema-jsonb.sql"],
    "chinook": ["chinook/Chinook_PostgreSql.sql.gz"],
    "northwind": ["northwind-pg/northwind.sql.gz"],
    "pgexercises": ["pgexercises-pg/clubdata.sql.gz"],
    "types_all": ["pg-types-duckdb/all_pg_types.sql"],
    "types_other": ["pg-types-duckdb/other.sql"],
    "types_decimals": ["pg-types-duckdb/decimals.sql.gz"],
    "types_regress": ["pg-types-regress/pg_regress_types.sql.gz"],
}

PROFILES = {
    "pagila": "pagila-pg/expected_profile.csv",
    "chinook": "chinook/expected_profile_pg.csv",
    "northwind": "northwind-pg/expected_profile.csv",
    "pgexercises": "pgexercises-pg/expected_profile.csv",
    "types_all": "pg-types-duckdb/expected_profile_all_pg_types.csv",
    "types_other": "pg-types-duckdb/expected_profile_other.csv",
    "types_regress": "pg-types-regress/expected_profile.csv",
}


def clinic(folder: str, patients: int = 2_000) -> str:
    """The quickstart's data and document with fewer patients, in `folder`; returns the document's path."""
    subprocess.run(
        [sys.executable, f"{ROOT}/ops/clinic/make_clinic", folder, "--patients", str(patients)],
        check=True, capture_output=True)
    return shutil.copy(f"{ROOT}/ops/clinic/clinic.yaml", os.path.join(folder, "clinic.yaml"))


def wide_table(database: Database, name: str, leaves: int, rows_per_leaf: int) -> None:
    """A partitioned table of mixed columns, one shard a leaf at least: enough work for several workers."""
    database.execute(f"create table {name} (id bigint not null, part int not null, name text, amount numeric(12,2), "
                     "score float8, born date, seen timestamptz, tags text[], note text) partition by list (part)")
    for leaf in range(leaves):
        database.execute(f"create table {name}_{leaf} partition of {name} for values in ({leaf})")
    database.execute(
        f"""insert into {name}
            select i, i % {leaves}, 'name ' || i, i / 7.0, sqrt(i), date '1930-01-01' + (i % 30000)::int,
                   timestamptz '2020-01-01 00:00Z' + i * interval '37 s', array['a' || i % 10, 'b'],
                   case when i % 3 = 0 then null else repeat('word ' || i || ' ', 6) end
            from generate_series(1::bigint, {leaves * rows_per_leaf}) i""")
    database.execute("analyze")


def wide_document(folder: str, database: Database, name: str, module: str = "wide") -> Document:
    columns = {
        "id": {"token": {"key": "people", "scope": "id"}}, "part": "keep", "name": {"mask": {"keep_first": 2}},
        "amount": "keep", "score": "keep", "born": {"generalize": {"to": "year"}}, "seen": "keep", "tags": "keep",
        "note": {"redact": ["email", "phone"]},
    }
    document = Document(
        folder, module, {"db": {"kind": "postgres", "url": database.url}},
        [Table(name, f"db.public.{name}", columns)])
    return document.with_key("people")
