"""Tokens in published parts are what an outsider computes from the recipe in docs/verbs.md."""
import base64
import contextlib
import hashlib
import hmac
import random
import subprocess

from lib.checks import expect, expect_equal
from lib.database import Database
from lib.document import Document, Table
from lib.etlx import run, run_well
from lib.published import Version
from lib.surroundings import scratch

LENGTHS = (0, 1, 55, 56, 63, 64, 65, 119, 120, 1 << 20)
COUNT = 10_000
SEED = 5


def scope_key(key: bytes, scope: str) -> bytes:
    """HKDF-SHA-256 (RFC 5869) of the key file's 32 bytes, without salt; 32 bytes."""
    extracted = hmac.digest(b"\0" * 32, key, "sha256")
    return hmac.digest(extracted, f"etl-express/1/token/{scope}".encode() + b"\x01", "sha256")


def token(key: bytes, scope: str, value: bytes) -> str:
    """The first 128 bits of HMAC-SHA-256 under the scope's key, in lower-case base32 without padding."""
    return base32(hmac.digest(scope_key(key, scope), value, "sha256"))


def base32(digest: bytes) -> str:
    return base64.b32encode(digest[:16]).decode().lower().rstrip("=")


def test_tokens_equal_the_recipe():
    dice = random.Random(SEED)
    texts = ["x" * length for length in LENGTHS] + ["é" * 28, "日本語", "a\tb\nc", "'", "\u200b"]
    texts += ["".join(dice.choice("abcdefghij ÄÖ日0123") for _ in range(dice.randrange(1, 90))) for _ in range(COUNT - len(texts))]
    blobs = [bytes(dice.randrange(256) for _ in range(dice.randrange(0, 130))) for _ in range(COUNT)]
    blobs[:len(LENGTHS)] = [b"\xff" * length for length in LENGTHS]
    folder = scratch("tokens")
    database = Database.fresh("e2e_tokens")
    with contextlib.closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("create table t (id int, number bigint, label text, blob bytea)")
        for number, (label, blob) in enumerate(zip(texts, blobs)):
            cursor.execute("insert into t values (%s, %s, %s, %s)", (number, number * 7919 - 1000, label, blob))

    keys = {"one": bytes(range(32)), "two": hashlib.sha256(b"another key for tests").digest()}
    rules = {"id": "keep", "number": {"token": {"key": "one", "scope": "a"}}, "label": "keep", "blob": "keep"}
    for column in ("label", "blob"):
        for key in keys:
            for scope in ("a", "b"):
                rules[f"{column}_{key}_{scope}"] = [{"from": column}, {"token": {"key": key, "scope": scope}}]
    document = Document(folder, "tokens", {"db": {"kind": "postgres", "url": database.url}}, [Table("t", "db.public.t", rules)])
    for name, content in keys.items():
        document.with_key(name, content)
    run_well("run", document.write())
    rows = sorted(Version(document.store, "tokens").read("t").to_pylist(), key=lambda row: row["id"])
    expect_equal(len(rows), COUNT, "rows")

    for number, row in enumerate(rows):
        expect_equal(row["number"], token(keys["one"], "a", str(number * 7919 - 1000).encode()), f"token of row {number}'s number")
        for column, value in (("label", texts[number].encode()), ("blob", blobs[number])):
            for key, content in keys.items():
                for scope in ("a", "b"):
                    expect_equal(
                        row[f"{column}_{key}_{scope}"], token(content, scope, value),
                        f"token of row {number}'s {column} ({len(value)} bytes) under key {key}, scope {scope}, seed {SEED}")
    against_openssl(rows, texts, keys)
    return f"{COUNT} texts and {COUNT} blobs under 2 keys × 2 scopes, {len(LENGTHS)} of them by openssl too"


# What a cell may look like to whoever guesses types from all rows.
CELLS = [
    "1001", "1004.0", "1004.00", "007", "7", "-7", "-0", "+5", "1e3", "1000", "0x1F", "1_000", ".5", "0.5", "1e999", "nan",
    "Infinity", "12345678901234567890", "true", "TRUE", "True", "t", "2026-11-05", "2026-11-05 07:08:09", "2026-11-05T07:08:09",
    "2026-11-05 07:08:09Z", "2026-11-05 09:08:09+02:00", "2026-11-05 07:08:09.500000", " 7", "é", "4111111111111111", "0.10",
]
# Which of them stand in one source; each set would be inferred as another type.
NEIGHBOURS = [
    ["1001", "7", "1000"], ["1001", "1004.0"], ["1001", "1004.00"], ["1001", "1e3"], ["1001", "12345678901234567890"], ["1001", "007"],
    ["true", "TRUE", "True"], ["true", "True", "t"], ["2026-11-05"], ["2026-11-05", "1001"],
    ["2026-11-05 07:08:09", "2026-11-05T07:08:09"], ["2026-11-05 07:08:09", "2026-11-05 07:08:09.500000", "7"],
    ["2026-11-05 07:08:09Z", "2026-11-05 09:08:09+02:00"], CELLS,
]


def test_tokens_of_files_depend_on_the_cell_alone():
    """Whatever stands in other rows, files and shards: the token of a cell is that of its text. So are shifts of its subject."""
    dice = random.Random(SEED)
    key = hashlib.sha256(b"a key for files").digest()
    others: dict[str, dict[str, str]] = {}
    replaced: set[str] = set()
    rules = {
        "n": "keep", "id": {"token": {"key": "k", "scope": "person"}},
        "sealed": [{"from": "other"}, {"encrypt": {"key": "k", "context": "c"}}],
        "changed": [{"from": "code"}, {"format_preserving": {"key": "k", "scope": "s", "alphabet": "digits"}}],
        "day": {"shift_dates": {"key": "k", "by": "subject", "days": 30}},
        "subject": [{"from": "subject"}, "keep"],
    }
    for number, neighbours in enumerate(NEIGHBOURS + [dice.sample(CELLS, 4) for _ in range(4)]):
        folder = scratch("cells")
        cells = [dice.choice(neighbours) for _ in range(40)] + neighbours
        dice.shuffle(cells)
        codes = [str(dice.randrange(10**5, 10**6)) for _ in cells] if number % 2 else [f"{dice.randrange(10**6):06d}" for _ in cells]
        codes[0] = "123456"
        for file in range(3):
            lines = [f"{row},{cells[row]},{cells[row]},{codes[row]},2026-11-05,{cells[row]}" for row in range(file, len(cells), 3)]
            with open(f"{folder}/in-{file}.csv", "w") as out:
                out.write("\n".join(["n,id,other,code,day,subject", *lines]) + "\n")
        document = Document(
            folder, "cells", {"files": {"kind": "csv", "path": "in-*.csv"}},
            [Table("t", "files", {**rules, "other": "drop", "code": "drop"})]).with_key("k", key)
        plan = run_well("plan", document.write()).out
        expect("read as text: its values are used as identities" in plan, f"plan does not say what it reads as text: {plan}")
        run_well("run", document.path)
        rows = Version(document.store, "cells").read("t").to_pylist()
        expect_equal(sorted(row["n"] for row in rows), list(range(len(cells))), "rows")
        for row in rows:
            cell = cells[row["n"]]
            where = f"{cell!r} among {neighbours}, seed {SEED}"
            expect_equal(row["id"], token(key, "person", cell.encode()), f"token of {where}")
            expect_equal(row["subject"], cell, f"text of {where}")
            found = {"sealed": row["sealed"], "shift": str(row["day"])}
            expect_equal(found, others.setdefault(cell, found), f"ciphertext and shift of {where}")
        replaced |= {row["changed"] for row in rows if row["n"] == 0}
    expect_equal(len(replaced), 1, "replacements of 123456")
    expect_equal(len({found["sealed"] for found in others.values()}), len(others), "ciphertexts of as many cells")
    return f"{len(others)} cells among {number + 1} kinds of neighbours"


def test_a_declared_type_stays_declared():
    """`types:` or a leading `cast` say how a field is read; its token is that of the value's text form."""
    folder = scratch("declared")
    key = bytes(range(32))
    with open(f"{folder}/in.csv", "w") as file:
        file.write("a,b,c\n007,007,007\n+5,5.0,+5\n")
    one = {"token": {"key": "k", "scope": "s"}}
    document = Document(
        folder, "declared", {"files": {"kind": "csv", "path": "in.csv", "types": {"a": "int64"}}},
        [Table("t", "files", {"a": one, "b": [{"cast": "decimal(5,2)"}, one], "c": [one]})]).with_key("k", key)
    run_well("run", document.write())
    rows = Version(document.store, "declared").read("t").to_pylist()
    wanted = [("7", "7.00", "007"), ("5", "5.00", "+5")]
    expect_equal([tuple(row.values()) for row in rows], [tuple(token(key, "s", cell.encode()) for cell in cells) for cells in wanted], "tokens")


def test_a_column_that_is_identity_and_number_must_say_so():
    """One output takes the token of a column, another rounds it: the type is declared, or the run is refused with the way out."""
    folder = scratch("both")
    with open(f"{folder}/in.csv", "w") as file:
        file.write("a\n1001\n1004.0\n")
    rules = {"a": {"token": {"key": "k", "scope": "s"}}, "about": [{"from": "a"}, {"round": -1}]}
    document = Document(folder, "both", {"files": {"kind": "csv", "path": "in.csv"}}, [Table("t", "files", rules)]).with_key("k")
    result = run("plan", document.write())
    expect_equal(result.status, 2, "exit code")
    expect("round does not take text" in result.err and "`types:`" in result.err, f"the way out is not told: {result.err}")
    document.sources["files"]["types"] = {"a": "decimal(6,1)"}
    run_well("run", document.write())
    expect_equal([row["about"] for row in Version(document.store, "both").read("t").to_pylist()], [1000, 1000], "rounded")


def against_openssl(rows: list[dict], texts: list[str], keys: dict[str, bytes]) -> None:
    """The edge lengths again with the commands of docs/verbs.md."""
    for key, content in keys.items():
        derived = subprocess.run(
            ["openssl", "kdf", "-keylen", "32", "-kdfopt", "digest:SHA256", "-kdfopt", f"hexkey:{content.hex()}",
             "-kdfopt", "info:etl-express/1/token/a", "-binary", "HKDF"], capture_output=True, check=True).stdout
        for number in range(len(LENGTHS)):
            digest = subprocess.run(
                ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{derived.hex()}", "-binary"],
                input=texts[number].encode(), capture_output=True, check=True).stdout
            expect_equal(rows[number][f"label_{key}_a"], base32(digest), f"openssl's token of {len(texts[number])} bytes")


def test_same_scope_joins_other_scope_does_not():
    folder = scratch("scopes")
    database = Database.fresh("e2e_scopes")
    database.execute("create table a as select i as id from generate_series(1, 500) i; create table b as select i::text as ref from generate_series(1, 500) i")
    document = Document(
        folder, "scopes", {"db": {"kind": "postgres", "url": database.url}},
        [Table("a", "db.public.a", {"id": {"token": {"key": "k", "scope": "person"}}, "other": [{"from": "id"}, {"token": {"key": "k", "scope": "other"}}]}),
         Table("b", "db.public.b", {"ref": {"token": {"key": "k", "scope": "person"}}})]).with_key("k")
    run_well("run", document.write())
    version = Version(document.store, "scopes")
    a, b = version.read("a"), version.read("b")
    expect_equal(set(a.column("id").to_pylist()), set(b.column("ref").to_pylist()), "tokens of 1…500 as integers and as text")
    expect(not set(a.column("id").to_pylist()) & set(a.column("other").to_pylist()), "two scopes share a token")
