"""Servers, disks and memory of a test's own, which it may break."""
import contextlib
import os
import subprocess
import time
from typing import Iterator

import psycopg2

from lib.checks import require
from lib.database import Database
from lib.local import postgres
from lib.surroundings import scratch

Server = postgres.Server


class PrivateDatabase(Database):
    """A database of a private server; `fresh` ones are in the run's server."""

    def __init__(self, server: Server, name: str):
        self.name = name
        self.url = server.url.rpartition("/")[0] + f"/{name}"

    @classmethod
    def made(cls, server: Server, name: str) -> "PrivateDatabase":
        server.execute(f'create database "{name}" template template0')
        return cls(server, name)


@contextlib.contextmanager
def small_disk(size: str) -> Iterator[str]:
    """A file system of its own, gone afterwards."""
    require(os.geteuid() == 0, "only root may mount a disk for this test")
    folder = scratch("disk")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "etlx-test", folder], capture_output=True, text=True)
    require(done.returncode == 0, f"this machine does not let root mount: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        for _ in range(50):
            if subprocess.run(["umount", folder], capture_output=True).returncode == 0:
                break
            time.sleep(0.1)


def fill(disk: str) -> str:
    """Takes all the space that is left; removing the file that is returned gives it back."""
    path = f"{disk}/filler"
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(64 << 10))
    with open(path, "ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(512))
    return path


@contextlib.contextmanager
def memory_limit(size: int) -> Iterator[str]:
    """A control group whose processes the kernel kills when together they need more than so many bytes; its file of processes."""
    name = f"etlx-test-{os.getpid()}-{time.monotonic_ns()}"
    for parent, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        folder = f"{parent}/{name}"
        try:
            os.mkdir(folder)
        except OSError:
            continue
        try:
            try:
                with open(f"{folder}/{limit}", "w") as file:
                    file.write(str(size))
            except OSError:
                continue
            yield f"{folder}/cgroup.procs"
            return
        finally:
            for _ in range(50):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
                    break
                time.sleep(0.1)
    require(False, "no control group with a limit of memory can be made here")


def wait_until(condition, what: str, seconds: float = 60, pause: float = 0.02) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(psycopg2.Error):
            if condition():
                return
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:.0f} s")
        time.sleep(pause)
