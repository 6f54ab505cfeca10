"""Processes by pid and start time, and processes that are started again when they end with an error."""
import dataclasses
import os
import signal
import subprocess
import threading
import time

# sysexits.h: the command line or the configuration is wrong; starting again would not help.
HOPELESS = (64, 78)
LONGEST_DELAY = 3.0


@dataclasses.dataclass(frozen=True)
class Identity:
    """A pid with the start time of its process (clock ticks since boot): a pid used again is another process."""
    pid: int
    start: int

    def is_alive(self) -> bool:
        """Whether this very process is there and not a zombie."""
        fields = stat_fields(self.pid)
        return fields is not None and int(fields[19]) == self.start and fields[0] != "Z"

    def signal(self, number: int) -> bool:
        """Sends a signal; says whether there was anybody to send it to."""
        if not self.is_alive():
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True


def stat_fields(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on, None for no process."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except (OSError, IndexError):
        return None


def identify(pid: int) -> Identity | None:
    fields = stat_fields(pid)
    return Identity(pid, int(fields[19])) if fields else None


def open_files(pid: int) -> int:
    """Open file descriptors; 0 if the process is gone."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def resident_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


@dataclasses.dataclass
class Ending:
    """How one process of a supervised row of processes ended. `status` is negative for a signal; `sent` are the signals that we sent."""
    name: str
    pid: int
    seconds: float
    status: int
    sent: tuple[int, ...]

    @property
    def is_accounted_for(self) -> bool:
        """Ended well, by a signal of ours, or with 75 as the contract has it. Whatever else ended it is a defect."""
        return self.status in (0, 75) or -self.status in self.sent


class Supervised:
    """One role of the cluster: a process that is started again as long as it ends with an error.

    Exit code 0 ends the role; 64 and 78 end it as failed. The delay before a new start doubles from 0.2 s to 3 s and is short
    again after ten seconds of life. The process dies with this one (PR_SET_PDEATHSIG), whatever happens to this one.
    """

    def __init__(
        self, name: str, command: list[str], folder: str, environment: dict[str, str] | None = None,
        on_start=None, namespace: str | None = None,
    ):
        self.name, self.command, self.folder, self.namespace = name, command, folder, namespace
        self.environment = environment or {}
        self.on_start = on_start or (lambda: None)
        self.log = os.path.join(folder, "logs", f"{name}.log")
        self.endings: list[Ending] = []
        self.identity: Identity | None = None
        self.sent: list[int] = []
        self.is_wanted = False
        self.has_failed = False
        self.changed = threading.Condition()
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        os.makedirs(os.path.dirname(self.log), exist_ok=True)
        self.is_wanted, self.has_failed = True, False
        self.thread = threading.Thread(target=self.supervise, name=self.name, daemon=True)
        self.thread.start()

    def whole_command(self) -> list[str]:
        # Both wrappers become the command itself (exec): the pid is the role's own.
        enter = ["nsenter", f"--net=/run/netns/{self.namespace}", "--"] if self.namespace else []
        return ["setpriv", "--pdeathsig", "KILL", "--", *enter, *self.command]

    def supervise(self) -> None:
        delay = 0.2
        while self.is_wanted:
            began = time.monotonic()
            with open(self.log, "ab") as log:
                process = subprocess.Popen(
                    self.whole_command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                    env={**os.environ, **self.environment})
            with self.changed:
                self.sent = []
                self.identity = identify(process.pid)
                self.changed.notify_all()
            if not self.is_wanted and self.identity:
                self.identity.signal(signal.SIGTERM)
            self.write_pid()
            self.on_start()
            status = process.wait()
            lived = time.monotonic() - began
            with self.changed:
                self.endings.append(Ending(self.name, process.pid, lived, status, tuple(self.sent)))
                self.identity = None
                if status == 0 or status in HOPELESS:
                    self.is_wanted, self.has_failed = False, status != 0
                self.changed.notify_all()
            if self.is_wanted:
                delay = 0.2 if lived > 10 else delay
                self.nap(delay)
                delay = min(delay * 2, LONGEST_DELAY)

    def nap(self, seconds: float) -> None:
        with self.changed:
            self.changed.wait_for(lambda: not self.is_wanted, seconds)

    def write_pid(self) -> None:
        if self.identity:
            with open(os.path.join(self.folder, f"{self.name}.pid"), "w") as file:
                file.write(f"{self.identity.pid} {self.identity.start}\n")

    @property
    def pid(self) -> int | None:
        identity = self.identity
        return identity.pid if identity else None

    def wait_until_running(self, seconds: float = 30) -> Identity:
        """The process that runs now or is started within that time."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.identity or self.has_failed or not self.is_wanted, seconds) or not self.identity:
                raise TimeoutError(f"{self.name} does not run; {self.tail()}")
            return self.identity

    def wait_until_ended(self, seconds: float) -> bool:
        """Whether the role has ended for good within that time."""
        with self.changed:
            return self.changed.wait_for(lambda: not self.is_wanted and self.identity is None, seconds)

    def signal(self, number: int) -> bool:
        with self.changed:
            if not self.identity:
                return False
            self.sent.append(number)
            return self.identity.signal(number)

    def stop(self, grace: float) -> None:
        """SIGTERM, after `grace` seconds SIGKILL. A stopped (SIGSTOP) process is continued first."""
        with self.changed:
            self.is_wanted = False
            self.changed.notify_all()
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)
        if not self.wait_until_ended(grace):
            self.signal(signal.SIGKILL)
            self.wait_until_ended(10)
        if self.thread:
            self.thread.join(10)

    def tail(self, count: int = 1500) -> str:
        return self.read_log()[-count:]

    def read_log(self) -> str:
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""
