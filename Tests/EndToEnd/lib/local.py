"""The clusters of cluster/local in tests."""
import os
import subprocess
import sys

from lib.checks import expect, require
from lib.surroundings import ROOT, etlx_path, scratch

LOCAL = os.path.join(ROOT, "cluster/local")
IDLE = os.path.join(ROOT, "Tests/EndToEnd/idle_etlx")
sys.path.insert(0, LOCAL)

from local_cluster import network, plays  # noqa: E402


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


def play(name: str, seconds: float | None = None, **changes) -> dict:
    """Plays a scenario in its short form and expects it to hold. `seconds`: how long what is broken stays so."""
    scenario = plays.read(name) | changes
    if seconds:
        scenario["steps"] = [step | ({"seconds": seconds} if "seconds" in step else {}) for step in scenario["steps"]]
    one = plays.Play(scenario, cluster_etlx(), open_scratch(name), is_loud=False)
    reason = one.missing()
    require(not reason, reason)
    report = one.perform()
    expect(not report["violations"], "\n".join([*report["violations"], "---", *report["events"]]))
    return report


def told(report: dict) -> str:
    """What the runner prints behind a passed play: its last events."""
    return "; ".join(event.strip().partition(" ")[2] for event in report["events"][-2:])
