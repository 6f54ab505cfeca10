"""`redact` in whole runs, beside identifiers that were planted and beside a search written from docs/verbs.md."""
import csv
import random

from lib import planted, redaction
from lib.checks import expect, expect_equal
from lib.document import Document, Table
from lib.etlx import run
from lib.published import Version
from lib.surroundings import scratch

KINDS = ["email", "phone", "iban", "payment_card", "us_ssn", "ip_address"]


def redacted(folder: str, texts: list[str]) -> list[str]:
    """What a run publishes of the texts, in their order."""
    with open(f"{folder}/texts.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(["number", "text"])
        writer.writerows(enumerate(texts))
    source = {"kind": "csv", "path": "texts.csv", "nulls": [], "types": {"number": "int64", "text": "text"}}
    document = Document(folder, "notes", {"files": source}, [Table("notes", "files", {"number": "keep", "text": {"redact": KINDS}})])
    result = run("run", document.write(), "--workers", "1")
    expect_equal(result.status, 0, f"exit code ({result.text[-1500:]})")
    rows = sorted(Version(document.store, "notes").read("notes").to_pylist(), key=lambda row: row["number"])
    expect_equal(len(rows), len(texts), "rows published")
    return [row["text"] for row in rows]


def first_difference(texts: list[str], found: list[str], wanted: list[str], what: str, seed: int) -> None:
    wrong = [row for row in zip(texts, found, wanted) if row[1] != row[2]]
    expect(not wrong, f"{what}, seed {seed}: {len(wrong)} of {len(texts)}, first {wrong[:1]}")


def test_planted_identifiers_are_gone_and_nothing_else_is_changed():
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    pairs = [planted.text(chance, number) for number in range(20_000)]
    texts = [text for text, _ in pairs]
    found = redacted(scratch("planted"), texts)
    first_difference(texts, found, [wanted for _, wanted in pairs], "planted identifiers", seed)
    some = chance.sample(range(len(texts)), 1_000)
    first_difference([texts[i] for i in some], [found[i] for i in some], [redaction.redact(texts[i]) for i in some], "the plain search", seed)
    return f"{len(texts)} texts, {sum(text.count('[') for text in found)} brackets, seed {seed}"


PIECES = [
    " ", "  ", "-", ".", "/", "(", ")", "+", "\u00a0", " - ", ":", "::", "@", "a", "de", "DE89", "GB", "\\n", "_", "1", "12", "123", "1234",
    "2020-04-16", "11:34:35", "1234 5678 9012", "4111 1111 1111 1111", "4111\n1111 1111 1111", "378282246310005", "5018000000009",
    "219-09-4563", "219.09.4563", "ssn ", "219094563", "card ", "phone ", "203.0.113.177", "10.", "2001:db8::1", "fe80::", "::1",
    "1:2:3:4:5:6:1.2.3.4", "DE89370400440532013000", "DE89 3704\r\n0044 0532 0130 00", "GB 82-WEST 1234-5698 7654 32", "anna@b.org",
    "a.b+c@mail.example.com", "nguyễn@b.vn", '"a b"@c.org', "用户@例子.中国", "+1 415 555 0199", "(415) 555-0199", "0036301234567",
    "06 30 123 4567", "2125550187", "512-555-0187", "555 0187", "345-899-3560x4587", " ext. 12", "in ", "%", "$", "#", ",", "1,234,567",
    "x", "é", "\n", "，", "\u200b", "\u202f", "\u2011", "４１１１",
]


def test_texts_of_pieces_become_what_a_search_written_from_the_documentation_makes_of_them():
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    texts = ["".join(chance.choices(PIECES, k=chance.randrange(1, 14))) for _ in range(2_000)]
    first_difference(texts, redacted(scratch("pieces"), texts), [redaction.redact(text) for text in texts], "the plain search", seed)
    return f"{len(texts)} texts, seed {seed}"
