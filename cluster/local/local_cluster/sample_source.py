"""Tables to read while things break, of any size, made by PostgreSQL itself; and the pipeline over them."""
import contextlib
import json
import os
import subprocess

import psycopg2

from local_cluster.judge import Table

# A pipeline's key, in its folder.
KEY = "people.key"
# Of N rows: shares of three tables that differ in width, types and storage.
SHARES = {"readings": 0.6, "accounts": 0.1, "events": 0.3}
LEAVES = 6
WIDE_TEXTS = 10

READINGS = """
create table readings (id bigint not null, sensor int not null, level float8, flag boolean);
insert into readings
select i, (i % 997)::int, case when i % 11 = 0 then null else sqrt(i) end, i % 3 = 0 from generate_series(1::bigint, {rows}) i;
"""

ACCOUNTS = """
create table accounts (
    id bigint not null, person text, born date, opened timestamptz, balance numeric(14,2), code uuid, raw bytea, {texts});
insert into accounts
select i, 'person ' || i % 100003, date '1930-01-01' + (i % 30000)::int, timestamptz '2001-01-01 00:00Z' + i * interval '91 s',
       (i * 7 % 1000000007) / 100.0, md5(i::text)::uuid, decode(md5('raw' || i), 'hex'), {values}
from generate_series(1::bigint, {rows}) i;
"""

EVENTS = """
create table events (id bigint not null, part int not null, kind text, amount numeric(12,2), seen timestamptz, tags text[])
    partition by list (part);
{leaves}
insert into events
select i, i % {count}, 'kind ' || i % 23, (i % 100000) / 7.0, timestamptz '2020-01-01 00:00Z' + i * interval '37 s',
       case when i % 5 = 0 then array[]::text[] else array['a' || i % 10, null, 'b'] end
from generate_series(1::bigint, {rows}) i;
"""

COMPLIANCE = {
    "purpose": "Testing", "legal_basis": ["GDPR Art. 6(1)(f)"], "controller": "Example Organisation",
    "data_protection_officer": "privacy@example.org", "data_subjects": ["Nobody"], "recipients": ["The test itself"],
    "personal_data": ["Invented names"], "retention": "P1Y", "collection": "Made by a generator.",
    "limitations": ["Invented"], "biases": ["Invented"], "use_cases": ["Testing"],
}


def fill(url: str, rows: int) -> int:
    """Makes the tables with `rows` rows together; returns their size in bytes."""
    share = {name: max(1, round(rows * part)) for name, part in SHARES.items()}
    texts = ", ".join(f"text{number} text" for number in range(WIDE_TEXTS))
    values = ", ".join(
        f"case when i % {number + 13} = 0 then null else repeat(md5('{number} ' || i), {2 if number % 2 else 3}) end"
        for number in range(WIDE_TEXTS))
    leaves = "\n".join(f"create table events_{leaf} partition of events for values in ({leaf});" for leaf in range(LEAVES))
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("set timezone = 'UTC'")
            cursor.execute(READINGS.format(rows=share["readings"]))
            cursor.execute(ACCOUNTS.format(rows=share["accounts"], texts=texts, values=values))
            cursor.execute(EVENTS.format(rows=share["events"], leaves=leaves, count=LEAVES))
            cursor.execute("vacuum (analyze)")
            cursor.execute("select pg_database_size(current_database())")
            return cursor.fetchone()[0]


COLUMNS = {
    "readings": {"id": "keep", "sensor": "keep", "level": "keep", "flag": "keep"},
    "accounts": {
        "id": "keep", "person": {"token": {"key": "people", "scope": "person"}}, "born": "keep", "opened": "keep",
        "balance": "keep", "code": "keep", "raw": "keep"} | {
        f"text{number}": {"mask": {"keep_first": 4}} if number == 0 else "keep" for number in range(WIDE_TEXTS)},
    "events": {"id": "keep", "part": "keep", "kind": "keep", "amount": "keep", "seen": "keep", "tags": "keep"},
}


def tables() -> list[Table]:
    """What the judge compares: the columns that the pipeline keeps."""
    return [
        Table(name, f"public.{name}", tuple(column for column, rule in columns.items() if rule == "keep"), "id")
        for name, columns in COLUMNS.items()]


class Pipeline:
    """The document over the tables, in a folder, with a key and a store of its own."""

    MODULE = "sample"

    def __init__(self, folder: str, url: str, etlx: str, name: str = "store"):
        os.makedirs(folder, exist_ok=True)
        self.url = url
        self.store = os.path.join(folder, name)
        self.path = os.path.join(folder, f"{name}.yaml")
        key = os.path.join(folder, KEY)
        if not os.path.exists(key):
            subprocess.run([etlx, "keys", "new", key], check=True, capture_output=True)
        lines = [
            "format: 1", f"module: {self.MODULE}", "title: Sample", "description: Generated rows.",
            "license: https://creativecommons.org/licenses/by/4.0/", "url: https://data.example.org/sample",
            "creator: {name: Example Organisation, url: https://example.org}", f"compliance: {json.dumps(COMPLIANCE)}",
            f"sources: {json.dumps({'db': {'kind': 'postgres', 'url': url, 'allow_unverified_tls': True}})}", f"keys: {json.dumps({'people': {'file': key}})}",
            "tables:"]
        for table, columns in COLUMNS.items():
            lines += [f"  {table}:", f"    from: db.public.{table}", "    columns:"]
            lines += [f"      {column}: {json.dumps(rule)}" for column, rule in columns.items()]
        lines.append(f"target: {json.dumps({'directory': self.store})}")
        with open(self.path, "w") as file:
            file.write("\n".join(lines) + "\n")

    def staged_parts(self) -> int:
        """Parts that attempts have written so far and that are no version's yet."""
        return sum(
            name.endswith(".parquet") for _, _, names in os.walk(os.path.join(self.store, self.MODULE, "_staging")) for name in names)


def rows_read(url: str) -> int:
    """Rows of the tables that the server has handed to scans since its start, as it counts them itself."""
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) from pg_stat_user_tables")
        return int(cursor.fetchone()[0])
