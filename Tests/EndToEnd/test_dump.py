"""What a dump of a process that holds keys would be: it makes none, and the pages with keys are marked as no part of one."""
import base64
import glob
import hmac
import os
import resource
import secrets
import signal
import socket
import struct
import subprocess

from lib.checks import expect, expect_equal, require
from lib.document import Document, Table
from lib.surroundings import etlx_path, scratch

MASK = 0xFFFFFFFF


def test_no_dump_and_no_page_of_one_holds_a_key():
    """etlx plan compiles the rules of one source, then waits for another that never answers: there it is aborted."""
    limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
    folder, marker = scratch("dump"), f"marker-{secrets.token_hex(8)}"
    with open(f"{folder}/people.csv", "w") as file:
        file.write("id,card,note\n1,4111111111111111,one\n2,4111111111111112,two\n")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/{marker}"
        document = Document(
            folder, "dump", {"files": {"kind": "csv", "path": "people.csv"}, "silent": {"kind": "postgres", "url": "${env:SILENT}"}},
            [Table("people", "files", {
                "id": {"token": {"key": "people", "scope": "person"}},
                "quick": [{"from": "id"}, {"token": {"key": "people", "scope": "quick", "function": "cmac"}}],
                "card": [{"cast": "text"}, {"format_preserving": {"key": "people", "scope": "card", "alphabet": "digits"}}],
                "note": {"encrypt": {"key": "people", "context": "notes"}}}),
             Table("others", "silent.public.others", {"id": {"token": {"key": "people", "scope": "person"}}})],
        ).with_key("people")
        process = subprocess.Popen(
            [etlx_path(), "plan", document.write()], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**os.environ, "SILENT": url, "SWIFT_BACKTRACE": "enable=no"},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (limit, limit)))
        try:
            connection, _ = silent.accept()
            with connection:
                connection.recv(8)
                kept, dumped = memory_of(process.pid)
                process.send_signal(signal.SIGABRT)
                expect_equal(process.wait(60), -signal.SIGABRT, "end of the process")
        finally:
            process.kill()
            process.wait()

    expect_equal(glob.glob(f"{folder}/core*"), [], "dumps")
    # Were there a dump after all, by a debugger of root's, it would have these pages and not the others.
    expect(marker.encode() in dumped, "these are not the pages of a dump: the URL is not in them")
    all_secrets = secrets_of(document.keys["people"])
    # What the process still needs it has, in pages that are no part of a dump.
    for what in ("the key", "the inner state", "the outer state", "the CMAC key", "the FF1 key", "the SIV key"):
        # An expanded AES key begins with the key; the SIV key is two of them.
        expect(all_secrets[what][:32] in kept, f"{what} was not in memory when the process was aborted: nothing is shown")
    for what, secret in all_secrets.items():
        for part in (secret[:16], secret[16:32], secret[-16:]):
            expect(part not in dumped, f"{what} stands in a page of a dump")
    return f"{len(dumped) >> 10} KiB searched for {', '.join(all_secrets)}"


def memory_of(pid: int) -> tuple[bytes, bytes]:
    """The writable memory of a child of ours: what a dump leaves out (`dd` of proc(5)), and what it has."""
    require(os.geteuid() == 0, "only root may read the memory of a process that keeps it to itself")
    pieces: dict[bool, list[bytes]] = {True: [], False: []}
    ranges: list[tuple[int, int]] = []
    with open(f"/proc/{pid}/smaps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            words = line.split()
            if not words[0].endswith(":"):
                start, end = (int(number, 16) for number in words[0].split("-"))
                ranges = [(start, end)] if words[1].startswith("rw") and end - start < 1 << 28 else []
            elif words[0] == "VmFlags:":
                for start, end in ranges:
                    memory.seek(start)
                    try:
                        pieces["dd" in words].append(memory.read(end - start))
                    except OSError:
                        pass  # a page that cannot be read, such as a guard
    return b"".join(pieces[True]), b"".join(pieces[False])


def secrets_of(path: str) -> dict[str, bytes]:
    """The key and all that tokens are made with."""
    with open(path, "rb") as file:
        text = file.read().strip()
    key = base64.b64decode(text)
    extracted = hmac.digest(b"\0" * 32, key, "sha256")
    derived = expanded(extracted, "token/person")
    states = {}
    for name, pad in (("inner", 0x36), ("outer", 0x5C)):
        words = compressed(bytes(byte ^ pad for byte in derived.ljust(64, b"\0")))
        states[f"the {name} state"] = struct.pack("<8I", *words)
    return {"the key": key, "the key's text": text, "the extracted key": extracted, "the derived key": derived, **states,
            "the CMAC key": expanded(extracted, "token-cmac/quick"), "the FF1 key": expanded(extracted, "fpe/card"),
            "the SIV key": expanded(extracted, "siv/notes", 64)}


def expanded(extracted: bytes, use: str, count: int = 32) -> bytes:
    """HKDF-Expand (RFC 5869) with the `info` texts of docs/verbs.md."""
    output = block = b""
    for number in range(1, count // 32 + 1):
        block = hmac.digest(extracted, block + f"etl-express/1/{use}".encode() + bytes([number]), "sha256")
        output += block
    return output


def compressed(block: bytes) -> list[int]:
    """SHA-256's state after one block (FIPS 180-4, 6.2.2), which hashlib does not show."""
    def rotated(value: int, count: int) -> int:
        return (value >> count | value << 32 - count) & MASK

    primes = [number for number in range(2, 312) if all(number % other for other in range(2, number))][:64]
    start = [fraction(prime, 2) for prime in primes[:8]]
    words = list(struct.unpack(">16I", block))
    for i in range(16, 64):
        s0 = rotated(words[i - 15], 7) ^ rotated(words[i - 15], 18) ^ words[i - 15] >> 3
        s1 = rotated(words[i - 2], 17) ^ rotated(words[i - 2], 19) ^ words[i - 2] >> 10
        words.append(words[i - 16] + s0 + words[i - 7] + s1 & MASK)
    a, b, c, d, e, f, g, h = start
    for word, prime in zip(words, primes):
        first = h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + (e & f ^ ~e & g) + fraction(prime, 3) + word
        second = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = first + second & MASK, a, b, c, d + first & MASK, e, f, g
    return [old + new & MASK for old, new in zip(start, (a, b, c, d, e, f, g, h))]


def fraction(prime: int, root: int) -> int:
    """The first 32 bits after the point of a prime's square or cube root."""
    low, high, wanted = 0, prime << 32, prime << 32 * root
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle ** root <= wanted else (low, middle - 1)
    return low & MASK
