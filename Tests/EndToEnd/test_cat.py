"""Rows of a published table on standard output, read by foreign programs."""
import csv, io, json, subprocess

from lib.checks import expect
from lib.etlx import run
from lib.surroundings import etlx_path, scratch

ROWS = [
    {"id": 1, "name": "Anna", "amount": "12.50", "day": "2026-11-05"},
    {"id": 2, "name": "", "amount": "0.07", "day": "2026-11-06"},
    {"id": 3, "name": "two\nlines, \"quoted\"", "amount": "-1.00", "day": "2026-11-07"},
]
DOCUMENT = """format: 1
module: shop
sources: {s: {kind: csv, path: s.csv, nulls: "NULL", types: {amount: "decimal(9,2)", day: date}}}
tables:
  sales: {from: s, columns: {id: keep, name: keep, amount: keep, day: keep}}
target: {directory: modules}
"""


def published(more: int = 0) -> str:
    folder = scratch("cat")
    with open(f"{folder}/s.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, ["id", "name", "amount", "day"], quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(ROWS)
        file.write("4,NULL,NULL,NULL\n")
        for number in range(more):
            file.write(f"{number},somebody,1.00,2026-11-05\n")
    with open(f"{folder}/shop.yaml", "w") as file:
        file.write(DOCUMENT)
    result = run("run", "shop.yaml", "--quiet", cwd=folder)
    expect(result.status == 0, result.err)
    return f"{folder}/modules"


def output(store: str, *words: str) -> bytes:
    done = subprocess.run([etlx_path(), "modules", store, "cat", "shop", *words], capture_output=True)
    expect(done.returncode == 0, done.stderr.decode())
    return done.stdout


def test_formats():
    store = published()
    rows = list(csv.DictReader(io.StringIO(output(store, "--format", "csv").decode(), newline="")))
    expect([r["name"] for r in rows] == ["Anna", "", "two\nlines, \"quoted\"", ""], rows)
    expect([r["amount"] for r in rows] == ["12.50", "0.07", "-1.00", ""], rows)
    lines = [json.loads(line, parse_float=str) for line in output(store, "--format", "jsonl").splitlines()]
    expect(lines[:3] == ROWS and lines[3] == {"id": 4, "name": None, "amount": None, "day": None}, lines)

    import pyarrow.ipc
    table = pyarrow.ipc.open_stream(output(store, "--format", "arrow")).read_all()
    values = [{k: v if k in ("id", "name") or v is None else str(v) for k, v in row.items()} for row in table.to_pylist()]
    expect(values == ROWS + [{"id": 4, "name": None, "amount": None, "day": None}], values)
    few = list(csv.reader(io.StringIO(output(store, "--columns", "day,id", "--rows", "2").decode())))
    expect(few == [["day", "id"], ["2026-11-05", "1"], ["2026-11-06", "2"]], few)
    return "csv, jsonl, arrow"


def test_reader_that_leaves():
    """A reader that has enough is no error; a device that is full is one."""
    for more in (0, 200_000):
        store = published(more)
        command = f"'{etlx_path()}' modules '{store}' cat shop --format csv"
        done = subprocess.run(["bash", "-c", f"set -o pipefail; {command} | head -c 1"], capture_output=True)
        expect(done.returncode == 0 and done.stderr == b"", done.stderr.decode())
        done = subprocess.run(["bash", "-c", f"{command} >/dev/full"], capture_output=True)
        expect(done.returncode == 1 and b"standard output cannot be written" in done.stderr, done.stderr.decode())


def test_refusals():
    store = published()
    for words, told in ((["--table", "sale"], 'did you mean "sales"'), (["--format", "cvs"], 'did you mean "csv"'),
                        (["--columns", "id,nme"], "nme")):
        result = run("modules", store, "cat", "shop", *words)
        expect(result.status == 2 and told in result.err, f"{words}: {result.status} {result.err}")
