#!/usr/bin/env python3
"""Reads tables of a version as Delta and as Iceberg by the readers that others have, and holds what they find against
the Parquet files themselves: rows, nulls, and for every column and member a sum that no lost or doubled value leaves equal.

usage: open_formats.py [--delta] [--iceberg] RUN_FOLDER TABLE…

Prints a line a reader and table; exit code 1 if one found something else. A reader that is not installed is named.
"""
import glob
import importlib
import math
import os
import sys

import pyarrow
import pyarrow.compute
import pyarrow.parquet


def facts(table: pyarrow.Table) -> dict[str, tuple]:
    """What is the same however a table is read: for each column and member its kind, values, nulls and sum."""
    found = {"": (table.num_rows,)}
    for name in table.column_names:
        add_facts(found, name, table.column(name))
    return found


def add_facts(found: dict[str, tuple], name: str, column: pyarrow.ChunkedArray) -> None:
    kind, plain, compute = column.type, column.combine_chunks(), pyarrow.compute
    if isinstance(plain, pyarrow.ChunkedArray):
        plain = pyarrow.concat_arrays(plain.chunks) if plain.num_chunks else pyarrow.array([], kind)
    values = (len(plain) - plain.null_count, plain.null_count)
    if pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind):
        found[name] = ("list", *values)
        add_facts(found, f"{name}[]", pyarrow.chunked_array([plain.flatten()]))
    elif pyarrow.types.is_struct(kind):
        found[name] = ("struct", *values)
        for field, member in zip(kind, plain.flatten()):
            add_facts(found, f"{name}.{field.name}", pyarrow.chunked_array([member]))
    elif pyarrow.types.is_timestamp(kind):
        found[name] = ("instant" if kind.tz else "local time", *values, integers(plain.cast(pyarrow.timestamp("us", kind.tz))))
    elif pyarrow.types.is_date32(kind):
        found[name] = ("date", *values, sum(plain.cast(pyarrow.int32()).drop_null().to_pylist()))
    elif pyarrow.types.is_floating(kind):
        numbers = plain.drop_null().to_pylist()
        whole = [number for number in numbers if math.isfinite(number)]
        found[name] = ("float", *values, math.fsum(whole), len(numbers) - len(whole))
    elif pyarrow.types.is_boolean(kind) or pyarrow.types.is_integer(kind) or pyarrow.types.is_decimal(kind):
        found[name] = ("number", *values, sum(plain.drop_null().to_pylist()))
    else:
        binary = plain.cast(pyarrow.large_binary())
        found[name] = ("bytes", *values, compute.sum(compute.binary_length(binary)).as_py(), len(binary.unique()))


def without_null_lists(found: dict[str, tuple]) -> dict[str, tuple]:
    """pyiceberg 0.12 reads an absent list of structures as an empty one: of these, both are counted together."""
    return {
        name: ("list", fact[1] + fact[2]) if fact[0] == "list" and found[f"{name}[]"][0] == "struct" else fact
        for name, fact in found.items()}


def integers(column: pyarrow.Array) -> int:
    return sum(column.cast(pyarrow.int64()).drop_null().to_pylist())


def parquet(folder: str) -> pyarrow.Table | None:
    """The parts themselves, or None where there are none."""
    parts = sorted(glob.glob(f"{glob.escape(folder)}/*.parquet"))
    return pyarrow.concat_tables([pyarrow.parquet.read_table(part, partitioning=None) for part in parts]) if parts else None


def delta_deltalake(folder: str) -> pyarrow.Table:
    import deltalake
    return deltalake.DeltaTable(folder).to_pyarrow_table()


def delta_polars(folder: str) -> pyarrow.Table:
    import deltalake  # noqa: F401  polars reads by it
    import polars
    return polars.scan_delta(folder).collect().to_arrow()


def delta_duckdb(folder: str) -> pyarrow.Table:
    return duckdb_with("delta").execute("from delta_scan(?)", [folder]).to_arrow_table()


def iceberg_pyiceberg(folder: str) -> pyarrow.Table:
    from pyiceberg.table import StaticTable
    return StaticTable.from_metadata(f"{folder}/metadata/v1.metadata.json").scan().to_arrow()


def iceberg_polars(folder: str) -> pyarrow.Table:
    os.environ.setdefault("POLARS_ICEBERG_PLANNER", "pyiceberg")
    import polars
    import pyiceberg  # noqa: F401  polars reads by it
    return polars.scan_iceberg(f"{folder}/metadata/v1.metadata.json").collect().to_arrow()


def iceberg_duckdb(folder: str) -> pyarrow.Table:
    return duckdb_with("avro", "iceberg").execute("from iceberg_scan(?)", [folder]).to_arrow_table()


def duckdb_with(*extensions: str):
    """A connection with extensions that came as Python packages: nothing is fetched."""
    import duckdb
    connection = duckdb.connect()
    for name in extensions:
        package = importlib.import_module(f"duckdb_extension_{name}")
        [path] = glob.glob(f"{glob.escape(os.path.dirname(package.__file__))}/extensions/*/{name}.duckdb_extension")
        connection.execute(f"load '{path}'")
    return connection


READERS = {
    "delta": {"deltalake": delta_deltalake, "polars": delta_polars, "duckdb": delta_duckdb},
    "iceberg": {"pyiceberg": iceberg_pyiceberg, "polars": iceberg_polars, "duckdb": iceberg_duckdb},
}


def compare(folder: str, form: str) -> tuple[list[str], list[str]]:
    """Differences, and readers that are not installed, for one table's folder."""
    wanted = parquet(folder)
    differences, absent = [], []
    for reader, read in READERS[form].items():
        try:
            found = read(folder)
        except ImportError as reason:
            absent.append(f"{reader} ({reason})")
            continue
        except Exception as reason:
            differences.append(f"{form} by {reader}: {type(reason).__name__}: {str(reason)[:500]}")
            continue
        if wanted is None:
            if found.num_rows:
                differences.append(f"{form} by {reader}: {found.num_rows} rows of a table without parts")
            continue
        found, expected = facts(found), facts(wanted)
        if reader == "pyiceberg":
            found, expected = without_null_lists(found), without_null_lists(expected)
        if found != expected:
            different = [name for name in {**expected, **found} if found.get(name) != expected.get(name)]
            differences.append(
                f"{form} by {reader}: " + ", ".join(f"{name!r}: {found.get(name)} is not {expected.get(name)}" for name in different[:5]))
    return differences, absent


def main() -> int:
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    if len(words) < 2:
        sys.exit(__doc__)
    failed = False
    for table in words[1:]:
        for form in [form for form in READERS if f"--{form}" in sys.argv]:
            differences, absent = compare(f"{words[0]}/data/{table}", form)
            failed = failed or bool(differences)
            print(f"{'FAIL' if differences else 'ok'} {table} as {form}", *differences, *[f"skipped {name}" for name in absent], sep="; ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
