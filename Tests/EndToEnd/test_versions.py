"""The life of versions: published, compared, copied, pulled, withdrawn, retained, collected; and what refusals say."""
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from lib.checks import expect, expect_equal
from lib.etlx import Running, run, run_well
from lib.published import Version, numbers
from lib.samples import clinic
from lib.surroundings import outsider, scratch
from test_errors import cleaned, hold_against_golden

CHANGES = [
    [],
    [("birth_date:    {generalize: {to: year}}", "birth_date:    {generalize: {to: month}}"), ("city:          drop", "city:          keep")],
    [("blood_type:    keep", "blood_type:    drop"), ("cost:          {clamp: [0, 2000]}", "cost:          {clamp: [0, 100]}")],
]


def three_versions(patients: int = 200) -> str:
    """The clinic published three times, each time under other rules; returns the folder."""
    folder = scratch("versions")
    document = clinic(folder, patients)
    run_well("keys", "new", f"{folder}/people.key")
    for changes in CHANGES:
        with open(document) as file:
            text = file.read()
        for old, new in changes:
            expect(old in text, f"the document has no {old!r}")
            text = text.replace(old, new)
        with open(document, "w") as file:
            file.write(text)
        run_well("run", document, "--workers", "1")
    return folder


def modules(folder: str, *words: str) -> str:
    return run_well("modules", f"{folder}/modules", *words).out


def described(folder: str, *words: str) -> dict:
    return json.loads(modules(folder, *words, "--json"))


def check_module(store: str, version: int) -> None:
    program = outsider("tools/check_module.py")
    if program is None:
        return
    done = subprocess.run(
        [sys.executable, program, store, "clinic", str(version), "--compliance"],
        capture_output=True, text=True)
    expect(done.returncode == 0, f"check_module.py {store} {version}:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")


def test_difference_tells_schema_rules_and_counts():
    folder = three_versions()
    text = modules(folder, "diff", "clinic@1", "clinic@3")
    for wanted in (
            "clinic@1 → clinic@3", "~ table patients", "rule: generalize(to: year) → generalize(to: month)", "+ column city: text",
            "- column blood_type: text", "dropped now: blood_type", "~ table visits", "~ column cost", "distributions: "):
        expect(wanted in text, f"diff does not say {wanted!r}:\n{text}")
    told = described(folder, "diff", "clinic@1", "clinic@3")
    changed = {(table["name"], column["name"]): column["change"] for table in told["tables"] for column in table["columns"]}
    expect_equal(changed[("patients", "city")], "added", "city")
    expect_equal(changed[("patients", "blood_type")], "removed", "blood_type")
    expect_equal(changed[("visits", "cost")], "changed", "cost")
    expect("family_name" not in str(changed), "a dropped column is compared")
    same = modules(folder, "diff", "clinic@2", "clinic@2")
    expect("no difference in schema, rules, keys and counts" in same, same)

    # Another key under the same name, fewer rows, and a value that is no longer read.
    os.remove(f"{folder}/people.key")
    run_well("keys", "new", f"{folder}/people.key")
    with open(f"{folder}/visits.csv") as file:
        lines = file.readlines()
    with open(f"{folder}/visits.csv", "w") as file:
        file.writelines(lines[:-100])
    run_well("run", f"{folder}/clinic.yaml", "--workers", "1")
    text = modules(folder, "diff", "clinic@3", "clinic@4")
    expect("~ key people: check value " in text, text)
    expect(re.search(r"rows: read 600 → (5\d\d), published 600 → \1\n", text), text)
    with open(f"{folder}/patients.csv", newline="") as file:
        names = {row["family_name"] for row in csv.DictReader(file)}
    expect(not any(f" {name} " in text for name in names if len(name) > 3), "a patient's name is in the difference")


def test_copies_are_the_same_bytes_and_sound():
    folder = three_versions()
    backup = f"{folder}/backup"
    modules(folder, "copy", "clinic", backup)
    run_well("modules", backup, "verify", "clinic")
    for number in (1, 2, 3):
        expect_equal(
            Version(backup, "clinic", number).digests(), Version(f"{folder}/modules", "clinic", number).digests(), f"digests of {number}")
        with open(Version(backup, "clinic", number).record_path, "rb") as copy, \
                open(Version(f"{folder}/modules", "clinic", number).record_path, "rb") as original:
            expect_equal(copy.read(), original.read(), f"record of {number}")
    check_module(backup, 3)
    expect("was there already" in modules(folder, "copy", "clinic", backup), "a second copy does not say so")
    expect(os.path.exists(f"{backup}/catalog.jsonld"), "the copy has no catalogue")

    # A pulled version stands alone; a second one beside it too.
    for number in (2, 3):
        alone = f"{folder}/alone{number}"
        modules(folder, "pull", f"clinic@{number}", alone)
        expect_equal(numbers(alone, "clinic"), [number], "versions of the pulled copy")
        check_module(alone, number)
        expect("pulled alone" in run_well("modules", alone, "verify", "clinic").out, "verify does not tell of the versions that are elsewhere")
    run_well("modules", f"{folder}/alone2", "show", "clinic@2")
    modules(folder, "pull", "clinic@1", f"{folder}/alone2")
    run_well("modules", f"{folder}/alone2", "verify", "clinic")
    check_module(f"{folder}/alone2", 2)


def test_a_pull_that_is_killed_shows_nothing_and_carries_on():
    folder = three_versions(patients=20_000)
    kills = 0
    for delay in (0.0, 0.01, 0.02, 0.04, 0.08):
        alone = f"{folder}/alone{delay}"
        running = Running("modules", f"{folder}/modules", "pull", "clinic@3", alone)
        deadline = time.monotonic() + 5
        while running.is_running() and not os.path.isdir(f"{alone}/clinic") and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(delay)
        if running.is_running():
            os.kill(running.pid, signal.SIGKILL)
        running.process.wait()
        if not numbers(alone, "clinic"):
            kills += 1
            expect(not os.path.isdir(alone) or "no modules" in run_well("modules", alone).out, "a killed pull shows a module")
        modules(folder, "pull", "clinic@3", alone)
        run_well("modules", alone, "verify", "clinic@3")
        expect_equal(
            Version(alone, "clinic", 3).part_digests(), Version(f"{folder}/modules", "clinic", 3).part_digests(), "parts")
        left = [name for _, _, names in os.walk(f"{alone}/clinic/_staging") for name in names]
        expect_equal(left, [], "staged files of the pulled copy")
    return f"{kills} of 5 were killed in time"


def test_withdrawal_and_retention():
    folder = three_versions()
    store = f"{folder}/modules"
    told = described(folder, "withdraw", "clinic@1", "--reason", "erasure request 17")
    expect_equal(told["files_left"], ["croissant.json"], "files left")
    version = Version(store, "clinic", 1)
    expect_equal(sorted(os.listdir(version.folder)), ["croissant.json"], "the version's folder")
    with open(f"{store}/clinic/_versions/00000001.withdrawn.json") as file:
        expect_equal(json.load(file)["reason"], "erasure request 17", "the tombstone's reason")
    run_well("modules", store, "verify", "clinic")
    modules(folder, "withdraw", "clinic@1", "--reason", "erasure request 17")
    expect("erasure request 17" in modules(folder, "show", "clinic@1"), "show does not tell the reason")
    with open(f"{store}/catalog.jsonld") as file:
        catalog = file.read()
    expect("Withdrawn" in catalog and "erasure" not in catalog, "the catalogue does not tell the withdrawal, or tells its reason")

    expect("would be withdrawn" in modules(folder, "retain", "clinic", "--keep", "1", "--dry-run"), "no rehearsal")
    run_well("modules", store, "show", "clinic@2")
    expect("kept" in modules(folder, "retain", "clinic", "--keep", "1", "--older-than", "P30D"), "young versions are withdrawn")
    told = described(folder, "retain", "clinic", "--keep", "1")
    expect_equal([each["version"] for each in told["versions"]], [2], "withdrawn by retention")
    expect("every version is kept" in modules(folder, "retain", "clinic", "--keep", "1"), "the newest version goes")
    run_well("modules", store, "verify", "clinic")
    expect_equal(numbers(store, "clinic"), [1, 2, 3], "numbers")
    run_well("run", f"{folder}/clinic.yaml", "--workers", "1")
    expect_equal(numbers(store, "clinic"), [1, 2, 3, 4], "numbers after the next run")

    # An edited record of the newest withdrawn version, whose protocol is gone.
    path = f"{store}/clinic/_versions/00000002.json"
    with open(path) as file:
        text = file.read()
    os.chmod(path, 0o644)
    with open(path, "w") as file:
        file.write(text.replace('"rows": 200', '"rows": 201'))
    result = run("modules", store, "verify", "clinic")
    expect(result.status == 5 and "00000002.json" in result.err, result.text)


def test_collect_spares_what_is_needed():
    folder = three_versions()
    store = f"{folder}/modules"
    before = sorted(os.listdir(f"{store}/clinic/runs"))
    for number, kind in enumerate(("runs", "_staging")):
        old = f"01900000-0000-7000-8000-00000000000{number}"
        os.makedirs(f"{store}/clinic/{kind}/{old}/data/t")
        with open(f"{store}/clinic/{kind}/{old}/data/t/part-00000.parquet", "w") as file:
            file.write("left behind")
    rehearsed = described(folder, "collect", "--dry-run")
    expect_equal(sorted(os.listdir(f"{store}/clinic/runs"))[0][:8], "01900000", "after the rehearsal")
    told = described(folder, "collect")
    expect_equal(told["modules"], rehearsed["modules"], "rehearsed and done")
    expect_equal(sorted(os.listdir(f"{store}/clinic/runs")), before, "runs after collecting")
    expect_equal(os.listdir(f"{store}/clinic/_staging"), [], "staging after collecting")

    # Beside a run young ages wait; what it leaves when it is killed is collected then.
    clinic(folder, 20_000)
    running = Running("run", f"{folder}/clinic.yaml", "--workers", "1")
    while running.is_running() and not os.listdir(f"{store}/clinic/_staging"):
        time.sleep(0.01)
    beside = run("modules", store, "collect", "--older-than", "PT1S")
    if running.is_running():
        expect(beside.status in (0, 2), beside.text)
    running.kill()
    left = os.listdir(f"{store}/clinic/_staging")
    time.sleep(1.2)
    text = modules(folder, "collect", "--older-than", "PT1S")
    if left:
        expect("removed staged parts" in text or "kept attempt" in text, text)
        expect("kept attempt" in text or not os.listdir(f"{store}/clinic/_staging"), "staged parts of a killed run are left")
    run_well("modules", store, "verify", "clinic")


def test_catalogue_lists_what_the_records_say():
    folder = three_versions()
    os.remove(f"{folder}/modules/catalog.jsonld")
    told = described(folder, "catalog")
    expect_equal(told["versions"], 3, "versions in the catalogue")
    with open(told["path"]) as file:
        document = json.load(file)
    expect_equal(len(document["dcat:dataset"][0]["dcat:hasVersion"]), 3, "versions in the file")


def test_refusals_of_versions():
    """Golden texts of what is refused, with their exit codes."""
    folder = three_versions()
    modules(folder, "withdraw", "clinic@1", "--reason", "erasure")
    modules(folder, "pull", "clinic@3", f"{folder}/alone")
    other = f"{folder}/other"
    shutil.copytree(folder, f"{folder}-other", ignore=shutil.ignore_patterns("modules", "alone"))
    run_well("run", f"{folder}-other/clinic.yaml", "--workers", "1")
    shutil.move(f"{folder}-other/modules", other)
    shutil.rmtree(f"{folder}-other")
    cases = {
        "modules-unknown-action": (2, ["verfy", "clinic"]),
        "modules-no-such-version": (2, ["show", "clinic@9"]),
        "modules-no-module-given": (2, ["verify"]),
        "modules-other-option": (2, ["show", "clinic", "--keep", "2"]),
        "modules-no-age": (2, ["collect", "--older-than", "week"]),
        "withdraw-no-reason": (2, ["withdraw", "clinic@2"]),
        "withdraw-no-version": (2, ["withdraw", "clinic", "--reason", "x"]),
        "withdraw-other-reason": (2, ["withdraw", "clinic@1", "--reason", "mistake"]),
        "retain-keeps-none": (2, ["retain", "clinic", "--keep", "0"]),
        "diff-withdrawn": (2, ["diff", "clinic@1", "clinic@2"]),
        "pull-withdrawn": (2, ["pull", "clinic@1", f"{folder}/nowhere"]),
        "copy-with-gap": (2, ["copy", "clinic@2", f"{folder}/nowhere"]),
        "copy-other-history": (2, ["copy", "clinic", other]),
    }
    wrong = []
    for name, (status, words) in cases.items():
        result = run("modules", "modules", *words, cwd=folder)
        try:
            text = cleaned(result.text, folder)
            text = text.replace(time.strftime("%Y-%m-%dT", time.gmtime()), "TODAYT")
            text = re.sub(r"TODAYT[0-9:]+Z by \w+", "TIME by USER", text)
            text = re.sub(r"TODAYT[0-9:]+Z", "TIME", text)
            hold_against_golden(name, f"exit code {result.status}\n{text}")
            expect(result.status == status, f"exit code {result.status}, expected {status}")
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
    for url in ("postgresql://u:hunter2@db.example/shop", "postgresql://u:p@ss@h/d?password=hunter2", "s3://data/modules",
                "s3://key:hunter2@data/modules", "s3://data/modules?X-Amz-Signature=hunter2"):
        for words in ([], ["show", "clinic"], ["copy", "clinic", url]):
            result = run("modules", url, *words, cwd=folder)
            expect(result.status in (2, 4) and "hunter2" not in result.text and "p@ss" not in result.text, result.text)
    expect(not os.path.exists(f"{folder}/nowhere/clinic/_versions/00000001.json"), "something was published by a refusal")
    expect(not wrong, "\n".join(wrong))
    return f"{len(cases)} refusals"
