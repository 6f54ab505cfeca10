"""The control plane's protocol from the asking side: SP's REQ over TCP, our frames in it, JSON in them.

An `Asker` is one connection with any number of questions in flight. As etlx's own do, it asks again under the same id when
its connection breaks, when nobody answers for five seconds and while another coordinator leads.
"""
import asyncio
import itertools
import json
import os
import time

HANDSHAKE = b"\x00SP\x00\x00\x30\x00\x00"
PEER = b"\x00SP\x00\x00\x31\x00\x00"
REQUEST_HEADER = b"\x03\x01"
PATIENCE = 5.0


class Question:
    """A frame that waits for its answer. `is_clean`: sent once, so that its time is the coordinator's."""
    __slots__ = ("frame", "future", "first_sent", "sent", "is_clean")

    def __init__(self, frame: bytes, future: asyncio.Future):
        self.frame, self.future, self.is_clean = frame, future, True
        self.first_sent = self.sent = time.perf_counter()


class Asker(asyncio.Protocol):
    def __init__(self, host: str, port: int, node: str, credential: str):
        self.place, self.node = (host, port), node
        self.pending: dict[int, Question] = {}
        self.numbers = itertools.count(1)
        self.prefix = b""
        self.use(credential)
        self.transport: asyncio.Transport | None = None
        self.is_ready = self.is_closed = False
        self.buffer = bytearray()
        self.connects = 0

    def use(self, credential: str) -> None:
        self.prefix = f'{{"credential":{json.dumps(credential)},"node":"{self.node}","request":'.encode()

    # MARK: Questions

    async def ask(self, request: str) -> tuple[dict, float | None]:
        """The answer, and the seconds until it came: None where the question was sent more than once."""
        frame = REQUEST_HEADER + os.urandom(16) + self.prefix + request.encode() + b"}"
        loop = asyncio.get_running_loop()
        while True:
            question = Question(frame, loop.create_future())
            self.put(question)
            reply, arrived = await question.future
            if "notLeader" in reply:
                await asyncio.sleep(0.1)
                continue
            return reply, arrived - question.first_sent if question.is_clean else None

    def send(self, number: int, question: Question) -> None:
        question.sent = time.perf_counter()
        body = number.to_bytes(4, "big") + question.frame
        self.transport.write(len(body).to_bytes(8, "big") + body)

    def send_again(self, older_than: float) -> None:
        """What nobody answered, under the same ids; an answer to the question before is then not heard any more."""
        if not self.is_ready:
            return
        limit = time.perf_counter() - older_than
        for number, question in list(self.pending.items()):
            if question.sent < limit:
                question.is_clean = False
                del self.pending[number]
                self.put(question)

    def put(self, question: Question) -> None:
        number = next(self.numbers) & 0x7FFFFFFF | 0x80000000
        self.pending[number] = question
        if self.is_ready:
            self.send(number, question)

    # MARK: The connection

    async def connect(self) -> None:
        """Until it is there."""
        pause = 0.05
        while not self.is_closed:
            try:
                await asyncio.get_running_loop().create_connection(lambda: self, *self.place)
                return
            except OSError:
                await asyncio.sleep(pause)
                pause = min(1, 2 * pause)

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport, self.is_ready, self.buffer = transport, False, bytearray()
        self.connects += 1
        transport.write(HANDSHAKE)

    def connection_lost(self, _: Exception | None) -> None:
        self.is_ready = False
        if not self.is_closed:
            self.reconnecting = asyncio.get_running_loop().create_task(self.connect())

    def data_received(self, data: bytes) -> None:
        arrived = time.perf_counter()
        buffer = self.buffer
        buffer += data
        if not self.is_ready:
            if len(buffer) < len(PEER):
                return
            if buffer[:len(PEER)] != PEER:
                self.transport.abort()
                return
            del buffer[:len(PEER)]
            self.is_ready = True
            for number, question in list(self.pending.items()):
                question.is_clean = question.is_clean and self.connects == 1
                self.send(number, question)
        start = 0
        while len(buffer) - start >= 8:
            end = start + 8 + int.from_bytes(buffer[start:start + 8], "big")
            if len(buffer) < end:
                break
            question = self.pending.pop(int.from_bytes(buffer[start + 8:start + 12], "big"), None)
            # Of our frame: version, kind and id, 18 bytes.
            if question and not question.future.done():
                question.future.set_result((json.loads(buffer[start + 30:end]), arrived))
            start = end
        if start:
            del buffer[:start]

    def close(self) -> None:
        self.is_closed = True
        if self.transport:
            self.transport.close()
