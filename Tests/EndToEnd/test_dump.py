"""What a crash would leave on disk: a process that holds keys is made to dump its memory, and the dump is searched."""
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


def test_a_core_dump_holds_no_key():
    """etlx plan compiles the rules of one source, then waits for another that never answers: there it is aborted."""
    with open("/proc/sys/kernel/core_pattern") as file:
        pattern = file.read().strip()
    require("/" not in pattern and not pattern.startswith("|"), f"dumps of this machine go elsewhere: {pattern}")
    limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
    require(limit == resource.RLIM_INFINITY, "dumps are limited here")

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
                memory = memory_of(process.pid)
                process.send_signal(signal.SIGABRT)
                expect_equal(process.wait(60), -signal.SIGABRT, "end of the process")
        finally:
            process.kill()
            process.wait()

    found = glob.glob(f"{folder}/core*")
    require(found, "no dump was written, though limits allow it")
    with open(found[0], "rb") as file:
        dump = file.read()
    expect(marker.encode() in dump, "the dump is not of that process's memory: the URL is not in it")
    all_secrets = secrets_of(document.keys["people"])
    # What the process still needs it had; only the dump is without it.
    for what in ("the key", "the inner state", "the outer state", "the CMAC key", "the FF1 key", "the SIV key"):
        # An expanded AES key begins with the key; the SIV key is two of them.
        expect(all_secrets[what][:32] in memory, f"{what} was not in memory when the process was aborted: nothing is shown")
    for what, secret in all_secrets.items():
        for part in (secret[:16], secret[16:32], secret[-16:]):
            expect(part not in dump, f"{what} stands in the dump")
    return f"{len(dump) >> 10} KiB searched for {', '.join(all_secrets)}"


def memory_of(pid: int) -> bytes:
    """The writable memory of a child of ours."""
    pieces = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            where, rights = line.split()[:2]
            start, end = (int(number, 16) for number in where.split("-"))
            if rights.startswith("rw") and end - start < 1 << 28:
                memory.seek(start)
                try:
                    pieces.append(memory.read(end - start))
                except OSError:
                    pass  # a page that cannot be read, such as a guard
    return b"".join(pieces)


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
