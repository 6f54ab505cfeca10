"""A lane: a process that runs tests one after another, as they come on its standard input.

A name a line comes in; a JSON object a line goes out: `outcome` (ok, FAIL or skip), `detail`, `seconds`, `cpu_seconds`
(of this process and of the children that it waited for), `without` (checkers that it would have asked too). What a test prints goes to standard error.
"""
import json
import os
import resource
import shutil
import signal
import sys
import time
import traceback

from lib import etlx, surroundings
from lib.checks import Skip


def serve(tests: dict[str, object]) -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    # A shell starts background jobs with SIGINT ignored, and children would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Servers that tests started end with this process, as long as it leaves in order.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for line in sys.stdin:
        answers.write(json.dumps(perform(tests[line.strip()])) + "\n")


def perform(test) -> dict:
    start, cpu, detail = time.monotonic(), cpu_seconds(), ""
    surroundings.scratch_folders.clear()
    etlx.started_sessions.clear()
    surroundings.missing_outsiders.clear()
    try:
        detail = test() or ""
        outcome = "ok"
    except Skip as reason:
        outcome, detail = "skip", str(reason)
    except Exception as error:
        outcome = "FAIL"
        detail = str(error) if isinstance(error, AssertionError) and str(error) else traceback.format_exc()
    finally:
        for session in etlx.started_sessions:
            for pid in etlx.processes_of_session(session):
                os.kill(pid, signal.SIGKILL)
    if outcome != "FAIL" and not os.environ.get("ETL_TEST_KEEP"):
        for folder in surroundings.scratch_folders:
            make_writable(folder)
            shutil.rmtree(folder, ignore_errors=True)
    return {
        "outcome": outcome, "detail": detail, "seconds": round(time.monotonic() - start, 2), "cpu_seconds": round(cpu_seconds() - cpu, 2),
        "without": sorted(surroundings.missing_outsiders)}


def cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def make_writable(folder: str) -> None:
    """Published folders are read-only; their owner may still remove them."""
    for where, folders, _ in os.walk(folder):
        for name in folders:
            os.chmod(os.path.join(where, name), 0o755)
