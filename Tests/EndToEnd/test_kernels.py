"""The kernels as an outsider checks them: published vectors, spoilt copies of them, and parts that do not depend on the level."""
import glob
import json
import os
import random
import shutil
import subprocess

from lib.checks import expect, expect_equal, require
from lib.document import Document, Table
from lib.etlx import run, run_well
from lib.published import Version
from lib.surroundings import ROOT, scratch, shared

# Published sources that a kernel computes, with the number of their cases.
SOURCES = {
    "acvp/ACVP-AES-ECB-1.0": 2144, "acvp/ACVP-AES-FF1-1.0": 750, "acvp/HMAC-SHA2-256-1.0": 975, "acvp/HMAC-SHA2-256-2.0": 150,
    "fpe-nist/ff1_sp800-38g_samples.json": 9, "wycheproof/aes_cmac_test.json": 311, "wycheproof/aes_ff1_base10_test.json": 3845,
    "wycheproof/aes_ff1_base36_test.json": 2854, "wycheproof/aes_ff1_radix10_test.json": 3845,
    "wycheproof/aes_siv_cmac_test.json": 442, "wycheproof/hkdf_sha256_test.json": 86, "wycheproof/hmac_sha256_test.json": 174,
}


def levels() -> list[str]:
    return json.loads(run_well("kernels", "--json").out)["levels"]


def check(*paths: str) -> tuple[int, dict[str, dict]]:
    result = run("kernels", "check", *paths, "--json")
    return result.status, {file["path"]: file for file in json.loads(result.out)["files"]}


def test_self_tests_pass_and_one_version_of_each_kernel_is_in_use():
    for level in [*levels(), "auto"]:
        listed = json.loads(run_well("kernels", "--json", env={"ETL_KERNELS": level}).out)
        expect_equal(listed["level"], level, "level in force")
        for kernel in {row["kernel"] for row in listed["kernels"]}:
            rows = [row for row in listed["kernels"] if row["kernel"] == kernel]
            expect_equal(sum(row["in_use"] for row in rows), 1, f"versions of {kernel} in use at {level}")
            expect(all(row["passed"] for row in rows if row["available"]), f"a self-test of {kernel} failed: {rows}")
            expect(level != "plain" or [row["version"] for row in rows if row["in_use"]] == ["plain"], f"{kernel} is not plain")
    refused = run_well("kernels", env={"ETL_KERNELS": "fastest"})
    expect("ETL_KERNELS" in refused.err, "an unknown level is ignored without a word")
    return f"levels: {', '.join(levels())}"


def test_vectors_beside_the_tests_agree_at_every_level():
    """A part of the published ones, for whoever has no others."""
    folder = f"{ROOT}/Tests/EndToEnd/data/vectors"
    status, files = check(folder)
    expect_equal(status, 0, "exit code")
    cases = 0
    for name in os.listdir(folder):
        with open(f"{folder}/{name}") as content:
            document = json.load(content)
        count = document.get("numberOfTests", len(document.get("tests", [])))
        file = files[f"{folder}/{name}"]
        expect_equal((file["cases"], file["not_run"]), (count, 0), f"cases of {name}")
        at = {level["level"]: level for level in file["levels"]}
        expect_equal([level for level in at if level != "reference"], levels(), f"levels of {name}")
        expect(all(counts["agreed"] == count for counts in at.values()), f"{name}: {at}")
        cases += count
    return f"{cases} cases"


def test_every_published_vector_agrees_at_every_level():
    folder = shared("vectors")
    status, files = check(folder)
    expect_equal(status, 0, "exit code")
    for name, count in SOURCES.items():
        file = files[f"{folder}/{name}"]
        expect_equal((file["cases"], file["not_run"]), (count, 0), f"cases of {name}")
        at = {level["level"]: level for level in file["levels"]}
        expect_equal([level for level in at if level != "reference"], levels(), f"levels of {name}")
        for level, counts in at.items():
            expect_equal((counts["agreed"], counts["disagreed"]), (count, 0), f"{name} at {level}")
    rest = {path for path in files if not files[path].get("cases")}
    expect(all("does_not_apply" in files[path] for path in rest), f"not run, without a reason: {rest}")
    for half in ("prompt", "expectedResults"):
        status, files = check(f"{folder}/acvp/HMAC-SHA2-256-2.0/{half}.json")
        expect_equal((status, [file["cases"] for file in files.values()]), (0, [150]), f"the pair, named by its {half}")
    return f"{sum(SOURCES.values())} cases in {len(SOURCES)} sources"


def copy_of(name: str) -> str:
    """A writable copy of a source; returns its path."""
    target = os.path.join(scratch("vectors"), os.path.basename(name))
    source = shared(f"vectors/{name}")
    if os.path.isdir(source):
        shutil.copytree(source, target)
        os.chmod(target, 0o755)
    else:
        shutil.copy(source, target)
    for file in [target, *glob.glob(f"{target}/*")]:
        if os.path.isfile(file):
            os.chmod(file, 0o644)
    return target


def changed(path: str, change) -> None:
    """Applies `change` to the answers' JSON."""
    file = f"{path}/expectedResults.json" if os.path.isdir(path) else path
    with open(file) as content:
        document = json.load(content)
    change(document)
    with open(file, "w") as content:
        json.dump(document, content)


def some_valid(document: dict, dice: random.Random) -> dict:
    tests = [test for group in document.get("testGroups", [document]) for test in group["tests"]]
    return dice.choice([test for test in tests if test.get("result", "valid") == "valid" and "resultsArray" not in test])


def test_one_changed_digit_disagrees_at_every_level():
    seed = 20
    dice = random.Random(seed)
    for name in SOURCES:
        path, about = copy_of(name), {}

        def change_digit(document: dict) -> None:
            test = some_valid(document, dice)
            field = next(field for field in ("tag", "mac", "okm", "ct", "pt") if test.get(field))
            place = dice.randrange(len(test[field]))
            old = test[field][place]
            new = (old + 1) % 10 if isinstance(old, int) else {"0": "1", "a": "b", "A": "B"}.get(old, "0" if old.isdigit() else "a" if old.islower() else "A")
            test[field] = test[field][:place] + ([new] if isinstance(old, int) else new) + test[field][place + 1:]
            about.update(case=test.get("tcId", test.get("id")), field=field, place=place)

        changed(path, change_digit)
        status, files = check(path)
        expect_equal(status, 5, f"exit code for {name} with {about}, seed {seed}")
        for level in files[path]["levels"]:
            expect_equal((level["disagreed"], level["disagreeing_cases"]), (1, [about["case"]]), f"{name} at {level['level']} with {about}")
    return f"{len(SOURCES)} spoilt copies"


def test_a_right_answer_that_is_called_invalid_disagrees():
    for name in ("hmac_sha256", "aes_cmac", "aes_siv_cmac", "aes_ff1_base36"):
        path = copy_of(f"wycheproof/{name}_test.json")
        changed(path, lambda document: some_valid(document, random.Random(1)).update(result="invalid"))
        expect_equal(check(path)[0], 5, f"exit code for {name}")


def test_acceptable_cases_agree_either_way():
    path = copy_of("wycheproof/hmac_sha256_test.json")

    def accept(document: dict) -> None:
        for group in document["testGroups"]:
            for test in group["tests"]:
                test["result"] = "acceptable"
    changed(path, accept)
    expect_equal(check(path)[0], 0, "exit code")


def test_where_nothing_was_run_the_exit_code_says_so():
    folder = scratch("nothing")
    contents = {
        "empty.json": "", "object.json": "{}", "words.json": "no JSON at all",
        "no_cases.json": json.dumps({"algorithm": "HMACSHA256", "schema": "mac_test_schema_v1.json", "numberOfTests": 0, "testGroups": []}),
        "fewer_cases.json": json.dumps({"algorithm": "HMACSHA256", "schema": "mac_test_schema_v1.json", "numberOfTests": 3, "testGroups": []}),
        "foreign.json": json.dumps({"algorithm": "ML-KEM", "schema": "x", "numberOfTests": 0, "testGroups": []}),
    }
    for name, content in contents.items():
        path = os.path.join(folder, name)
        with open(path, "w") as file:
            file.write(content)
        result = run("kernels", "check", path)
        expect_equal(result.status, 5, f"exit code for {name} ({result.text})")
        expect(name in result.err, f"the message does not name {name}: {result.err}")
    expect_equal(run("kernels", "check", shared("vectors/acvp/SHA2-256-1.0")).status, 5, "exit code for what no kernel computes")
    os.mkdir(f"{folder}/bare")
    expect_equal(run("kernels", "check", f"{folder}/bare").status, 5, "exit code for an empty folder")
    expect_equal(run("kernels", "check", f"{folder}/absent.json").status, 2, "exit code for a path with nothing")
    # A good file does not make up for one that is not run.
    good = shared("vectors/wycheproof/hmac_sha256_test.json")
    expect_equal(run("kernels", "check", good, f"{folder}/no_cases.json").status, 5, "exit code for one of two")
    broken = copy_of("acvp/HMAC-SHA2-256-2.0")
    changed(broken, lambda document: document["testGroups"][0]["tests"].pop())
    expect_equal(run("kernels", "check", broken).status, 5, "exit code for a pair with a missing answer")


def test_published_parts_are_the_same_bytes_at_every_level():
    folder, dice = scratch("levels"), random.Random(3)
    with open(f"{folder}/people.csv", "w") as file:
        file.write("id,name,email,born,note,card\n")
        for number in range(20_000):
            name = "".join(dice.choice("abcdefghijklmnopqrstuvwxyz ") for _ in range(dice.randrange(1, 90)))
            email = "" if number % 11 == 0 else f"User{number}@Mail{number % 7}.example.com"
            file.write(f"{number * 7919},x{name}x,{email},19{number % 100:02}-0{number % 9 + 1}-1{number % 10},write to {email} or 203.0.113.{number % 256},"
                       f"x{10 ** (number % 24 + 6) + number}\n")
    token = {"key": "people", "scope": "id"}
    document = Document(
        folder, "levels", {"files": {"kind": "csv", "path": "people.csv"}},
        [Table("people", "files", {
            "id": {"token": token}, "hexadecimal": [{"from": "id"}, {"token": token | {"as": "hex"}}],
            "uuid": [{"from": "id"}, {"token": token | {"as": "uuid"}}], "number": [{"from": "id"}, {"token": token | {"as": "int64"}}],
            "name": {"token": token | {"scope": "name"}}, "masked": [{"from": "name"}, {"mask": {"keep_last": 4}}],
            "email": ["normalize_email", {"token": token | {"scope": "email"}}], "born": {"generalize": {"to": "year"}},
            "quick": [{"from": "email"}, {"token": token | {"function": "cmac"}}],
            "sealed": [{"from": "name"}, {"encrypt": {"key": "people", "context": "name"}}],
            "card": {"format_preserving": {"key": "people", "scope": "card", "alphabet": "0123456789", "separators": "x"}},
            "note": {"redact": {"entities": ["email", "ip_address"], "as": "token", "key": "people", "scope": "email"}},
        })]).with_key("people", bytes(range(32)))
    path, found = document.write(), {}
    for level in [*levels(), "auto"]:
        run_well("run", path, "--workers", "2", env={"ETL_KERNELS": level})
        version = Version(document.store, "levels")
        found[level] = version.part_digests()
        with open(f"{version.folder}/protocol.json") as file:
            kernels = json.load(file)["kernels"]
        expect_equal((kernels["level"], kernels["self_tests_passed"]), (level, True), "kernels in protocol.json")
    for level, digests in found.items():
        expect_equal(digests, found["plain"], f"parts at {level}, beside those at plain")
    return f"{len(found['plain'])} parts at {', '.join(found)}"


def checked_by(*command: str) -> str:
    done = subprocess.run([f"{ROOT}/ops/{command[0]}", *command[1:]], capture_output=True, text=True)
    require(done.returncode != 2, done.stderr.strip())
    expect_equal(done.returncode, 0, f"exit code of {command[0]} ({done.stdout[-3000:]}{done.stderr[-1000:]})")
    return done.stdout


def test_other_processors_give_the_same_answers():
    shared("vectors")
    return f"{checked_by('check-kernels-elsewhere', '--every', '50').count(': ok')} processors, emulated"


def test_no_branch_depends_on_a_secret():
    levels = [line.split(":")[0] for line in checked_by("check-secrets").splitlines() if "no branch or address" in line]
    expect("plain" in levels, "the plain level was not looked at")
    return f"levels {', '.join(levels)}"
