"""Workers that the kernel kills for their memory: once is survived, three times on one shard end that run and no other."""
import os
import signal

from lib.checks import expect, expect_equal
from lib.document import Document, Table
from lib.etlx import run_well
from lib.local import cluster_etlx, open_scratch
from lib.marks import long
from lib.private import PrivateDatabase, memory_limit, wait_until
from lib.published import Version, numbers
from lib.samples import wide_document, wide_table

from local_cluster import client
from local_cluster.cluster import Cluster

# Enough for ordinary shards, not for the row: its cell is in the connection's buffer and in the message or the column.
LIMIT = 200 << 20
CELL = 120 << 20


class SmallCluster(Cluster):
    """Its workers start in a control group: all of them, or the first process alone."""

    def __init__(self, folder: str, processes: str, only_first: bool, **options):
        super().__init__(folder, keepers=1, coordinators=1, etlx=cluster_etlx(), **options)
        self.processes, self.only_first = processes, only_first

    def worker_command(self, kind: str) -> list[str]:
        command = super().worker_command(kind)
        if kind != "worker":
            return command
        condition = f'mkdir "{self.folder}/first" 2>/dev/null' if self.only_first else "true"
        return ["sh", "-c", f'if {condition}; then echo $$ >"{self.processes}" || exit 78; fi; exec "$@"', "sh", *command]

    def killed(self) -> int:
        """Workers that the kernel has killed; nobody here has."""
        return sum(one.status == -signal.SIGKILL and not one.sent for one in self.endings())


def prepared(cluster: Cluster, folder: str) -> tuple[Document, Document]:
    """Two modules: one whose second table has a row that is too large, one without."""
    database = PrivateDatabase.made(cluster.serve_postgres("source"), "rows")
    wide_table(database, "wide", leaves=6, rows_per_leaf=20_000)
    database.execute("create table heavy (id int, blob bytea); alter table heavy alter blob set storage external")
    database.execute("insert into heavy select i, '\\x01' from generate_series(1, 1000) i")
    database.execute(f"insert into heavy select 0, decode(repeat(md5('x'), {CELL // 16}), 'hex')")
    light = wide_document(folder, database, "wide", module="light")
    heavy = Document(folder, "heavy", light.sources, [*light.tables, Table("heavy", "db.public.heavy", {"id": "keep", "blob": "keep"})])
    heavy.keys = light.keys
    light.write()
    heavy.write()
    return light, heavy


@long
def test_a_row_that_no_worker_has_memory_for():
    """Three workers die on its shard: that run ends and names it; the run beside it publishes, and workers stay."""
    folder = open_scratch("memory")
    with memory_limit(LIMIT) as processes:
        # One process at a time in the group, or the innocent would be killed with it.
        with SmallCluster(f"{folder}/cluster", processes, only_first=False, workers=1) as cluster:
            light, heavy = prepared(cluster, folder)
            run_well("run", light.path)
            parts = Version(light.store, "light", 1).part_digests()
            bad = cluster.client.submit_until_taken(heavy.path)
            good = cluster.client.submit_until_taken(light.path)
            about = cluster.client.wait(bad, 180)
            expect_equal(about["phase"], "failed", f"the run with the large row ({about})")
            failure = str(about.get("failure"))
            # The row was written last, so it is in the last of the shards.
            expect("table heavy, shard 3: three workers died on it" in failure, f"its failure: {failure}")
            expect_equal(numbers(heavy.store, "heavy"), [], "versions of the run that failed")
            expect(client.is_published(cluster.client.wait(good, 120)), "the other run")
            expect_equal(Version(light.store, "light", 2).part_digests(), parts, "parts of the other run")
            expect_equal(cluster.killed(), 3, "workers that the kernel killed")
            wait_until(lambda: cluster.role("worker", 0).pid, "a worker after the last one died")
            staging = f"{heavy.store}/heavy/_staging"
            wait_until(lambda: not os.path.exists(staging) or not os.listdir(staging), "staging of the failed run to be removed")


@long
def test_a_worker_that_dies_of_its_memory_once():
    """The next one has enough: the run publishes, with the bytes of an undisturbed one."""
    folder = open_scratch("memory")
    with memory_limit(LIMIT) as processes:
        with SmallCluster(f"{folder}/cluster", processes, only_first=True, workers=1) as cluster:
            _, heavy = prepared(cluster, folder)
            run_well("run", heavy.path)
            parts = Version(heavy.store, "heavy", 1).part_digests()
            about = cluster.client.wait(cluster.client.submit_until_taken(heavy.path), 180)
            expect(client.is_published(about), f"the run is {about}")
            expect_equal(cluster.killed(), 1, "workers that the kernel killed")
            expect_equal(Version(heavy.store, "heavy", 2).part_digests(), parts, "parts")
