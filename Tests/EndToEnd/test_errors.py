"""Planted mistakes: each message names the place, what was found and the remedy, and is held as golden text.

A golden file holds the command's exit code and what it printed, with folders and ports replaced. RECORD_GOLDENS=1
writes them anew; that run fails, so that nobody records by accident.
"""
import dataclasses
import os
import re
import socket
from typing import Callable

from lib.checks import expect
from lib.database import Database
from lib.etlx import run
from lib.surroundings import ROOT, scratch

GOLDEN = os.path.join(ROOT, "Tests/EndToEnd/golden")

BASE = """\
format: 1
module: shop
title: Shop
description: Customers of a shop.
compliance: {purpose: Testing}
sources:
  shop: {kind: csv, path: customers.csv}
keys:
  people: {file: people.key}
tables:
  customers:
    from: shop
    columns:
      id: {token: {key: people, scope: customer}}
      name: {mask: {keep_first: 1}}
      birth_date: {generalize: {to: year}}
      zip: {generalize: {prefix: 3}}
      visits: keep
target: {directory: modules}
"""
CUSTOMERS = "id,name,birth_date,zip,visits\nc1,Anna,1980-02-03,01234,3\nc2,Bert,1991-12-24,99999,0\n"


@dataclasses.dataclass
class Mistake:
    """A document made from `BASE` by one replacement, or files changed, and the command that meets it."""
    status: int
    replace: tuple[str, str] | None = None
    also: tuple[str, str] | None = None
    prepare: Callable[[str], None] | None = None
    command: tuple[str, ...] = ("run", "shop.yaml")


def csv(content: str | bytes) -> Callable[[str], None]:
    def write(folder: str) -> None:
        with open(f"{folder}/customers.csv", "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
    return write


def key(content: bytes, mode: int = 0o600) -> Callable[[str], None]:
    def write(folder: str) -> None:
        with open(f"{folder}/people.key", "wb") as file:
            file.write(content)
        os.chmod(f"{folder}/people.key", mode)
    return write


def columns(rule: str) -> tuple[str, str]:
    return "      visits: keep\n", f"      visits: {rule}\n"


IN_DOCUMENTS = {
    "document-absent": Mistake(2, command=("run", "no-such.yaml")),
    "yaml-syntax": Mistake(2, ("columns:\n", "columns: [\n")),
    "duplicate-key": Mistake(2, ("      visits: keep\n", "      visits: keep\n      visits: drop\n")),
    "unknown-key": Mistake(2, ("title:", "titel:")),
    "format-of-the-future": Mistake(2, ("format: 1", "format: 2")),
    "module-name": Mistake(2, ("module: shop", "module: Shop Data")),
    "missing-purpose": Mistake(2, ("{purpose: Testing}", "{controller: Example}")),
    "bad-retention": Mistake(2, ("{purpose: Testing}", "{purpose: Testing, retention: 5 years}")),
    "unknown-source-kind": Mistake(2, ("kind: csv", "kind: cvs")),
    "source-kind-of-later": Mistake(2, ("kind: csv", "kind: mysql")),
    "unknown-encoding": Mistake(2, ("path: customers.csv}", "path: customers.csv, encoding: latin1}")),
    "unset-variable": Mistake(2, ("customers.csv}", "\"${env:ETL_TEST_UNSET}/customers.csv\"}")),
    "unknown-source": Mistake(2, ("from: shop", "from: shops")),
    "quality-not-here": Mistake(2, ("    columns:", "    quality: [{column: id, unique: true}]\n    columns:")),
    "privacy-not-here": Mistake(2, ("    columns:", "    privacy: {k: 5}\n    columns:")),
    "credentials-in-document": Mistake(2, ("{directory: modules}", "{s3: {bucket: data, secret_key: s}}")),
    "two-targets": Mistake(2, ("{directory: modules}", "{directory: modules, s3: {bucket: data}}")),
    "unknown-verb": Mistake(2, ("{token: {key", "{tokn: {key")),
    "unknown-argument": Mistake(2, ("scope: customer}", "scop: customer}")),
    "missing-scope": Mistake(2, ("key: people, scope: customer", "key: people")),
    "unknown-unit": Mistake(2, ("to: year", "to: years")),
    "clamp-upside-down": Mistake(2, columns("{clamp: [9, 1]}")),
    "verb-does-not-fit-type": Mistake(2, columns("trim")),
    "undecided-column": Mistake(2, ("      visits: keep\n", "")),
    "missing-column": Mistake(2, ("      zip:", "      zipp:")),
    "case-only-difference": Mistake(2, columns("keep\n      VISITS: [{from: visits}, keep]")),
    "several-at-once": Mistake(2, ("to: year", "to: years"), also=("from: shop", "from: shopp")),
}
IN_KEYS = {
    "unknown-key-name": Mistake(2, ("token: {key: people", "token: {key: peopel")),
    "key-bytes-in-document": Mistake(2, ("{file: people.key}", "{base64: c2VjcmV0LWJ5dGVzLW9mLWEta2V5LTMyLWJ5dGVzISE=}")),
    "key-absent": Mistake(2, ("people.key}", "nowhere.key}")),
    "key-too-short": Mistake(2, prepare=key(b"short")),
    "key-readable-by-others": Mistake(2, prepare=key(bytes(range(32)), 0o644)),
    "key-exists": Mistake(2, command=("keys", "new", "people.key")),
}
IN_FILES = {
    "no-file-matches": Mistake(4, ("customers.csv}", "\"customer-*.csv\"}")),
    "empty-file": Mistake(2, prepare=csv("")),
    "ragged-record": Mistake(1, prepare=csv(CUSTOMERS + "c3,Carl,1970-01-01\n")),
    "open-quote": Mistake(1, prepare=csv(CUSTOMERS + 'c3,"Carl,1970-01-01,00000,1\n')),
    "not-utf-8": Mistake(1, prepare=csv(CUSTOMERS.encode() + b"c3,Zo\xeb,1970-01-01,00000,1\n")),
    "value-of-other-type": Mistake(
        1, ("path: customers.csv}", "path: customers.csv, types: {visits: int32}}"), prepare=csv(CUSTOMERS + "c3,Carl,1970-01-01,00000,many\n")),
    "duplicate-header": Mistake(2, prepare=csv("id,name,name,zip,visits\n1,a,b,c,d\n")),
}
IN_COMMANDS = {
    "unknown-command": Mistake(2, command=("rnu", "shop.yaml")),
    "unknown-option": Mistake(2, command=("run", "shop.yaml", "--worker", "2")),
    "no-workers": Mistake(2, command=("run", "shop.yaml", "--workers", "0")),
    "store-absent": Mistake(4, command=("modules", "no-such-store")),
    "module-absent": Mistake(2, command=("modules", ".", "show", "shop")),
    "target-is-a-file": Mistake(4, ("{directory: modules}", "{directory: people.key}")),
}


def test_mistakes_in_documents():
    return check_all(IN_DOCUMENTS)


def test_mistakes_in_keys():
    return check_all(IN_KEYS)


def test_mistakes_in_files():
    return check_all(IN_FILES)


def test_mistakes_in_commands():
    return check_all(IN_COMMANDS)


def test_problems_are_told_all_at_once():
    """One mistake in each part of the document: all are told, whatever part of the reading finds them."""
    folder = scratch("all")
    text = BASE
    for found, wrong in (
            ("titel:", "title:"), ("kind: cvs", "kind: csv"), ("from: shopp", "from: shop"), ("{tokn: ", "{token: "),
            ("to: years", "to: year"), ("{s3: {bucket: UPPER}}", "{directory: modules}")):
        text = text.replace(wrong, found, 1)
    with open(f"{folder}/shop.yaml", "w") as file:
        file.write(text)
    result = run("validate", "shop.yaml", cwd=folder)
    expect(result.status == 2, f"exit code {result.status}")
    for word in ("titel", "cvs", "shopp", "tokn", "years", "UPPER"):
        expect(f'"{word}"' in result.err, f"{word} is not told: {result.err}")


def test_more_problems_than_a_message_holds():
    """Three thousand undecided columns: the places of many are told, and how many there are."""
    folder = scratch("many")
    key(bytes(range(32)))(folder)
    names = [f"column_number_{number}" for number in range(3_000)]
    csv(",".join(["id", "name", "birth_date", "zip", "visits", *names]) + "\n")(folder)
    with open(f"{folder}/shop.yaml", "w") as file:
        file.write(BASE)
    for command in ("plan", "run"):
        result = run(command, "shop.yaml", cwd=folder)
        expect(result.status == 2, f"exit code {result.status}: {result.text[-400:]}")
        count = len(re.findall(r"^shop\.yaml:\d+:\d+: error: ", result.err, re.MULTILINE))
        expect(count >= 50, f"etlx {command} tells the places of {count} problems: {result.err[-400:]}")
        expect(re.search(r"3,?00[01]", result.err), f"etlx {command} does not say how many problems there are: {result.err[-400:]}")


def test_mistakes_in_connections():
    """The same document over PostgreSQL: server, password, database, table, rights, rows, SQL."""
    database = Database.fresh("e2e_errors")
    database.execute(
        """create table customers (id text, name text, birth_date date, zip text, visits int);
           insert into customers values ('c1', 'Anna', '1980-02-03', '01234', 3), ('c2', 'Bert', 'infinity', '99999', 0);
           create table closed (like customers); create table guarded (like customers);
           alter table guarded enable row level security;
           drop role if exists e2e_reader; create role e2e_reader login password 'reader';
           grant select on customers, guarded to e2e_reader;
           create policy some_rows on guarded using (id = 'c1')""")
    reader = re.sub(r"//[^@]*@", "//e2e_reader:reader@", database.url)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed_port = unused.getsockname()[1]
        cases = {
            "server-not-there": (4, re.sub(r":\d+/", f":{closed_port}/", reader), {}),
            "password-wrong": (4, reader.replace(":reader@", ":wrong@"), {}),
            "database-absent": (4, reader.replace(f"/{database.name}", "/e2e_no_such"), {}),
            "table-absent": (2, reader, {"table": "custmers"}),
            "no-right-to-read": (2, reader, {"table": "closed"}),
            "row-level-security": (2, reader, {"table": "guarded"}),
            "condition-is-no-sql": (2, reader, {"where": "visits >>> 1"}),
            "infinite-date": (1, reader, {}),
        }
        mistakes = {}
        for name, (status, url, changes) in cases.items():
            origin = f"from: shop.public.{changes.get('table', 'customers')}"
            if "where" in changes:
                origin += f"\n    where: \"{changes['where']}\""
            mistakes[name] = Mistake(
                status, ("{kind: csv, path: customers.csv}", "{kind: postgres, url: \"${env:SHOP_URL}\"}"), also=("from: shop", origin))
        return check_all(mistakes, {name: {"SHOP_URL": url} for name, (_, url, _) in cases.items()})


def check_all(mistakes: dict[str, Mistake], environments: dict[str, dict[str, str]] | None = None) -> str:
    wrong = []
    for name, mistake in mistakes.items():
        try:
            check(name, mistake, (environments or {}).get(name, {}))
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
    expect(not wrong, "\n".join(wrong))
    return f"{len(mistakes)} mistakes"


def check(name: str, mistake: Mistake, environment: dict[str, str]) -> None:
    folder = scratch("mistake")
    text = BASE
    for change in filter(None, (mistake.replace, mistake.also)):
        expect(change[0] in text, f"the document has no {change[0]!r}")
        text = text.replace(*change, 1)
    csv(CUSTOMERS)(folder)
    key(bytes(range(32)))(folder)
    with open(f"{folder}/shop.yaml", "w") as file:
        file.write(text)
    if mistake.prepare:
        mistake.prepare(folder)
    result = run(*mistake.command, cwd=folder, env=environment)

    found = f"exit code {result.status}\n{cleaned(result.text, folder)}"
    hold_against_golden(name, found)
    expect(result.status == mistake.status, f"exit code {result.status}, expected {mistake.status}: {found}")
    if "shop.yaml" in text and mistake.status == 2 and mistake.replace and mistake.command[1] == "shop.yaml":
        expect(re.search(r"shop\.yaml:\d+:\d+: error: ", found), f"no file:line:column: {found}")
    for secret in ("Anna", "Bert", "Carl", "reader@", "wrong@", "c2VjcmV0"):
        expect(secret not in found, f"{secret} is in the message")
    published = [file for _, _, files in os.walk(f"{folder}/modules") for file in files if re.fullmatch(r"\d{8}\.json", file)]
    expect(not published, "a version was published")


def cleaned(text: str, folder: str) -> str:
    """The text without what differs from run to run: folders, ports, times, progress."""
    text = text.replace(os.path.realpath(folder), "FOLDER").replace(folder, "FOLDER")
    text = re.sub(r"(127\.0\.0\.1|localhost)(:| port |\", port )\d+", r"\1\2PORT", text)
    text = re.sub(r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b", "ATTEMPT", text)
    lines = [line.rstrip() for line in text.splitlines()]
    # How far a run is stands there where the machine is slow.
    is_progress = re.compile(r"(planning|publishing| *\d+%  .* rows/s)")
    return "\n".join(line for line in lines if not is_progress.fullmatch(line)) + "\n"


def hold_against_golden(name: str, found: str) -> None:
    path = os.path.join(GOLDEN, f"{name}.txt")
    if os.environ.get("RECORD_GOLDENS"):
        with open(path, "w") as file:
            file.write(found)
        raise AssertionError("recorded; look at the difference, then run without RECORD_GOLDENS")
    expect(os.path.exists(path), f"no golden text {path}; record it with RECORD_GOLDENS=1. Found:\n{found}")
    with open(path) as file:
        wanted = file.read()
    expect(found == wanted, f"found:\n{found}expected:\n{wanted}")


def test_goldens_are_all_used():
    names = set(IN_DOCUMENTS) | set(IN_KEYS) | set(IN_FILES) | set(IN_COMMANDS)
    unused = {file[:-4] for file in os.listdir(GOLDEN) if file.endswith(".txt")} - names - CONNECTION_NAMES - VERSION_NAMES
    expect(not unused, f"golden texts of no mistake: {sorted(unused)}")
    expect(len(names | CONNECTION_NAMES) >= 30, "fewer than thirty mistakes")
    return f"{len(names | CONNECTION_NAMES)} mistakes"


CONNECTION_NAMES = {
    "server-not-there", "password-wrong", "database-absent", "table-absent", "no-right-to-read", "row-level-security",
    "condition-is-no-sql", "infinite-date",
}

# Held by test_versions.py, where there are versions to be refused.
VERSION_NAMES = {
    "modules-unknown-action", "modules-no-such-version", "modules-no-module-given", "modules-other-option", "modules-no-age",
    "withdraw-no-reason", "withdraw-no-version", "withdraw-other-reason", "retain-keeps-none", "diff-withdrawn",
    "pull-withdrawn", "copy-with-gap", "copy-other-history",
}
