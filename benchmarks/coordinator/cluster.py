"""What the benchmark measures: a ledger, a coordinator and a run to hand out, each started here and watched from outside."""
import datetime
import hashlib
import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "../.."))
ETLX = os.environ.get("ETL_ETLX", f"{ROOT}/.build/release/etlx")
TICKS = os.sysconf("SC_CLK_TCK")
PIPELINE = """format: 1
module: load
title: Benchmark
description: Made rows of visits.
sources:
  files: {{kind: csv, path: visits.csv}}
keys:
  k: {{file: k.key}}
tables:
  visits:
    from: files
    columns:
      id: {{token: {{key: k, scope: id}}}}
      patient: {{token: {{key: k, scope: patient}}}}
      email: {{token: {{key: k, scope: email}}}}
      name: {{mask: {{keep_first: 1}}}}
      phone: {{mask: {{keep_last: 2}}}}
      born: {{generalize: {{to: year}}}}
      zip: {{generalize: {{prefix: 3}}}}
      kind: keep
      visits: keep
      score: keep
      seen: keep
      city: keep
      note: keep
target: {{directory: {target}}}
"""


class Template:
    """A run of fifty rows by etlx itself, whose plan and receipt are the pattern of the simulated ones."""

    def __init__(self, folder: str):
        with open(os.open(f"{folder}/k.key", os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
        with open(f"{folder}/visits.csv", "w") as file:
            file.write("id,patient,email,name,phone,born,zip,kind,visits,score,seen,city,note\n")
            for row in range(50):
                file.write(
                    f"{row},p{row % 7},u{row}@mail.example.com,Anna{row},+1 555 {row:07},1950-01-{1 + row % 28:02},{row:05},{row % 3},{row * 3},"
                    f"{row / 7:.3f},2020-01-01T00:00:{row:02}Z,city {row},note {row}\n")
        with open(f"{folder}/small.yaml", "w") as file:
            file.write(PIPELINE.format(target="small"))
        subprocess.run([ETLX, "run", f"{folder}/small.yaml", "--workers", "1", "--quiet"], check=True, stdin=subprocess.DEVNULL)
        ledger = sqlite3.connect(f"{folder}/small/.ledger/load.sqlite")
        self.plan, self.receipt = (json.loads(ledger.execute(query).fetchone()[0]) for query in ("SELECT plan FROM run", "SELECT receipt FROM shard"))
        ledger.close()
        self.document = f"{folder}/visits.yaml"
        with open(self.document, "w") as file:
            file.write(PIPELINE.format(target="store"))

    def plan_of(self, shards: int) -> bytes:
        """The plan with its one table in so many shards, as the keeper encodes it."""
        plan = json.loads(json.dumps(self.plan))
        with open(self.document, "rb") as file:
            plan["about"]["documentDigest"] = hashlib.sha256(file.read()).hexdigest()
        table, = plan["tables"]
        rows, size = table["estimatedRows"], 1 << 20
        table["shards"] = [
            {"index": index, "estimatedRows": rows, "estimatedBytes": size, "piece": {"bytes": {
                "path": "visits.csv", "start": index * size, "end": (index + 1) * size, "firstRecord": index * rows}}}
            for index in range(shards)]
        table["estimatedRows"], table["estimatedBytes"] = rows * shards, size * shards
        return json.dumps(plan, sort_keys=True, separators=(",", ":")).encode()


class Ledger:
    """A private PostgreSQL: commits are on its log before they are answered, but nothing is forced to the disk."""

    def __init__(self, folder: str):
        import psycopg2
        self.folder = f"{folder}/postgres"
        self.url = subprocess.run(
            [f"{ROOT}/ops/private-postgres", "start", self.folder, "--durable"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        self.connection = psycopg2.connect(self.url)
        self.connection.autocommit = True

    def row(self, query: str, *arguments) -> tuple:
        with self.connection.cursor() as cursor:
            cursor.execute(query, arguments)
            return cursor.fetchone()

    def epoch(self) -> int:
        return self.row("SELECT epoch FROM etlx_ledger.coordinator")[0]

    def lease_left(self) -> float:
        """Seconds for which the leader keeps others out, unless it renews its lease; below zero it kept nobody out."""
        return float(self.row("SELECT expires_at / 1000.0 - extract(epoch FROM clock_timestamp()) FROM etlx_ledger.coordinator")[0])

    def expire_lease(self) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("UPDATE etlx_ledger.coordinator SET expires_at = 0")

    def done(self, run: str) -> int:
        return self.row("SELECT count(*) FROM etlx_ledger.shard WHERE run = %s AND phase = 'done'", run)[0]

    def cpu(self) -> float:
        """CPU seconds of the sessions of others, so of the coordinator's."""
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
            return sum(cpu_of(pid) for pid, in cursor.fetchall())

    def bytes(self) -> dict[str, int]:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'etlx_ledger'::regnamespace")
            return dict(cursor.fetchall())

    def audit(self, run: str) -> dict:
        """What the tables say of the run's shards: each done by one accepted attempt and no more."""
        shards, distinct, done, accepted, of_one_done = self.row(
            """SELECT count(*), count(DISTINCT shard), count(*) FILTER (WHERE phase = 'done'), sum(accepted), count(*) FILTER (WHERE accepted = 1)
            FROM (SELECT shard.shard, phase, (SELECT count(*) FROM etlx_ledger.attempt WHERE attempt.run = shard.run
                AND attempt.shard = shard.shard AND attempt.table_name = shard.table_name AND attempt.state = 'accepted') AS accepted
                FROM etlx_ledger.shard WHERE run = %s) AS counted""", run)
        attempts, = self.row("SELECT count(*) FROM etlx_ledger.attempt WHERE run = %s", run)
        return {"shards": shards, "distinct": distinct, "done": done, "accepted_attempts": int(accepted or 0),
                "shards_accepted_once": of_one_done, "attempts": attempts}

    def stop(self) -> None:
        self.connection.close()
        subprocess.run([f"{ROOT}/ops/private-postgres", "stop", self.folder], check=False)


class Coordinator:
    """One process of `etlx coordinator`, at an address that stays the same when it is started again."""

    def __init__(self, folder: str, ledger: Ledger):
        self.folder, self.ledger = folder, ledger
        self.tokens = {name: secrets.token_hex(16) for name in ("worker", "keeper", "operator")}
        for name, token in self.tokens.items():
            with open(os.open(f"{folder}/{name}.tokens", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(token + "\n")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen | None = None
        self.log = f"{folder}/coordinator.log"

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.log_start = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [ETLX, "coordinator", "--listen", self.url, "--join-tokens", f"{self.folder}/worker.tokens",
                 "--keeper-tokens", f"{self.folder}/keeper.tokens", "--operator-tokens", f"{self.folder}/operator.tokens",
                 "--base-directory", self.folder, "--target-directory", self.folder],
                env={**os.environ, "ETLX_LEDGER": self.ledger.url}, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        # For a profiler.
        print(f"coordinator: process {self.process.pid}", file=sys.stderr, flush=True)

    def when(self, message: str) -> float | None:
        """Unix time of the line of this process that says so, by its own clock; None before there is one."""
        with open(self.log, "rb") as log:
            log.seek(self.log_start)
            for line in log.read().decode(errors="replace").splitlines():
                at, _, rest = line.partition(" ")
                if rest[6:].startswith(message):
                    return datetime.datetime.fromisoformat(at).timestamp()
        return None

    def wait_for(self, message: str, seconds: float) -> float:
        end = time.monotonic() + seconds
        while (at := self.when(message)) is None:
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit(f"the coordinator did not say within {seconds} s: {message}")
            time.sleep(0.02)
        return at

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()

    def submit(self, document: str) -> str:
        done = subprocess.run(
            [ETLX, "submit", document, "--coordinator", self.url, "--operator-token", f"{self.folder}/operator.tokens", "--json"],
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout.splitlines()[0])["run"]


def cpu_of(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def usage(pid: int) -> dict:
    """What a process has taken so far: CPU seconds, seconds that its threads waited for a processor, MiB now and at most, descriptors."""
    with open(f"/proc/{pid}/status") as file:
        about = dict(line.split(":", 1) for line in file)
    waited = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                waited += int(file.read().split()[1])
        except OSError:
            pass  # the thread has ended, or the kernel does not count
    return {
        "at": time.monotonic(), "cpu": cpu_of(pid), "waited": waited / 1e9,
        "mib": int(about["VmRSS"].split()[0]) / 1024, "peak_mib": int(about["VmHWM"].split()[0]) / 1024,
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
    }


class Loads(threading.Thread):
    """Runnable processes of the machine, once a second: how much others were in the way."""

    def __init__(self):
        super().__init__(daemon=True)
        self.samples: list[float] = []
        self.start()

    def run(self) -> None:
        while True:
            with open("/proc/loadavg") as file:
                self.samples.append(int(file.read().split()[3].split("/")[0]) - 1)
            time.sleep(1)

    def take(self) -> float | None:
        samples, self.samples = self.samples, []
        return round(sum(samples) / len(samples), 1) if samples else None
