"""The benchmarks run with little data, so that they do not rot; their speed is not judged here."""
import json
import subprocess
import sys

from lib.checks import expect, expect_equal
from lib.surroundings import ROOT, etlx_path, postgres_url, scratch, shared


def test_postgres_to_parquet():
    etlx_path()
    postgres_url()
    out = f"{scratch('benchmark')}/result.json"
    done = subprocess.run(
        [sys.executable, f"{ROOT}/benchmarks/postgres-to-parquet/run", "--rows", "20000", "--repeats", "1", "--json", out],
        capture_output=True, text=True)
    expect(done.returncode == 0, f"exit code {done.returncode}: {done.stdout[-800:]}{done.stderr[-800:]}")
    with open(out) as file:
        result = json.load(file)
    expect_equal(result["rows"], 20_000, "rows")
    expect(all(len(values) == 1 for values in result["seconds"].values()), f"turns: {result['seconds']}")


def test_scaling():
    etlx_path()
    out = f"{scratch('scaling')}/result.json"
    done = subprocess.run(
        [sys.executable, f"{ROOT}/benchmarks/scaling/run", "--files", "1", "--repeats", "1", "--json", out],
        capture_output=True, text=True)
    expect(done.returncode == 0, f"exit code {done.returncode}: {done.stdout[-800:]}{done.stderr[-800:]}")
    with open(out) as file:
        result = json.load(file)
    expect(set(result["seconds"]) == {"1", "2"} and result["ratio"] > 0, f"turns: {result}")


def test_redaction():
    etlx_path()
    shared("data/pii-presidio-synth/synth_dataset_v2.json.gz")
    out = f"{scratch('redaction')}/result.json"
    done = subprocess.run(
        [sys.executable, f"{ROOT}/benchmarks/redaction/run", "--megabytes", "1", "--json", out], capture_output=True, text=True)
    expect(done.returncode == 0, f"exit code {done.returncode}: {done.stdout[-800:]}{done.stderr[-800:]}")
    with open(out) as file:
        result = json.load(file)
    expect(all(row["meets_goal"] for row in result["kinds"]), f"goals of recall and precision: {result['kinds']}")
    return ", ".join(f"{row['kind']} {row['recall']:.2f}/{row['precision']:.2f}" for row in result["kinds"])


def test_coordinator():
    """Twenty workers, five hundred shards and a killed coordinator: the ledger has every shard once."""
    etlx_path()
    out = f"{scratch('coordinator')}/result.json"
    done = subprocess.run(
        [sys.executable, f"{ROOT}/benchmarks/coordinator/run", "--workers", "20", "--shards", "500", "--rate", "200", "--processes", "1",
         "--idle", "0.5", "--fast", "--json", out], capture_output=True, text=True)
    expect(done.returncode == 0, f"exit code {done.returncode}: {done.stdout[-800:]}{done.stderr[-800:]}")
    with open(out) as file:
        result = json.load(file)
    expect_equal(result["violations"], [], "violations")
    audit, recovery = result["audit"], result["recovery"]
    expect_equal((audit["done"], audit["shards_accepted_once"], audit["accepted_attempts"]), (500, 500, 500), "shards in the ledger")
    expect(300 <= recovery["done_before"] <= recovery["done_after"] < 500, f"shards done around the kill: {recovery}")
    expect_equal({name: result["answers"][name] for name in ("refused", "unknown", "other")}, dict.fromkeys(("refused", "unknown", "other"), 0), "errors")
    return f"leads {recovery['kill_to_leads']} s after the kill"
