"""Texts with identifiers planted in them, and what `redact` makes of them: the same text with labels."""
import random

LABELS = {"email": "EMAIL", "phone": "PHONE", "iban": "IBAN", "card": "PAYMENT_CARD", "ssn": "US_SSN", "ip": "IP_ADDRESS"}

# What stands between the identifiers of a list. Those that may stand inside of a form, or touch it, are left out for it.
SEPARATORS = [
    ",", ", ", ";", "; ", "|", " | ", "\t", "\n", "\r\n", "  \n", "/", " / ", ":", " : ", " & ", " and ", " or ", " -> ", "=>",
    '","', "','", '"\t"', "</td><td>", "<br>", "\\n", "\\t", ")(", "][", "},{", "*", "?", "!", "•", " · ", "，", "、", "；", "\u3000",
    " — ", "…", "\u200b", "·\u00a0", "_", "-", ".", " ", "»«", "”, “", "`", "~ ",
]
NOT_BETWEEN = {
    "email": {"_", "."}, "phone": {")(", " — ", "_", "\u3000", " "}, "ip": {":", "."}, "iban": set(), "card": set(), "ssn": set(),
}
# What stands before and behind a list.
CONTEXTS = [
    ("", ""), ("[", "]"), ('{"a":"', '"}'), ('{"a":[7,', ',8]}'), ("id_", ""), ("2026-11-05:", ""), ("2026-11-05,", ",2026-11-06"),
    ("05/11/2026 ", ""), ("1,", ";1"), ("see (", ")"), ("<td>", "</td>"), ("x=", ";y=2"), ("key:", " end"), ("\\n", "\\n"), ("日本語：", "。"),
    ("«", "»"), ("“", "”"), ("\u200b", "\u200b"), ("…", "…"), ("é ", " é"), ("№ ", ""), ("to:\t", "\r\n"), ("*", "*"), ("`", "`"),
    ("0;", ";0"), ("12/31/2025,", ",x"), ("v2 ", "; v3"), ("on 3 May ", ", in room 204"), ("'", "'"), ("\ufeff", ""), ("a\u00a0", "\u00a0b"),
    ("> ", "\n> "), ("- ", ""), ("\t", "\t"), ("?q=", "&r=1"), ("#1 ", ""), ("Größe ", " Ende"), ("|", "|"), ("~", "~ "), ("it's ", " 's"),
    ("1|", "|2"),
]
NOT_AROUND = {
    "email": {"id_", "&"}, "phone": {"id_", "#1 ", "v2 ", "05/11/2026 "}, "ip": set(), "iban": set(), "card": set(), "ssn": set(),
}
# Typography that a form takes in the place of its blanks, hyphens, digits and @.
BLANKS, HYPHENS, NO_WIDTH = "\u00a0\u2009\u202f\u3000", "\u2010\u2011\u2012\u2013\u2212\uff0d", "\u200b\u200d\u2060\ufeff\u00ad"


def digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choice("0123456789") for _ in range(count))


def grouped(text: str, sizes: list[int], mark: str) -> str:
    parts, place = [], 0
    for size in sizes:
        parts.append(text[place:place + size])
        place += size
    return mark.join(part for part in parts if part)


def email(chance: random.Random) -> str:
    local = chance.choice(["anna", "b.kovacs", "x+tag", "john/smith", "o'neil", "nguyễn.văn", "用户", "अनीता", "m_2", "d%e", '"john smith"', "J-P"])
    domain = chance.choice(["example.org", "mail.example.com", "b.co", "példa.hu", "例子.中国", "big-company.co.uk", "xn--bcher-kva.example"])
    return f"{local}@{domain}"


def phone(chance: random.Random) -> str:
    area, exchange, line = str(chance.randint(212, 989)), str(chance.randint(212, 989)), digits(chance, 4)
    return chance.choice([
        f"{area}-{exchange}-{line}", f"({area}) {exchange}-{line}", f"+1 {area} {exchange} {line}", f"{area}{exchange}{line}",
        f"{area}.{exchange}.{line}", f"+1{area}{exchange}{line}", f"+36 30 {exchange} {line}", f"06 30 {exchange} {line}",
        f"00 36 30 {exchange} {line}", f"1-{area}-{exchange}-{line}", f"+49 (0) 30 {exchange}{line}",
    ])


def iban(chance: random.Random) -> str:
    country, bank = chance.choice([("DE", digits(chance, 18)), ("NO", digits(chance, 11)), ("HU", digits(chance, 24)),
                                   ("GB", "WEST" + digits(chance, 14)), ("FR", digits(chance, 23))])
    check = 98 - int("".join(str(int(c, 36)) for c in f"{bank}{country}00")) % 97
    text = f"{country}{check:02}{bank}"
    text = chance.choice([text, grouped(text, [4] * 9, " "), grouped(text, [4] * 9, "-"), grouped(text, [4] * 9, "  "), text.lower()])
    return text.replace(" ", "\n", 1) if " " in text[8:] and "  " not in text and chance.random() < 0.2 and text[4] != " " else text


def card(chance: random.Random) -> str:
    start, count, sizes = chance.choice([
        ("4", 16, [4] * 4), ("51", 16, [4] * 4), ("55", 16, [4] * 4), ("37", 15, [4, 6, 5]), ("6011", 16, [4] * 4), ("2221", 16, [4] * 4)])
    text = start + digits(chance, count - 1 - len(start))
    total = sum(int(d) if i % 2 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(text[::-1]))
    text += str(-total % 10)
    return chance.choice([text, grouped(text, sizes, " "), grouped(text, sizes, "-"), grouped(text, sizes, "."), grouped(text, sizes, "  ")])


def ssn(chance: random.Random) -> str:
    area = chance.choice([area for area in range(1, 900) if area != 666])
    parts = f"{area:03}", f"{chance.randint(1, 99):02}", f"{chance.randint(1, 9999):04}"
    return chance.choice(["-", " ", ".", "-"]).join(parts)


def ip(chance: random.Random) -> str:
    def group() -> str:
        return f"{chance.randint(0x10, 0xffff):x}"
    return chance.choice([
        ".".join(str(chance.randint(0, 255)) for _ in range(4)), f"2001:db8::{group()}", f"fe80::{chance.randint(1, 9)}{group()[1:]}",
        ":".join(group() for _ in range(8)), f"::ffff:203.0.113.{chance.randint(0, 255)}", f"2001:db8:{group()}::"])


MAKERS = {"email": email, "phone": phone, "iban": iban, "card": card, "ssn": ssn, "ip": ip}


def set_in_type(chance: random.Random, kind: str, text: str) -> str:
    """The identifier with other blanks, hyphens, digits, or characters without width inside."""
    out = []
    style = chance.randrange(4)
    for place, c in enumerate(text):
        if style == 0 and c == " " and (place == 0 or text[place - 1] != " "):
            c = chance.choice(BLANKS)
        elif style == 1 and c == "-" and kind != "email":
            c = chance.choice(HYPHENS)
        elif style == 2 and (c == "@" or (c.isdigit() and c.isascii())) and chance.random() < 0.7:
            c = chr(ord(c) + 0xFEE0)
        elif style == 3 and place and chance.random() < 0.15:
            c = chance.choice(NO_WIDTH) + c
        out.append(c)
    return "".join(out)


def fits(kind: str, separator: str) -> bool:
    """A list may stand with this separator: it is not read as part of one form."""
    # A hyphen, a dot or a blank stands inside of numbers; addresses alone are told apart by their form.
    return separator not in NOT_BETWEEN[kind] and (separator not in ("-", ".", " ") or kind in ("email", "ip"))


def text(chance: random.Random, number: int) -> tuple[str, str]:
    """The text of a number, and what it becomes: kinds, separators and lengths take turns; every fourth list has several kinds."""
    separator = SEPARATORS[number // 6 % len(SEPARATORS)]
    count = 1 + number // 6 % 5
    kinds = [list(MAKERS)[number % 6]] * count
    if number // 30 % 4 == 0:
        kinds = [chance.choice(list(MAKERS)) for _ in range(count)]
    mixed = len(set(kinds)) > 1
    if any(not fits(kind, separator) for kind in kinds) or (mixed and set(separator) <= set("/-.:_'& ")):
        separator = ", "
    before, behind = chance.choice(CONTEXTS)
    if any({before, behind} & NOT_AROUND[kind] for kind in kinds):
        before, behind = "", ""
    made = [MAKERS[kind](chance) for kind in kinds]
    # Where parts may go together with the next identifier, nothing is torn by a character without width.
    if chance.random() < 0.3 and separator.strip() and separator not in (" — ", "-", "."):
        made = [set_in_type(chance, kind, one) for kind, one in zip(kinds, made)]
    labels = [f"[{LABELS[kind]}]" for kind in kinds]
    return f"{before}{separator.join(made)}{behind}", f"{before}{separator.join(labels)}{behind}"
