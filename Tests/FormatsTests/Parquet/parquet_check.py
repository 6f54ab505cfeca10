#!/usr/bin/env python3
"""Reads Parquet files with pyarrow, DuckDB and polars and compares every value with what was written.

usage: parquet_check.py DIRECTORY [FOLDER OF parquet_pushdown_audit.py]

DIRECTORY/manifest.jsonl has a line a file: {"file", "expected", "columns": [[name, type, protected]], "rows",
"audit": probes a column or 0}. DIRECTORY/<expected> has a line a column: its values, floats as bit patterns, decimals
in units of the last place, binary in hexadecimal, dates in days, timestamps in microseconds.
Prints one line a complaint; the exit status is their number, at most 100.
"""
import decimal, json, os, struct, sys
import duckdb, polars as pl, pyarrow as pa, pyarrow.parquet as pq

decimal.getcontext().prec = 60
folder = sys.argv[1]
complaints = []


def arrow_type(t):
    kind = t[0]
    if kind == "decimal": return pa.decimal128(t[1], t[2])
    if kind == "list": return pa.list_(pa.field("element", arrow_type(t[1])))
    if kind == "struct": return pa.struct([pa.field(n, arrow_type(m)) for n, m in t[1:]])
    return {"boolean": pa.bool_(), "int16": pa.int16(), "int32": pa.int32(), "int64": pa.int64(),
            "float32": pa.float32(), "float64": pa.float64(), "text": pa.string(), "binary": pa.binary(),
            "date": pa.date32(), "timestamp": pa.timestamp("us"), "timestamptz": pa.timestamp("us", "UTC")}[kind]


def python_value(t, v):
    """Nested values: what pa.array takes."""
    if v is None: return None
    kind = t[0]
    if kind == "decimal": return decimal.Decimal(v).scaleb(-t[2])
    if kind == "list": return [python_value(t[1], x) for x in v]
    if kind == "struct": return {n: python_value(m, x) for (n, m), x in zip(t[1:], v)}
    if kind == "float32": return struct.unpack("<f", struct.pack("<I", v))[0]
    if kind == "float64": return struct.unpack("<d", struct.pack("<Q", v))[0]
    if kind == "binary": return bytes.fromhex(v)
    return v


def expected_array(t, values):
    kind, a = t[0], arrow_type(t)
    if kind == "float32": return pa.array(values, pa.uint32()).view(pa.float32())
    if kind == "float64": return pa.array(values, pa.uint64()).view(pa.float64())
    if kind == "date": return pa.array(values, pa.int32()).view(a)
    if kind.startswith("timestamp"): return pa.array(values, pa.int64()).view(a)
    if kind in ("decimal", "binary", "list", "struct"): return pa.array([python_value(t, v) for v in values], a)
    return pa.array(values, a)


def comparable(array):
    """NaN equals NaN and 0 differs from -0 when bits are compared."""
    if pa.types.is_float32(array.type): return array.view(pa.int32())
    if pa.types.is_float64(array.type): return array.view(pa.int64())
    return array


def one(table, name, a):
    array = table.column(name).cast(a).combine_chunks()
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def readers(path):
    yield "pyarrow", lambda: pq.read_table(path, page_checksum_verification=True)

    def with_duckdb():
        con = duckdb.connect()
        con.execute("set TimeZone='UTC'")
        return con.execute("select * from read_parquet(?)", [path]).to_arrow_table()
    yield "duckdb", with_duckdb
    yield "polars", lambda: pl.read_parquet(path).to_arrow(compat_level=pl.CompatLevel.oldest())


def check_values(case, path, arrays):
    for reader, read in readers(path):
        try:
            table = read()
            if table.num_rows != case["rows"]: complaints.append(f"{path} {reader}: {table.num_rows} rows")
            for (name, t, _), want in zip(case["columns"], arrays):
                got = one(table, name, arrow_type(t))
                if not comparable(got).equals(comparable(want)):
                    row = next((i for i in range(len(want)) if not comparable(got)[i:i + 1].equals(comparable(want)[i:i + 1])), -1)
                    complaints.append(f"{path} {reader} {name}: row {row} is {got[row]}, should be {want[row]}")
        except Exception as error:
            complaints.append(f"{path} {reader}: {type(error).__name__} {error}")


def check_metadata(case, path):
    file = pq.ParquetFile(path)
    if case["rows"]:
        for f, (name, t, _) in zip(file.schema_arrow, case["columns"]):
            want = arrow_type(t)
            if f.name != name or f.type != want: complaints.append(f"{path}: column {f} should be {name}: {want}")
    protected = {name for name, _, p in case["columns"] if p}
    con = duckdb.connect()
    rows = con.execute("select path_in_schema, stats_min_value, stats_max_value, stats_null_count, num_values, "
                       "total_compressed_size from parquet_metadata(?)", [path]).fetchall()
    for name, low, high, nulls, values, size in rows:
        column = name.split(",")[0]
        if column in protected and (low, high, nulls) != (None, None, None):
            complaints.append(f"{path} {column}: protected, yet with statistics")
        if column not in protected and nulls is None: complaints.append(f"{path} {column}: no null count")
    meta = file.metadata
    for group in range(meta.num_row_groups):
        for index in range(meta.num_columns):
            s = meta.row_group(group).column(index).statistics
            if s is not None and (s.min_exact if hasattr(s, "min_exact") else True) is None:
                complaints.append(f"{path}: exactness is missing")
    if not meta.created_by.startswith("etl-express version "): complaints.append(f"{path}: created_by")


def audit(case, path):
    import parquet_pushdown_audit
    _, bad = parquet_pushdown_audit.audit(path, k=case["audit"])
    complaints.extend(f"{path} audit: {b}" for b in bad)


known = {}
if len(sys.argv) > 2: sys.path.insert(0, sys.argv[2])
for line in open(os.path.join(folder, "manifest.jsonl"), encoding="utf-8"):
    case = json.loads(line)
    path = os.path.join(folder, case["file"])
    if case["expected"] not in known:
        known.clear()
        with open(os.path.join(folder, case["expected"]), encoding="utf-8") as f:
            known[case["expected"]] = [expected_array(c[1], json.loads(v)) for c, v in zip(case["columns"], f)]
    check_values(case, path, known[case["expected"]])
    check_metadata(case, path)
    if case["audit"] and len(sys.argv) > 2: audit(case, path)
print(*complaints[:40], sep="\n")
sys.exit(min(len(complaints), 100))
