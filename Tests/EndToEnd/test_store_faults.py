"""A store on a disk that is full, read-only or another's: the message says so, the last version stays, nothing half-made shows."""
import glob
import os
import shutil
import signal
import subprocess

from lib.checks import expect, expect_equal, require
from lib.etlx import Running, run, run_well
from lib.marks import long
from lib.private import small_disk, wait_until
from lib.published import Version, numbers
from lib.samples import clinic
from lib.surroundings import scratch


def published_on(disk: str, patients: int = 200) -> tuple[str, str]:
    """The clinic with its store on `disk`, one version published; returns the document and the store."""
    folder = scratch("faults")
    document = clinic(folder, patients)
    with open(document) as file:
        text = file.read()
    with open(document, "w") as file:
        file.write(text.replace("{directory: modules}", f"{{directory: {disk}/modules}}"))
    run_well("keys", "new", f"{folder}/people.key")
    run_well("run", document, "--workers", "1")
    return document, f"{disk}/modules"


def used(disk: str) -> int:
    status = os.statvfs(disk)
    return (status.f_blocks - status.f_bfree) * status.f_frsize


def check_untouched(store: str, digests: dict[str, str]) -> None:
    expect_equal(numbers(store, "clinic"), [1], "versions")
    expect_equal(Version(store, "clinic", 1).part_digests(), digests, "parts of the last version")
    run_well("modules", store, "verify", "clinic")


def test_full_disk():
    """Full while parts are written: the run says so, gives its space back, and the next run on a freed disk publishes."""
    with small_disk("6m") as disk:
        document, store = published_on(disk)
        digests = Version(store, "clinic", 1).part_digests()
        before = used(disk)
        clinic_of(document, 40_000)
        result = run("run", document, "--workers", "2")
        expect(result.status == 1, f"exit code {result.status}: {result.text[-800:]}")
        expect("free space there or choose another target" in result.err, f"the message does not name the full disk: {result.err[-800:]}")
        check_untouched(store, digests)
        expect_equal(os.listdir(f"{store}/clinic/_staging"), [], "staging after the failed run")
        expect(used(disk) < before + 600_000, f"{used(disk) - before} bytes are not given back")
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        run_well("run", document, "--workers", "2")
        expect_equal(numbers(store, "clinic"), [1, 2], "versions after the disk grew")
        run_well("modules", store, "verify", "clinic")


@long
def test_full_disk_at_every_fill():
    """Disks that fill up at some step of publishing, the last included: a version, or none, never a part of one."""
    # 6: the disk holds the ledger too, which could not say how the run ended; the next one finds out.
    outcomes = {0: 0, 1: 0, 4: 0, 6: 0}
    with small_disk("24m") as disk:
        document, store = published_on(disk, 2_000)
        digests = Version(store, "clinic", 1).part_digests()
        for free in (0, 4_096, 40_960, 204_800, 409_600, 614_400, 819_200, 1_228_800):
            filler = f"{disk}/filler"
            status = os.statvfs(disk)
            with open(filler, "wb") as file:
                file.write(bytes(max(0, status.f_bavail * status.f_frsize - free)))
            result = run("run", document, "--workers", "1")
            expect(result.status in outcomes, f"with {free} bytes free: exit code {result.status}: {result.text[-500:]}")
            outcomes[result.status] += 1
            os.remove(filler)
            run_well("modules", store, "verify", "clinic")
            expect_equal(Version(store, "clinic", 1).part_digests(), digests, "parts of version 1")
        expect(outcomes[0] >= 1 and outcomes[1] + outcomes[4] + outcomes[6] >= 3, f"{outcomes}")
        run_well("modules", store, "collect", "--older-than", "PT1S")
        expect_equal(
            sorted(os.listdir(f"{store}/clinic/runs")),
            sorted(os.path.basename(Version(store, "clinic", number).folder) for number in numbers(store, "clinic")), "runs")
    return f"exit codes {outcomes}"


def test_a_flipped_bit():
    """A bit of a finished part turns over before the version is committed: the run names the part and publishes nothing."""
    folder = scratch("faults")
    document = clinic(folder, 100_000)
    run_well("keys", "new", f"{folder}/people.key")
    run_well("run", document, "--workers", "1")
    store = f"{folder}/modules"
    digests = Version(store, "clinic", 1).part_digests()
    running = Running("run", document, "--workers", "1")
    found: list[str] = []

    def stopped_behind_a_part() -> bool:
        """A finished part is read-only; its worker stands still, and the run cannot be whole."""
        found[:] = [
            path for path in glob.glob(f"{store}/clinic/_staging/**/*.parquet", recursive=True) if not os.stat(path).st_mode & 0o222]
        if found:
            for pid in running.workers():
                os.kill(pid, signal.SIGSTOP)
        return bool(found) or not running.is_running()

    wait_until(stopped_behind_a_part, "a part", pause=0.001)
    expect(running.is_running() and len(found) < len(digests), f"the run was too fast: {len(found)} parts")
    os.chmod(found[0], 0o644)
    with open(found[0], "r+b") as file:
        file.seek(os.path.getsize(found[0]) // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 0x10]))
    os.chmod(found[0], 0o444)
    for pid in running.workers():
        os.kill(pid, signal.SIGCONT)
    result = running.wait()
    expect(result.status == 1, f"exit code {result.status}: {result.text[-800:]}")
    # Named as it would have been published.
    table = os.path.basename(os.path.dirname(found[0]))
    expect(f"data/{table}/part-" in result.err and "no longer those that its worker wrote" in result.err, f"the message: {result.err[-800:]}")
    check_untouched(store, digests)
    expect_equal(os.listdir(f"{store}/clinic/_staging"), [], "staging after the failed run")
    run_well("run", document, "--workers", "1")
    expect_equal(Version(store, "clinic", 2).part_digests(), digests, "parts of the next version")


def test_pull_to_a_full_disk():
    """A pull that finds no room says so, shows nothing, and carries on when there is some."""
    folder = scratch("faults")
    document = clinic(folder, 20_000)
    run_well("keys", "new", f"{folder}/people.key")
    run_well("run", document, "--workers", "2")
    with small_disk("2m") as disk:
        result = run("modules", f"{folder}/modules", "pull", "clinic@1", f"{disk}/here")
        expect(result.status == 1 and "free space there" in result.err, f"{result.status}: {result.text[-500:]}")
        expect("no modules" in run_well("modules", f"{disk}/here").out, "something is visible")
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        run_well("modules", f"{folder}/modules", "pull", "clinic@1", f"{disk}/here")
        run_well("modules", f"{disk}/here", "verify", "clinic")


def test_read_only_store():
    """Reading a read-only store works; writing is refused by name, and nothing is touched."""
    with small_disk("24m") as disk:
        document, store = published_on(disk)
        digests = Version(store, "clinic", 1).part_digests()
        done = subprocess.run(["mount", "-o", "remount,ro", disk], capture_output=True, text=True)
        require(done.returncode == 0, f"this machine does not remount: {done.stderr.strip()}")
        result = run("run", document, "--workers", "1")
        expect(result.status in (1, 4) and "check the owner and the permissions of the store" in result.err, f"{result.status}: {result.text[-500:]}")
        for words in (["withdraw", "clinic@1", "--reason", "x"], ["catalog"]):
            result = run("modules", store, *words)
            expect(result.status == 1 and "permissions of the store" in result.err, f"{words}: {result.status}: {result.text[-500:]}")
        check_untouched(store, digests)
        for words in ([], ["show", "clinic"], ["verify", "clinic"], ["retain", "clinic", "--keep", "1"], ["collect"]):
            run_well("modules", store, *words)
        run_well("modules", store, "pull", "clinic@1", f"{scratch('pulled')}/here")


def test_store_of_another_user():
    """A store whose owner takes the right to write away: the run of another user is refused and leaves nothing."""
    require(os.geteuid() == 0 and shutil.which("setpriv"), "only root may run as another user, with setpriv")
    folder = scratch("faults")
    document = clinic(folder, 200)
    run_well("keys", "new", f"{folder}/people.key")
    run_well("run", document, "--workers", "1")
    store = f"{folder}/modules"
    digests = Version(store, "clinic", 1).part_digests()
    for where, folders, files in os.walk(folder):
        if not where.startswith(store):
            for name in files:
                os.chown(f"{where}/{name}", 65534, 65534)
    os.chown(folder, 65534, 65534)
    os.chmod(folder, 0o755)
    from lib.surroundings import etlx_path
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    seen = subprocess.run([*as_nobody, etlx_path(), "--version"], capture_output=True, text=True)
    require(seen.returncode == 0, "another user cannot reach this build of etlx")
    for words in (["run", document, "--workers", "1"], ["modules", store, "withdraw", "clinic@1", "--reason", "x"]):
        done = subprocess.run([*as_nobody, etlx_path(), *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        expect(done.returncode in (1, 4), f"{words}: exit code {done.returncode}: {done.stderr[-500:]}")
        expect("check the owner and the permissions of the store" in done.stderr, f"{words}: {done.stderr[-500:]}")
    done = subprocess.run([*as_nobody, etlx_path(), "modules", store, "verify", "clinic"], capture_output=True, text=True)
    expect(done.returncode == 0, f"another user cannot verify: {done.stderr[-500:]}")
    check_untouched(store, digests)


def clinic_of(document: str, patients: int) -> None:
    """More patients for the same document."""
    with open(document) as file:
        text = file.read()
    clinic(os.path.dirname(document), patients)
    with open(document, "w") as file:
        file.write(text)
