"""The clusters of cluster/local in tests."""
import concurrent.futures
import os
import subprocess
import sys

from lib.checks import expect, require
from lib.surroundings import ROOT, etlx_path, scratch

LOCAL = os.path.join(ROOT, "cluster/local")
IDLE = os.path.join(ROOT, "Tests/EndToEnd/idle_etlx")
sys.path.insert(0, LOCAL)

from local_cluster import network, plays, postgres  # noqa: F401


def require_namespaces() -> None:
    reason = network.why_not()
    require(not reason, reason)


def cluster_etlx() -> str:
    """The executable, if it knows coordinators."""
    done = subprocess.run([etlx_path(), "coordinator", "--help"], capture_output=True, text=True)
    require(done.returncode == 0 and "--ledger" in done.stdout, "this etlx has no coordinator")
    return etlx_path()


def open_scratch(name: str) -> str:
    """A scratch folder that the user of a private PostgreSQL may pass through."""
    folder = scratch(name)
    os.chmod(folder, 0o755)
    return folder


def play(*names: str, seconds: float | None = None) -> str:
    """Plays scenarios at the same time, each with a cluster of its own, and expects all to hold; returns what the runner prints.

    They are bound by slow links and by leases, not by this machine. `seconds`: what is broken stays so for no longer.
    """
    require_namespaces()
    etlx = cluster_etlx()
    made, references = [], plays.References()
    for name in names:
        scenario = plays.read(name)
        if seconds:
            scenario["steps"] = [step | ({"seconds": min(seconds, step["seconds"])} if "seconds" in step else {}) for step in scenario["steps"]]
        made.append(plays.Play(scenario, etlx, open_scratch(name), is_loud=False, has_outsider=False, references=references))
    with concurrent.futures.ThreadPoolExecutor(len(made)) as pool:
        reports = list(pool.map(plays.Play.perform, made))
    bad = [one for one in reports if one["violations"]]
    expect(not bad, "\n".join(line for one in bad for line in [one["scenario"], *one["violations"], "---", *one["events"]]))
    return "; ".join(f"{one['scenario']} {one['seconds']:.0f} s" for one in reports)
