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
from lib.etlx import run_well
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
