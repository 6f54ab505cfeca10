"""Runs that are stopped while they publish, and what they say, what the ledger says and what the store holds."""
import contextlib
import errno
import glob
import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import psycopg2

from lib import target
from lib.checks import expect, expect_equal, require
from lib.clinic import Clinic
from lib.database import Database
from lib.etlx import Result, Running, run
from lib.published import numbers
from lib.s3 import Bucket, faulty
from lib.surroundings import ROOT, scratch

# What is done to a run once it is sealed.
KINDS = ("interrupt", "terminate", "twice", "kill", "error")
SIGNALS = {"interrupt": [signal.SIGINT], "terminate": [signal.SIGTERM], "twice": [signal.SIGINT, signal.SIGTERM]}


def slow_disk() -> str:
    """The library that is preloaded; see slow_disk.c."""
    compiler = shutil.which("cc") or shutil.which("clang")
    require(compiler, "no C compiler")
    library = f"{scratch('slow')}/slow_disk.so"
    source = f"{ROOT}/Tests/EndToEnd/slow_disk.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True, capture_output=True)
    return library


class Place:
    """A store for one module, through something that makes its commits late. `hold`: by how many seconds at most."""

    name = ""

    def __init__(self, hold: float, chance: random.Random):
        self.hold, self.chance = hold, chance
        self.pipeline = Clinic(20)

    def ledger(self) -> str:
        found = glob.glob(f"{self.pipeline.folder}/state/etl-express/*/clinic.sqlite")
        return found[0] if found else ""

    def begin(self, kind: str) -> Running:
        raise NotImplementedError

    def go_wrong(self) -> None:
        """What an error does at its moment, where it is not there from the start."""

    def attempts(self) -> dict[int, str]:
        """Version → the attempt that it is made of, by the commit records."""
        raise NotImplementedError

    def holds(self, attempt: str) -> bool:
        """Whether the files are there that a record of the attempt would name."""
        raise NotImplementedError

    def verify(self, version: int) -> Result:
        raise NotImplementedError

    def run(self) -> Result:
        """Without anything in the way but what is late."""
        return self.begin("").wait(120)

    def close(self) -> None:
        pass


class Folder(Place):
    name = "folder"

    def __init__(self, hold: float, chance: random.Random):
        super().__init__(hold, chance)
        self.store = f"{self.pipeline.folder}/store"
        self.library = slow_disk()

    def ledger(self) -> str:
        return f"{self.store}/.ledger/clinic.sqlite"

    def begin(self, kind: str) -> Running:
        environment = {"LD_PRELOAD": self.library, "ETL_TEST_LINK_DELAY": str(int(1000 * self.chance.uniform(0, self.hold)))}
        if kind == "error":
            wrong = self.chance.choice(["ETL_TEST_FLUSH_ERROR", "ETL_TEST_LINK_ERROR"])
            # A link that was refused for want of space was not made; a flush behind it may say so.
            numbers_ = [errno.EIO, errno.ENOSPC, errno.EDQUOT] if wrong == "ETL_TEST_FLUSH_ERROR" else [errno.EIO, errno.ESTALE]
            environment[wrong] = str(self.chance.choice(numbers_))
        return self.pipeline.start({"directory": self.store}, **environment)

    def attempts(self) -> dict[int, str]:
        found = {}
        for number in numbers(self.store, "clinic"):
            with open(f"{self.store}/clinic/_versions/{number:08d}.json", encoding="utf-8") as file:
                found[number] = attempt_of(json.load(file))
        return found

    def holds(self, attempt: str) -> bool:
        return os.path.exists(f"{self.store}/clinic/runs/{attempt}/SHA256SUMS")

    def verify(self, version: int) -> Result:
        return run("modules", self.store, "verify", f"clinic@{version}")


class S3(Place):
    name = "bucket"

    def __init__(self, hold: float, chance: random.Random, endpoints: list[str]):
        super().__init__(hold, chance)
        self.bucket = Bucket(endpoints)
        self.stack = contextlib.ExitStack()
        late = ["--hold", str(hold), "--seed", str(chance.randrange(1 << 30)), "--only", "PUT", "--match", "_versions/0"]
        refused = ["--refuse-after", "1:403:AccessDenied", "--match", "_versions/0", "--refuse-method", "PUT"]
        self.late = self.stack.enter_context(faulty(endpoints[0], *late))[0]
        self.refusing = self.stack.enter_context(faulty(endpoints[0], *refused))[0]

    def begin(self, kind: str) -> Running:
        return self.pipeline.start(self.bucket.target([self.refusing if kind == "error" else self.late]))

    def attempts(self) -> dict[int, str]:
        return {number: attempt_of(self.bucket.record("clinic", number)) for number in self.bucket.versions("clinic")}

    def holds(self, attempt: str) -> bool:
        return f"modules/clinic/runs/{attempt}/SHA256SUMS" in self.bucket.keys(f"modules/clinic/runs/{attempt}/")

    def verify(self, version: int) -> Result:
        environment = self.pipeline.environment | {"AWS_ENDPOINT_URL": self.bucket.endpoints[0], "AWS_REGION": "us-east-1"}
        return run("modules", f"s3://{self.bucket.name}/modules", "verify", f"clinic@{version}", env=environment)

    def close(self) -> None:
        self.stack.close()


class Postgres(Place):
    name = "database"

    def __init__(self, hold: float, chance: random.Random):
        super().__init__(hold, chance)
        self.database = Database.fresh(f"e2e_stops_{chance.randrange(1 << 30)}")
        self.proxy = CommitHolder(self.database, hold, chance)

    def begin(self, kind: str) -> Running:
        return self.pipeline.start({"postgres": {"url": self.proxy.url}})

    def go_wrong(self) -> None:
        self.database.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")

    def attempts(self) -> dict[int, str]:
        if not target.versions(self.database, "clinic"):
            return {}
        return dict(self.database.execute("select version, attempt::text from etl.module_version where module = 'clinic'"))

    def holds(self, attempt: str) -> bool:
        return bool(self.database.execute(
            "select 1 from etl.module_file where attempt = %s and path = 'SHA256SUMS'", attempt))

    def verify(self, version: int) -> Result:
        return run("modules", self.database.url, "verify", f"clinic@{version}")

    def close(self) -> None:
        self.proxy.listener.close()


class CommitHolder:
    """A proxy before a database that passes on the COMMIT of a version late, whether its client lives or not; now and then
    it breaks the connection afterwards, so that nobody is told."""

    def __init__(self, database: Database, hold: float, chance: random.Random):
        parts = psycopg2.extensions.parse_dsn(database.url)
        self.server, self.hold, self.chance = (parts["host"], int(parts["port"])), hold, chance
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
            threading.Thread(target=self.forward, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self.forward, args=(server, client, False), daemon=True).start()

    def forward(self, source: socket.socket, sink: socket.socket, is_request: bool) -> None:
        is_commit = False
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                is_commit = is_commit or (is_request and b"INSERT INTO etl.module_version" in data)
                if is_commit and data.startswith(b"Q") and b"COMMIT" in data:
                    is_commit = False
                    time.sleep(self.chance.uniform(0, self.hold))
                    sink.sendall(data)
                    if self.chance.random() < 0.25:
                        break
                    continue
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
                one.close()


def attempt_of(record: dict) -> str:
    return record["path"].strip("/").rpartition("/")[2]


def states(path: str) -> dict[str, str]:
    """Run → state, as the ledger has it; runs are named by their attempts."""
    if not path or not os.path.exists(path):
        return {}
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as ledger:
            return dict(ledger.execute("select run, state from run"))
    except sqlite3.OperationalError:
        return {}


class Stops:
    """Stops of one place, one after the other."""

    def __init__(self, place: Place, chance: random.Random):
        self.place, self.chance = place, chance
        # Attempts of which it was said that nothing was published, for ever.
        self.never: dict[str, str] = {}
        self.said: dict[str, int] = {}
        self.settled = 0
        result = place.run()
        expect(result.status == 0, f"{place.name}: the first run ended with {result.status}: {result.text[-1500:]}")

    def stop(self, kind: str) -> None:
        place = self.place
        if kind == "error":
            # A store that refuses would refuse an earlier record first, and the run would not begin.
            self.go_on()
        known = states(place.ledger())
        running = place.begin(kind)
        attempt = self.sealed(running, known)
        if kind != "error" or place.name == "database":
            time.sleep(self.chance.uniform(0, 0.3 + place.hold))
        if kind == "kill":
            running.kill()
        elif kind == "error":
            place.go_wrong()
        else:
            for number in SIGNALS[kind]:
                if running.is_running():
                    running.signal(number)
                time.sleep(self.chance.uniform(0, 0.2))
        result = running.wait(120)
        self.check(kind, attempt, result)

    def sealed(self, running: Running, known: dict[str, str]) -> str:
        """Waits until the run's parts are whole; returns its attempt."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            # In this order: a run that ended in between is found by what it wrote before.
            is_running = running.is_running()
            for name, state in states(self.place.ledger()).items():
                if name not in known and state not in ("planning", "running"):
                    return name
            expect(is_running, f"{self.place.name}: the run ended before it was sealed: {running.read('err')[-1000:]}")
            time.sleep(0.01)
        raise AssertionError(f"{self.place.name}: the run was not sealed: {running.read('err')[-1000:]}")

    def check(self, kind: str, attempt: str, result: Result) -> None:
        place = self.place
        state, versions = states(place.ledger())[attempt], place.attempts()
        what = f"{place.name}, {kind}: exit code {result.status}, the ledger says {state}, versions {versions}, attempt {attempt}: {result.text[-500:]}"
        says = {0: "published", 1: "failed", 6: "unknown", 130: "nothing"}.get(result.status, "killed")
        expect(says != "killed" or kind == "kill", f"ended strangely: {what}")
        self.said[says] = self.said.get(says, 0) + 1
        match says:
            case "published":
                number = int(re.search(r"published clinic@(\d+)", result.out)[1])
                expect(state == "published" and versions.get(number) == attempt, what)
            case "failed" | "nothing":
                expect(state == "aborted" and attempt not in versions.values(), what)
                self.never[attempt] = what
            case _:
                expect(state in ("committing", "published") or (says == "killed" and state == "sealed"), what)
                expect(state == "sealed" or place.holds(attempt), f"files are gone: {what}")
        self.check_newest(what)

    def check_newest(self, what: str) -> None:
        newest = max(self.place.attempts())
        result = self.place.verify(newest)
        expect(result.status == 0, f"version {newest} does not verify ({result.text[-800:]}): {what}")

    def go_on(self) -> None:
        """The next run settles what is open: afterwards the ledger says of each run what the store holds."""
        place = self.place
        result = place.run()
        expect(result.status == 0, f"{place.name}: the next run ended with {result.status}: {result.text[-1500:]}")
        self.settled += result.err.count("an earlier run")
        published = set(place.attempts().values())
        for name, state in states(place.ledger()).items():
            wanted = "published" if name in published else "aborted"
            expect(state == wanted, f"{place.name}: the ledger says {state} of {name}, the store {wanted}: {result.text[-500:]}")

    def end(self) -> None:
        self.go_on()
        time.sleep(self.place.hold)
        versions = self.place.attempts()
        expect_equal(sorted(versions), list(range(1, len(versions) + 1)), f"{self.place.name}: versions")
        for attempt, what in self.never.items():
            expect(attempt not in versions.values(), f"it became a version after all: {what}")
        for number in versions:
            result = self.place.verify(number)
            expect(result.status == 0, f"{self.place.name}: version {number} does not verify: {result.text[-800:]}")

    def summary(self) -> str:
        said = ", ".join(f"{count} {word}" for word, count in sorted(self.said.items()))
        return f"{self.place.name}: {said}, {self.settled} settled"


def stop_often(make_place, count: int, seed: int) -> str:
    """`count` stops, all kinds in turn."""
    chance = random.Random(seed)
    place = make_place(chance)
    try:
        stops = Stops(place, chance)
        kinds = [KINDS[index % len(KINDS)] for index in range(count)]
        chance.shuffle(kinds)
        for index, kind in enumerate(kinds):
            stops.stop(kind)
            if index % 4 == 3:
                stops.go_on()
        stops.end()
        return stops.summary()
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from None
    finally:
        place.close()
