"""`etlx submit` and `etlx status` as their users call them, and what they say in JSON."""
import dataclasses
import json
import os
import subprocess
import time

UNREACHABLE = 4
PUBLISHED = "published"
ENDED = (PUBLISHED, "failed")


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
        """The JSON object that was printed: the only one, or that of the last line; empty without one."""
        text = self.out.strip()
        for candidate in (text, text.rpartition("\n")[2]):
            try:
                return json.loads(candidate)
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
                return answer.json["run"]
            if answer.status not in (UNREACHABLE, -1) or time.monotonic() > deadline:
                raise RuntimeError(f"etlx submit ended with {answer.status}: {answer.text[-800:]}")
            time.sleep(0.5)

    def wait(self, run: str, seconds: float = 300) -> dict:
        """Asks for a run until it has ended; returns its last status. Asks again when no coordinator can be reached, and goes
        on with the run that took the place of one whose snapshots were lost."""
        deadline, last = time.monotonic() + seconds, Answer(-1, "", "", 0)
        while time.monotonic() < deadline:
            answer = self.status(run)
            if answer.status == 0:
                last = answer
                about = of_run(answer.json, run)
                if "restarted_as" in about:
                    # Empty while the other one is on its way.
                    run = about["restarted_as"] or run
                elif about.get("phase") in ENDED:
                    return about
            time.sleep(0.3)
        raise TimeoutError(f"run {run} did not end within {seconds:.0f} s; last answer ({last.status}): {last.text[-800:]}")


def of_run(about: dict, run: str) -> dict:
    """The part of a status that is about one run; empty if it does not tell of it."""
    return next((one for one in about.get("runs", []) if one["run"] == run), {})


def is_published(about: dict) -> bool:
    return about.get("phase") == PUBLISHED
