"""CSV through whole runs: the spectrum's files, dialects, types, compression, globs, malformed records."""
import concurrent.futures
import csv
import gzip
import io
import json
import os
import re
import subprocess
import tarfile

from lib.checks import expect, expect_equal
from lib.document import Document, Table
from lib.etlx import run
from lib.published import Version
from lib.surroundings import shared, scratch

csv.field_size_limit(1 << 30)


def publish(folder: str, columns: list[str] | dict[str, object], source: dict, module: str = "files"):
    """Runs a pipeline over one CSV source; returns the result and the store."""
    rules = columns if isinstance(columns, dict) else {column: "keep" for column in columns}
    document = Document(folder, module, {"files": {"kind": "csv", **source}}, [Table("records", "files", rules)])
    return run("run", document.write(), "--workers", "2"), document.store


def records(folder: str, columns: list[str] | dict[str, object], source: dict) -> list[dict]:
    result, store = publish(folder, columns, source)
    expect_equal(result.status, 0, f"exit code ({result.text[-1500:]})")
    return Version(store, "files").read("records").to_pylist()


def write(folder: str, name: str, content: str | bytes, encoding: str = "utf-8") -> str:
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def test_csv_spectrum():
    """Every file gives the table of its JSON; text stays text by declaration."""
    names = sorted(name[:-5] for name in os.listdir(shared("data/csv-spectrum/json")) if name.endswith(".json"))
    for name in names:
        with open(shared(f"data/csv-spectrum/json/{name}.json")) as file:
            wanted = json.load(file)
        with open(shared(f"data/csv-spectrum/csvs/{name}.csv"), "rb") as file:
            if b"\r" not in file.read():
                # Two files whose line breaks are LF in this copy, while their JSON still has CR LF.
                wanted = json.loads(json.dumps(wanted).replace("\\r\\n", "\\n"))
        if name == "location_coordinates":
            # Its JSON holds another telephone number than its CSV, and no list; mended here.
            wanted = [wanted | {"Contact Phone Number": "2095257564"}]
        columns = list(wanted[0])
        found = records(
            scratch("spectrum"), columns,
            {"path": shared(f"data/csv-spectrum/csvs/{name}.csv"), "types": {column: "text" for column in columns},
             "nulls": []})
        expect_equal(found, wanted, name)
    expect_equal(len(names), 12, "files")
    return f"{len(names)} files"


def test_types_are_inferred_over_the_whole_file():
    folder = scratch("types")
    lines = ["n,code,day,amount,flag,late"] + [f"{i},0{i},2024-01-{i % 28 + 1:02d},{i}.50,{'true' if i % 2 else 'false'},{i}" for i in range(5_000)]
    lines.append("9007199254740993,00,2024-02-29,1.25,true,not a number")
    write(folder, "in.csv", "\n".join(lines) + "\n")
    result, store = publish(folder, ["n", "code", "day", "amount", "flag", "late"], {"path": "in.csv"})
    expect_equal(result.status, 0, f"exit code ({result.text[-800:]})")
    table = Version(store, "files").read("records")
    last = table.to_pylist()[-1]
    expect_equal(last["n"], 9007199254740993, "an integer beyond 2^53")
    expect_equal(last["code"], "00", "leading zeros")
    expect_equal(last["late"], "not a number", "a column that is text in its last row only")
    expect_equal(str(last["day"]), "2024-02-29", "a date")
    expect_equal(last["flag"], True, "a boolean")


def test_compression_and_globs_keep_the_order_of_names():
    folder = scratch("globs")
    os.mkdir(f"{folder}/in")
    for part, name in enumerate(("b.csv.gz", "a.csv", "c.csv.gz")):
        text = "id,name\n" + "".join(f"{part}{i:03d},row {i}\n" for i in range(100))
        content = gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()
        write(f"{folder}/in", name, content)
    rows = records(folder, ["id", "name"], {"path": "in/*.csv*", "types": {"id": "text"}})
    expect_equal([row["id"] for row in rows], [f"{part}{i:03d}" for part in (1, 0, 2) for i in range(100)], "order of rows")


def test_quoted_newlines_across_shard_boundaries():
    """A file larger than a shard, whose every record holds line breaks and quotes."""
    folder = scratch("big")
    with open(f"{folder}/in.csv", "w", newline="") as file:
        file.write("id,text\r\n")
        filler = '"line one\r\nsays ""hi"",\nline ' + "x" * 500 + '"'
        for i in range(550_000):
            file.write(f"{i},{filler}\r\n")
    result, store = publish(folder, ["id", "text"], {"path": "in.csv"})
    expect_equal(result.status, 0, f"exit code ({result.text[-800:]})")
    version = Version(store, "files")
    table = version.read("records")
    expect_equal(table.column("id").to_pylist(), list(range(550_000)), "ids")
    expect_equal(set(table.column("text").to_pylist()), {'line one\r\nsays "hi",\nline ' + "x" * 500}, "texts")
    expect(len(version.parts("records")) > 1, "the file was one shard: nothing was tested")
    return f"{len(version.parts('records'))} parts"


def test_encodings():
    text = "id,name\n1,Zürich\n2,Besançon\n"
    for encoding, bom, declared in (
        ("utf-8", b"\xef\xbb\xbf", None), ("utf-16-le", b"\xff\xfe", None), ("utf-16-be", b"\xfe\xff", None),
        ("latin-1", b"", "latin-1"), ("cp1252", b"", "windows-1252"), ("utf-16-le", b"", "utf-16le"),
    ):
        folder = scratch("encoding")
        write(folder, "in.csv", bom + text.encode(encoding))
        source = {"path": "in.csv"} | ({"encoding": declared} if declared else {})
        rows = records(folder, ["id", "name"], source)
        expect_equal([row["name"] for row in rows], ["Zürich", "Besançon"], f"{encoding} as {declared}")


def test_dialects():
    folder = scratch("dialect")
    write(folder, "in.csv", "made by a program\n# a comment\n1;'it''s';NULL\n# another\n2;'semi;colon';x\n")
    rows = records(
        folder, ["a", "b", "c"],
        {"path": "in.csv", "delimiter": ";", "quote": "'", "header": False, "names": ["a", "b", "c"], "comment": "#",
         "skip_lines": 1, "nulls": ["NULL"]})
    expect_equal(rows, [{"a": 1, "b": "it's", "c": None}, {"a": 2, "b": "semi;colon", "c": "x"}], "rows")


def test_nulls_and_empty_strings_differ():
    folder = scratch("nulls")
    write(folder, "in.csv", 'a,b\n1,\n2,""\n')
    expect_equal([row["b"] for row in records(folder, ["a", "b"], {"path": "in.csv"})], [None, ""], "b")


def test_malformed_record_stops_by_file_and_record():
    folder = scratch("malformed")
    write(folder, "in.csv", "a,b\n1,2\n3,4,SECRET-CELL\n5,6\n")
    result, store = publish(folder, ["a", "b"], {"path": "in.csv"})
    expect(result.status in (1, 2), f"exit code {result.status}")
    expect("in.csv" in result.err, f"no file name in: {result.err}")
    expect("record" in result.err, f"no record number in: {result.err}")
    expect("SECRET-CELL" not in result.text, "a cell value is in the message")
    expect(not os.path.isdir(f"{store}/files/_versions") or not os.listdir(f"{store}/files/_versions"), "something was published")


def test_malformed_records_are_quarantined_and_counted():
    folder = scratch("quarantine")
    write(folder, "in.csv", "a,b\n1,2\n3,4,5\n6\n7,8\n")
    result, store = publish(folder, ["a", "b"], {"path": "in.csv", "on_malformed": "quarantine"})
    expect_equal(result.status, 0, f"exit code ({result.text[-800:]})")
    version = Version(store, "files")
    expect_equal(version.read("records").to_pylist(), [{"a": 1, "b": 2}, {"a": 7, "b": 8}], "rows")
    with open(f"{version.folder}/protocol.json") as file:
        protocol = file.read()
    expect('"quarantined"' in protocol, "protocol.json does not count quarantined rows")
    counts = [value for key, value in walk(json.loads(protocol)) if key == "quarantined"]
    expect(2 in counts, f"quarantined rows are counted as {counts}, expected 2")


def walk(node: object):
    if isinstance(node, dict):
        for key, value in node.items():
            yield key, value
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def test_csvkit_and_duckdb_files_give_a_table_or_a_named_error():
    """Nothing crashes or hangs: a file gives the rows that Python's csv module reads, or a message that names it."""
    folder = scratch("many")
    tar = subprocess.run(["zstd", "-dcq", shared("data/csv-duckdb/duckdb_csv.tar.zst")], capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(tar.stdout)) as archive:
        archive.extractall(f"{folder}/duckdb", filter="data")
    files = sorted(
        os.path.join(where, name) for top in (shared("data/csv-csvkit"), f"{folder}/duckdb")
        for where, _, names in os.walk(top) for name in names if name.endswith((".csv", ".tsv", ".csv.gz")))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(publish_any, files))
    wrong = [outcome for outcome in outcomes if outcome not in ("published", "refused")]
    expect(not wrong, "\n".join(wrong))
    return f"{len(files)} files: {outcomes.count('published')} published, {outcomes.count('refused')} refused by name"


def publish_any(path: str) -> str:
    """Decides about whatever columns the file has, as the plan names them, and publishes it."""
    folder = scratch("any")
    source = {"path": glob_safe(path)}
    document = Document(
        folder, "files", {"files": {"kind": "csv", **source}}, [Table("records", "files", {"no such column": "keep"})])
    result = run("plan", document.write(), "--json", seconds=60)
    columns = undecided(result.out)
    if columns:
        result, store = publish(folder, columns, {**source, "types": dict.fromkeys(columns, "text"), "nulls": []})
    if result.status == 0:
        found = [list(row.values()) for row in Version(store, "files").read("records").to_pylist()]
        return "published" if found == rows_by_python(path) else f"{path}: other rows than Python's csv module reads"
    is_named = os.path.basename(path) in result.text or document.path in result.text
    return "refused" if result.status in (1, 2, 4) and is_named else f"{path}: exit code {result.status}: {result.text[-400:]}"


def rows_by_python(path: str) -> list[list[str]]:
    """The records below the header by Python's strict reader; an empty line is a record where there is one column."""
    with (gzip.open(path) if path.endswith(".gz") else open(path, "rb")) as file:
        content = file.read()
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    rows = csv.reader(io.StringIO(content.decode(encoding), newline=""), strict=True)
    header = next(filter(None, rows))
    return [row or [""] for row in rows if row or len(header) == 1]


def glob_safe(path: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in path)


def undecided(plan: str) -> list[str]:
    """Columns that a plan's problems say nobody decided about."""
    try:
        problems = json.loads(plan).get("problems", [])
    except ValueError:
        return []
    found = [re.search(r'source column "(.*)" has no rule', problem["found"], re.DOTALL) for problem in problems]
    return [match[1] for match in found if match]
