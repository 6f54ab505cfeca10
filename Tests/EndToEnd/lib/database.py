"""Databases in the tests' private PostgreSQL."""
import contextlib
import gzip
import os
import re
import subprocess
import urllib.parse

import psycopg2
import psycopg2.extensions

from lib.checks import expect
from lib.surroundings import postgres_url

made: dict[str, "Database"] = {}

# The settings that the expected profiles were taken under.
CANONICAL = {
    "TimeZone": "UTC", "DateStyle": "ISO,YMD", "IntervalStyle": "postgres", "bytea_output": "hex",
    "extra_float_digits": "1", "synchronize_seqscans": "off",
}


class Database:
    def __init__(self, name: str):
        self.name = name
        parts = urllib.parse.urlsplit(postgres_url())
        self.url = urllib.parse.urlunsplit(parts._replace(path=f"/{name}"))

    @classmethod
    def fresh(cls, name: str) -> "Database":
        """A new, empty database; one of that name from before is dropped. Each lane of the runner has its own."""
        name += os.environ.get("ETL_TEST_LANE", "")
        with contextlib.closing(psycopg2.connect(postgres_url())) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f'drop database if exists "{name}" with (force)')
                cursor.execute(f'create database "{name}" template template0')
        return cls(name)

    def connect(self) -> psycopg2.extensions.connection:
        connection = psycopg2.connect(self.url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            for setting, value in CANONICAL.items():
                cursor.execute(f"set {setting} = %s", (value,))
        return connection

    def execute(self, sql: str, *values: object) -> list[tuple]:
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

    def load(self, *scripts: bytes) -> None:
        """Runs SQL scripts as psql does, `copy … from stdin` and all; an error in them is an error."""
        done = subprocess.run(
            ["psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--output", "/dev/null", self.url],
            input=b"\n".join(scripts), stderr=subprocess.PIPE)
        expect(done.returncode == 0, f"loading {self.name}: {done.stderr[-600:].decode(errors='replace')}")

    def columns(self, schema: str | None = None) -> dict[tuple[str, str], list[tuple[str, str]]]:
        """(schema, table) → [(column, type)] of all tables that hold rows themselves or are partitioned parents."""
        rows = self.execute(
            """select n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
               from pg_class c join pg_namespace n on n.oid = c.relnamespace
               join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
               where c.relkind in ('r', 'p') and not c.relispartition
                 and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%%' and (%s is null or n.nspname = %s)
               order by n.nspname, c.relname, a.attnum""", schema, schema)
        found: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for owner, table, column, kind in rows:
            found.setdefault((owner, table), []).append((column, kind))
        return found


def script(path: str) -> bytes:
    """An SQL script; unpacked if its name ends in .gz."""
    with (gzip.open(path) if path.endswith(".gz") else open(path, "rb")) as file:
        return file.read()


def without_lines(sql: bytes, *starts: bytes) -> bytes:
    """The script without lines that begin so (commands about databases and roles)."""
    pattern = b"|".join(re.escape(start) for start in starts)
    return re.sub(rb"(?mi)^(?:" + pattern + rb").*\n", b"", sql)


def quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
