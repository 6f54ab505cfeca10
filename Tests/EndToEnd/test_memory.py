"""A worker's memory is bounded, whatever the table."""
import os
import re
import shutil
import subprocess
import time

from lib.checks import expect, expect_equal, require
from lib.database import Database
from lib.document import Document, Table
from lib.etlx import Running
from lib.marks import by_night, long, night
from lib.published import Version, numbers
from lib.surroundings import scratch

LIMIT = 256 << 20
LATE_RECV = os.path.join(os.path.dirname(__file__), "late_recv.c")


def peak_of_workers(document: Document, workers: str = "2", **environment: str) -> tuple[int, float]:
    """Runs the document; returns the largest peak of resident memory among its processes, and the seconds."""
    running = Running("run", document.write(), "--workers", workers, env=environment)
    peaks: dict[int, int] = {}
    while running.is_running():
        for pid in running.children():
            try:
                with open(f"/proc/{pid}/status") as file:
                    match = re.search(r"VmHWM:\s+(\d+) kB", file.read())
            except OSError:
                continue
            if match:
                peaks[pid] = int(match[1]) * 1024
        time.sleep(0.05)
    result = running.wait()
    expect_equal(result.status, 0, f"exit code ({result.text[-1500:]})")
    expect(peaks, "no worker process was seen")
    return max(peaks.values()), result.seconds


@long
def test_millions_of_rows():
    """By day fewer, still more than a worker could hold."""
    count = by_night(5_000_000, 1_500_000)
    database = Database.fresh("e2e_rows")
    database.execute(
        f"""create table many as
           select i as id, md5(i::text) as code, i * 1.5::float8 as score, (i % 1000)::int as kind,
                  date '1950-01-01' + (i % 25000)::int as born, 'person ' || i || '@example.org' as email, (i / 100.0)::numeric(12,2) as amount,
                  case when i % 5 = 0 then null else repeat('note ', (i % 9)::int) end as note
           from generate_series(1::bigint, {count}) i""")
    document = Document(
        scratch("rows"), "many", {"db": {"kind": "postgres", "url": database.url}},
        [Table("many", "db.public.many", {
            "id": {"token": {"key": "k", "scope": "id"}}, "code": "keep", "score": "keep", "kind": "keep",
            "born": {"generalize": {"to": "year"}}, "email": {"token": {"key": "k", "scope": "email"}},
            "amount": "keep", "note": {"redact": ["email", "phone"]}})]).with_key("k")
    peak, seconds = peak_of_workers(document)
    expect_equal(Version(document.store, "many").rows("many"), count, "rows")
    expect(peak < LIMIT, f"peak {peak >> 20} MiB, limit {LIMIT >> 20} MiB")
    return f"peak {peak >> 20} MiB, {seconds:.0f} s"


@night
def test_cells_of_64_mebibytes():
    """By day the worse case alone, below."""
    return large_cells()


def test_cells_of_64_mebibytes_from_a_server_that_is_faster():
    """libpq's buffer then holds a row and, up to its end, the next one: the most that there can be."""
    compiler = shutil.which("cc") or shutil.which("clang")
    require(compiler, "no C compiler")
    library = f"{scratch('late')}/late_recv.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, LATE_RECV, "-ldl"], check=True, capture_output=True)
    return large_cells(least=200 << 20, LD_PRELOAD=library)


def large_cells(least: int = 0, **environment: str) -> str:
    """`least`: less than that would show that the run was not what it should have been."""
    database = Database.fresh("e2e_cells")
    database.execute("create table large (id int, label text, blob bytea)")
    # Stored outside the row and uncompressed; text that does not compress to nothing either.
    database.execute("alter table large alter label set storage external, alter blob set storage external")
    for number in range(6):
        database.execute(
            """insert into large
               select %s, case when %s %% 2 = 0 then repeat(md5(%s::text), (64 << 20) / 32) end,
                      case when %s %% 2 = 1 then decode(repeat(md5(%s::text), (64 << 20) / 16), 'hex') end""",
            number, number, number, number, number)
    document = Document(
        scratch("cells"), "large", {"db": {"kind": "postgres", "url": database.url}},
        [Table("large", "db.public.large", dict.fromkeys(("id", "label", "blob"), "keep"))])
    peak, seconds = peak_of_workers(document, **environment)
    table = Version(document.store, "large").read("large")
    for row in table.to_pylist():
        kept = row["label"] if row["id"] % 2 == 0 else row["blob"]
        expect_equal(len(kept), 64 << 20, f"length of row {row['id']}'s cell")
    expect(least < peak < LIMIT, f"peak {peak >> 20} MiB, limit {LIMIT >> 20} MiB")
    return f"peak {peak >> 20} MiB, {seconds:.0f} s"


def test_a_row_of_300_mebibytes():
    """It ends the run by table and row and is tried once: libpq holds a whole row before anyone can look at its size."""
    database = Database.fresh("e2e_cells")
    columns = [f"text{number}" for number in range(4)]
    database.execute(f"create table huge (id int, {', '.join(f'{column} text' for column in columns)})")
    database.execute("".join(f"alter table huge alter {column} set storage external;" for column in columns))
    database.execute("insert into huge select i from generate_series(1, 41) i")
    value = f"repeat(md5('x'), {(75 << 20) // 32})"
    database.execute(f"insert into huge values (42, {', '.join([value] * len(columns))})")
    document = Document(
        scratch("huge"), "huge", {"db": {"kind": "postgres", "url": database.url}},
        [Table("huge", "db.public.huge", dict.fromkeys(("id", *columns), "keep"))])
    running = Running("run", document.write(), "--workers", "1")
    result = running.wait()
    expect_equal(result.status, 1, f"exit code ({result.text[-800:]})")
    expect("huge" in result.err and "row 41 of the shard holds more than 256 MiB" in result.err, f"the message: {result.err[-800:]}")
    expect_equal(numbers(document.store, "huge"), [], "versions")
