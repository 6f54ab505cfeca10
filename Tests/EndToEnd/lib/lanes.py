"""Tests beside each other: lanes take them from one queue.

Long ones go first, and a lane stays with a file, since tests of one file use the same databases. Those that must be
alone come last. A lane whose test does not end in time, or that dies, fails that test and is started again.
"""
import json
import os
import signal
import subprocess
import sys
import threading
import time

from lib import marks

# No test takes a third of it on a slow machine; by night some are long on purpose.
SECONDS_PER_TEST = 4 * 3600 if os.environ.get("ETL_NIGHT") else 900


class Queue:
    """What is left to do; each lane's thread takes from it."""

    def __init__(self, tests: dict[str, object]):
        self.tests = dict(tests)
        self.held: dict[int, str] = {}
        self.lock = threading.Lock()

    def clear(self) -> None:
        with self.lock:
            self.tests.clear()

    def take(self, lane: int) -> str | None:
        with self.lock:
            mine = self.held.get(lane)
            others = {file for other, file in self.held.items() if other != lane}
            order = [
                (not marks.is_long(test), file_of(name) != mine, file_of(name) in others, index, name)
                for index, (name, test) in enumerate(self.tests.items())]
            if not order:
                self.held.pop(lane, None)
                return None
            name = min(order)[-1]
            del self.tests[name]
            self.held[lane] = file_of(name)
            return name


class Lane:
    """A process of lib/lane.py, started when it is first needed. Its databases have the lane's number in their names."""

    def __init__(self, number: int):
        self.number = number
        self.process: subprocess.Popen | None = None

    def perform(self, name: str) -> dict:
        if self.process is None:
            runner = os.path.join(os.path.dirname(__file__), "../run")
            self.process = subprocess.Popen(
                [sys.executable, runner, "--lane"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env={**os.environ, "ETL_TEST_LANE": str(self.number)})
        start = time.monotonic()
        watch = threading.Timer(SECONDS_PER_TEST, self.end)
        watch.start()
        try:
            self.process.stdin.write(name + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())
        except (OSError, ValueError):
            self.end()
            seconds = round(time.monotonic() - start, 2)
            return {"outcome": "FAIL", "detail": f"its process ended, or it took {SECONDS_PER_TEST} s", "seconds": seconds, "cpu_seconds": 0, "without": []}
        finally:
            watch.cancel()

    def end(self) -> None:
        """Lets it end the servers that its tests share; kills it if that takes long."""
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run(tests: dict[str, object], lane_count: int) -> dict[str, dict]:
    """Runs them all; returns what lib/lane.py says of each, in the order in which they ended."""
    outcomes: dict[str, dict] = {}
    lanes = [Lane(number) for number in range(lane_count)]
    queue = Queue({name: test for name, test in tests.items() if not marks.is_alone(test)})
    last = Queue({name: test for name, test in tests.items() if marks.is_alone(test)})

    def stop(*_) -> None:
        # Nothing is begun any more; a lane that is ended would begin the next test.
        queue.clear()
        last.clear()
        for lane in lanes:
            if lane.process is not None:
                lane.process.send_signal(signal.SIGTERM)
        for lane in lanes:
            lane.end()
        os._exit(143)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)

    def work(lane: Lane, some: Queue) -> None:
        while name := some.take(lane.number):
            outcome = outcomes[name] = lane.perform(name)
            detail = f"  {outcome['detail']}" if outcome["detail"] else ""
            print(f"{outcome['outcome']:<4}  {name}  {outcome['seconds']:.1f} s{detail}")

    threads = [threading.Thread(target=work, args=(lane, queue), daemon=True) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work(lanes[0], last)
    for lane in lanes:
        lane.end()
    return outcomes


def file_of(name: str) -> str:
    return name.partition(".")[0]


def summarize(outcomes: dict[str, dict]) -> int:
    """Prints the counts and writes them down; returns the exit code."""
    kinds = [outcome["outcome"] for outcome in outcomes.values()]
    print(f"{kinds.count('ok')} passed, {kinds.count('FAIL')} failed, {kinds.count('skip')} skipped")
    if os.environ.get("ETL_TEST_SCRATCH"):
        with open(os.path.join(os.environ["ETL_TEST_SCRATCH"], "end-to-end.json"), "w") as file:
            json.dump(outcomes, file, indent=1)
    return 1 if "FAIL" in kinds else 0
