"""Simulated nodes: a keeper that plans, and processes of many workers that say what workers say and do nothing else."""
import array
import asyncio
import base64
import enum
import gc
import json
import multiprocessing
import random
import resource
import signal
import time

from wire import Asker, PATIENCE

HEARTBEAT = 3.0
BYTES_PER_SLICE = 32 << 10


class Phase(enum.IntEnum):
    """What is being measured. Questions that begin in one and end in another count for neither."""
    JOINING, IDLE, PLANNING, BEFORE, PAUSED, OUTAGE, AFTER, END = range(8)


class Count(enum.IntEnum):
    JOINED, GRANTED, ACCEPTED, FENCED, REFUSED, UNKNOWN, OTHER, ANSWERS = range(8)


def join_request(role: str, build: str) -> str:
    return json.dumps({"join": {"_0": {"role": role, "slots": 1, "processID": 1, "host": "simulated", "build": build}}})


class Board:
    """What the processes share: the phase, counts of each process, when the first part was taken after the outage."""

    def __init__(self, processes: int):
        self.phase = multiprocessing.RawValue("i", Phase.JOINING)
        self.counts = [multiprocessing.RawArray("q", len(Count)) for _ in range(processes)]
        self.revived = [multiprocessing.RawValue("d", 0) for _ in range(processes)]

    def count(self, what: Count) -> int:
        return sum(counts[what] for counts in self.counts)


class Crowd:
    """The workers of one process."""

    def __init__(self, board: Board, place: int, workers: int, interval: float, settings: dict):
        self.board, self.place, self.workers, self.interval, self.settings = board, place, workers, interval, settings
        self.counts = board.counts[place]
        self.times: dict[tuple[int, str], array.array] = {}
        self.lags: dict[int, array.array] = {}
        self.random = random.Random(place)
        head = json.dumps(settings["receipt"] | {"epoch": -1, "shard": -2, "stagedPath": "@path", "sha256": "@sum"})
        self.receipt = head.replace("{", "{{").replace("}", "}}").replace("-1", "{epoch}").replace("-2", "{shard}") \
            .replace("@path", "{path}").replace("@sum", "{sum}")

    def run(self, connection) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        gc.freeze()
        gc.disable()
        asyncio.run(self.live())
        usage = resource.getrusage(resource.RUSAGE_SELF)
        connection.send({"times": self.times, "lags": self.lags, "cpu": usage.ru_utime + usage.ru_stime})
        connection.close()

    async def live(self) -> None:
        rest = [asyncio.create_task(self.worker(index)) for index in range(self.workers)]
        rest.append(asyncio.create_task(self.measure_lag()))
        while self.board.phase.value != Phase.END:
            await asyncio.sleep(0.1)
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def measure_lag(self) -> None:
        """How late this process itself is: what of the times is not the coordinator's."""
        while True:
            due = time.perf_counter() + 0.01
            await asyncio.sleep(0.01)
            self.lags.setdefault(self.board.phase.value, array.array("d")).append(time.perf_counter() - due)

    async def ask(self, asker: Asker, kind: str, request: str) -> dict:
        phase = self.board.phase.value
        reply, seconds = await asker.ask(request)
        self.counts[Count.ANSWERS] += 1
        if seconds is not None and phase == self.board.phase.value:
            self.times.setdefault((phase, kind), array.array("d")).append(seconds)
        for word, count in (("refused", Count.REFUSED), ("unknownNode", Count.UNKNOWN), ("fenced", Count.FENCED)):
            if word in reply:
                self.counts[count] += 1
        return reply

    async def worker(self, index: int) -> None:
        name = f"worker-{self.place:04x}{index:012x}"
        asker = Asker(self.settings["host"], self.settings["port"], name, self.settings["tokens"]["worker"])
        await asyncio.sleep(self.random.random() * 0.002 * self.workers)
        await asker.connect()
        welcome = await self.ask(asker, "join", join_request("worker", self.settings["build"]))
        asker.use(welcome["welcome"]["credential"])
        self.counts[Count.JOINED] += 1
        tokens: set[int] = set()
        try:
            await asyncio.gather(self.pulse(asker, tokens), self.slot(asker, tokens))
        finally:
            asker.close()

    async def pulse(self, asker: Asker, tokens: set[int]) -> None:
        await asyncio.sleep(self.random.random() * HEARTBEAT)
        while True:
            tasks = ",".join(f'{{"bytes":1,"rows":1,"token":{token}}}' for token in tokens)
            await self.ask(asker, "heartbeat", f'{{"heartbeat":{{"holding":[],"tasks":[{tasks}]}}}}')
            for _ in range(3):
                await asyncio.sleep(HEARTBEAT / 3)
                asker.send_again(PATIENCE)

    async def slot(self, asker: Asker, tokens: set[int]) -> None:
        uniform, board = self.random.uniform, self.board
        due = time.perf_counter()
        has_read = not self.settings["reads_plan"]
        while True:
            while board.phase.value == Phase.PAUSED:
                await asyncio.sleep(0.02)
            reply = await self.ask(asker, "poll", '{"poll":{}}')
            if "noWork" in reply:
                await asyncio.sleep(reply["noWork"]["retryAfterMilliseconds"] / 1000 * uniform(0.75, 1.25))
                due = time.perf_counter()
                continue
            if "grant" not in reply:
                self.counts[Count.OTHER] += 1
                await asyncio.sleep(1)
                continue
            self.counts[Count.GRANTED] += 1
            grant = reply["grant"]["_0"]
            tokens.add(grant["token"])
            if not has_read:
                has_read = True
                await self.read(asker, grant["run"], "document")
                await self.read(asker, grant["run"], "plan")
                due = time.perf_counter()
            if self.interval:
                await asyncio.sleep(uniform(0.2, 0.7) * self.interval)
            await self.hand_in(asker, grant)
            tokens.discard(grant["token"])
            # So many a second are asked for, however long the answers took; what is missed is made up for within a second.
            now = time.perf_counter()
            due = max(due + uniform(0.5, 1.5) * self.interval, now - 1)
            if due > now:
                await asyncio.sleep(due - now)

    async def hand_in(self, asker: Asker, grant: dict) -> None:
        shard = grant["task"]["shard"]["index"]
        path = f"_staging/{grant['attempt']}/{grant['task']['shard']['table']}/part-{shard:05}.e{grant['epoch']:04}.parquet"
        receipt = self.receipt.format(epoch=grant["epoch"], shard=shard, path=path, sum=f"{self.random.getrandbits(256):064x}")
        reply = await self.ask(
            asker, "complete",
            f'{{"complete":{{"result":{{"part":{{"_0":{receipt}}}}},"run":"{grant["run"]}","token":{grant["token"]}}}}}')
        if "accepted" in reply:
            self.counts[Count.ACCEPTED] += 1
            if self.board.phase.value == Phase.OUTAGE and not self.board.revived[self.place].value:
                self.board.revived[self.place].value = time.time()

    async def read(self, asker: Asker, run: str, text: str) -> None:
        offset, total = 0, 1
        while offset < total:
            reply = await self.ask(asker, "fetch", f'{{"fetch":{{"offset":{offset},"run":"{run}","text":"{text}"}}}}')
            if "slice" not in reply:
                self.counts[Count.OTHER] += 1
                return
            total = reply["slice"]["total"]
            offset += len(base64.b64decode(reply["slice"]["bytes"]))


async def plan(settings: dict, text: bytes) -> dict:
    """A keeper that takes the task of planning and hands in this plan; how long each step took, in seconds."""
    asker = Asker(settings["host"], settings["port"], "keeper-00000000000000aa", settings["tokens"]["keeper"])
    await asker.connect()
    welcome, _ = await asker.ask(join_request("keeper", settings["build"]))
    asker.use(welcome["welcome"]["credential"])
    while "grant" not in (reply := (await asker.ask('{"poll":{}}'))[0]):
        await asyncio.sleep(0.05)
    grant = reply["grant"]["_0"]
    if "plan" not in grant["task"]:
        raise SystemExit(f"the keeper was given another task: {list(grant['task'])}")
    run, token = grant["run"], grant["token"]
    start = beat = time.perf_counter()
    for offset in range(0, len(text), BYTES_PER_SLICE):
        piece = base64.b64encode(text[offset:offset + BYTES_PER_SLICE]).decode()
        reply, _ = await asker.ask(
            f'{{"upload":{{"bytes":"{piece}","offset":{offset},"run":"{run}","token":{token},"total":{len(text)}}}}}')
        if "accepted" not in reply:
            raise SystemExit(f"a piece of the plan was not taken: {reply}")
        if time.perf_counter() - beat > HEARTBEAT:
            beat = time.perf_counter()
            await asker.ask(f'{{"heartbeat":{{"holding":[],"tasks":[{{"bytes":0,"rows":0,"token":{token}}}]}}}}')
    uploaded = time.perf_counter()
    repeating = asyncio.create_task(repeat(asker))
    reply, _ = await asker.ask(f'{{"complete":{{"result":{{"plan":{{}}}},"run":"{run}","token":{token}}}}}')
    adopted = time.perf_counter()
    repeating.cancel()
    await asker.ask('{"leave":{}}')
    asker.close()
    return {"bytes": len(text), "upload": uploaded - start, "adoption": adopted - uploaded, "answer": next(iter(reply))}


async def repeat(asker: Asker) -> None:
    while True:
        await asyncio.sleep(0.2)
        asker.send_again(PATIENCE)


async def status(settings: dict, run: str) -> dict:
    """What the coordinator says of the run, as soon as one leads."""
    asker = Asker(settings["host"], settings["port"], "operator-benchmark", settings["operator_token"])
    await asker.connect()
    reply, _ = await asker.ask(f'{{"status":{{"run":"{run}"}}}}')
    asker.close()
    return reply["status"]["_0"]["runs"][0]
