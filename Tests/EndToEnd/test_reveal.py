"""What format_preserving and encrypt publish comes back through `etlx keys reveal`, for the key's holder, on record."""
import json
import os
import subprocess

from lib.checks import expect, expect_equal
from lib.document import Document, Table
from lib.etlx import run_well
from lib.published import Version
from lib.surroundings import etlx_path, scratch

CARDS = ["4111 1111 1111 1111", "5500-0000-0000-0004", "4012888888881881"]
NOTES = ["called on Monday", "érték; \"quoted\"", "x" * 500]


def published() -> tuple[str, list[dict]]:
    """The folder with `people.key`, and the published rows."""
    folder = scratch("reveal")
    with open(f"{folder}/cards.csv", "w", encoding="utf-8") as file:
        file.write("id,card,note\n")
        for number, (card, note) in enumerate(zip(CARDS, NOTES)):
            doubled = note.replace('"', '""')
            file.write(f'{number},{card},"{doubled}"\n')
    rules = {
        "id": [{"cast": "int32"}],
        "card": [{"format_preserving": {"key": "people", "scope": "card", "alphabet": "digits", "keep_prefix": 6, "check_digit": "luhn"}}],
        "note": [{"encrypt": {"key": "people", "context": "notes"}}],
    }
    document = Document(folder, "cards", {"files": {"kind": "csv", "path": f"{folder}/cards.csv"}}, [Table("cards", "files", rules)])
    document.with_key("people").with_key("other")
    run_well("run", document.write())
    return folder, sorted(Version(document.store, "cards").read("cards").to_pylist(), key=lambda row: row["id"])


def reveal(folder: str, lines: list[str], *arguments: str, key: str = "people", audit: str = "reveal.log", pipe: bool = True):
    command = [etlx_path(), "keys", "reveal", "--key", f"{folder}/{key}.key", "--audit", f"{folder}/{audit}", *arguments]
    return subprocess.run(
        command + (["--to-pipe"] if pipe else []), input="".join(line + "\n" for line in lines), capture_output=True, text=True)


def test_the_holder_reads_what_was_published():
    folder, rows = published()
    cards, notes = [row["card"] for row in rows], [row["note"] for row in rows]
    for card, token in zip(CARDS, cards):
        bare, replaced = (text.replace(" ", "").replace("-", "") for text in (card, token))
        expect(token != card and replaced[:6] == bare[:6], "a card keeps its first six digits only")
        expect_equal([place for place, mark in enumerate(token) if mark in " -"], [place for place, mark in enumerate(card) if mark in " -"], "separators")
    expect(not any(note in token for note in NOTES for token in notes), "notes are sealed")
    of_cards = ("--format-preserving", "--scope", "card", "--alphabet", "digits", "--keep-prefix", "6", "--check-digit", "luhn")
    result = reveal(folder, cards, *of_cards)
    expect_equal((result.returncode, result.stdout.splitlines()), (0, CARDS), "cards revealed")
    result = reveal(folder, notes, "--encrypt", "--context", "notes")
    expect_equal((result.returncode, result.stdout.splitlines()), (0, NOTES), "notes revealed")
    result = reveal(folder, notes, "--encrypt", "--context", "notes", "--json")
    expect_equal([json.loads(line)["value"] for line in result.stdout.splitlines()], NOTES, "notes revealed as JSON")

    with open(f"{folder}/reveal.log", encoding="utf-8") as file:
        entries = [json.loads(line) for line in file]
    expect_equal([entry["method"] for entry in entries], ["ff1-aes-256", "aes-siv", "aes-siv"], "methods on record")
    expect_equal([entry.get("scope", entry.get("context")) for entry in entries], ["card", "notes", "notes"], "scopes on record")
    expect_equal([(entry["lines"], entry["revealed"], entry["not_revealed"]) for entry in entries], [(3, 3, 0)] * 3, "counts on record")
    check = json.loads(run_well("keys", "check", f"{folder}/people.key", "--json").out)["check_value"]
    expect_equal({entry["key_check_value"] for entry in entries}, {check}, "key on record")
    with open(f"{folder}/reveal.log", encoding="utf-8") as file:
        record = file.read()
    expect(not any(value in record for value in CARDS + NOTES + cards + notes), "no value is on record")
    expect_equal(os.stat(f"{folder}/reveal.log").st_mode & 0o777, 0o600, "mode of the record")


def test_what_does_not_open_is_told_by_line():
    folder, rows = published()
    notes = [row["note"] for row in rows]
    of_notes = ("--encrypt", "--context", "notes")
    changed = ("A" if notes[1][0] != "A" else "B") + notes[1][1:]
    result = reveal(folder, [notes[0], changed, notes[2]], *of_notes)
    expect_equal((result.returncode, result.stdout.splitlines()), (5, [NOTES[0], "", NOTES[2]]), "one changed line")
    expect("line 2 does not open" in result.stderr and "line 1" not in result.stderr, f"the line is named: {result.stderr}")
    for arguments, key in ((of_notes, "other"), (("--encrypt", "--context", "cards"), "people")):
        result = reveal(folder, notes, *arguments, key=key)
        expect_equal((result.returncode, result.stdout.strip()), (5, ""), "a wrong key or context")
        expect("line 3" in result.stderr, "every line is named")
    result = reveal(folder, notes, *of_notes, "--check-value", "0" * 16)
    expect_equal((result.returncode, result.stdout), (5, ""), "a key of another check value")


def test_nothing_is_revealed_without_record_or_terminal():
    folder, rows = published()
    notes = [row["note"] for row in rows]
    of_notes = ("--encrypt", "--context", "notes")
    result = reveal(folder, notes, *of_notes, pipe=False)
    expect_equal((result.returncode, result.stdout), (2, ""), "to a pipe without --to-pipe")
    result = reveal(folder, notes, *of_notes, audit="absent/reveal.log")
    expect_equal((result.returncode, result.stdout), (1, ""), "an audit file that cannot be written")
    result = reveal(folder, notes, "--encrypt", "--format-preserving")
    expect_equal((result.returncode, result.stdout), (2, ""), "two methods")
    result = reveal(folder, notes, "--encrypt", "--scope", "notes")
    expect(result.returncode == 2 and "context" in result.stderr, f"arguments of the other verb: {result.stderr}")
