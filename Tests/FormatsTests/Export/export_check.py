#!/usr/bin/env python3
"""Reads tables that were given out as Arrow, CSV and JSON Lines and compares every value with the Parquet files' own.

usage: export_check.py DIRECTORY

DIRECTORY/<name>.parquet (one or more: <name>.0.parquet, <name>.1.parquet ...), .arrow, .csv, .jsonl are the same table.
Prints one line a complaint; the exit status is their number, at most 100.
"""
import csv, datetime, glob, json, math, os, sys
import polars as pl, polars.testing, pyarrow as pa, pyarrow.csv, pyarrow.ipc, pyarrow.parquet as pq

csv.field_size_limit(1 << 30)
folder = sys.argv[1]
complaints = []
EPOCH = datetime.datetime(1970, 1, 1)


def comparable(array):
    """NaN equals NaN and 0 differs from -0 when bits are compared."""
    if pa.types.is_float32(array.type): return array.view(pa.int32())
    if pa.types.is_float64(array.type): return array.view(pa.int64())
    return array


def text(t, v):
    """A scalar as the text formats spell it; floats are compared as numbers."""
    if pa.types.is_boolean(t): return "true" if v else "false"
    if pa.types.is_decimal(t): return format(v, "f")
    if pa.types.is_timestamp(t): return (EPOCH + datetime.timedelta(microseconds=v)).isoformat() + ("Z" if t.tz else "")
    if pa.types.is_date(t): return v.isoformat()
    if pa.types.is_binary(t): return v.hex()
    return str(v)


def same_float(t, v, found):
    if math.isnan(v): return found == "NaN"
    if math.isinf(v): return found == ("Infinity" if v > 0 else "-Infinity")
    back = float(found)
    if pa.types.is_float32(t): back = pa.scalar(back, pa.float32()).as_py()
    return back == v and math.copysign(1, back) == math.copysign(1, v)


def same(t, v, found):
    """A value of Arrow's against one of JSON's, whose numbers are texts here."""
    if v is None: return found is None
    if pa.types.is_list(t):
        return isinstance(found, list) and len(found) == len(v) and all(same(t.value_type, a, b) for a, b in zip(v, found))
    if pa.types.is_struct(t):
        return isinstance(found, dict) and list(found) == [f.name for f in t] and all(same(f.type, v[f.name], found[f.name]) for f in t)
    if pa.types.is_floating(t): return isinstance(found, str) and same_float(t, v, found)
    if pa.types.is_boolean(t): return found is v
    return isinstance(found, str) and found == text(t, v)


def values(column):
    """Python's values; timestamps as numbers, wherever they are."""
    def numbers(t):
        if pa.types.is_timestamp(t): return pa.int64()
        if pa.types.is_list(t): return pa.list_(pa.field("element", numbers(t.value_type)))
        if pa.types.is_struct(t): return pa.struct([pa.field(f.name, numbers(f.type)) for f in t])
        return t
    return column.cast(numbers(column.type)).to_pylist()


def check_arrow(name, table):
    with open(f"{folder}/{name}.arrow", "rb") as f:
        found = pa.ipc.open_stream(f).read_all()
    found.validate(full=True)
    if not found.schema.equals(table.schema, check_metadata=False): complaints.append(f"{name}: {found.schema} is not {table.schema}")
    if found.num_rows != table.num_rows: complaints.append(f"{name}: {found.num_rows} rows in Arrow")
    for field, a, b in zip(table.schema, found.columns, table.columns):
        a, b = a.combine_chunks(), b.combine_chunks()
        if not comparable(a).equals(comparable(b)): complaints.append(f"{name} {field.name}: Arrow differs")
    with open(f"{folder}/{name}.arrow", "rb") as f:
        frame = pl.read_ipc_stream(f)
    pl.testing.assert_frame_equal(frame, pl.from_arrow(table))


def check_csv(name, table, columns):
    path = f"{folder}/{name}.csv"
    with open(path, newline="", encoding="utf-8") as f:
        rows = list(csv.reader(f))
    if rows[0] != table.column_names: complaints.append(f"{name}: CSV header {rows[0]}")
    if len(rows) != table.num_rows + 1: complaints.append(f"{name}: {len(rows) - 1} rows in CSV")
    # Which fields are NULL and which are empty, csv does not tell.
    second = pa.csv.read_csv(path, parse_options=pa.csv.ParseOptions(newlines_in_values=True), read_options=pa.csv.ReadOptions(block_size=1 << 26),
                             convert_options=pa.csv.ConvertOptions(column_types={n: pa.string() for n in table.column_names}, null_values=[""],
                                                                   strings_can_be_null=True, quoted_strings_can_be_null=False))
    for index, (field, column) in enumerate(zip(table.schema, columns)):
        nulls = second.column(index).is_null().to_pylist()
        for row, v in enumerate(column):
            found = rows[row + 1][index]
            if pa.types.is_nested(field.type):
                good = found == "" if v is None else same(field.type, v, json.loads(found, parse_int=str, parse_float=str))
            elif v is None: good = found == ""
            elif pa.types.is_floating(field.type): good = same_float(field.type, v, found)
            else: good = found == text(field.type, v)
            if not good or nulls[row] != (v is None):
                complaints.append(f"{name} {field.name} row {row}: CSV has {found!r}, should be {v!r}")
                break


def check_json(name, table, columns):
    with open(f"{folder}/{name}.jsonl", encoding="utf-8") as f:
        lines = f.read().splitlines()
    rows = [json.loads(line, parse_int=str, parse_float=str) for line in lines]
    if len(rows) != table.num_rows: complaints.append(f"{name}: {len(rows)} lines of JSON")
    for field, column in zip(table.schema, columns):
        for row, v in enumerate(column):
            if not same(field.type, v, rows[row][field.name]):
                complaints.append(f"{name} {field.name} row {row}: JSON has {rows[row][field.name]!r}, should be {v!r}")
                break
    if rows and list(rows[0]) != table.column_names: complaints.append(f"{name}: members are in another order")


paths = sorted(glob.glob(f"{folder}/*.arrow"))
if not paths: complaints.append("there is nothing to compare")
for path in paths:
    name = os.path.basename(path)[:-len(".arrow")]
    parts = sorted(glob.glob(f"{folder}/{glob.escape(name)}.*.parquet"))
    try:
        table = pa.concat_tables([pq.read_table(p) for p in parts])
        columns = [values(c) for c in table.columns]
        check_arrow(name, table)
        if os.path.exists(f"{folder}/{name}.csv"): check_csv(name, table, columns)
        if os.path.exists(f"{folder}/{name}.jsonl"): check_json(name, table, columns)
    except Exception as error:
        complaints.append(f"{name}: {type(error).__name__} {error}"[:2000])
print(*complaints[:40], sep="\n")
sys.exit(min(len(complaints), 100))
