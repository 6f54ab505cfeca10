"""Joined workers, keepers and an operator that say whatever the protocol lets them say, to a coordinator at work.

No message ends the coordinator or makes it grow, and a run beside them publishes. `ETL_NIGHT=1`: a million messages for each
kind of ledger. Hostile nodes hand back at once what they are given of the good run: see ops/threat-model.md for why they must.
"""
import asyncio
import base64
import csv
import json
import os
import random
import subprocess
import sys
import threading
import time

from lib.checks import expect, expect_equal
from lib.document import Document, Table
from lib.local import cluster_etlx, open_scratch
from lib.published import numbers
from lib.surroundings import ROOT

sys.path.insert(0, os.path.join(ROOT, "benchmarks/coordinator"))

from local_cluster.cluster import Cluster  # noqa: E402
from wire import Asker  # noqa: E402

MESSAGES = 1_000_000 if os.environ.get("ETL_NIGHT") else 10_000
AT_A_TIME = 8
NUMBERS = [0, 1, -1, 7, 2**63 - 1, -(2**63), 2**63 - 2, 2**44, -(2**44), 2**31, 2**62]
WORDS = ["", "x", "\0", "x" * 20_000, "../../\u202e\x1b[2J\"\\\n", "good", "worker-0", "🦠" * 100]
RUN = "no such run"


def test_a_storm_over_sqlite():
    folder = open_scratch("hostile")
    return storm(folder, f"sqlite:{folder}/ledger.sqlite")


def test_a_storm_over_postgresql():
    return storm(open_scratch("hostile"), None)


def storm(folder: str, ledger: str | None) -> str:
    path = good_document(folder)
    with Cluster(f"{folder}/cluster", workers=1, keepers=1, coordinators=1, ledger=ledger, etlx=cluster_etlx()) as cluster:
        answer = cluster.client.submit(path, "--wait", seconds=300)
        expect_equal(answer.status, 0, f"exit code of a run before the storm ({answer.text[-500:]})")
        crowd = Crowd(cluster, folder)
        versions, is_over = [], threading.Event()
        good = threading.Thread(target=publish, args=(cluster, path, versions, is_over))
        good.start()
        try:
            asyncio.run(crowd.storm())
        finally:
            is_over.set()
            good.join()
        pid = cluster.role("coordinator", 0).pid
        expect_equal(pid, crowd.pid, "the coordinator's process")
        expect_equal(cluster.unaccounted(), [], "processes that ended by themselves")
        answer = cluster.client.submit(path, "--wait", seconds=300)
        expect_equal(answer.status, 0, f"exit code of a run behind the storm ({answer.text[-500:]})")
        published = numbers(f"{folder}/store", "good")
        during = len(published) - 2
        expect(during >= 1 and all(status == 0 for status in versions), f"runs beside the storm ended with {versions}")
        expect_equal(published, list(range(1, len(published) + 1)), "versions")
        # What is bounded is full after a tenth of the messages.
        growth = crowd.sizes[-1] - crowd.sizes[0]
        expect(growth < 64 << 20, f"resident bytes from a tenth of the messages on: {[size >> 20 for size in crowd.sizes]} MiB")
        said = crowd.said
        for word in ("welcome", "grant", "alive", "accepted", "refused", "fenced", "unknownNode", "status", "slice"):
            expect(said.get(word), f"nothing was answered with {word}: {said}")
    return (f"{crowd.sent} messages in {crowd.seconds:.0f} s, {during} runs beside them; resident {crowd.sizes[0] >> 20} → "
            f"{crowd.sizes[-1] >> 20} MiB; {', '.join(f'{count} {word}' for word, count in sorted(said.items()))}")


def good_document(folder: str) -> str:
    with open(f"{folder}/rows.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "name"])
        writer.writerows([number, f"name {number}"] for number in range(2_000))
    document = Document(
        folder, "good", {"s": {"kind": "csv", "path": f"{folder}/rows.csv", "types": {"id": "int64", "name": "text"}}},
        [Table("rows", "s", {"id": "keep", "name": {"token": {"key": "k", "scope": "s"}}})]).with_key("k")
    return document.write()


def publish(cluster: Cluster, path: str, statuses: list[int], is_over: threading.Event) -> None:
    while not is_over.is_set():
        statuses.append(cluster.client.submit(path, "--wait", seconds=600).status)
        is_over.wait(5)


class Crowd:
    """The hostile ones: connections, what they were given, what they heard."""

    def __init__(self, cluster: Cluster, folder: str):
        self.cluster, self.folder = cluster, folder
        self.pid = cluster.role("coordinator", 0).pid
        self.random = random.Random(20261130)
        self.build = subprocess.run([cluster.etlx, "--version"], capture_output=True, text=True).stdout.split()[-1]
        self.tokens, self.runs = [0, -1, 1, 2**63 - 1, -(2**63)], ["", RUN]
        self.held: dict[str, dict[int, dict]] = {}
        self.said: dict[str, int] = {}
        self.replays: list[str] = []
        self.sizes: list[int] = []
        self.sent = 0
        self.seconds = 0.0

    async def storm(self) -> None:
        began = time.monotonic()
        host, port = self.cluster.address("coordinator-0"), self.cluster.ports["coordinator-0"]
        askers = []
        for name in ("worker-h1", "worker-h2", "keeper-h1", "keeper-h2", "operator-h"):
            role = name.partition("-")[0]
            with open(self.cluster.token_file(role)) as file:
                token = file.read().strip()
            asker = Asker(host, port, name, token)
            await asker.connect()
            if role != "operator":
                await self.join(asker, token)
            askers.append((asker, role, token))
        await asyncio.gather(self.watch(), *(self.talk(*one) for one in askers for _ in range(AT_A_TIME)))
        for asker, _, _ in askers:
            asker.close()
        self.seconds = time.monotonic() - began

    async def join(self, asker: Asker, token: str) -> None:
        asker.use(token)
        reply = await self.ask(asker, {"join": {"_0": {
            "role": asker.node.partition("-")[0], "slots": 4, "processID": 1, "host": "h", "build": self.build}}})
        if "welcome" in reply:
            asker.use(reply["welcome"]["credential"])

    async def watch(self) -> None:
        """Sizes at a tenth of the messages, and then on at each further tenth."""
        for tenth in range(1, 11):
            while self.sent < MESSAGES * tenth // 10:
                await asyncio.sleep(0.05)
            self.sizes.append(self.cluster.rss("coordinator", 0))

    async def ask(self, asker: Asker, request: dict | str) -> dict:
        self.sent += 1
        text = request if isinstance(request, str) else json.dumps(request, ensure_ascii=False)
        if len(text.encode()) > 60_000:
            return {}
        reply, _ = await asyncio.wait_for(asker.ask(text), 120)
        word = next(iter(reply))
        self.said[word] = self.said.get(word, 0) + 1
        return reply

    async def talk(self, asker: Asker, role: str, token: str) -> None:
        while self.sent < MESSAGES:
            request = self.order() if role == "operator" else self.request(asker.node, role)
            text = json.dumps(request, ensure_ascii=False)
            if self.chance(10) and self.replays:
                text = self.random.choice(self.replays)
            elif len(text) < 2000 and '"poll"' not in text and '"leave"' not in text:
                self.replays = self.replays[-200:] + [text]
            reply = await self.ask(asker, text)
            if "unknownNode" in reply and role != "operator":
                await self.join(asker, token)
            elif "status" in reply:
                # Its own runs, those that are open; of the good module it learns nothing here.
                bad = [run["run"] for run in reply["status"]["_0"]["runs"] if run["module"].startswith("evil")]
                self.runs = ["", RUN] + bad[:30]
            elif "grant" in reply:
                await self.take(asker, reply["grant"]["_0"])

    async def take(self, asker: Asker, grant: dict) -> None:
        self.tokens = self.tokens[:5] + (self.tokens[5:] + [grant["token"]])[-40:]
        if grant["run"] not in self.runs:
            await self.ask(asker, {"release": {"run": grant["run"], "token": grant["token"]}})
        else:
            self.held.setdefault(asker.node, {})[grant["token"]] = grant
            while len(self.held[asker.node]) > 20:
                self.held[asker.node].pop(next(iter(self.held[asker.node])))

    # MARK: What is said

    def chance(self, one: int) -> bool:
        return self.random.randrange(one) == 0

    def number(self) -> int:
        return self.random.choice(NUMBERS)

    def word(self, usual: str) -> str:
        return usual if self.random.randrange(2) else self.random.choice(WORDS)

    def order(self) -> dict:
        """Operators'. A run is submitted now and then whose plan the hostile keepers may make."""
        kind = self.random.randrange(60)
        if kind < 2:
            document = f"""format: 1
module: evil-{self.random.randrange(20)}
sources: {{s: {{kind: csv, path: "{self.folder}/rows.csv"}}}}
tables: {{t: {{from: s, columns: {{id: keep, name: keep}}}}}}
target: {{directory: "{self.folder}/store"}}
"""
            return self.submission(f"e{self.random.randrange(1 << 60)}", document.encode())
        if kind < 12:
            return self.submission(self.word(f"s{self.random.randrange(1 << 60)}"), self.word("format: 1").encode()[:20_000])
        if kind < 20:
            return {"submit": {"_0": {
                "id": self.word("a"), "documentPath": self.word("d"), "restartsOnSnapshotLoss": True, "offset": self.number(),
                "total": self.number(), "bytes": self.word("AAAA")}}}
        if kind < 30:
            return {"cancel": {"run": self.random.choice(self.runs)}}
        return {"status": {"run": self.random.choice(self.runs)} if kind < 50 else {}}

    def submission(self, name: str, document: bytes) -> dict:
        return {"submit": {"_0": {
            "id": name, "documentPath": f"{self.folder}/evil.yaml", "restartsOnSnapshotLoss": False, "offset": 0,
            "total": len(document), "bytes": base64.b64encode(document).decode()}}}

    def request(self, node: str, role: str) -> dict:
        held = self.held.get(node, {})
        grant = self.random.choice(list(held.values())) if held and not self.chance(4) else None
        token = grant["token"] if grant else self.random.choice(self.tokens)
        run = grant["run"] if grant and not self.chance(4) else self.random.choice(self.runs)
        kind = self.random.randrange(12)
        if kind == 0:
            return {"join": {"_0": {"role": self.random.choice(["worker", "keeper"]), "slots": self.number(), "processID": -1,
                                    "host": self.word("h"), "build": self.word(self.build)}}}
        if kind == 1:
            # Seldom: whoever asks for work all the time leaves none to others.
            return {"poll": {}} if self.chance(8) else {"fetch": {"offset": self.number(), "run": run, "text": "document"}}
        if kind in (2, 3):
            return {"heartbeat": {"holding": [self.word(run) for _ in range(3)], "tasks": [
                {"bytes": self.number(), "rows": self.number(), "token": self.random.choice(self.tokens)} for _ in range(10)]}}
        if kind == 4:
            return {"fetch": {"offset": self.number(), "run": run, "text": self.random.choice(["plan", "document"])}}
        if kind in (5, 6):
            if grant and "plan" in grant["task"]:
                return self.upload(run, token) if self.chance(2) else {"complete": {"result": {"plan": {}}, "run": run, "token": token}}
            return {"upload": {"bytes": self.word("AAAA"), "offset": self.number(), "run": run, "token": token, "total": self.number()}}
        if kind == 7:
            return {"complete": {"result": {"held": {"_0": [{"snapshot": self.word("1"), "source": self.word("s")}]}}, "run": run, "token": token}}
        if kind in (8, 9):
            return {"complete": {"result": {"part": {"_0": self.receipt(grant)}}, "run": run, "token": token}}
        if kind == 10:
            return {"fail": {"failure": {"disposition": self.random.choice(["retry", "failRun"]), "kind": "target", "message": self.word("m"),
                                         "code": self.word("unknown"), "problems": []}, "run": run, "token": token}}
        return {"leave": {}} if self.chance(50) else {"release": {"run": run, "token": token}}

    def receipt(self, grant: dict | None) -> dict:
        shard = (grant or {}).get("task", {}).get("shard", {"table": "t", "index": 0})
        rows = {name: self.number() for name in ("filtered", "published", "dropped", "read", "suppressed")}
        return {
            "byteCount": self.number(), "epoch": (grant or {}).get("epoch", self.number()), "rows": rows,
            "rules": [{"changed": self.number(), "column": self.word("id"), "nulled": self.number(), "nulls": self.number(),
                       "dropped": self.number(), "rowsIn": self.number(), "step": self.number()}],
            "sha256": self.word("00"), "shard": shard["index"], "stagedPath": self.word("p"), "table": shard["table"]}

    def upload(self, run: str, token: int) -> dict:
        """A whole plan whose estimates overflow where they are summed."""
        shards = [{"estimatedBytes": self.number(), "estimatedRows": self.number(), "index": index, "piece": {"query": {}}} for index in range(3)]
        table = {"columns": [], "droppedColumns": [], "estimatedBytes": self.number(), "estimatedRows": self.number(), "name": self.word("t"),
                 "origin": "", "schemaFingerprint": "", "shards": shards, "source": "s", "sourceColumns": []}
        plan = {"about": {"module": "m", "title": "t", "description": "", "documentDigest": "", "keywords": []}, "codec": "lz4", "keys": [],
                "sources": [], "tables": [table, table | {"name": "u"}], "warnings": []}
        text = json.dumps(plan, separators=(",", ":"), sort_keys=True).encode()[:40_000]
        return {"upload": {"bytes": base64.b64encode(text).decode(), "offset": 0, "run": run, "token": token, "total": len(text)}}
