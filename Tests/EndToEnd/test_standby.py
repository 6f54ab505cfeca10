"""A source that is a hot standby: it is read like a primary, and what its replay takes away is never mixed with what is there."""
import contextlib
from typing import Iterator

from lib.checks import expect, expect_equal
from lib.etlx import Running, run, run_well
from lib.local import cluster_etlx, open_scratch
from lib.private import PrivateDatabase, Server, wait_until
from lib.published import Version, numbers
from lib.samples import wide_document, wide_table

from local_cluster import client
from local_cluster.cluster import Cluster

LEAVES, ROWS_PER_LEAF = 10, 100_000
ROWS = LEAVES * ROWS_PER_LEAF
# What no snapshot shows in part: rows of every leaf go in one transaction.
DELETE = f"delete from wide where id % {LEAVES * 10} < {LEAVES}"
LEFT = ROWS - ROWS // 10


@contextlib.contextmanager
def pair() -> Iterator[tuple[Server, Server, str]]:
    """A primary with the rows, a standby that lets replay cancel readers after 50 ms, and a folder. Nobody vacuums but the test."""
    folder = open_scratch("standby")
    primary, standby = Server(f"{folder}/primary"), Server(f"{folder}/standby")
    try:
        primary.start()
        primary.configure(max_standby_streaming_delay="'50ms'", hot_standby_feedback="off", wal_receiver_status_interval="'1s'", autovacuum="off")
        wide_table(PrivateDatabase.made(primary, "rows"), "wide", LEAVES, ROWS_PER_LEAF)
        PrivateDatabase(primary, "rows").execute("vacuum wide")
        standby.follow(primary)
        catch_up(primary, standby)
        yield primary, standby, folder
    finally:
        standby.stop()
        primary.stop()


def catch_up(primary: Server, standby: Server) -> None:
    position = primary.execute("select pg_current_wal_lsn()")[0][0]
    wait_until(lambda: standby.execute(f"select pg_last_wal_replay_lsn() >= '{position}'")[0][0], "the standby")


def is_copying(standby: Server) -> bool:
    return standby.execute("select count(*) from pg_stat_activity where datname = 'rows' and query ilike 'copy%' and state = 'active'")[0][0] > 0


def conflicts(standby: Server) -> int:
    return standby.execute("select confl_snapshot + confl_lock from pg_stat_database_conflicts where datname = 'rows'")[0][0]


def read_while(action, folder: str, primary: Server, standby: Server, submit: list[str]) -> tuple[dict, str]:
    """One run over the standby on a cluster; `action` happens once rows are being copied. Returns how the run ended, and the store."""
    document = wide_document(folder, PrivateDatabase(standby, "rows"), "wide")
    path = document.write()
    with Cluster(f"{folder}/cluster", workers=1, keepers=2, coordinators=1, etlx=cluster_etlx()) as cluster:
        one = cluster.client.submit_until_taken(path, *submit)
        wait_until(lambda: is_copying(standby), "a COPY")
        action()
        about = cluster.client.wait(one, 180)
        expect_equal(cluster.unaccounted(), [], "processes that ended by themselves")
        return about | {"first": one}, document.store


def test_a_standby_is_a_source():
    """Rows and bytes are the primary's; so they are while its replay is paused and the primary goes on."""
    with pair() as (primary, standby, folder):
        document = wide_document(folder, PrivateDatabase(primary, "rows"), "wide")
        run_well("run", document.write())
        parts = Version(document.store, "wide", 1).part_digests()
        document.sources["db"]["url"] = PrivateDatabase(standby, "rows").url
        run_well("run", document.write())
        expect_equal(Version(document.store, "wide", 2).part_digests(), parts, "parts")

        standby.execute("select pg_wal_replay_pause()")
        running = Running("run", document.path)
        rows = PrivateDatabase(primary, "rows")
        rows.execute(DELETE)
        rows.execute("vacuum wide")
        rows.execute("truncate wide_0")
        result = running.wait()
        expect_equal(result.status, 0, f"exit code of a run over a paused standby ({result.text[-800:]})")
        expect_equal(Version(document.store, "wide", 3).part_digests(), parts, "parts of the paused standby")
        standby.execute("select pg_wal_replay_resume()")
        catch_up(primary, standby)
        run_well("run", document.path)
        expect_equal(Version(document.store, "wide", 4).rows("wide"), LEFT - ROWS_PER_LEAF * 9 // 10, "rows once it went on")


def test_vacuum_takes_the_snapshots_rows():
    """A conflict with recovery (40001) ends the snapshot: the run begins anew, once, and publishes one state of the rows."""
    with pair() as (primary, standby, folder):
        def take_rows():
            rows = PrivateDatabase(primary, "rows")
            rows.execute(DELETE)
            rows.execute("vacuum wide")
            wait_until(lambda: conflicts(standby) > 0, "a conflict")
            catch_up(primary, standby)
        about, store = read_while(take_rows, folder, primary, standby, [])
        expect(client.is_published(about), f"the run is {about}")
        expect(about["run"] != about["first"], "the run was not begun anew")
        expect_equal(numbers(store, "wide"), [1], "versions")
        expect_equal(Version(store, "wide").rows("wide"), LEFT, "rows")
        # The same as a run that nothing disturbed.
        run_well("run", f"{folder}/wide.yaml")
        expect_equal(Version(store, "wide", 2).part_digests(), Version(store, "wide", 1).part_digests(), "parts")
        return f"{conflicts(standby)} conflicts"


def test_vacuum_and_no_second_beginning():
    """`--on-snapshot-loss fail`: it ends with a word about the snapshot, and without a version."""
    with pair() as (primary, standby, folder):
        def take_rows():
            rows = PrivateDatabase(primary, "rows")
            rows.execute(DELETE)
            rows.execute("vacuum wide")
            wait_until(lambda: conflicts(standby) > 0, "a conflict")
        about, store = read_while(take_rows, folder, primary, standby, ["--on-snapshot-loss", "fail"])
        expect_equal(about["phase"], "failed", "the run")
        expect("snapshot" in str(about.get("failure")), f"the failure does not tell of the snapshot: {about}")
        expect_equal(numbers(store, "wide"), [], "versions")


def test_truncate_takes_the_locks():
    """Replay of a TRUNCATE ends whoever locks the table: never a version with some leaves of before and some of after."""
    with pair() as (primary, standby, folder):
        def truncate():
            rows = PrivateDatabase(primary, "rows")
            rows.execute(f"begin; truncate wide_0, wide_{LEAVES - 1}; commit")
            wait_until(lambda: conflicts(standby) > 0, "a conflict")
            catch_up(primary, standby)
        about, store = read_while(truncate, folder, primary, standby, [])
        expect(client.is_published(about) and about["run"] != about["first"], f"the run is {about}")
        expect_equal(Version(store, "wide").rows("wide"), ROWS - 2 * ROWS_PER_LEAF, "rows")


def test_one_machine_over_a_standby():
    """`etlx run` begins nothing anew: it ends with a word about the snapshot or, if it was faster than the replay, with the rows of before."""
    with pair() as (primary, standby, folder):
        document = wide_document(folder, PrivateDatabase(standby, "rows"), "wide")
        running = Running("run", document.write(), "--workers", "1")
        wait_until(lambda: is_copying(standby), "a COPY")
        rows = PrivateDatabase(primary, "rows")
        rows.execute(DELETE)
        rows.execute("vacuum wide")
        result = running.wait()
        if result.status == 0:
            expect_equal(Version(document.store, "wide").rows("wide"), ROWS, "rows")
        else:
            expect_equal(result.status, 1, f"exit code ({result.text[-800:]})")
            expect("snapshot" in result.err, f"the message: {result.err[-800:]}")
            expect_equal(numbers(document.store, "wide"), [], "versions")
        catch_up(primary, standby)
        expect_equal(run("run", document.path).status, 0, "exit code of the next run")
        return f"exit code {result.status}"
