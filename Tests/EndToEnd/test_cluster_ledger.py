"""A ledger that is full or read-only in the middle of a run: nothing is published meanwhile, nothing is lost, the same bytes come out afterwards."""
import os
import subprocess
import time

from lib.checks import expect, expect_equal, require
from lib.etlx import run, run_well
from lib.local import cluster_etlx, open_scratch
from lib.private import PrivateDatabase, Server, fill, small_disk, wait_until
from lib.published import Version, numbers
from lib.samples import clinic, wide_document, wide_table
from lib.surroundings import scratch

from local_cluster import client
from local_cluster.cluster import Cluster

LEAVES, ROWS_PER_LEAF = 16, 20_000


class Disturbed:
    """A cluster over a ledger of the test's own, a run in the middle of its shards, and what an undisturbed run made of the same rows."""

    def __init__(self, ledger: str, coordinators: int):
        self.folder = open_scratch("ledger")
        self.cluster = Cluster(
            f"{self.folder}/cluster", workers=2, keepers=1, coordinators=coordinators, ledger=ledger, etlx=cluster_etlx())

    def __enter__(self) -> "Disturbed":
        self.cluster.up()
        try:
            database = PrivateDatabase.made(self.cluster.serve_postgres("source"), "rows")
            wide_table(database, "wide", LEAVES, ROWS_PER_LEAF)
            document = wide_document(self.folder, database, "wide")
            self.path = document.write()
            self.store = document.store
            run_well("run", self.path)
            self.parts = Version(self.store, "wide", 1).part_digests()
        except BaseException:
            self.cluster.down()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.cluster.down()

    def stop_in_the_middle(self, shards: int) -> None:
        """Submits; returns when so many shards are done and the workers stand still."""
        self.run = self.cluster.client.submit_until_taken(self.path)
        # The workers stand still while anybody looks: a busy machine takes longer to ask than they to be done.
        wait_until(lambda: self.after_a_moment().get("shards_done", 0) >= shards, f"{shards} shards")
        status = self.status()
        expect(status["phase"] == "extracting" and status["shards_done"] < LEAVES, f"the run was too fast: {status}")

    def after_a_moment(self) -> dict:
        """The status after the workers went on for a moment; they stand still again."""
        self.go_on()
        time.sleep(0.1)
        for worker in self.cluster.names("worker"):
            self.cluster.pause(worker)
        return self.status()

    def go_on(self) -> None:
        for worker in self.cluster.names("worker"):
            self.cluster.resume(worker)

    def status(self) -> dict:
        return client.of_run(self.cluster.client.status(self.run).json, self.run)

    def coordinators_say(self, text: str) -> bool:
        return any(text in self.cluster.role(name).read_log() for name in self.cluster.names("coordinator"))

    def expect_nothing_new(self) -> None:
        expect_equal(numbers(self.store, "wide"), [1], "versions")

    def expect_the_same_bytes(self) -> str:
        """The run ends as version 2, its shards read once each where the ledger was not restored from a backup."""
        about = self.cluster.client.wait(self.run, 120)
        expect(client.is_published(about), f"the run is {about}")
        expect_equal(numbers(self.store, "wide"), [1, 2], "versions")
        expect_equal(Version(self.store, "wide", 2).part_digests(), self.parts, "parts")
        run_well("modules", self.store, "verify", "wide")
        ledger = {"ETLX_LEDGER": self.cluster.ledger_url}
        run_well("audit", "verify", env=ledger)
        expect_equal(self.cluster.unaccounted(), [], "processes that ended by themselves")
        return f"{len(self.parts)} parts"


def test_no_space_for_rows():
    """The ledger's tables cannot grow (53100): granted and accepted again when there is room."""
    with small_disk("400m") as disk:
        server = Server(f"{disk}/pg", is_durable=True).start()
        try:
            with Disturbed(server.url, coordinators=2) as one:
                one.stop_in_the_middle(3)
                filler = fill(disk)
                one.go_on()
                wait_until(lambda: one.coordinators_say("53100"), "a word of the full ledger", 40)
                one.expect_nothing_new()
                os.remove(filler)
                return one.expect_the_same_bytes()
        finally:
            server.stop()


def test_no_space_for_the_log():
    """No room for its write-ahead log ends the ledger's server, again at each start; it is started when there is room."""
    with small_disk("400m") as disk:
        server = Server(f"{disk}/pg", is_durable=True).start()
        try:
            with Disturbed(server.url, coordinators=2) as one:
                one.stop_in_the_middle(3)
                filler = fill(disk)
                pid = server.pid()
                ends_of_segments(server)
                one.go_on()
                wait_until(lambda: one.coordinators_say("the ledger cannot be opened") or one.coordinators_say("the ledger does not answer"),
                           "a word of the ledger that is away", 40)
                one.expect_nothing_new()
                os.remove(filler)
                server.restart()
                expect(server.pid() != pid, "the server had not ended")
                return one.expect_the_same_bytes()
        finally:
            server.stop()


def ends_of_segments(server: Server) -> None:
    """Begins new segments of the log until there is no room for one."""
    import psycopg2
    try:
        for _ in range(200):
            server.execute("select pg_logical_emit_message(false, 'test', 'x'), pg_switch_wal()")
    except psycopg2.Error:
        return
    raise AssertionError("the ledger's log still has room")


def test_read_only():
    """Its administrator makes the ledger read-only (25006): nobody leads meanwhile."""
    folder = open_scratch("readonly")
    server = Server(f"{folder}/pg", is_durable=True).start()
    try:
        with Disturbed(server.url, coordinators=2) as one:
            one.stop_in_the_middle(3)
            server.configure(default_transaction_read_only="on")
            before = server.execute("select max(seq) from etlx_ledger.audit")
            one.go_on()
            wait_until(lambda: one.coordinators_say("25006"), "a word of the read-only ledger", 40)
            wait_until(lambda: not one.cluster.leaders(), "no leader", 40)
            one.expect_nothing_new()
            expect_equal(server.execute("select max(seq) from etlx_ledger.audit"), before, "the last row of the audit")
            # ALTER SYSTEM is no statement about rows: it works all the same.
            server.configure(default_transaction_read_only="off")
            return one.expect_the_same_bytes()
    finally:
        server.stop()


def test_no_space_for_a_file():
    """The same with the one file of a small cluster."""
    with small_disk("16m") as disk:
        with Disturbed(f"sqlite:{disk}/ledger.sqlite", coordinators=1) as one:
            one.stop_in_the_middle(3)
            filler = fill(disk)
            one.go_on()
            wait_until(lambda: one.coordinators_say("no space is left"), "a word of the full ledger", 40)
            one.expect_nothing_new()
            os.remove(filler)
            return one.expect_the_same_bytes()


def test_file_that_may_not_be_written():
    """The ledger of runs on one machine is immutable: the run says so before it reads a row, and the next one publishes."""
    require(os.geteuid() == 0, "only root makes files immutable")
    folder = scratch("immutable")
    document = clinic(folder, 200)
    run_well("keys", "new", f"{folder}/people.key")
    run_well("run", document, "--workers", "1")
    store, ledger = f"{folder}/modules", f"{folder}/modules/.ledger/clinic.sqlite"
    parts = Version(store, "clinic", 1).part_digests()
    done = subprocess.run(["chattr", "+i", ledger], capture_output=True, text=True)
    require(done.returncode == 0, "this file system has no immutable files")
    try:
        result = run("run", document, "--workers", "1")
    finally:
        subprocess.run(["chattr", "-i", ledger], check=True)
    expect(result.status in (1, 4), f"exit code {result.status}: {result.text[-600:]}")
    expect("ledger: " in result.err and "it cannot be opened for writing" in result.err, f"the message: {result.err[-600:]}")
    expect_equal(numbers(store, "clinic"), [1], "versions")
    expect_equal(os.listdir(f"{store}/clinic/_staging"), [], "staging after the run that failed")
    run_well("run", document, "--workers", "1")
    expect_equal(Version(store, "clinic", 2).part_digests(), parts, "parts of the second version")
