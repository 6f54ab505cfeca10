"""Plays a scenario of cluster/scenarios: starts a cluster, submits a run, breaks things at the given moments, judges what came out."""
import contextlib
import dataclasses
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time

from local_cluster import client, judge, network, sample_source
from local_cluster.cluster import Cluster
from local_cluster.postgres import ROOT, Server

SCENARIOS = os.path.join(ROOT, "cluster/scenarios")
SIGNALS = {"KILL": signal.SIGKILL, "TERM": signal.SIGTERM, "STOP": signal.SIGSTOP, "CONT": signal.SIGCONT}
SETTLE_SECONDS = 15
# A server tells what it has counted up to a second late.
COUNTS_SECONDS = 1.5


def names() -> list[str]:
    return sorted(file[:-5] for file in os.listdir(SCENARIOS) if file.endswith(".json") and file != "schema.json")


def read(name: str) -> dict:
    path = name if name.endswith(".json") else os.path.join(SCENARIOS, f"{name}.json")
    with open(path) as file:
        return json.load(file)


def clock() -> str:
    return time.strftime("%H:%M:%S")


class References:
    """The parts of undisturbed runs, which plays of one process share: the same rows under the same key are the same bytes,
    whatever server they come from. The first makes them, the others wait for it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.key: str | None = None
        self.parts: dict[int, dict[str, str]] = {}

    def parts_of(self, rows: int, folder: str, make) -> dict[str, str]:
        """Of so many rows, by `make` where nobody made them; the folder has the key of all of them afterwards."""
        with self.lock:
            key = os.path.join(folder, sample_source.KEY)
            if self.key:
                shutil.copy(self.key, key)
            if rows not in self.parts:
                self.parts[rows] = make()
                self.key = self.key or key
            return self.parts[rows]


@dataclasses.dataclass
class Surroundings:
    """What several plays may share: the source with its rows, and the parts that an undisturbed run makes of them."""
    etlx: str
    folder: str
    url: str
    rows: int
    reference: dict[str, str]

    @classmethod
    def prepare(cls, etlx: str, folder: str, server: Server, rows: int, references: References) -> "Surroundings":
        """Fills the server's database and runs `etlx run` on one machine, the measure of what clusters publish."""
        def make() -> dict[str, str]:
            version = run_alone(etlx, sample_source.Pipeline(folder, server.url, etlx, "reference"))
            wrong = judge.check_files(version) + judge.compare(version, server.url, sample_source.tables())
            if wrong:
                raise RuntimeError(f"the undisturbed run is wrong: {wrong}")
            return version.part_digests()

        sample_source.fill(server.url, rows)
        return cls(etlx, folder, server.url, rows, references.parts_of(rows, folder, make))


def run_alone(etlx: str, pipeline: sample_source.Pipeline) -> judge.Version:
    done = subprocess.run(
        [etlx, "run", pipeline.path, "--workers", "2"], capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env={**os.environ, "XDG_STATE_HOME": f"{pipeline.store}.state"})
    if done.returncode != 0:
        raise RuntimeError(f"etlx run ended with {done.returncode}: {done.stdout[-800:]}{done.stderr[-800:]}")
    return judge.Version(pipeline.store, pipeline.MODULE, 1)


class Play:
    """One performance of a scenario; `perform` returns its report, violations and all."""

    def __init__(
            self, scenario: dict, etlx: str, folder: str, seed: int = 1, is_loud: bool = True, has_outsider: bool = True,
            references: References | None = None):
        self.has_outsider = has_outsider
        self.references = references or References()
        self.scenario, self.etlx, self.folder, self.seed = scenario, etlx, folder, seed
        self.chance = random.Random(seed)
        self.is_loud = is_loud
        self.events: list[str] = []
        self.violations: list[str] = []
        self.undoing: list[threading.Thread] = []
        self.began = time.monotonic()

    def say(self, text: str) -> None:
        self.events.append(f"{time.monotonic() - self.began:7.2f} {text}")
        if self.is_loud:
            print(f"{clock()}  {text}", flush=True)

    def missing(self) -> str | None:
        """Why this scenario cannot be played here."""
        if self.scenario["cluster"].get("namespaces"):
            return network.why_not()
        return None

    def perform(self) -> dict:
        about = {key: value for key, value in self.scenario["cluster"].items()}
        # Servers of a private PostgreSQL run as another user, who must reach their folder.
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o755)
        with Cluster(os.path.join(self.folder, "cluster"), etlx=self.etlx, **about) as cluster:
            self.cluster = cluster
            self.source = cluster.serve_postgres("source")
            around = Surroundings.prepare(self.etlx, self.folder, self.source, self.scenario.get("rows", 100_000), self.references)
            self.say(f"the source has {around.rows} rows, an undisturbed run makes {len(around.reference)} parts of them")
            if rate := self.scenario.get("rate"):
                for role in cluster.names("worker"):
                    cluster.network.slow(role, rate)
            try:
                for number in range(1, self.scenario.get("runs", 1) + 1):
                    self.play_once(around, number)
                self.settle()
            except Exception as error:  # pylint: disable=broad-except
                self.violations.append(f"{type(error).__name__}: {error}")
            finally:
                for thread in self.undoing:
                    thread.join()
                if cluster.network:
                    cluster.network.heal()
        return {
            "scenario": self.scenario["name"], "seed": self.seed, "seconds": round(time.monotonic() - self.began, 1),
            "events": self.events, "endings": [dataclasses.asdict(ending) for ending in cluster.endings()],
            "violations": self.violations}

    def play_once(self, around: Surroundings, number: int) -> None:
        expect = self.scenario["expect"]
        self.pipeline = sample_source.Pipeline(self.folder, around.url, self.etlx)
        time.sleep(COUNTS_SECONDS)
        read_before = self.rows_read()
        began = time.monotonic()
        self.run = self.cluster.client.submit_until_taken(self.pipeline.path, *self.scenario.get("submit", []))
        self.say(f"run {number} is submitted")
        for step in self.scenario["steps"]:
            self.wait_for(step.get("after", {}))
            self.act(step)
        try:
            last = self.cluster.client.wait(self.run, expect.get("within_seconds", 180))
        except TimeoutError as error:
            self.violations.append(str(error))
            return
        self.say(f"run {number} is {last['phase']} after {time.monotonic() - began:.1f} s")
        if last["run"] != self.run and not expect.get("restarts"):
            self.violations.append(f"run {number} was begun anew")
        if last["run"] == self.run and expect.get("restarts"):
            self.violations.append(f"run {number} was not begun anew: nothing was broken in time")
        self.count_reads(around, read_before)
        self.judge(around, number, last)

    # When.

    def wait_for(self, moment: dict) -> None:
        """`seconds`: so long; `holders`: until so many keepers hold the snapshots; `parts`: until attempts have written so many
        parts, or the run has ended."""
        time.sleep(moment.get("seconds", 0))
        if "holders" in moment:
            deadline = time.monotonic() + 60
            while len(client.of_run(self.cluster.client.status(self.run).json, self.run).get("holders", [])) < moment["holders"]:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"there are not {moment['holders']} keepers of the snapshots")
                time.sleep(0.05)
        if "parts" in moment:
            deadline = time.monotonic() + 60
            while self.pipeline.staged_parts() < moment["parts"] and time.monotonic() < deadline:
                time.sleep(0.02)
                if len(judge.numbers(self.pipeline.store, self.pipeline.MODULE)) > 0 and not self.pipeline.staged_parts():
                    break

    # What.

    def roles(self, whom: str) -> list[str]:
        """Roles that a word means: KIND-INDEX one, KIND any one, KINDs all of a kind, leader, standby."""
        if whom in ("leader", "standby"):
            leader = self.cluster.leader()
            others = [role for role in self.cluster.names("coordinator") if role != leader]
            return [leader] if whom == "leader" else others
        if whom.endswith("s"):
            return self.cluster.names(whom[:-1])
        if "-" in whom or whom in ("ledger", "source"):
            return [whom]
        return [self.chance.choice(self.cluster.names(whom))]

    def act(self, step: dict) -> None:
        roles = self.roles(step["whom"]) if "whom" in step else []
        seconds = step.get("seconds")
        self.say(f"{step['do']} {', '.join(roles)}{f' for {seconds} s' if seconds else ''}")
        if step["do"] == "restart":
            {"ledger": self.cluster.restart_ledger, "source": self.source.restart}[roles[0]]()
        elif step["do"] == "kill":
            for role in roles:
                self.cluster.kill(role, number=SIGNALS[step.get("signal", "KILL")])
        elif step["do"] == "pause":
            for role in roles:
                self.cluster.pause(role)
            self.later(seconds, "resume", [lambda role=role: self.cluster.resume(role) for role in roles])
        elif step["do"] == "add":
            for _ in range(step.get("count", 1)):
                self.add_worker()
        elif step["do"] in ("drain", "cycle"):
            self.drain(roles, step.get("within_seconds", 60))
            for _ in roles if step["do"] == "cycle" else []:
                self.add_worker()
        elif step["do"] == "clock":
            for role in roles:
                self.cluster.clock(role, step["by"])
        else:
            faults = [fault for role in roles for fault in self.broken(step, role)]
            self.later(seconds, "heal", [fault.undo for fault in faults])

    def add_worker(self) -> None:
        role = self.cluster.add("worker")
        if rate := self.scenario.get("rate"):
            self.cluster.network.slow(role, rate)

    def drain(self, roles: list[str], seconds: float) -> None:
        """All leave at the same time, as in a rollout."""
        for role in roles:
            self.cluster.leave(role)
        for role in roles:
            one = self.cluster.role(role)
            if not one.wait_until_ended(seconds):
                self.violations.append(f"{role} did not end within {seconds} s of SIGTERM")
            elif one.endings[-1].status != 0:
                self.violations.append(f"{role} ended with {one.endings[-1].status} after SIGTERM")
            self.cluster.remove(role)

    def broken(self, step: dict, role: str) -> list[network.Fault]:
        net = self.cluster.network
        if step["do"] == "link-down":
            return [net.link_down(role)]
        if step["do"] == "slow":
            return [net.slow(role, step.get("rate", "1mbit"))]
        if step["do"] == "small-mtu":
            return [net.small_mtu(role, step.get("size", 576))]
        others = [other for other in self.roles(step["from"]) if other != role]
        if step["do"] == "partition":
            return [net.partition(role, other, step.get("silent", False)) for other in others]
        if step["do"] == "cut":
            return [net.cut(role, other, step.get("silent", False)) for other in others]
        raise ValueError(f"no step {step['do']}")

    def later(self, seconds: float, what: str, actions: list) -> None:
        """Undoes in a while, on a thread of its own: the next steps do not wait."""
        def undo():
            time.sleep(seconds)
            self.say(what)
            for action in actions:
                action()
        thread = threading.Thread(target=undo, daemon=True)
        self.undoing.append(thread)
        thread.start()

    # What came out.

    def judge(self, around: Surroundings, number: int, last: dict) -> None:
        expect = self.scenario["expect"]
        store, module = self.pipeline.store, self.pipeline.MODULE
        if expect["state"] == "published":
            if not client.is_published(last):
                self.violations.append(f"run {number} is {json.dumps(last)[:600]}")
                return
            self.violations += judge.check_chain(store, module)
            version = judge.Version(store, module, max(judge.numbers(store, module)))
            self.violations += judge.check_files(version, around.reference)
            self.violations += judge.compare(version, around.url, sample_source.tables())
            if self.has_outsider:
                self.violations += judge.check_by_outsider(store, module)
        else:
            if client.is_published(last):
                self.violations.append(f"run {number} was published; it should have {expect['state']}")
            if judge.numbers(store, module):
                self.violations.append(f"run {number} {expect['state']}, and there is a version")

    def count_reads(self, around: Surroundings, before: int | None) -> None:
        """`most_read`: how often the source's rows may have been read in all; finished shards are not read again."""
        most = self.scenario["expect"].get("most_read")
        if most is None or before is None:
            return
        time.sleep(COUNTS_SECONDS)
        share = (self.rows_read() - before) / around.rows
        self.say(f"the source's rows were read {share:.2f} times")
        if share > most:
            self.violations.append(f"the source's rows were read {share:.2f} times, {most} at most")

    def rows_read(self) -> int | None:
        with contextlib.suppress(Exception):
            return sample_source.rows_read(self.source.url)
        return None

    def settle(self) -> None:
        """What must hold after every scenario: one leader, nobody down, nobody ended in a way that the contract does not know."""
        for thread in self.undoing:
            thread.join()
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            leaders = self.cluster.leaders()
            if len(leaders) == 1 and all(one.pid or not one.is_wanted for one in self.cluster.roles.values()):
                break
            time.sleep(0.2)
        else:
            down = [name for name, one in self.cluster.roles.items() if one.is_wanted and not one.pid]
            self.violations.append(f"in the end {leaders} lead, {down} are down")
        self.violations += [f"{name} has failed: {one.tail(300)}" for name, one in self.cluster.roles.items() if one.has_failed]
        self.violations += [
            f"{ending.name} (pid {ending.pid}) ended with {ending.status} by itself" for ending in self.cluster.unaccounted()]
