"""Commits whose answer is lost, and runs that are killed at any time: whole versions, no number twice, no gap."""
import os
import random
import subprocess

from lib.checks import expect, expect_equal
from lib.clinic import Clinic
from lib.etlx import run_well
from lib.marks import by_night, long
from lib.published import Version, numbers
from lib.s3 import Bucket, faulty, real_server

COMMITS = ["--only", "PUT", "--match", "_versions/0"]


def test_lost_answers_to_the_commit():
    """The record is kept and nobody says so, or is lost, or lands late: the same run sends it again."""
    pipeline, bucket = Clinic(50), Bucket(real_server())
    for version, fault in enumerate(("--lose-answers", "--lose-requests", "--late"), 1):
        with faulty(bucket.endpoints[0], fault, "1", "--times", "3", *COMMITS) as (endpoint, _):
            result = pipeline.run_well(bucket.target([endpoint]))
        expect(f"clinic@{version}" in result.out, f"{fault}: {result.out}")
        expect_equal(bucket.versions("clinic"), list(range(1, version + 1)), f"{fault}: versions")
    check_stored(pipeline, bucket)


def test_killed_while_the_commit_is_unknown():
    """The next run sends the record of the dead one again: kept or lost, it becomes the version that it names."""
    pipeline, bucket = Clinic(50), Bucket(real_server())
    pipeline.run_well(bucket.target())
    for earlier, fault in ((2, "--lose-answers"), (4, "--lose-requests")):
        kill_while_unknown(pipeline, bucket, fault)
        result = pipeline.run_well(bucket.target())
        expect(
            f"an earlier run, whose coordinator ended while it published, is version {earlier}" in result.err,
            f"{fault}: what became of the earlier run is not told: {result.text}")
        expect_equal(bucket.versions("clinic"), list(range(1, earlier + 2)), f"{fault}: versions")
    check_stored(pipeline, bucket)


def test_killed_while_unknown_and_overtaken():
    """Another machine took the number meanwhile: the dead run becomes no version, and leaves nothing."""
    pipeline, bucket = Clinic(50), Bucket(real_server())
    pipeline.run_well(bucket.target())
    kill_while_unknown(pipeline, bucket, "--lose-requests")
    pipeline.run_well(bucket.target(), XDG_STATE_HOME=f"{pipeline.folder}/other-machine")
    result = pipeline.run_well(bucket.target())
    expect("did not become a version" in result.err, f"what became of the earlier run is not told: {result.text}")
    expect_equal(bucket.versions("clinic"), [1, 2, 3], "versions")
    check_stored(pipeline, bucket)


def test_store_that_never_answers_for_an_earlier_commit():
    """As long as nobody knows what became of a commit, no run goes on, and nothing is removed."""
    pipeline, bucket = Clinic(50), Bucket(real_server())
    pipeline.run_well(bucket.target())
    kill_while_unknown(pipeline, bucket, "--lose-requests")
    staged = bucket.unpublished("clinic")
    expect(staged, "the killed run has left nothing: the test tests nothing")
    with faulty(bucket.endpoints[0], "--refuse-after", "1:403:AccessDenied", "--match", "_versions/0", "--refuse-method", "PUT") as (endpoint, _):
        result = pipeline.run(bucket.target([endpoint]))
    expect_equal(result.status, 1, f"exit code ({result.text})")
    expect_equal(bucket.unpublished("clinic"), staged, "objects of the killed run")
    expect_equal(bucket.versions("clinic"), [1], "versions")
    result = pipeline.run_well(bucket.target())
    expect("is version 2" in result.err, f"what became of the earlier run is not told: {result.text}")
    check_stored(pipeline, bucket)


def kill_while_unknown(pipeline: Clinic, bucket: Bucket, fault: str) -> None:
    """Ends a run and its workers with SIGKILL after its commit was sent twice without an answer."""
    with faulty(bucket.endpoints[0], fault, "1", "--tell", *COMMITS) as (endpoint, proxy):
        running = pipeline.start(bucket.target([endpoint]))
        for _ in range(2):
            expect(proxy.stdout.readline().startswith("lost"), "the proxy has ended")
        expect(running.is_running(), f"the run ended: {running.read('err')}")
        running.kill()


@long
def test_killed_at_any_time_in_a_bucket():
    pipeline, bucket = Clinic(50), Bucket(real_server())
    return kill_often(
        pipeline, bucket.target(), lambda: bucket.versions("clinic"), lambda: check_stored(pipeline, bucket))


@long
def test_killed_at_any_time_in_a_folder():
    pipeline = Clinic(50)
    store = f"{pipeline.folder}/store"

    def check():
        run_well("modules", store, "verify", "clinic")
        # A run that was killed before it was noted may leave a folder, without anything in it.
        left = [name for _, _, names in os.walk(f"{store}/clinic/_staging") for name in names]
        expect_equal(left, [], "files left in staging")
        paths = {Version(store, "clinic", number).record["path"].strip("/") for number in numbers(store, "clinic")}
        runs = {f"runs/{name}" for name in os.listdir(f"{store}/clinic/runs") if any(names for _, _, names in os.walk(f"{store}/clinic/runs/{name}"))}
        expect_equal(runs, paths, "folders of runs")

    return kill_often(pipeline, {"directory": store}, lambda: numbers(store, "clinic"), check)


def kill_often(pipeline: Clinic, target: dict, versions, check) -> str:
    """Kills runs at random times, most of them near their end; now and then one is let be and must succeed."""
    kills = by_night(30, 12)
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    try:
        usual = pipeline.run_well(target).seconds
        settled = 0
        for number in range(kills):
            before = versions()
            running = pipeline.start(target)
            try:
                running.process.wait(usual * chance.choice([chance.random(), 0.6 + 0.5 * chance.random()]))
            except subprocess.TimeoutExpired:
                running.kill()
            after = versions()
            # Its own version, and before it that of an earlier run whose commit it sent again.
            expect(after[: len(before)] == before and len(after) <= len(before) + 2, f"kill {number}: versions {before}, then {after}")
            settled += "an earlier run" in running.read("err")
            if number % 6 == 5:
                settled += "an earlier run" in pipeline.run_well(target).err
        pipeline.run_well(target)
        found = versions()
        expect_equal(found, list(range(1, len(found) + 1)), "versions")
        check()
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from None
    return f"{kills} kills, seed {seed}, {len(found)} versions, {settled} earlier runs settled"


def check_stored(pipeline: Clinic, bucket: Bucket) -> None:
    """Every version is whole, and nothing else is there."""
    expect_equal(bucket.uploads(), [], "open uploads")
    expect_equal(bucket.unpublished("clinic"), [], "objects of no version")
    store = bucket.fetch(f"{pipeline.folder}/fetched-{bucket.name}")
    run_well("modules", store, "verify", "clinic")
