"""Stopping a run: the first signal drains, the second stops at once; progress for people and for programs."""
import json
import os
import signal
import time

from lib.checks import expect, expect_equal
from lib.database import Database
from lib.etlx import Running, processes_of_session, run_well
from lib.marks import alone
from lib.published import Version, numbers
from lib.samples import clinic, wide_document, wide_table
from lib.surroundings import scratch


def interrupted_run(number: int, signals: int, gap: float = 0.0):
    """Publishes version 1, starts again and sends `signals` signals once a part is staged."""
    folder = scratch("signals")
    database = Database.fresh("e2e_signals")
    wide_table(database, "wide", leaves=16, rows_per_leaf=60_000)
    document = wide_document(folder, database, "wide")
    path = document.write()
    run_well("run", path)
    digests = Version(document.store, "wide").part_digests()
    running = Running("run", path, "--workers", "2")
    staging = f"{document.store}/wide/_staging"
    while running.is_running() and not any(names for _, _, names in os.walk(staging)):
        time.sleep(0.02)
    expect(running.is_running(), "the run ended before it was interrupted")
    sent = time.monotonic()
    for _ in range(signals):
        running.signal(number)
        time.sleep(gap)
    result = running.wait(60)
    seconds = time.monotonic() - sent
    expect_equal(result.status, 130, f"exit code ({result.text[-1200:]})")
    expect_equal(numbers(document.store, "wide"), [1], "versions")
    expect_equal(Version(document.store, "wide", 1).part_digests(), digests, "parts of version 1")
    time.sleep(0.2)
    expect_equal(processes_of_session(running.pid), [], "processes left behind")
    backends = database.execute("select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
    return document, seconds, backends[0][0], result


def test_first_interrupt_drains():
    document, seconds, backends, _ = interrupted_run(signal.SIGINT, 1)
    left = [name for _, _, names in os.walk(f"{document.store}/wide/_staging") for name in names]
    expect_equal(left, [], "files left in staging")
    expect_equal(backends, 0, "connections left at the source")
    run_well("run", document.path)
    expect_equal(numbers(document.store, "wide"), [1, 2], "versions after the next run")
    return f"drained in {seconds:.1f} s"


def test_terminate_drains_too():
    interrupted_run(signal.SIGTERM, 1)


@alone
def test_second_interrupt_stops_at_once():
    document, seconds, _, _ = interrupted_run(signal.SIGINT, 2, gap=0.1)
    expect(seconds < 5, f"took {seconds:.1f} s to stop")
    run_well("run", document.path)
    left = [name for _, _, names in os.walk(f"{document.store}/wide/_staging") for name in names]
    expect_equal(left, [], "files left in staging after the next run")
    return f"stopped in {seconds:.1f} s"


def test_killed_coordinator_leaves_no_workers():
    folder = scratch("orphans")
    database = Database.fresh("e2e_orphans")
    wide_table(database, "wide", leaves=16, rows_per_leaf=60_000)
    document = wide_document(folder, database, "wide")
    running = Running("run", document.write(), "--workers", "2")
    while running.is_running() and not running.workers():
        time.sleep(0.02)
    time.sleep(0.3)
    os.kill(running.pid, signal.SIGKILL)
    running.process.wait()
    deadline = time.monotonic() + 40
    while processes_of_session(running.pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    expect_equal(processes_of_session(running.pid), [], "processes left 40 s after their parent was killed")
    expect_equal(numbers(document.store, "wide"), [], "versions")
    run_well("run", document.path)
    expect_equal(numbers(document.store, "wide"), [1], "versions after the next run")


def test_output_of_a_run():
    folder = scratch("output")
    document = clinic(folder)
    run_well("keys", "new", f"{folder}/people.key")

    lines = run_well("run", document, "--json").out.splitlines()
    expect(lines, "--json printed nothing")
    events = [json.loads(line) for line in lines]
    expect(all(isinstance(event, dict) for event in events), "a --json line is not an object")
    expect('"version"' in lines[-1] or "version" in json.dumps(events[-1]), f"the last object does not name the version: {lines[-1]}")

    quiet = run_well("run", document, "--quiet")
    expect_equal((quiet.out, quiet.err), ("", ""), "output of --quiet")

    plain = run_well("run", document)
    expect("\r" not in plain.text and "\x1b" not in plain.text, "control characters in an output that is no terminal")
    expect("clinic" in plain.out, f"the module is not named: {plain.out[-500:]}")


def test_json_of_the_other_commands():
    folder = scratch("json")
    document = clinic(folder, patients=100)
    run_well("keys", "new", f"{folder}/people.key")
    run_well("run", document)
    store = f"{folder}/modules"
    for arguments in (
        ("validate", document), ("plan", document), ("preview", document, "--rows", "3"), ("modules", store),
        ("modules", store, "show", "clinic"), ("modules", store, "verify", "clinic"), ("keys", "check", f"{folder}/people.key"),
    ):
        result = run_well(*arguments, "--json")
        documents = [result.out]
        try:
            for document_text in documents:
                json.loads(document_text)
        except ValueError:
            raise AssertionError(f"etlx {' '.join(arguments)} --json is no JSON: {result.out[:400]}") from None
