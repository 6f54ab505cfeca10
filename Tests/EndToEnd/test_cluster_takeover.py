"""A coordinator that dies when 60 % of the shards are done: what is read afterwards are the missing rows, as the source itself counts them.

`pg_stat_statements` has an entry for every shard's COPY, with how often it ran and how many rows it sent; `pg_stat_user_tables` counts
the rows that scans took from the tables, also those of a COPY that was cut off.
"""
import time

from lib.checks import expect, expect_equal, require
from lib.etlx import run_well
from lib.local import cluster_etlx, open_scratch
from lib.marks import long
from lib.private import PrivateDatabase, Server, wait_until
from lib.published import Version, numbers
from lib.samples import wide_document, wide_table

from local_cluster import client
from local_cluster.cluster import Cluster

LEAVES, ROWS_PER_LEAF = 20, 40_000
ROWS = LEAVES * ROWS_PER_LEAF
DONE = 12
MOST = 1.1
# A server tells what it has counted up to a second late.
COUNTS_SECONDS = 1.5


class Counts:
    """Rows that the source has sent and scanned."""

    def __init__(self, database: PrivateDatabase):
        sent = database.execute(
            "select coalesce(sum(calls), 0), coalesce(sum(rows), 0) from pg_stat_statements "
            "where query like 'COPY (%' and dbid = (select oid from pg_database where datname = current_database())")[0]
        self.copies, self.sent = int(sent[0]), int(sent[1])
        self.scanned = int(database.execute("select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) from pg_stat_user_tables")[0][0])


def counting_source(cluster: Cluster) -> PrivateDatabase:
    server = cluster.serve_postgres("source")
    require(server.execute("select count(*) from pg_available_extensions where name = 'pg_stat_statements'")[0][0],
            "PostgreSQL's extension pg_stat_statements is not installed")
    server.configure(shared_preload_libraries="pg_stat_statements")
    server.restart()
    database = PrivateDatabase.made(server, "rows")
    wide_table(database, "wide", LEAVES, ROWS_PER_LEAF)
    # Or autovacuum's scans of new tables would be counted among ours.
    database.execute("vacuum (analyze) wide")
    database.execute("create extension pg_stat_statements")
    return database


def killed_at_60_percent(coordinators: int) -> str:
    folder = open_scratch("takeover")
    with Cluster(f"{folder}/cluster", workers=2, keepers=2, coordinators=coordinators, etlx=cluster_etlx()) as cluster:
        database = counting_source(cluster)
        document = wide_document(folder, database, "wide")
        run_well("run", document.write())
        parts = Version(document.store, "wide", 1).part_digests()
        database.execute("select pg_stat_statements_reset()")
        time.sleep(COUNTS_SECONDS)
        before = Counts(database)

        leader = cluster.leader()
        run = cluster.client.submit_until_taken(document.path)
        wait_until(lambda: accepted(cluster.ledger, run)[0] >= DONE, f"{DONE} shards")
        cluster.kill(leader)
        done, done_rows = accepted(cluster.ledger, run)
        expect(DONE <= done < LEAVES, f"the coordinator died behind {done} of {LEAVES} shards")
        about = cluster.client.wait(run, 120)
        expect(client.is_published(about) and about["run"] == run, f"the run is {about}")
        time.sleep(COUNTS_SECONDS)
        after = Counts(database)

        expect_equal(numbers(document.store, "wide"), [1, 2], "versions")
        expect_equal(Version(document.store, "wide", 2).part_digests(), parts, "parts")
        missing = ROWS - done_rows
        sent, scanned = (after.sent - done_rows) / missing, (after.scanned - before.scanned - done_rows) / missing
        report = (f"killed at {done} of {LEAVES} shards; of the missing {missing} rows {sent:.3f} were sent (pg_stat_statements), "
                  f"{scanned:.3f} scanned (pg_stat_user_tables), by {after.copies} COPYs in all")
        # Fewer would mean that the source did not count what it should have.
        expect(1 <= sent <= MOST and 1 <= scanned <= MOST, report)
        expect_equal(cluster.unaccounted(), [], "processes that ended by themselves")
        return report


def accepted(ledger: Server, run: str) -> tuple[int, int]:
    """Shards that the ledger has a receipt of, and their rows."""
    return ledger.execute(
        f"select count(*), coalesce(sum((receipt::json -> 'rows' ->> 'read')::bigint), 0) from etlx_ledger.shard where run = '{run}' and phase = 'done'")[0]


@long
def test_a_standby_goes_on():
    return killed_at_60_percent(coordinators=2)


@long
def test_the_same_one_comes_back():
    """No standby: the one coordinator is started again over the same ledger."""
    return killed_at_60_percent(coordinators=1)
