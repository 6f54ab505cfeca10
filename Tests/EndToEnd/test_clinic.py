"""The quickstart's run: same bytes whatever the workers, a second version on the second run, an outsider's check."""
import os
import signal
import subprocess
import time

from lib.checks import expect, expect_equal
from lib.database import Database
from lib.etlx import Running, run, run_well
from lib.marks import long
from lib.published import Version, check_module, numbers
from lib.samples import clinic, wide_document, wide_table
from lib.surroundings import ROOT, scratch


def test_versions_follow_each_other():
    folder = scratch("clinic")
    document = clinic(folder)
    run_well("keys", "new", f"{folder}/people.key")
    run_well("run", document, "--workers", "2")
    first = Version(f"{folder}/modules", "clinic")
    expect_equal((first.number, first.rows("patients"), first.rows("visits")), (1, 2_000, 6_000), "version, rows")
    digests = first.part_digests()

    run_well("run", document, "--workers", "1")
    expect_equal(numbers(f"{folder}/modules", "clinic"), [1, 2], "versions after the second run")
    expect_equal(Version(f"{folder}/modules", "clinic").part_digests(), digests, "parts of version 2")
    expect_equal(Version(f"{folder}/modules", "clinic", 1).part_digests(), digests, "parts of version 1, later")

    run_well("run", document, "--workers", "4")
    expect_equal(Version(f"{folder}/modules", "clinic").part_digests(), digests, "parts with four workers")
    run_well("modules", f"{folder}/modules", "verify", "clinic")
    check_module(f"{folder}/modules", "clinic")


def test_published_rows_join_and_hide():
    folder = scratch("clinic")
    document = clinic(folder)
    run_well("keys", "new", f"{folder}/people.key")
    run_well("run", document)
    version = Version(f"{folder}/modules", "clinic")
    patients, visits = version.read("patients"), version.read("visits")
    ids = patients.column("id").to_pylist()
    expect_equal(len(set(ids)), 2_000, "distinct patient tokens")
    expect(set(visits.column("patient_id").to_pylist()) <= set(ids), "a visit's patient token is none of the patients'")
    expect(
        not {"family_name", "ssn", "iban", "city"} & set(patients.column_names), "a dropped column was published")
    expect("@example" not in " ".join(filter(None, patients.column("notes").to_pylist())), "an e-mail address is left in notes")
    expect_equal({len(zip) for zip in patients.column("zip").to_pylist()}, {3}, "lengths of post codes")


def test_damage_is_found_by_verify():
    folder = scratch("clinic")
    document = clinic(folder, patients=200)
    run_well("keys", "new", f"{folder}/people.key")
    run_well("run", document)
    part = Version(f"{folder}/modules", "clinic").parts("visits")[0]
    os.chmod(part, 0o644)
    with open(part, "r+b") as file:
        file.seek(100)
        byte = file.read(1)
        file.seek(100)
        file.write(bytes([byte[0] ^ 1]))
    result = run("modules", f"{folder}/modules", "verify", "clinic")
    expect_equal(result.status, 5, "exit code of verify")
    expect("part-00000.parquet" in result.text, f"verify does not name the damaged file: {result.text[-500:]}")


def test_killed_worker_changes_no_byte():
    folder = scratch("killed")
    database = Database.fresh("e2e_killed")
    wide_table(database, "wide", leaves=12, rows_per_leaf=60_000)
    document = wide_document(folder, database, "wide")
    path = document.write()
    run_well("run", path, "--workers", "2")
    digests = Version(document.store, "wide").part_digests()
    for workers in ("1", "4"):
        run_well("run", path, "--workers", workers)
        expect_equal(Version(document.store, "wide").part_digests(), digests, f"parts with {workers} workers")

    running = Running("run", path, "--workers", "3")
    victim = wait_for_a_staged_part(running, f"{document.store}/wide")
    os.kill(victim, signal.SIGKILL)
    expect(running.is_running(), "the run was over before the worker was killed")
    result = running.wait()
    expect_equal(result.status, 0, f"exit code of the run whose worker was killed ({result.text[-1500:]})")
    version = Version(document.store, "wide")
    expect_equal(version.number, 4, "version")
    expect_equal(version.part_digests(), digests, "parts of the run whose worker was killed")
    expect_equal(version.rows("wide"), 720_000, "rows")
    return f"{len(digests)} parts, killed after {result.seconds:.1f} s of run"


def wait_for_a_staged_part(running: Running, module_folder: str) -> int:
    """Waits until some part is staged and a worker lives; returns that worker's pid."""
    while running.is_running():
        staged = [name for _, _, names in os.walk(f"{module_folder}/_staging") for name in names if name.endswith(".parquet")]
        workers = running.workers()
        if staged and workers:
            return workers[0]
        time.sleep(0.02)
    raise AssertionError(f"the run ended before a part was seen in staging: {running.wait().text[-1000:]}")


@long
def test_quickstart_script():
    """`ops/quickstart` itself, twice, with a build that is there already."""
    folder = scratch("quickstart")
    environment = {**os.environ, "ETL_QUICKSTART_DIR": f"{folder}/data"}
    for number in (1, 2):
        done = subprocess.run(
            [f"{ROOT}/ops/quickstart"], env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        expect(done.returncode == 0, f"run {number}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
        expect_equal(numbers(f"{folder}/data/modules", "clinic"), list(range(1, number + 1)), "versions")
        expect("mlcroissant load" in done.stdout, "the script does not say how to open the module")
    check_module(f"{folder}/data/modules", "clinic")
