"""Redaction as docs/verbs.md states it (`redact`): a plain, slow search in characters, without a look at the kernel."""
import re
import unicodedata

LABELS = ["IBAN", "IP_ADDRESS", "PAYMENT_CARD", "US_SSN", "PHONE"]  # in the order in which a place is looked at
GAP = r"(?: - |  | |-|\.)"
BREAK = r" ?\r?\n ?"
WORDS = "phone|tel|call|mobile|cell|fax|desk|office|dial|sms|whatsapp"
IBAN_LENGTHS = """AA16 AD24 AE23 AL28 AO25 AT20 AX18 AZ28 BA20 BE16 BF27 BF28 BG22 BH22 BI16 BI27 BJ28 BL27 BR29 BY28 CF27 CG27
    CH21 CI28 CM27 CR22 CV25 CY28 CZ24 DE22 DJ27 DK18 DO28 DZ24 DZ26 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GA27 GB22 GE22 GF27 GI23
    GL18 GP27 GQ27 GR27 GT28 GW25 HN28 HR21 HU28 IE22 IL23 IQ23 IR26 IS26 IT27 JO30 KM27 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21
    LY25 MA28 MC27 MD24 ME22 MF27 MG27 MK19 ML28 MN20 MQ27 MR27 MT31 MU30 MZ25 NC27 NE28 NI28 NI32 NL18 NO15 OM23 PF27 PK24 PL28
    PM27 PS29 PT25 QA29 RE27 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SN28 SO23 ST25 SV28 TD27 TF27 TG28 TL23 TN24 TR26
    UA29 VA22 VG24 WF27 XK20 YE30 YT27""".split()


def in_ascii(c: str) -> str | None:
    """What a character counts as; the empty text for one without width; None: itself."""
    code = ord(c)
    if code < 0x80:
        return None
    if code in (0xA0, 0x202F, 0x205F, 0x3000) or 0x2000 <= code <= 0x200A:
        return " "
    if 0x2010 <= code <= 0x2015 or code in (0x2212, 0xFE58, 0xFE63):
        return "-"
    if code in (0x2028, 0x2029):
        return "\n"
    if code in (0x2024, 0xFE52, 0xFE55, 0xFE6B) or 0xFF01 <= code <= 0xFF5E or 0x1D7CE <= code <= 0x1D7FF:
        return unicodedata.normalize("NFKC", c)
    if (code in (0xAD, 0x34F, 0x61C, 0xFEFF) or 0x200B <= code <= 0x200F or 0x202A <= code <= 0x202E or 0x2060 <= code <= 0x206F
            or 0xFE00 <= code <= 0xFE0F):
        return ""
    if unicodedata.category(c) == "Nd" and (0x660 <= code <= 0x6F9 or 0x966 <= code <= 0xF29):
        return str(unicodedata.decimal(c)) if not 0xDE6 <= code <= 0xDEF else None
    return None


def is_wide_letter(c: str) -> bool:
    return ord(c) >= 0xAA and unicodedata.category(c)[0] in "LMN"


def is_alnum(c: str) -> bool:
    return c.isascii() and c.isalnum()


def passes_luhn(digits: str) -> bool:
    doubled = "".join(str(int(d) * (1 + i % 2)) if i % 2 == 0 or int(d) < 5 else str(int(d) * 2 - 9) for i, d in enumerate(digits[::-1]))
    return sum(map(int, doubled)) % 10 == 0


def passes_97(iban: str) -> bool:
    return int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1


class Search:
    def __init__(self, text: str):
        self.text = text
        self.floor = 0

    def at(self, i: int) -> str:
        return self.text[i] if 0 <= i < len(self.text) else ""

    def before(self, i: int, by: int = 1) -> str:
        return self.text[i - by] if i - by >= self.floor else ""

    def digit_before_mark(self, i: int) -> bool:
        return bool(re.fullmatch("[0-9]", self.before(i, 2)))

    def touched_in_front(self, i: int) -> bool:
        c = self.before(i)
        return is_alnum(c) and not (c in "nrtbf" and self.before(i, 2) == "\\")

    def touched_behind(self, i: int) -> bool:
        return is_alnum(self.at(i))

    def is_near(self, words: str, start: int, end: int, window: int, behind: int = 0) -> bool:
        """Windows are bytes."""
        front = self.text[:start].encode()[-window:]
        back = self.text[end:].encode()[:behind]
        return any(re.search(words.encode(), part.lower()) for part in (front, back))

    # ---- The kinds: the end of what starts at i, or 0 ----

    def iban(self, i: int) -> int:
        head = re.compile(r"([A-Za-z]{2})([ .-]?[0-9]){2}").match(self.text, i)
        if not head or (self.touched_in_front(i) and not re.fullmatch("[0-9]{2}", self.text[i + 2:i + 4])):
            return 0
        for entry in IBAN_LENGTHS:
            if entry[:2] != head[1].upper():
                continue
            rest = re.compile(r"(?:(?:%s|%s)?[A-Za-z0-9]){%d}" % (BREAK, GAP, int(entry[2:]) - 4)).match(self.text, head.end())
            if rest and not self.touched_behind(rest.end()):
                if passes_97(re.sub("[^A-Z0-9]", "", self.text[i:rest.end()].upper())):
                    return rest.end()
        return 0

    def ipv4(self, i: int) -> int:
        if self.before(i) == "." and self.digit_before_mark(i):
            return 0
        found = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})(?![A-Za-z0-9]|\.[0-9])").match(self.text, i)
        return found.end() if found and all(int(n) < 256 for n in found.groups()) else 0

    def ipv6(self, i: int) -> int:
        if self.touched_in_front(i):
            return 0
        front = re.search(r"(?:(?<![A-Za-z0-9])([0-9A-Fa-f]{1,4})|:):\Z", self.text[self.floor:i])
        if front:
            day = re.search(r"[0-9][./-][0-9]{1,2}:\Z", self.text[self.floor:i])
            if not day or not front[1]:
                return 0
        if re.match(r"[0-9]{1,2}:", self.text[i:]) and self.before(i) in tuple("./-") and self.digit_before_mark(i):
            return 0
        dotted_form = re.compile(r"[0-9A-Fa-f:]*:[0-9]{1,3}(?:\.[0-9]{1,3}){3}").match(self.text, i)
        dotted_end = self.ipv4(dotted_form.start() + dotted_form[0].rindex(":") + 1) if dotted_form else 0
        run = self.text[i:dotted_end] if dotted_end else re.compile("[0-9A-Fa-f:]*").match(self.text, i)[0]
        run = re.sub(r"([^:]):$", r"\1", run)
        if not run or self.touched_behind(i + len(run)):
            return 0
        plain = run[:run.rindex(":") + 1] + "0:0" if dotted_end else run
        if ":::" in plain or plain.count("::") > 1:
            return 0
        halves = plain.split("::")
        groups = [group for half in halves for group in half.split(":") if half]
        if not all(re.fullmatch("[0-9A-Fa-f]{1,4}", group) for group in groups):
            return 0
        if len(halves) == 1:
            return i + len(run) if len(groups) == 8 else 0
        valid = 0 < len(groups) < 8 and (len(groups) > 2 or re.search("[0-9]", run))
        return i + len(run) if valid else 0

    def ip(self, i: int) -> int:
        if self.starts_digits(i) and not self.touched_in_front(i):
            found = self.ipv4(i)
            if found:
                return found
        return self.ipv6(i) if re.fullmatch("[0-9A-Fa-f:]", self.at(i)) and (self.at(i) != ":" or self.at(i + 1) == ":") else 0

    def starts_digits(self, i: int) -> bool:
        return bool(re.fullmatch("[0-9]", self.at(i))) and not re.fullmatch("[0-9]", self.before(i))

    @staticmethod
    def is_usual(n: str) -> bool:
        size = len(n)
        if n[0] == "4":
            return size in (13, 16, 19)
        if n[:2] in ("51", "52", "53", "54", "55") or 2200 <= int(n[:4]) <= 2720:
            return size == 16
        if n[0] == "3":
            return size == 15 if n[:2] in ("34", "37") else size >= 16 if n[:2] == "35" else size in (14, 16)
        return size >= 16 if n[0] == "6" else n[:4] in ("1800", "2131") and size == 15

    def card_ends(self, i: int):
        """Ends of 12 to 19 digits that pass, at the end of a group; the digits; whether nothing follows; whether groups are usual;
        whether a letter touches them behind, which none may where one stands in front."""
        group = re.compile("[0-9]+")
        first = group.match(self.text, i)
        if not first:
            return
        digits, end, breaks, sizes = first[0], first.end(), 0, [len(first[0])]
        while len(digits) <= 19:
            if len(digits) >= 12 and passes_luhn(digits) and not (self.touched_behind(end) and self.touched_in_front(i)):
                alone = not re.compile("[ ./-][0-9]").match(self.text, end)
                yield end, digits, alone, sizes[0] >= 4 and min(sizes) >= 3, self.touched_behind(end)
            line = re.compile(BREAK).match(self.text, end)
            gap = None if line else re.compile(GAP).match(self.text, end)
            if not line and not gap:
                return
            more = group.match(self.text, (line or gap).end())
            if not more:
                return
            if line:
                breaks += 1
                if breaks > 1 or set(sizes) != {4} or len(more[0]) != 4:
                    return
            digits, end = digits + more[0], more.end()
            sizes.append(len(more[0]))

    def usual_card(self, i: int) -> int:
        ends = [(end, alone) for end, digits, alone, groups, _ in self.card_ends(i) if groups and self.is_usual(digits)]
        alone = [end for end, is_alone in ends if is_alone]
        return max(alone) if alone else min(ends)[0] if ends else 0

    def card(self, i: int) -> int:
        usual = self.usual_card(i)
        if usual or self.touched_in_front(i):
            return usual
        size = len(re.compile("[0-9]*").match(self.text, i)[0])
        named = self.is_near("card|visa|amex", i, i, 30)
        ends = []
        for end, digits, alone, groups, touched in self.card_ends(i):
            known = size >= 4 and (digits[0] in "56" or (digits[0] == "3" and len(digits) >= 14) or self.is_usual(digits))
            if (named or known) and not touched and not (groups and self.is_usual(digits)):
                ends.append((alone, end))
        if not ends or self.ssn_groups(i):
            return 0
        end = max(ends)[1]
        inner = [match.end() for match in re.finditer(r"(?<![0-9])(?=[0-9])", self.text[:end]) if match.end() > i]
        return 0 if any(self.surer(j) for j in inner) else end

    def ssn_groups(self, i: int) -> int:
        form = r"([0-9]{3})(GAP)([0-9]{2})(GAP)([0-9]{4})(?![0-9])".replace("GAP", GAP)
        found = re.compile(form).match(self.text, i)
        if not found or (found[2].strip() or " ") != (found[4].strip() or " ") or self.touched_behind(found.end()):
            return 0
        if found[1] in ("000", "666") or found[1][0] == "9" or found[3] == "00" or found[5] == "0000":
            return 0
        mark = found[2].strip()
        if mark and self.at(found.end()) == mark and re.compile("[0-9]").match(self.text, found.end() + 1):
            more = re.compile(form).match(self.text, found.end() + 1)
            if not more or (more[2].strip() or " ") != (more[4].strip() or " "):
                return 0
        return found.end()

    def ssn(self, i: int) -> int:
        found = self.ssn_groups(i)
        if found:
            return found
        bare = re.compile(r"(?!000|666|9)[0-9]{3}(?!00)[0-9]{2}(?!0000)[0-9]{4}(?![A-Za-z0-9]|[.-][0-9])").match(self.text, i)
        return bare.end() if bare and self.is_near("ssn|social security", i, i, 40) else 0

    def surer(self, i: int) -> int:
        return self.usual_card(i) or self.ssn_groups(i) or self.ipv4(i)

    # ---- Phone ----

    BETWEEN = re.compile(r"(\))?(%s|/)?(\()?" % GAP)

    def phone_groups(self, i: int):
        """Of each group: its digits, the mark before it, its end, where it starts, whether a parenthesis is around or before it."""
        groups, plus = [], self.at(i) == "+"
        end = i + plus
        while len(groups) < 8:
            opened = self.at(end) == "("
            start, mark = end + opened, ""
            if groups:
                between = self.BETWEEN.match(self.text, end)
                closed = bool(between[1])
                mark = ")" if between[1] else (between[2] or "").strip() or (" " if between[2] else "")
                if not between[0]:
                    break
                opened, start = bool(between[3]), between.end()
                if mark and self.starts_digits(start) and self.surer(start):
                    break
            digits = re.compile("[0-9]*").match(self.text, start)[0]
            if not digits or len(digits) > 15 or (opened and (len(digits) > 5 or self.at(start + len(digits)) != ")")):
                break
            if sum(len(g[0]) for g in groups) + len(digits) > (16 if plus else 17):
                break
            end = start + len(digits)
            groups.append((digits, mark, end + opened, start, opened or (bool(groups) and closed)))
        return groups

    @staticmethod
    def is_year(digits: str) -> bool:
        return 1800 <= int(digits) < 2100

    def repeats(self, groups, end: int) -> bool:
        i = end + 1
        for number, (digits, mark, *_) in enumerate(groups):
            if number:
                between = re.compile(r"(\))?(%s|/)?" % GAP).match(self.text, i)
                own = ")" if between[1] else (between[2] or "").strip() or (" " if between[2] else "")
                if not between[0] or own != mark:
                    return False
                i = between.end()
            found = re.compile("[0-9]{%d}" % len(digits)).match(self.text, i)
            if not found:
                return False
            i = found.end()
        return not re.fullmatch("[0-9]", self.at(i))

    def may_end(self, groups, end: int, parentheses: bool) -> bool:
        c, last, marks = self.at(end), groups[-1][0], {g[1] for g in groups[1:]}
        if c and c in "-./:," and re.fullmatch("[0-9]", self.at(end + 1)):
            if not parentheses and self.repeats(groups, end):
                return True
            if c == "/":
                return len(groups) == 1 or marks != {"/"}
            if c == ":":
                hour = len(groups) > 1 and len(last) < 3 and int(last) < 24 and re.compile(r":[0-5][0-9](?![0-9])").match(self.text, end)
                pairs = len(groups) > 2 and groups[-1][1] == groups[1][1] and len(groups[-2][0]) == 2
                return not hour or pairs
            thousands = len(last) <= 3 and re.compile(r",[0-9]{3}(?![0-9])").match(self.text, end)
            return c == "," and not thousands
        if c == "%" or (c == "_" and len(groups) == 1):
            return False
        return not is_alnum(c) or self.extension(end) != end

    def may_start(self, groups, i: int) -> bool:
        if not re.fullmatch("[0-9]", self.at(i)):
            return True
        mark, size = self.before(i), len(groups[0][0])
        if len(groups) == 1 and mark == "_":
            return False
        if not self.digit_before_mark(i):
            return True
        if mark == ".":
            return len(groups) > 1 and size >= 3 and groups[1][1] != " "
        if mark in ("-", "/"):
            return len(groups) > 1 and size >= 3 and not (size == 4 and groups[1][1] == " ")
        same = len({g[1] for g in groups[1:]}) == 1
        return mark != ":" or size != 2 or (len(groups) >= 3 and self.at(i) == "0" and same)

    def extension(self, end: int) -> int:
        found = re.compile(r" ?(?:ext\.?|x) ?[0-9]{1,6}(?![A-Za-z0-9])", re.I).match(self.text, end)
        return found.end() if found else end

    def is_number(self, groups, i: int) -> bool:
        parentheses = any(group[4] for group in groups)
        end, digits = groups[-1][2], "".join(g[0] for g in groups)
        if not self.may_end(groups, end, parentheses) or not self.may_start(groups, i):
            return False
        if self.at(i) == "+":
            return 8 <= len(digits) <= 16 and digits[0] != "0"
        if groups[0][0].startswith("00") and 10 <= len(digits) <= 18:
            return True
        first = end - len(groups[-1][0]) if len(groups) == 1 else i
        near = self.is_near(WORDS, first if len(groups) == 1 else i + (self.at(i) == "("), end, 30, 10)
        if len(groups) == 1:
            if parentheses:
                return False
            return ((digits[0] == "0" and len(digits) in (10, 11)) or bool(re.fullmatch("[2-9]..[2-9].{6}", digits))
                    or (7 <= len(digits) <= 12 and near))
        if not 7 <= len(digits) <= 12:
            return False
        if parentheses:
            return True
        sizes, marks = [len(g[0]) for g in groups], [g[1] for g in groups[1:]]
        if any(size == 1 for size in sizes[1:]):
            return False
        if len(groups) == 2:
            street = marks[0] == " " and digits[0] != "0" and re.compile(" [A-Za-z]").match(self.text, end)
            post = marks[0] == "-" and sizes[0] >= 4 and sizes[1] == 3
            if (street or post) and not near and not self.is_near("number|reach|ring|text|contact", i, i, 20):
                return False
        if sizes[0] == 1 and (len(digits) != 11 or digits[0] not in "0178"):
            return False
        if len(groups) == 3 and ((sizes[0] == 4 and max(sizes[1:]) <= 2)
                                 or (max(sizes[:2]) <= 2 and sizes[2] == 4 and len(set(marks)) == 1)):
            return False
        if sizes == [4, 4] and all(self.is_year(g[0]) for g in groups):
            return False
        if (sizes == [5, 4] and marks == ["-"]) or (len(sizes) == 2 and sizes[0] == 1 and marks == ["."]):
            return False
        if sizes == [3, 2, 4] or (sizes == [4, 2, 4] and digits[0] != "0"):
            return False
        thousands = sizes[0] <= 3 and set(sizes[1:]) == {3} and (set(marks) == {"."} or sizes[0] == 1)
        return not thousands or (groups[0][0] == "1" and len(digits) == 10)

    def phone(self, i: int) -> int:
        if self.before(i) and self.before(i) in "$#+" or (self.starts_digits(i) and self.touched_in_front(i)):
            return 0
        groups = self.phone_groups(i)
        if self.at(i) != "+" and len(groups) > 3:
            sizes, marks = [len(g[0]) for g in groups], [g[1] for g in groups]
            dated = marks[1] not in (" ", ")") and marks[1] == marks[2] != marks[3]
            if dated and ((sizes[0] == 4 and max(sizes[1:3]) < 3 and self.is_year(groups[0][0]))
                          or (max(sizes[:2]) < 3 and sizes[2] == 4 and self.is_year(groups[2][0]))):
                return 0
        end, left = self.longest(groups, i)
        if not end or (left and self.at(i) != "+" and self.is_head_of_another(groups, i)):
            return 0
        return self.extension(end)

    def longest(self, groups, i: int) -> tuple[int, int]:
        """The end without extension of the longest number that leaves no group over, or enough for another; else of the longest;
        and how many digits are left behind."""
        longest = 0, 0
        for count in range(len(groups), 0, -1):
            if not self.is_number(groups[:count], i):
                continue
            end = groups[count - 1][2]
            left = len(re.sub("[^0-9]", "", re.compile(r"(?:%s[0-9]+)*" % GAP).match(self.text, end)[0]))
            if left == 0 or left >= 7:
                return end, left
            if not longest[0]:
                longest = end, left
        return longest

    def is_head_of_another(self, groups, i: int) -> bool:
        """Behind groups that are no number one with a leading 0 begins that leaves nothing over, as in `10115 0049 30 1234567`."""
        for count in range(1, len(groups)):
            digits, mark, _, start, _ = groups[count]
            if digits[0] != "0" or mark != " ":
                continue
            if self.is_number(groups[:count], i):
                return False
            end, left = self.longest(self.phone_groups(start), start)
            if end and (left == 0 or left >= 7):
                return True
        return False

    def fours(self, i: int) -> int:
        """The end of three or more groups of four digits that start at i, before a usual card; or i."""
        end, groups = i, 0
        while True:
            if not re.compile("[0-9]{4}(?![0-9])").match(self.text, end):
                return i
            if groups and self.usual_card(end):
                return end if groups > 2 else i
            end, groups = end + 4, groups + 1
            if groups > 8 or not re.compile("[ -][0-9]").match(self.text, end):
                return end if groups > 2 and not self.touched_behind(end) else i
            end += 1

    # ---- E-mail ----

    def email(self, sign: int) -> tuple[int, int] | None:
        start = sign
        quoted = re.search(r'(?:\\"(?:(?!\\").)+\\"|""(?:(?!"").)+""|(?<!\\)"(?:[^"\\]|\\.)+")\Z', self.text[max(self.floor, sign - 256):sign])
        if quoted:
            start = sign - len(quoted[0])
        else:
            while start > self.floor and len(self.text[start - 1:sign].encode()) <= 256 and (
                    is_alnum(self.before(start)) or self.before(start) in tuple("._%+-&'~/") or is_wide_letter(self.before(start))):
                start -= 1
            while start < sign and not (is_alnum(self.at(start)) or self.at(start) == "_" or is_wide_letter(self.at(start))):
                start += 1
            if start + 1 < sign and self.at(start) in "nrtbf" and self.before(start) == "\\":
                start += 1
        end = place = cut = sign + 1
        for number in range(1000):
            stop = place
            while is_alnum(self.at(stop)) or self.at(stop) == "-" or (self.at(stop) and is_wide_letter(self.at(stop))):
                stop += 1
            label = self.text[place:stop].rstrip("-")
            if not label:
                break
            last = place + len(label) != stop or self.at(stop) != "."
            letters = 0
            while letters < len(label) and (label[letters].isascii() and label[letters].isalpha() or is_wide_letter(label[letters])):
                letters += 1
            # A letter beyond ASCII counts as two.
            long = len(label[:letters].encode()) >= 2
            if number and self.at(stop) != "@" and ((long and letters == len(label)) or (label.startswith("xn--") and len(label) > 4)):
                end = place + len(label)
            if number and long and self.at(place + letters) == "-":
                cut = place + letters
            if number and (self.at(stop) == "@" or (last and cut > place)):
                end = max(end, cut)
            if last:
                break
            place = stop + 1
        return (start, end) if start < sign and end > sign + 1 else None

    def find(self) -> list[tuple[int, int, str]]:
        found, i = [], 0
        signs = [match.start() for match in re.finditer("@", self.text)]
        email, sign = None, 0
        while i < len(self.text):
            while not email and signs:
                sign = signs.pop(0)
                email = self.email(sign)
            if email and i >= email[0]:
                found.append((*email, "EMAIL"))
                i = self.floor = email[1]
                signs, email = [sign for sign in signs if sign >= i], None
                continue
            label, end = self.match(i)
            rest = email
            if end and email and end > email[0]:
                floor, self.floor = self.floor, end
                rest = self.email(sign) if end < sign else None
                self.floor = floor
            if end and (rest or not email):
                found.append((i, end, label))
                i = self.floor = end
                email = rest
                continue
            i = max(i + 1, self.fours(i) if self.starts_digits(i) else 0)
        return found

    def match(self, i: int) -> tuple[str, int]:
        c = self.at(i)
        if not re.fullmatch("[A-Za-z0-9:+(]", c):
            return "", 0
        starts = self.starts_digits(i)
        for label in LABELS:
            if label == "IBAN":
                end = self.iban(i) if c.isalpha() else 0
            elif label == "IP_ADDRESS":
                end = self.ip(i)
            elif label == "PHONE":
                end = self.phone(i) if c in "+(" or (starts and self.fours(i) == i) else 0
            else:
                end = (self.card(i) if label == "PAYMENT_CARD" else self.ssn(i)) if starts else 0
            if end:
                return label, end
        return "", 0


def find(text: str) -> list[tuple[int, int, str]]:
    """Start, end and label of the identifiers in a text."""
    kinds = [in_ascii(c) for c in text]
    if all(kind is None for kind in kinds):
        return Search(text).find()
    views = [""] + (["\x1f"] if "" in kinds else [])
    found = []
    for no_width in views:
        pairs = [(no_width if kind == "" else c if kind is None else kind, place) for place, (c, kind) in enumerate(zip(text, kinds))]
        pairs = [pair for pair in pairs if pair[0]]
        for start, end, label in Search("".join(c for c, _ in pairs)).find():
            found.append((pairs[start][1], pairs[end - 1][1] + 1, label))
    one: list[tuple[int, int, str]] = []
    for start, end, label in sorted(found):
        if one and start < one[-1][1]:
            before = one.pop()
            longer = len(text[start:end].encode()) > len(text[before[0]:before[1]].encode())
            one.append((before[0], max(end, before[1]), label if longer else before[2]))
        else:
            one.append((start, end, label))
    return one


def redact(text: str) -> str:
    out, place = "", 0
    for start, end, label in find(text):
        out += f"{text[place:start]}[{label}]"
        place = end
    return out + text[place:]
