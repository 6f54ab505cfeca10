"""`etlx submit` and `etlx status` as their users call them, and what they say in JSON."""
import dataclasses
import json
import os
import subprocess
import time

TEMPORARY = 75
PUBLISHED = ("published", "succeeded", "done")
ENDED = (*PUBLISHED, "failed", "aborted", "cancelled", "conflict")


@dataclasses.dataclass
class Answer:
    status: int
    out: str
    err: str
    seconds: float

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def json(self) -> dict:
        """The last JSON object that was printed, on lines of its own or over several; empty without one."""
        text = self.out.strip()
        starts = [0, *(place + 1 for place, letter in enumerate(text) if letter == "\n")]
        for start in starts:
            if text[start:start + 1] in "{[":
                try:
                    found = json.loads(text[start:])
                    return found if isinstance(found, dict) else {"runs": found}
                except ValueError:
                    try:
                        return json.loads(text.splitlines()[-1])
                    except ValueError:
                        continue
        return {}


class Client:
    """Calls etlx with the coordinators' addresses and the operator's token."""

    def __init__(self, etlx: str, options: list[str], environment: dict[str, str]):
        self.etlx, self.options, self.environment = etlx, options, environment

    def call(self, *arguments: str, seconds: float = 600) -> Answer:
        began = time.monotonic()
        try:
            done = subprocess.run(
                [self.etlx, *arguments, *self.options], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                errors="replace", timeout=seconds, env={**os.environ, **self.environment})
        except subprocess.TimeoutExpired as late:
            texts = [part.decode(errors="replace") if part else "" for part in (late.stdout, late.stderr)]
            return Answer(-1, *texts, time.monotonic() - began)
        return Answer(done.returncode, done.stdout, done.stderr, time.monotonic() - began)

    def submit(self, document: str, *options: str, seconds: float = 600) -> Answer:
        return self.call("submit", document, "--json", *options, seconds=seconds)

    def status(self, run: str | None = None, seconds: float = 30) -> Answer:
        return self.call("status", *([run] if run else []), "--json", seconds=seconds)

    def submit_until_taken(self, document: str, *options: str, seconds: float = 120) -> str:
        """Submits, again as long as nobody leads; returns the run's name."""
        deadline = time.monotonic() + seconds
        while True:
            answer = self.submit(document, *options, seconds=max(1, deadline - time.monotonic()))
            if answer.status == 0:
                return run_name(answer.json)
            if answer.status not in (TEMPORARY, -1) or time.monotonic() > deadline:
                raise RuntimeError(f"etlx submit ended with {answer.status}: {answer.text[-800:]}")
            time.sleep(0.5)

    def wait(self, run: str, seconds: float = 300) -> dict:
        """Asks for a run until it has ended; returns the last status. A coordinator that cannot be reached is asked again."""
        deadline, last = time.monotonic() + seconds, Answer(-1, "", "", 0)
        while time.monotonic() < deadline:
            answer = self.status(run)
            if answer.status == 0:
                last = answer
                if state_of(answer.json, run) in ENDED:
                    return answer.json
            time.sleep(0.3)
        raise TimeoutError(f"run {run} did not end within {seconds:.0f} s; last status: {last.text[-800:]}")


def run_name(about: dict) -> str:
    for key in ("run", "run_id", "id"):
        if isinstance(about.get(key), dict):
            return run_name(about[key])
        if about.get(key):
            return str(about[key])
    raise KeyError(f"no run in {json.dumps(about)[:300]}")


def of_run(about: dict, run: str | None) -> dict:
    """The part of a status that is about one run."""
    if isinstance(about.get("run"), dict):
        return about["run"]
    for one in about.get("runs", []):
        if run is None or run in (one.get("run"), one.get("run_id"), one.get("id")):
            return one
    return about


def state_of(about: dict, run: str | None = None) -> str:
    return str(of_run(about, run).get("state", "")).lower()


def is_published(about: dict, run: str | None = None) -> bool:
    return state_of(about, run) in PUBLISHED
