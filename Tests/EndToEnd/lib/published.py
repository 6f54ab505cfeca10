"""Reads a published version as any outsider would: by the commit record, then the files below its path."""
import hashlib
import json
import os
import re
import subprocess
import sys

import pyarrow
import pyarrow.parquet

from lib.checks import expect
from lib.surroundings import outsider


class Version:
    def __init__(self, store: str, module: str, number: int | None = None):
        self.store, self.module = store, module
        self.number = number or max(numbers(store, module), default=0)
        expect(self.number > 0, f"nothing is published under {store}/{module}")
        self.record_path = f"{store}/{module}/_versions/{self.number:08d}.json"
        with open(self.record_path) as file:
            self.record = json.load(file)
        self.folder = f"{store}/{module}/{self.record['path']}".rstrip("/")

    def parts(self, table: str) -> list[str]:
        """The table's files in the order of its rows."""
        listed = [path for path in self.digests() if path.startswith(f"data/{table}/") and path.endswith(".parquet")]
        return [os.path.join(self.folder, path) for path in sorted(listed)]

    def all_parts(self) -> list[str]:
        return [path for table in self.record["tables"] for path in self.parts(table)]

    def digests(self) -> dict[str, str]:
        """Path → SHA-256 of the version's files, as SHA256SUMS lists them."""
        with open(f"{self.folder}/SHA256SUMS") as file:
            return {path: digest for digest, path in (line.rstrip("\n").split("  ", 1) for line in file)}

    def part_digests(self) -> dict[str, str]:
        """Those of the parts, computed from the bytes."""
        return {os.path.relpath(path, self.folder): sha256(path) for path in self.all_parts()}

    def rows(self, table: str) -> int:
        return self.record["tables"][table]["rows"]

    def read(self, table: str) -> pyarrow.Table:
        return pyarrow.concat_tables([pyarrow.parquet.read_table(path, partitioning=None) for path in self.parts(table)])


def numbers(store: str, module: str) -> list[int]:
    folder = f"{store}/{module}/_versions"
    if not os.path.isdir(folder):
        return []
    return sorted(int(match[1]) for name in os.listdir(folder) if (match := re.fullmatch(r"(\d{8})\.json", name)))


def sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_module(store: str, module: str) -> str:
    """The outsider's check, with its compliance part, where there is one; returns what it printed."""
    program = outsider("tools/check_module.py")
    if program is None:
        return ""
    done = subprocess.run(
        [sys.executable, program, store, module, "--compliance"],
        capture_output=True, text=True)
    expect(done.returncode == 0, f"check_module.py failed:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
    return done.stdout


def audit(paths: list[str]) -> int:
    """Holds every reader's filtered read against a full read, where the outsider is there; returns the number of probes."""
    program = outsider("tools/parquet_pushdown_audit.py")
    if program is None:
        return 0
    probes = 0
    for start in range(0, len(paths), 200):
        done = subprocess.run(
            [sys.executable, program, *paths[start:start + 200]],
            capture_output=True, text=True)
        failed = "\n".join(line for line in done.stdout.splitlines() if not line.startswith("ok "))
        expect(done.returncode == 0, f"parquet_pushdown_audit.py failed:\n{failed[-2000:]}{done.stderr[-1000:]}")
        probes += sum(int(count) for count in re.findall(r" (\d+) probes", done.stdout))
    return probes
