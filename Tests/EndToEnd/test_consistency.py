"""A run reads one snapshot, whatever happens to the tables meanwhile."""
import glob
import shutil
import subprocess
import threading
import time

import pyarrow.compute

from lib.checks import expect, expect_equal, require
from lib.database import Database
from lib.document import Document, Table
from lib.etlx import Running, run, run_well
from lib.published import Version, numbers
from lib.samples import wide_document, wide_table
from lib.surroundings import scratch

SCALE = 30  # 3 million accounts, about 400 MB: several shards


def pgbench(database: Database, *arguments: str) -> list[str]:
    program = shutil.which("pgbench") or max(glob.glob("/usr/lib/postgresql/*/bin/pgbench"), default=None)
    require(program, "pgbench is not installed")
    return [program, *arguments, database.url]


def test_rows_are_those_of_the_snapshot():
    """pgbench moves money, and rows, between accounts; in any one snapshot all four sums are equal."""
    database = Database.fresh("e2e_pgbench")
    subprocess.run(pgbench(database, "--initialize", "--quiet", "--scale", str(SCALE)), check=True, capture_output=True)
    tables = {
        "accounts": ["aid", "bid", "abalance", "filler"], "branches": ["bid", "bbalance", "filler"],
        "tellers": ["tid", "bid", "tbalance", "filler"], "history": ["tid", "bid", "aid", "delta", "mtime", "filler"],
    }
    document = Document(
        scratch("pgbench"), "bank", {"db": {"kind": "postgres", "url": database.url}},
        [Table(name, f"db.public.pgbench_{name}", dict.fromkeys(columns, "keep")) for name, columns in tables.items()])
    path = document.write()
    updates = subprocess.Popen(
        pgbench(database, "--client", "4", "--jobs", "2", "--time", "600", "--no-vacuum"),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: database.execute("select count(*) from pgbench_history")[0][0] > 1_000)
        # Free space early in the table, so that updated rows move in front of where a reader stands.
        database.execute("vacuum pgbench_accounts")
        before = database.execute("select count(*) from pgbench_history")[0][0]
        result = run("run", path, "--workers", "4")
        after = database.execute("select count(*) from pgbench_history")[0][0]
    finally:
        updates.terminate()
        updates.wait()
    expect_equal(result.status, 0, f"exit code ({result.text[-1500:]})")
    expect(after > before, "pgbench did nothing meanwhile")

    version = Version(document.store, "bank")
    accounts, history = version.read("accounts"), version.read("history")
    expect_equal(accounts.num_rows, SCALE * 100_000, "accounts: no row missing, none twice")
    expect_equal(pyarrow.compute.count_distinct(accounts.column("aid")).as_py(), accounts.num_rows, "distinct account ids")
    sums = {
        "accounts": pyarrow.compute.sum(accounts.column("abalance")).as_py(),
        "branches": pyarrow.compute.sum(version.read("branches").column("bbalance")).as_py(),
        "tellers": pyarrow.compute.sum(version.read("tellers").column("tbalance")).as_py(),
        "history": pyarrow.compute.sum(history.column("delta")).as_py(),
    }
    expect_equal(set(sums.values()), {sums["history"]}, f"sums of one snapshot {sums}")
    expect(before <= history.num_rows <= after, f"history has {history.num_rows} rows, between {before} and {after}")
    orphans = set(history.column("aid").to_pylist()) - set(accounts.column("aid").to_pylist())
    expect_equal(len(orphans), 0, "history rows of no account")
    return f"{len(version.parts('accounts'))} shards of accounts, {after - before} transactions during the run"


def test_a_condition_is_one_condition():
    """What the server analyses is what each shard runs: a row is published once, and no text closes the parentheses around it."""
    database = Database.fresh("e2e_condition")
    database.execute(
        "create table t as select i as id, i % 7 as kind, repeat(md5(i::text), 16) as filler from generate_series(1, 160000) i")
    document = Document(
        scratch("condition"), "condition", {"db": {"kind": "postgres", "url": database.url}},
        [Table("t", "db.public.t", {"id": "keep", "kind": "drop", "filler": "drop"})])
    honest = ["(kind = 1) or (kind = 2)", "kind in (1, 2) or filler = ')' -- ) or (true"]
    for condition in honest:
        document.tables[0].where = condition
        run_well("run", document.write(), "--workers", "2")
        version = Version(document.store, "condition")
        expect_equal(
            sorted(version.read("t").column("id").to_pylist()), [i for i in range(1, 160_001) if i % 7 in (1, 2)], condition)
        expect(len(version.parts("t")) > 1, "the table was one shard: nothing was tested")
    published = numbers(document.store, "condition")
    refused = ["kind = 1) or (kind = 2", "true) union all (select 1", "true) or (true) -- (", "true; select 1", "kind = $1", "(true"]
    for condition in refused:
        document.tables[0].where = condition
        result = run("run", document.write(), "--workers", "2")
        expect_equal(result.status, 2, f"exit code of {condition} ({result.text[-400:]})")
        expect("the server refuses the `where` condition" in result.err, f"{condition}: {result.err}")
    expect_equal(numbers(document.store, "condition"), published, "versions")
    return f"{len(honest)} conditions published, {len(refused)} refused"


def test_truncate_waits():
    ddl_during_a_run("truncate wide", lambda database: expect_equal(
        database.execute("select count(*) from wide")[0][0], 0, "rows after the truncate"))


def test_alter_waits():
    ddl_during_a_run("alter table wide add column later int default 7", lambda database: None)


def test_drop_waits():
    ddl_during_a_run("drop table wide_3", lambda database: None)


def ddl_during_a_run(statement: str, check_after) -> None:
    """The statement waits for the run, or the run fails and says why; in both cases no wrong version appears."""
    folder = scratch("ddl")
    database = Database.fresh("e2e_ddl")
    wide_table(database, "wide", leaves=6, rows_per_leaf=60_000)
    document = wide_document(folder, database, "wide")
    path = document.write()
    run_well("run", path)
    first = Version(document.store, "wide").part_digests()

    running = Running("run", path, "--workers", "2")
    wait_until(lambda: not running.is_running() or database.execute(
        "select count(*) from pg_locks where relation = 'wide'::regclass and granted and pid <> pg_backend_pid()")[0][0])
    expect(running.is_running(), f"the run ended before its lock was seen: {running.wait().text[-800:]}")
    changing = threading.Thread(target=lambda: database.execute(statement))
    changing.start()
    result = running.wait()
    changing.join(60)
    expect(not changing.is_alive(), "the statement still waits after the run has ended")
    check_after(database)
    if result.status == 0:
        expect_equal(Version(document.store, "wide", 2).part_digests(), first, "parts of the second version")
    else:
        expect(len(result.err.strip()) > 20, f"the run failed without a word: {result.text}")
        expect_equal(numbers(document.store, "wide"), [1], "versions after the failed run")
    expect_equal(Version(document.store, "wide", 1).part_digests(), first, "parts of the first version")


def test_snapshot_lost_fails_and_publishes_nothing():
    """Every backend of the run is ended by its server: no version, and the message says what happened."""
    folder = scratch("lost")
    database = Database.fresh("e2e_lost")
    wide_table(database, "wide", leaves=8, rows_per_leaf=60_000)
    document = wide_document(folder, database, "wide")
    path = document.write()
    run_well("run", path)
    running = Running("run", path, "--workers", "2")
    wait_until(lambda: not running.is_running() or database.execute(
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() "
        "and query ilike 'copy%'")[0][0])
    expect(running.is_running(), "the run ended before it copied")
    database.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
    result = running.wait()
    if result.status == 0:  # it may begin again with a new snapshot; then the version must be whole
        expect_equal(Version(document.store, "wide").rows("wide"), 480_000, "rows")
    else:
        expect(result.status in (1, 4), f"exit code {result.status}")
        expect_equal(numbers(document.store, "wide"), [1], "versions")
    return f"exit code {result.status}"


def wait_until(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < deadline, "waited in vain")
        time.sleep(0.02)
