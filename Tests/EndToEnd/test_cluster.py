"""A standing cluster under faults: whatever dies, stops or is cut off, the version's bytes are those of an undisturbed run.

Most tests play scenarios of cluster/scenarios, several at a time: source, ledger, coordinators, keepers and workers on this machine, each role in
a network of its own. Every play compares the digests of all parts with those of `etlx run` and all kept cells with the source.
"""
import contextlib
import json
import subprocess
import sys
import threading

from lib.checks import expect, expect_equal
from lib.etlx import run
from lib.local import LOCAL, cluster_etlx, open_scratch, play, require_namespaces
from lib.marks import long

from local_cluster import client, judge, sample_source
from local_cluster.cluster import Cluster
from local_cluster.plays import References, Surroundings


@long
def test_same_bytes_as_one_machine():
    """Two runs of a cluster without namespaces, and so without root: versions 1 and 2 with the parts of `etlx run`.
    Beside the second one a collector asks for whatever is older than a second, again and again."""
    folder = open_scratch("cluster")
    with Cluster(f"{folder}/cluster", workers=2, etlx=cluster_etlx()) as cluster:
        source = cluster.serve_postgres("source")
        around = Surroundings.prepare(cluster.etlx, folder, source, 100_000, References())
        pipeline = sample_source.Pipeline(folder, source.url, cluster.etlx)
        for number in (1, 2):
            with collecting(pipeline.store, pipeline.MODULE) if number == 2 else contextlib.nullcontext():
                answer = cluster.client.submit(pipeline.path, "--wait")
            expect_equal(answer.status, 0, f"exit code of submit ({answer.text[-800:]})")
            version = judge.Version(pipeline.store, pipeline.MODULE, number)
            expect_equal(judge.check_files(version, around.reference), [], "digests")
        expect_equal(judge.check_chain(pipeline.store, pipeline.MODULE), [], "chain")
        expect_equal(judge.check_by_outsider(pipeline.store, pipeline.MODULE), [], "check_module.py")
        expect_equal(judge.compare(version, source.url, sample_source.tables()), [], "rows")
        expect_equal(cluster.unaccounted(), [], "processes that ended by themselves")
        logs = "".join(one.read_log() for one in cluster.roles.values())
        for secret in (source.url, cluster.ledger_url, "person 77"):
            expect(secret not in logs, "a secret or a cell is in the logs")
    return f"{len(around.reference)} parts"


@contextlib.contextmanager
def collecting(store: str, module: str):
    """Collects all the time, with no regard for a cluster's ledger, which it does not know."""
    ended, answers = threading.Event(), []

    def collect():
        while not ended.wait(0.2):
            answers.append(run("modules", store, "collect", module, "--older-than", "PT1S"))

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    expect(len(answers) > 2, f"only {len(answers)} collections beside the run")
    failed = [answer.text for answer in answers if answer.status != 0]
    expect_equal(failed, [], "collections that failed")


@long
def test_processes_die():
    return play("worker-dies-mid-shard", "coordinator-killed", "keeper-killed", "both-keepers-killed", "leader-paused", seconds=25)


@long
def test_networks_part():
    return play("partition-silent", "partition-short", "partition-from-ledger", "fault-proxy-cuts", "fault-proxy-doubles", seconds=33)


@long
def test_servers_die():
    return play("ledger-restarts", "source-restarts", "snapshot-loss-fails", "scale-to-none", "tls")


@long
def test_scale_from_one_to_four():
    """Three workers join while one is busy: status counts them, and they take part."""
    require_namespaces()
    folder = open_scratch("scale")
    with Cluster(f"{folder}/cluster", workers=1, namespaces=True, etlx=cluster_etlx()) as cluster:
        source = cluster.serve_postgres("source")
        around = Surroundings.prepare(cluster.etlx, folder, source, 200_000, References())
        cluster.network.slow("worker-0", "10mbit")
        pipeline = sample_source.Pipeline(folder, source.url, cluster.etlx)
        run = cluster.client.submit_until_taken(pipeline.path)
        before = cluster.client.status(run)
        for _ in range(3):
            cluster.network.slow(cluster.add("worker"), "10mbit")
        counts = [workers_of(before.json)]
        while client.of_run(about := cluster.client.status(run).json, run).get("phase") not in client.ENDED:
            counts.append(workers_of(about))
        cluster.client.wait(run)
        version = judge.Version(pipeline.store, pipeline.MODULE, 1)
        expect_equal(judge.check_files(version, around.reference), [], "digests")
        expect(counts[0] == 1 and max(counts) == 4, f"workers seen in status: {counts}")
        for index in range(1, 4):
            expect(cluster.logs("worker", index), f"worker-{index} did nothing")
        endings = [cluster.drain("worker", index).status for index in range(4)]
        expect_equal(endings, [0] * 4, "exit codes of drained workers")
    return f"workers seen: {sorted(set(counts))}"


def workers_of(about: dict) -> int:
    """How many workers a status tells."""
    return sum(one["name"].startswith("worker-") for one in about.get("nodes", []))


@long
def test_storm():
    """The short form of the long run: a few faults of each kind, run after run."""
    require_namespaces()
    folder = open_scratch("storm")
    done = subprocess.run(
        [sys.executable, f"{LOCAL}/chaos", "--short", "--folder", folder, "--etlx", cluster_etlx()],
        capture_output=True, text=True, timeout=600)
    with open(f"{folder}/report.json") as file:
        report = json.load(file)
    expect(done.returncode == 0, "\n".join(report["violations"]) or done.stdout[-1500:] + done.stderr[-1500:])
    return f"{len(report['runs'])} runs, {report['faults']}"
