"""The canary: every protected cell holds a mark, and after runs that succeed and runs that fail the mark is nowhere.

The places searched are the definition of "no leak": every file below the store, the home folder and the folder for
temporary files (raw, and every Parquet file decoded, with its footer), what etlx printed, and the command lines and
environments of its processes while they ran. Runs without compression make dictionaries and pages readable as they lie.
"""
import base64
import contextlib
import json
import os
import sqlite3
import time
import zlib

import pyarrow.parquet

from lib.checks import expect, expect_equal
from lib.database import Database
from lib.document import Document, Table
from lib.etlx import Running, run, run_well
from lib.published import Version, numbers
from lib.surroundings import scratch

WORD = "zqcanary"  # every mark begins so; data, documents and names hold it nowhere else
ROWS = 3_000
# Values that `redact` finds; each is searched for as it stands, and all digits alone.
FOUND_BY_REDACT = {
    "phone": "+1 415 555 0199", "iban": "DE51131415926535897932", "payment_card": "4000001357924687",
    "us_ssn": "219-09-4563", "ip_address": "203.0.113.177",
}


def marks() -> list[bytes]:
    """What to search for: the word as text, hexadecimal, UTF-16 and base64 at each of its three alignments."""
    word = WORD.encode()
    found = [word, word.hex().encode(), WORD.encode("utf-16-le")]
    for shift, first in ((0, 0), (1, 2), (2, 3)):
        # The ten characters that come from the word alone.
        found.append(base64.b64encode(b"\0" * shift + word)[first:first + 10].lower())
    for value in FOUND_BY_REDACT.values():
        found.append(value.encode())
    return found


def mark(number: int, column: str) -> str:
    return f"{WORD}{column}{number:06d}"


def free_text(number: int) -> str:
    entity = list(FOUND_BY_REDACT.values())[number % len(FOUND_BY_REDACT)]
    return f"Write to {mark(number, 'mail')}@example.org or use {entity}, please."


PROTECTED = {
    "t_token": {"token": {"key": "k", "scope": "s"}},
    "t_mask": {"mask": {"keep_first": 3}},
    "t_prefix": {"generalize": {"prefix": 3}},
    "t_clean": ["trim", "lowercase", {"token": {"key": "k", "scope": "s", "as": "hex"}}],
    "t_redact": {"redact": ["email", "phone", "iban", "payment_card", "us_ssn", "ip_address"]},
    "t_drop": "drop",
    "t_constant": {"constant": "gone"},
}
ONLY_POSTGRES = {"j_drop": "drop", "j_token": {"token": {"key": "k", "scope": "j"}}, "a_drop": "drop", "b_token": {"token": {"key": "k", "scope": "b"}}}


def postgres_document(folder: str, compression: str) -> tuple[Document, Database]:
    database = Database.fresh("e2e_canary")
    with contextlib.closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "create table secrets (id int, t_token text, t_mask text, t_prefix text, t_clean text, t_redact text, "
            "t_drop text, t_constant text, j_drop jsonb, j_token jsonb, a_drop text[], b_token bytea, day date)")
        for number in range(ROWS):
            cursor.execute(
                "insert into secrets values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (number, *texts(number), json.dumps({"a": [mark(number, "j")]}), json.dumps({mark(number, "key"): 1}),
                 [mark(number, "a"), mark(number, "b")], mark(number, "bytes").encode(), "2024-01-01"))
    rules = {"id": "keep", **PROTECTED, **ONLY_POSTGRES, "day": "keep"}
    document = Document(
        folder, "secrets", {"db": {"kind": "postgres", "url": database.url}}, [Table("secrets", "db.public.secrets", rules)],
        compression)
    return document.with_key("k"), database


def texts(number: int) -> list[str]:
    return [
        mark(number, "token"), mark(number, "mask"), mark(number, "prefix"), f" {mark(number, 'CLEAN')} ", free_text(number),
        mark(number, "drop"), mark(number, "constant")]


def csv_document(folder: str, inputs: str, last_line: str = "") -> Document:
    with open(f"{inputs}/in.csv", "w") as file:
        file.write("id," + ",".join(PROTECTED) + "\n")
        for number in range(ROWS):
            file.write(f"{number}," + ",".join(f'"{text}"' for text in texts(number)) + "\n")
        file.write(last_line)
    document = Document(
        folder, "secrets", {"files": {"kind": "csv", "path": f"{inputs}/in.csv"}},
        [Table("secrets", "files", {"id": "keep", **PROTECTED})], "none")
    return document.with_key("k")


class Watched:
    """A run with a home and a temporary folder of its own, whose processes are looked at while it lasts."""

    def __init__(self, document: Document):
        self.folder, self.places = document.folder, [b""]
        environment = {}
        for name in ("HOME", "TMPDIR", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
            environment[name] = os.path.join(self.folder, "home", name.lower())
            os.makedirs(environment[name], mode=0o700, exist_ok=True)
        running = Running("run", document.write(), "--workers", "2", env=environment)
        while running.is_running():
            for pid in [running.pid, *running.children()]:
                for name in ("cmdline", "environ"):
                    with contextlib.suppress(OSError), open(f"/proc/{pid}/{name}", "rb") as file:
                        self.places.append(file.read())
            time.sleep(0.02)
        self.result = running.wait()
        self.places += [self.result.out.encode(), self.result.err.encode()]

    def expect_no_mark(self) -> int:
        """Searches every place; returns the number of bytes searched."""
        count = 0
        for where, content in self.contents():
            count += len(content)
            lowered = content.lower()
            for searched in marks():
                place = lowered.find(searched)
                expect(place < 0, f"a mark is in {where} at byte {place} (as {searched[:12]!r})")
        return count

    def contents(self):
        for number, content in enumerate(self.places):
            yield f"output or process {number}", content
        for where, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(where, name)
                with open(path, "rb") as file:
                    content = file.read()
                yield path, path.encode()
                yield path, content
                yield from decoded(path, content)


def decoded(path: str, content: bytes):
    """What a file holds behind its encoding."""
    if content[:4] == b"PAR1":
        table = pyarrow.parquet.read_table(path, partitioning=None)
        yield f"{path}, decoded", repr(table.to_pydict()).encode()
        yield f"{path}, footer", repr(pyarrow.parquet.ParquetFile(path).metadata.to_dict()).encode()
    elif content[:15] == b"SQLite format 3":
        with contextlib.closing(sqlite3.connect(path)) as connection:
            yield f"{path}, dumped", "\n".join(connection.iterdump()).encode()
    elif content[:2] == b"\x1f\x8b":
        with contextlib.suppress(zlib.error):
            yield f"{path}, unpacked", zlib.decompress(content, wbits=31)


def test_the_search_finds_what_is_there():
    """The search itself is tested: kept columns leave marks, and it says so."""
    folder = scratch("canary")
    document, _ = postgres_document(folder, "lz4")
    document.tables[0].columns["t_token"] = "keep"
    watched = Watched(document)
    expect_equal(watched.result.status, 0, f"exit code ({watched.result.text[-1000:]})")
    try:
        watched.expect_no_mark()
    except AssertionError:
        return
    raise AssertionError("a kept column's marks were not found: the search is blind")


def test_nothing_leaks_from_postgres():
    searched = 0
    for compression in ("lz4", "none"):
        document, _ = postgres_document(scratch("canary"), compression)
        watched = Watched(document)
        expect_equal(watched.result.status, 0, f"exit code ({watched.result.text[-1000:]})")
        expect_equal(Version(document.store, "secrets").rows("secrets"), ROWS, "rows")
        searched += watched.expect_no_mark()
    return f"{searched:,} bytes searched"


def test_nothing_leaks_from_csv():
    document = csv_document(scratch("canary"), scratch("inputs"))
    watched = Watched(document)
    expect_equal(watched.result.status, 0, f"exit code ({watched.result.text[-1000:]})")
    return f"{watched.expect_no_mark():,} bytes searched"


def test_nothing_leaks_from_failing_runs():
    """Each failure happens at a row full of marks; the foreign error text would quote it."""
    failures = {
        "a value that the type cannot hold": (lambda d: d.execute("update secrets set day = 'infinity' where id = 2000"), {}, None),
        "a number that does not parse": (None, {"t_mask": {"cast": "int32"}}, None),
        "a date that does not parse": (None, {"t_drop": {"parse_date": ["%Y-%m-%d"]}}, None),
        "an error of the database that quotes a row": (None, {}, "select *, t_token::int as n from public.secrets"),
        "a key value of the database's own error": (
            lambda d: d.execute("create function boom(text) returns text language plpgsql as "
                                "'begin raise exception ''row %'', $1; end'"), {}, "select *, boom(t_token) as n from public.secrets"),
    }
    searched = 0
    for what, (prepare, rules, query) in failures.items():
        document, database = postgres_document(scratch("canary"), "none")
        if prepare:
            prepare(database)
        document.tables[0].columns |= rules
        if query:
            document.tables[0].columns["n"] = "keep"
            document.tables[0].origin = {"source": "db", "query": query}
        watched = Watched(document)
        expect(watched.result.status in (1, 2, 4), f"{what}: exit code {watched.result.status}: {watched.result.text[-600:]}")
        expect("unexpected" not in watched.result.text, f"{what}: {watched.result.err[-400:]}")
        expect_equal(numbers(document.store, "secrets"), [], f"{what}: versions")
        searched += watched.expect_no_mark()

    line = ",".join(f'"{text}"' for text in texts(ROWS))
    for what, last in {
        "a field too many": f"{ROWS},{line},{mark(ROWS, 'extra')}\n", "an open quote": f'{ROWS},"{mark(ROWS, "open")}\n',
        "text after a quote": f'{ROWS},"{mark(ROWS, "a")}"{mark(ROWS, "b")},\n',
    }.items():
        document = csv_document(scratch("canary"), scratch("inputs"), last)
        watched = Watched(document)
        expect(watched.result.status in (1, 2), f"{what}: exit code {watched.result.status}: {watched.result.text[-600:]}")
        searched += watched.expect_no_mark()
    return f"{len(failures) + 3} failures, {searched:,} bytes searched"


def test_a_file_without_header_keeps_its_first_record_to_itself():
    """Its fields would be told as names of columns: in messages, and with them in the ledger and the audit."""
    kinds = {
        "words": f"{WORD},{WORD}anna,{WORD} strasse", "addresses beside a name of the document": f"id,{WORD}@example.org,{WORD}",
        "numbers beside a name": f"id,{WORD},{WORD}0001234", "the same twice": f"id,{WORD}.1@x,{WORD}.1@x",
        "a long text": f"id,{WORD},{WORD} {'x' * 60}", "line breaks": f'id,"{WORD}\n{WORD}",x', "one field": WORD,
        "nearly a name of the document": f"{WORD},idd,{WORD}",
    }
    searched = 0
    for what, first in kinds.items():
        for encoding in ("utf-8", "utf-16") if what == "words" else ("utf-8",):
            inputs, folder = scratch("inputs"), scratch("canary")
            with open(f"{inputs}/in.csv", "w", encoding=encoding) as file:
                file.write(f"{first}\n" + "1,2,3\n" * 3)
            document = Document(
                folder, "secrets", {"files": {"kind": "csv", "path": f"{inputs}/in.csv", "types": {"day": "date"}}},
                [Table("secrets", "files", {
                    "id": {"token": {"key": "k", "scope": "s"}}, "name": [{"from": "last"}, "keep"],
                    "day": {"shift_dates": {"key": "k", "by": "subject", "days": 9}}})], "none").with_key("k")
            watched = Watched(document)
            expect_equal(watched.result.status, 2, f"exit code of {what} ({watched.result.text[-600:]})")
            wanted = "the file seems to have no header; set header: false"
            expect(wanted in watched.result.err, f"{what}: {watched.result.err}")
            searched += watched.expect_no_mark()
            for arguments in (("plan",), ("plan", "--json"), ("preview",), ("preview", "--json")) if "name" in what else ():
                text = run(arguments[0], document.path, *arguments[1:]).text
                expect(wanted in text, f"{what}, {arguments}: {text}")
                for mark_of in marks():
                    expect(mark_of not in text.lower().encode(), f"{what}: a mark is in the output of etlx {arguments[0]}")
    return f"{len(kinds)} kinds of records, {searched:,} bytes searched"


def test_masked_preview_and_plan_hold_no_mark():
    document, _ = postgres_document(scratch("canary"), "lz4")
    path = document.write()
    for arguments in (("validate", path), ("plan", path), ("plan", path, "--json"), ("preview", path), ("preview", path, "--json")):
        result = run_well(*arguments)
        for searched in marks():
            expect(searched not in result.text.lower().encode(), f"a mark is in the output of etlx {arguments[0]}")


def test_what_a_placeholder_stands_for_is_told_nowhere():
    """A key, a password or any text put in where a path or a way to read was asked for: in no message, no ledger, no store."""
    secret = base64.b64encode(f"{WORD}-placeholder-of-32-byt".encode()).decode()
    cases = {
        "key by variable": ("keys", {"k": {"file": "${env:CANARY}"}}), "key by file": ("keys", {"k": {"file": "${file:secret}"}}),
        "signing key": ("target", {"directory": "modules", "sign": "${file:secret}"}),
        "nulls": ("nulls", ["", "${env:CANARY}"]), "names": ("names", ["a", "${env:CANARY}"]),
        "types": ("types", {"a": "${env:CANARY}"}), "delimiter": ("delimiter", "${env:CANARY}"),
        "from": ("from", "${env:CANARY}"), "where": ("where", "a = '${env:CANARY}'"), "title": ("title", "${env:CANARY}"),
    }
    for name, (key, value) in cases.items():
        folder = scratch("placeholder")
        for file, content in (("in.csv", "a,b\n1,2\n"), ("secret", secret)):
            with open(f"{folder}/{file}", "w") as out:
                out.write(content)
        source = {"kind": "csv", "path": "in.csv", "header": True}
        table = {"from": "s", "columns": {"a": {"token": {"key": "k", "scope": "s"}}, "b": "keep"}}
        content = {
            "format": 1, "module": "m", "sources": {"s": source}, "keys": {"k": {"file": "people.key"}}, "tables": {"t": table},
            "target": {"directory": "modules"}}
        run_well("keys", "new", f"{folder}/people.key")
        where = source if key in ("nulls", "names", "types", "delimiter") else table if key in ("from", "where") else content
        where[key] = value
        with open(f"{folder}/m.yaml", "w") as out:
            json.dump(content, out)
        for command in ("validate", "plan", "run"):
            result = run(command, f"{folder}/m.yaml", env={**os.environ, "CANARY": secret})
            # The key is looked at by those who use it.
            expect(command != "run" or result.status == 2, f"{name}: {command} ends with {result.status}: {result.text}")
            expect(secret not in result.text, f"{name}: {command} tells it: {result.text}")
        found = [path for path in files_below(folder) if not path.endswith("/secret") and secret.encode() in read_bytes(path)]
        expect_equal(found, [], f"{name}: files that hold it")


def files_below(folder: str) -> list[str]:
    return [os.path.join(where, file) for where, _, files in os.walk(folder) for file in files]


def read_bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
