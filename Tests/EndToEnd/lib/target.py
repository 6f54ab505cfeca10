"""A target in PostgreSQL, looked at with psycopg2 alone: what any reader of the database sees."""
import contextlib
import hashlib
import json
import os
import re
import socket
import threading
import time

import psycopg2

from lib.checks import expect, expect_equal
from lib.database import Database, quoted
from lib.surroundings import scratch


def fresh_target(name: str) -> Database:
    """A new, empty database, and a new folder for ledgers: those of a database of this name from before do not fit."""
    os.environ["XDG_STATE_HOME"] = scratch("state")
    return Database.fresh(f"e2e_target_{name}")


def into_database(document: str, database: Database, name: str = "database", options: str = "") -> str:
    """The document with a target in `database` instead of its folder; returns the new one's path."""
    with open(document, encoding="utf-8") as file:
        text = file.read()
    target = f'target: {{postgres: {{url: "{database.url}"{options}}}}}\n'
    changed, count = re.subn(r"(?ms)^target:.*\Z", lambda _: target, text)
    expect(count == 1, f"{document} has no target at its end")
    path = os.path.join(os.path.dirname(document), f"{name}.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(changed)
    return path


class DatabaseVersion:
    """A version by its registry rows."""

    def __init__(self, database: Database, module: str, number: int | None = None):
        self.database = database
        self.number = number or max(versions(database, module))
        attempt, record, self.schema = database.execute(
            "select attempt::text, record, schema_name from etl.module_version where module = %s and version = %s",
            module, self.number)[0]
        self.attempt, self.record_bytes = attempt, bytes(record)
        self.record = json.loads(self.record_bytes)

    def files(self) -> dict[str, bytes]:
        rows = self.database.execute("select path, bytes from etl.module_file where attempt = %s", self.attempt)
        return {path: bytes(content) for path, content in rows}

    def digests(self) -> dict[str, str]:
        lines = self.files()["SHA256SUMS"].decode().splitlines()
        return {path: digest for digest, path in (line.split("  ", 1) for line in lines)}

    def part_digests(self) -> dict[str, str]:
        return {path: digest for path, digest in self.digests().items() if path.endswith(".parquet")}

    def rows(self, table: str) -> list[tuple]:
        return self.database.execute(f"select * from {quoted(self.schema)}.{quoted(table)}")

    def check(self) -> None:
        """Everything that can be seen without making a part's file again."""
        digests, files = self.digests(), self.files()
        expect_equal(hashlib.sha256(files["SHA256SUMS"]).hexdigest(), self.record["sha256sums"], "digest of SHA256SUMS")
        for path, content in files.items():
            if path != "SHA256SUMS":
                expect_equal(hashlib.sha256(content).hexdigest(), digests[path], f"digest of {path}")
        for table, about in self.record["tables"].items():
            count = self.database.execute(f"select count(*) from {quoted(self.schema)}.{quoted(table)}")[0][0]
            expect_equal(count, about["rows"], f"rows of {table}")


def versions(database: Database, module: str) -> list[int]:
    if database.execute("select to_regclass('etl.module_version')")[0][0] is None:
        return []
    return [row[0] for row in database.execute(
        "select version from etl.module_version where module = %s order by version", module)]


def check_chain(database: Database, module: str) -> None:
    """Numbers without gaps, each record naming the digest of the one before."""
    numbers = versions(database, module)
    expect_equal(numbers, list(range(1, len(numbers) + 1)), "versions")
    before = None
    for number in numbers:
        version = DatabaseVersion(database, module, number)
        expect_equal(version.record.get("parent", {}).get("commit_sha256"), before, f"parent of version {number}")
        before = hashlib.sha256(version.record_bytes).hexdigest()


class Readers:
    """Threads that read the newest version again and again, each on a connection of its own.

    `look` is given a cursor and the schema's name within a transaction; what it returns must be the same for a version
    whenever and by whomever it is read.
    """

    def __init__(self, database: Database, module: str, count: int, look, pause: float = 0.1):
        self.look, self.module, self.database, self.pause = look, module, database, pause
        self.errors: list[str] = []
        self.seen: dict[int, set] = {}
        self.reads = 0
        self.longest = 0.0
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.read, daemon=True) for _ in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def read(self) -> None:
        with contextlib.closing(psycopg2.connect(self.database.url)) as connection:
            while not self.stopped.wait(self.pause):
                try:
                    with connection, connection.cursor() as cursor:
                        self.read_once(cursor)
                except Exception as error:  # pylint: disable=broad-except
                    self.errors.append(f"{type(error).__name__}: {error}")
                    return

    def read_once(self, cursor) -> None:
        start = time.monotonic()
        cursor.execute("select version, schema_name from etl.latest where module = %s", (self.module,))
        found = cursor.fetchone()
        if found is None:
            return
        version, schema = found
        result = self.look(cursor, quoted(schema))
        took = time.monotonic() - start
        with self.lock:
            self.reads += 1
            self.longest = max(self.longest, took)
            self.seen.setdefault(version, set()).add(result)

    def expect_well(self, longest: float = 1.0) -> None:
        expect(not self.errors, f"{len(self.errors)} readers failed: {self.errors[:3]}")
        expect(self.reads > 0, "nobody read anything")
        expect(self.longest < longest, f"a read took {self.longest:.2f} s")
        for version, results in self.seen.items():
            expect(len(results) == 1, f"version {version} was seen in {len(results)} forms: {list(results)[:3]}")


class AnswerThief:
    """A proxy before a database that forwards everything but the answer to the first `count` commits of a version:
    those are done by the server, and nobody is told."""

    def __init__(self, database: Database, count: int):
        parts = psycopg2.extensions.parse_dsn(database.url)
        self.server = (parts["host"], int(parts["port"]))
        self.left = count
        self.stolen = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = database.url.replace(f":{parts['port']}/", f":{self.listener.getsockname()[1]}/")
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.server)
            state = {"is_commit": False, "is_stolen": False}
            threading.Thread(target=self.forward, args=(client, server, state, True), daemon=True).start()
            threading.Thread(target=self.forward, args=(server, client, state, False), daemon=True).start()

    def forward(self, source: socket.socket, target: socket.socket, state: dict, is_request: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if is_request:
                    state["is_commit"] = state["is_commit"] or b"INSERT INTO etl.module_version" in data
                    if state["is_commit"] and data.startswith(b"Q") and b"COMMIT" in data and self.left > 0:
                        self.left -= 1
                        self.stolen += 1
                        state["is_stolen"] = True
                        target.sendall(data)
                        time.sleep(0.3)
                        break
                elif state["is_stolen"]:
                    break
                target.sendall(data)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
                one.close()

    def close(self) -> None:
        self.listener.close()
