#!/usr/bin/env python3
"""A TCP proxy before a coordinator that delays, cuts, doubles and holds connections on purpose; it does not know what it carries.

usage: fault_proxy.py HOST:PORT [--listen HOST:PORT] [--seed N] [--times N] [FAULT …]

  --delay MS              every piece waits so long, in either direction
  --jitter MS             … and up to so much more; the order of bytes stays
  --cut P:MIN:MAX         a connection is reset after MIN to MAX bytes of both directions together
  --half-close P:MIN:MAX  after so many bytes the server's side is shut for writing; the other direction goes on
  --hold P:MIN:MAX:SECONDS  after so many bytes nothing moves for SECONDS, then everything does
  --duplicate P           a second connection gets a copy of what the client sends; its answers are read and dropped
  --refuse P              a connection is closed as soon as it is made

P is the probability for one connection, drawn from the seed in the order in which connections come. `--times` bounds the
number of connections that are hit; delays hit all. Prints its address; on SIGTERM one JSON line that counts what it did.
At most 1,000 connections at a time are carried, more are closed.
"""
import argparse
import asyncio
import json
import os
import random
import signal
import sys

PIECE = 1 << 16
MOST_CONNECTIONS = 1_000


def address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def numbers(count: int):
    def parse(text: str) -> list[float]:
        found = [float(part) for part in text.split(":")]
        if len(found) != count:
            raise argparse.ArgumentTypeError(f"{count} numbers between colons are expected")
        return found
    return parse


class Plan:
    """What happens to one connection, decided when it comes."""

    def __init__(self, options, chance: random.Random, is_left: bool):
        # Always the same number of draws, so that one fault does not move the others.
        def drawn(setting):
            dice, place = chance.random(), chance.random()
            if not is_left or not setting or dice >= setting[0]:
                return None
            return int(setting[1] + place * (setting[2] - setting[1])) if len(setting) > 2 else 0
        self.refuse = drawn([options.refuse]) is not None
        self.cut = drawn(options.cut)
        self.half_close = drawn(options.half_close)
        self.hold = drawn(options.hold)
        self.duplicate = drawn([options.duplicate]) is not None
        self.seconds = options.hold[3] if options.hold else 0

    @property
    def does_anything(self) -> bool:
        return self.refuse or self.duplicate or any(place is not None for place in (self.cut, self.half_close, self.hold))


class Proxy:
    def __init__(self, options):
        self.options = options
        self.chance = random.Random(options.seed)
        self.waits = random.Random(options.seed + 1)
        self.counts = dict(connections=0, unreachable=0, refused=0, cut=0, half_closed=0, held=0, duplicated=0, bytes=0)
        self.hit = 0
        self.open = 0
        self.tasks: set[asyncio.Task] = set()

    def accept(self, reader, writer) -> None:
        # The loop itself holds tasks weakly: one that waits for a client that is gone would be collected.
        task = asyncio.get_running_loop().create_task(self.carry(reader, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def carry(self, reader, writer) -> None:
        self.counts["connections"] += 1
        plan = Plan(self.options, self.chance, self.hit < self.options.times)
        self.hit += plan.does_anything
        if plan.refuse or self.open >= MOST_CONNECTIONS:
            self.counts["refused"] += 1
            writer.transport.abort()
            return
        self.open += 1
        try:
            await Connection(self, plan, reader, writer).run()
        finally:
            self.open -= 1

    async def pause(self) -> None:
        wait = self.options.delay + self.waits.random() * self.options.jitter
        if wait > 0:
            await asyncio.sleep(wait / 1_000)


class Connection:
    """One client with its server, and the second server's side of a doubled connection."""

    def __init__(self, proxy: Proxy, plan: Plan, reader, writer):
        self.proxy, self.plan, self.reader, self.writer = proxy, plan, reader, writer
        self.twin = None
        self.is_half_closed = False
        self.passed = 0
        self.released = asyncio.Event()
        self.released.set()

    async def run(self) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection(*self.proxy.options.target)
        except OSError:
            self.proxy.counts["unreachable"] += 1
            self.writer.transport.abort()
            return
        self.server_writer = server_writer
        twin_reader = None
        if self.plan.duplicate:
            try:
                twin_reader, self.twin = await asyncio.open_connection(*self.proxy.options.target)
                self.proxy.counts["duplicated"] += 1
            except OSError:
                pass
        tasks = [
            asyncio.create_task(self.pump(self.reader, server_writer, is_request=True)),
            asyncio.create_task(self.pump(server_reader, self.writer, is_request=False))]
        if twin_reader:
            tasks.append(asyncio.create_task(self.drain(twin_reader)))
        try:
            # Both directions end by themselves, or one by a cut: then all of it ends.
            done, _ = await asyncio.wait(tasks[:2], return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.exception()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for writer in filter(None, (self.writer, server_writer, self.twin)):
                writer.transport.abort()

    async def pump(self, reader, writer, is_request: bool) -> None:
        while data := await reader.read(PIECE):
            await self.proxy.pause()
            await self.released.wait()
            await self.send(data, writer, is_request)
        if writer.can_write_eof() and not (is_request and self.is_half_closed):
            writer.write_eof()

    async def send(self, data: bytes, writer, is_request: bool) -> None:
        if is_request and self.is_half_closed:
            return
        if self.plan.cut is not None and self.passed + len(data) >= self.plan.cut:
            # The bytes before the cut arrive, so that a message breaks off in its middle.
            writer.write(data[:self.plan.cut - self.passed])
            await writer.drain()
            self.proxy.counts["cut"] += 1
            raise ConnectionResetError
        self.passed += len(data)
        self.proxy.counts["bytes"] += len(data)
        writer.write(data)
        if is_request and self.twin:
            self.twin.write(data)
        await writer.drain()
        if self.plan.half_close is not None and self.passed >= self.plan.half_close:
            self.plan.half_close, self.is_half_closed = None, True
            self.proxy.counts["half_closed"] += 1
            self.server_writer.write_eof()
        if self.plan.hold is not None and self.passed >= self.plan.hold:
            self.plan.hold = None
            self.proxy.counts["held"] += 1
            self.released.clear()
            asyncio.get_running_loop().call_later(self.plan.seconds, self.released.set)

    @staticmethod
    async def drain(reader) -> None:
        while await reader.read(PIECE):
            pass


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("target", type=address)
    parser.add_argument("--listen", type=address, default=("127.0.0.1", 0))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", type=int, default=sys.maxsize)
    for name in ("delay", "jitter", "duplicate", "refuse"):
        parser.add_argument(f"--{name}", type=float, default=0)
    parser.add_argument("--cut", type=numbers(3))
    parser.add_argument("--half-close", type=numbers(3))
    parser.add_argument("--hold", type=numbers(4))
    return parser.parse_args()


async def main() -> None:
    proxy = Proxy(options())
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    server = await asyncio.start_server(proxy.accept, *proxy.options.listen)
    print("{}:{}".format(*server.sockets[0].getsockname()[:2]), flush=True)
    await ended.wait()
    print(json.dumps(proxy.counts), flush=True)
    # At once: connections that are still open end with the process.
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
