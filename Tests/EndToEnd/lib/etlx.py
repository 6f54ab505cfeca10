"""Starts etlx as its users do: the real executable, its exit code, what it printed."""
import contextlib
import dataclasses
import os
import signal
import subprocess
import time

from lib.checks import expect
from lib.surroundings import etlx_path, scratch


@dataclasses.dataclass
class Result:
    status: int
    out: str
    err: str
    seconds: float

    @property
    def text(self) -> str:
        return self.out + self.err


class Running:
    """An etlx at work. Its output goes to files, so that it never waits for a reader."""

    def __init__(self, *arguments: str, cwd: str | None = None, env: dict[str, str] | None = None):
        self.folder = scratch("output")
        self.started = time.monotonic()
        with open(f"{self.folder}/out", "wb") as out, open(f"{self.folder}/err", "wb") as err:
            self.process = subprocess.Popen(
                [etlx_path(), *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=cwd,
                env={**os.environ, **(env or {})}, start_new_session=True)
        self.pid = self.process.pid
        started_sessions.append(self.pid)

    def is_running(self) -> bool:
        return self.process.poll() is None

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = 600) -> Result:
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"etlx did not end within {seconds} s; {self.read('err')[-600:]}") from None
        return Result(self.process.returncode, self.read("out"), self.read("err"), time.monotonic() - self.started)

    def read(self, name: str) -> str:
        with open(f"{self.folder}/{name}", encoding="utf-8", errors="replace") as file:
            return file.read()

    def kill(self) -> None:
        """Ends it and all that it started."""
        for pid in processes_of_session(self.pid):
            with contextlib.suppress(ProcessLookupError):  # it may end meanwhile
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def children(self) -> list[int]:
        table = parents()
        return [pid for pid in table if is_below(pid, self.pid, table)]

    def workers(self) -> list[int]:
        """The descendants that read shards; not the keeper of the snapshots."""
        return [pid for pid in self.children() if " worker " in (line := command_line(pid)) and "keeper" not in line]


def run(*arguments: str, cwd: str | None = None, env: dict[str, str] | None = None, seconds: float = 600) -> Result:
    """Runs etlx to its end."""
    return Running(*arguments, cwd=cwd, env=env).wait(seconds)


def run_well(*arguments: str, cwd: str | None = None, env: dict[str, str] | None = None) -> Result:
    """Runs etlx and expects exit code 0."""
    result = run(*arguments, cwd=cwd, env=env)
    expect(result.status == 0, f"etlx {' '.join(arguments)} ended with {result.status}:\n{result.text[-3000:]}")
    return result


def parents() -> dict[int, int]:
    """Every process of this machine with its parent."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    found[int(entry)] = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                pass  # ended meanwhile
    return found


def is_below(pid: int, ancestor: int, table: dict[int, int]) -> bool:
    while (pid := table.get(pid, 0)) > 1:
        if pid == ancestor:
            return True
    return False


def command_line(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def processes_of_session(session: int) -> list[int]:
    """Processes alive (not zombies) in a session that a test started."""
    found = []
    for pid in parents():
        try:
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(pid)
        except (OSError, IndexError):
            pass
    return found


started_sessions: list[int] = []
