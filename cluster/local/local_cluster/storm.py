"""The long form: run after run while faults are drawn from a seed, every version judged, the coordinators' resources sampled."""
import collections
import dataclasses
import json
import os
import random
import shutil
import signal
import statistics
import threading
import time

from local_cluster import client, judge, sample_source
from local_cluster.cluster import Cluster
from local_cluster.plays import References, Surroundings

VERSIONS_PER_STORE = 10
# What a coordinator may use more at the end of a calm phase than in its beginning.
MORE_FILES, MORE_BYTES, MORE_SHARE = 4, 16 << 20, 0.10
LONGEST_TAKEOVER = 30.0


@dataclasses.dataclass
class Plan:
    """How many of each fault, and their measures; seconds but for `minutes`, after which no fault is begun (0: no bound)."""
    rows: int = 10_000_000
    workers: int = 4
    worker_kills: int = 500
    coordinator_kills: int = 100
    ledger_restarts: int = 50
    worker_pauses: int = 80
    leader_pauses: int = 20
    keeper_kills: int = 20
    partitions: int = 20
    worker_gap: float = 4.0
    # Leaders have to live longer than a lease, most of them: each grants what it finds leased for another term.
    fault_gap: float = 12.0
    minutes: float = 0.0
    pause_seconds: float = 35.0
    rate: str | None = None
    steady_share: float = 0.4
    longest_run: float = 1_800.0
    most_aborted: float = 0.2
    seed: int = 1

    @classmethod
    def short(cls, seed: int) -> "Plan":
        """A few of each, on 100,000 rows over slow links: for the test suite."""
        return cls(
            rows=100_000, worker_kills=6, coordinator_kills=1, ledger_restarts=2, worker_pauses=2, leader_pauses=1,
            keeper_kills=1, partitions=1, worker_gap=2.0, fault_gap=1.0, pause_seconds=3.0, rate="16mbit", steady_share=0.3,
            longest_run=120.0, seed=seed)

    def faults(self, chance: random.Random) -> list[str]:
        """The names of the faults beside worker kills, in their order."""
        mixed = (
            ["coordinator kill"] * self.coordinator_kills + ["ledger restart"] * self.ledger_restarts
            + ["worker pause"] * self.worker_pauses + ["leader pause"] * self.leader_pauses
            + ["keeper kill"] * self.keeper_kills + ["partition"] * self.partitions)
        chance.shuffle(mixed)
        return mixed


@dataclasses.dataclass
class Sample:
    seconds: float
    role: str
    pid: int
    files: int
    bytes: int


class Storm:
    """Everything of one long run; `perform` returns its report. The cluster has namespaces if partitions or a rate are wanted."""

    def __init__(self, plan: Plan, folder: str, etlx: str, namespaces: bool, tls: bool = False, is_loud: bool = True):
        self.plan, self.folder, self.etlx, self.is_loud = plan, folder, etlx, is_loud
        self.namespaces, self.tls = namespaces, tls
        # One of each thread, so that a seed draws the same faults in the same order.
        self.chance, self.worker_chance = random.Random(plan.seed), random.Random(f"{plan.seed} workers")
        self.began = time.monotonic()
        self.violations: list[str] = []
        self.events: list[dict] = []
        self.runs: list[dict] = []
        self.takeovers: list[float] = []
        self.samples: list[Sample] = []
        self.waiting: list[threading.Timer] = []
        self.double_leaders = 0
        self.is_over = threading.Event()
        self.faults_from = self.began
        self.steady_from = 0.0

    def now(self) -> float:
        return round(time.monotonic() - self.began, 2)

    def say(self, what: str, **about) -> None:
        self.events.append({"at": self.now(), "what": what, **about})
        if self.is_loud:
            print(f"{self.now():9.1f}  {what}{''.join(f'  {key} {value}' for key, value in about.items())}", flush=True)

    def blame(self, text: str) -> None:
        self.violations.append(text)
        self.say("VIOLATION", text=text)

    def perform(self) -> dict:
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o755)
        with Cluster(os.path.join(self.folder, "cluster"), workers=self.plan.workers, namespaces=self.namespaces, tls=self.tls,
                     etlx=self.etlx) as cluster:
            self.cluster = cluster
            source = cluster.serve_postgres("source")
            self.around = Surroundings.prepare(self.etlx, self.folder, source, self.plan.rows, References())
            self.say("prepared", rows=self.around.rows, parts=len(self.around.reference))
            if self.plan.rate:
                for role in cluster.names("worker"):
                    cluster.network.slow(role, self.plan.rate)
            threads = [threading.Thread(target=self.guarded, args=(what,), daemon=True) for what in (self.submit_runs, self.sample)]
            for thread in threads:
                thread.start()
            # An interrupt in here ends the cluster at once, and the threads with it.
            self.guarded(self.inject)
            for timer in self.waiting:
                timer.join()
            self.is_over.set()
            for thread in threads:
                thread.join()
            self.guarded(self.finish)
            return self.report()

    def guarded(self, what) -> None:
        try:
            what()
        except Exception as error:  # pylint: disable=broad-except
            self.blame(f"{what.__name__}: {type(error).__name__}: {error}")

    # Faults.

    def inject(self) -> None:
        """First faults of all kinds, and workers killed meanwhile; then workers alone, which spares coordinators."""
        self.cluster.leader(60)
        self.faults_from = time.monotonic()
        steady_kills = round(self.plan.worker_kills * self.plan.steady_share)
        others = threading.Thread(target=self.guarded, args=(self.inject_others,), daemon=True)
        others.start()
        self.kill_workers(self.plan.worker_kills - steady_kills, 1 - self.plan.steady_share)
        others.join()
        for timer in self.waiting:
            timer.join()
        self.steady_from = self.now()
        self.say("steady from here: workers only")
        self.kill_workers(steady_kills, 1)

    def inject_others(self) -> None:
        for fault in self.plan.faults(self.chance):
            time.sleep(self.plan.fault_gap * (0.5 + self.chance.random()))
            if self.is_late(1 - self.plan.steady_share):
                break
            getattr(self, fault.replace(" ", "_"))()

    def kill_workers(self, count: int, share: float) -> None:
        for _ in range(count):
            time.sleep(self.plan.worker_gap * (0.5 + self.worker_chance.random()))
            if self.is_late(share):
                break
            role = self.worker_chance.choice(self.cluster.names("worker"))
            self.say("worker kill", role=role, pid=self.cluster.kill(role))

    def is_late(self, share: float) -> bool:
        return self.plan.minutes > 0 and time.monotonic() - self.faults_from > 60 * self.plan.minutes * share

    def keeper_kill(self) -> None:
        role = self.chance.choice(self.cluster.names("keeper"))
        self.say("keeper kill", role=role, pid=self.cluster.kill(role))

    def coordinator_kill(self) -> None:
        role = self.leader()
        pid = self.cluster.role(role).pid
        self.say("coordinator kill", role=role, pid=pid)
        self.cluster.kill(role)
        self.expect_leader("coordinator kill", lambda other: other != role or self.cluster.role(role).pid != pid)

    def ledger_restart(self) -> None:
        self.say("ledger restart")
        self.cluster.restart_ledger()
        self.expect_leader("ledger restart", lambda _: True)

    def worker_pause(self) -> None:
        role = self.chance.choice(self.cluster.names("worker"))
        seconds = self.plan.pause_seconds * 2 * self.chance.random()
        self.say("worker pause", role=role, seconds=round(seconds, 1), pid=self.cluster.pause(role))
        self.later(seconds, lambda: self.cluster.resume(role))

    def leader_pause(self) -> None:
        role = self.leader()
        self.say("leader pause", role=role, seconds=self.plan.pause_seconds, pid=self.cluster.pause(role))
        time.sleep(self.plan.pause_seconds)
        self.cluster.resume(role)
        self.expect_leader("leader pause", lambda _: True)

    def partition(self) -> None:
        if not self.cluster.network:
            return
        role = self.chance.choice(self.cluster.names("worker") + self.cluster.names("keeper"))
        is_silent = self.chance.random() < 0.5
        seconds = self.plan.pause_seconds * 2 * self.chance.random()
        busy = any(role in fault.names and len(fault.names) > 1 for fault in self.cluster.network.faults)
        self.say("partition", role=role, seconds=round(seconds, 1), is_silent=is_silent, is_double=busy)
        if busy:
            return
        faults = [self.cluster.network.partition(role, other, is_silent) for other in self.cluster.names("coordinator")]
        self.later(seconds, lambda: [fault.undo() for fault in faults])

    def later(self, seconds: float, action) -> None:
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        timer.start()
        self.waiting.append(timer)

    def leader(self) -> str:
        try:
            return self.cluster.leader(60)
        except TimeoutError as error:
            self.blame(str(error))
            return self.cluster.names("coordinator")[0]

    def expect_leader(self, what: str, is_right) -> None:
        """Measures the time until somebody leads."""
        began = time.monotonic()
        while (took := time.monotonic() - began) < 2 * LONGEST_TAKEOVER:
            found = self.cluster.leaders()
            if any(map(is_right, found)):
                break
            time.sleep(0.1)
        self.takeovers.append(round(took, 2))
        self.say("somebody leads", after=round(took, 2))
        if took > LONGEST_TAKEOVER:
            self.blame(f"nobody led for {took:.1f} s after a {what}")

    # Runs.

    def submit_runs(self) -> None:
        number = 0
        while not self.is_over.is_set() or number == 0:
            pipeline = sample_source.Pipeline(self.folder, self.around.url, self.etlx, f"store{number // VERSIONS_PER_STORE}")
            number += 1
            self.one_run(number, pipeline)
            if number % VERSIONS_PER_STORE == 0:
                self.close_store(pipeline)

    def one_run(self, number: int, pipeline: sample_source.Pipeline, is_full: bool = False) -> None:
        began, before = time.monotonic(), len(judge.numbers(pipeline.store, pipeline.MODULE))
        try:
            name = self.cluster.client.submit_until_taken(pipeline.path)
            last = self.cluster.client.wait(name, self.plan.longest_run)
        except (TimeoutError, RuntimeError, KeyError) as error:
            self.blame(f"run {number}: {error}")
            self.runs.append({"number": number, "state": "lost", "seconds": round(time.monotonic() - began, 1)})
            return
        state = last["phase"]
        seconds = round(time.monotonic() - began, 1)
        about = {"number": number, "run": name, "state": state, "seconds": seconds}
        if client.is_published(last):
            self.judge(pipeline, before, is_full)
        else:
            about["status"] = last
            if len(judge.numbers(pipeline.store, pipeline.MODULE)) > before:
                self.blame(f"run {number} is {state}, and there is a new version")
        self.runs.append(about)
        self.say("run", number=number, state=state, took=seconds)

    def judge(self, pipeline: sample_source.Pipeline, before: int, is_full: bool) -> None:
        found = judge.numbers(pipeline.store, pipeline.MODULE)
        if len(found) <= before:
            self.blame(f"a run says that it is published, and versions are {found} as before")
        for number in found[before:]:
            version = judge.Version(pipeline.store, pipeline.MODULE, number)
            wrong = judge.check_files(version, self.around.reference)
            # Equal digests are equal rows: those of the reference were compared. Rows are compared when digests differ, and in the end.
            if wrong or is_full:
                wrong += judge.compare(version, self.around.url, sample_source.tables())
            for text in wrong:
                self.blame(text)

    def close_store(self, pipeline: sample_source.Pipeline) -> None:
        """Checks the chain of a store's versions and makes room."""
        for text in judge.check_chain(pipeline.store, pipeline.MODULE):
            self.blame(text)
        if not self.violations:
            shutil.rmtree(pipeline.store, onerror=make_writable)

    # What it costs.

    def sample(self) -> None:
        doubles_since = None
        while not self.is_over.wait(1):
            for role in self.cluster.names("coordinator"):
                pid = self.cluster.role(role).pid
                if pid:
                    self.samples.append(Sample(self.now(), role, pid, self.cluster.fds(role), self.cluster.rss(role)))
            if len(self.cluster.leaders()) > 1:
                self.double_leaders += 1
                doubles_since = doubles_since or self.now()
                if self.now() - doubles_since > 5:
                    self.blame(f"two coordinators have said for {self.now() - doubles_since:.0f} s that they lead")
                    doubles_since = None
            else:
                doubles_since = None

    def series(self) -> dict[tuple[str, int], list[Sample]]:
        found = collections.defaultdict(list)
        for sample in self.samples:
            if sample.seconds >= self.steady_from:
                found[sample.role, sample.pid].append(sample)
        return found

    def growth(self) -> list[dict]:
        """Files and memory of each coordinator of the steady phase: median of its second quarter and of its last."""
        rows = []
        for (role, pid), samples in self.series().items():
            quarter = len(samples) // 4
            if quarter < 5:
                continue
            early, late = samples[quarter:2 * quarter], samples[-quarter:]
            rows.append({
                "role": role, "pid": pid, "seconds": round(samples[-1].seconds - samples[0].seconds),
                "files": [int(statistics.median(one.files for one in part)) for part in (early, late)],
                "bytes": [int(statistics.median(one.bytes for one in part)) for part in (early, late)],
                "most_bytes": max(one.bytes for one in samples)})
        return rows

    # The end.

    def finish(self) -> None:
        """A last run in peace, and what must hold then."""
        pipeline = sample_source.Pipeline(self.folder, self.around.url, self.etlx, "last")
        self.say("the last run, undisturbed")
        self.one_run(len(self.runs) + 1, pipeline, is_full=True)
        for text in judge.check_chain(pipeline.store, pipeline.MODULE) + judge.check_by_outsider(pipeline.store, pipeline.MODULE):
            self.blame(text)
        if not self.runs or self.runs[-1]["state"] != client.PUBLISHED:
            self.blame("the last run, which nobody disturbed, was not published")
        aborted = [run["number"] for run in self.runs if run["state"] not in (client.PUBLISHED, "lost")]
        if len(aborted) > self.plan.most_aborted * len(self.runs):
            self.blame(f"{len(aborted)} of {len(self.runs)} runs were given up")
        for one in self.cluster.roles.values():
            if one.has_failed or not one.pid:
                self.blame(f"{one.name} does not run in the end: {one.tail(300)}")
        for ending in self.cluster.unaccounted():
            self.blame(f"{ending.name} (pid {ending.pid}) ended with {ending.status} by itself after {ending.seconds:.0f} s")
        for row in self.growth():
            for what, more in (("files", MORE_FILES), ("bytes", MORE_BYTES)):
                early, late = row[what]
                if late > early * (1 + MORE_SHARE) + more:
                    self.blame(f"{row['role']} went from {early} to {late} {what} in {row['seconds']} s")

    def report(self) -> dict:
        kinds = collections.Counter(event["what"] for event in self.events)
        return {
            "plan": dataclasses.asdict(self.plan), "tls": self.tls, "namespaces": self.namespaces, "seconds": self.now(),
            "faults": {kind: count for kind, count in kinds.items() if kind in ALL_FAULTS},
            "runs": self.runs, "states": collections.Counter(run["state"] for run in self.runs),
            "takeover_seconds": spread(self.takeovers), "samples_with_two_leaders": self.double_leaders,
            "endings": collections.Counter(f"{ending.name.partition('-')[0]} {meaning(ending.status)}" for ending in self.cluster.endings()),
            "growth": self.growth(), "violations": self.violations, "events": self.events}


ALL_FAULTS = ("worker kill", "coordinator kill", "ledger restart", "worker pause", "leader pause", "keeper kill", "partition")


def meaning(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit {status}"


def spread(values: list[float]) -> dict:
    if not values:
        return {}
    return {"least": min(values), "median": statistics.median(values), "most": max(values), "count": len(values)}


def make_writable(remove, path, _) -> None:
    """Published folders are read-only; their owner may still remove them."""
    os.chmod(os.path.dirname(path), 0o755)
    if os.path.isdir(path):
        os.chmod(path, 0o755)
    remove(path)


def write(report: dict, path: str) -> None:
    with open(path, "w") as file:
        json.dump(report, file, indent=1)
        file.write("\n")
