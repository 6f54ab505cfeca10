"""Versions in a bucket: the bytes that a folder would get, and nothing else than whole versions whatever goes wrong."""
import re
import secrets
import socket

from lib.checks import expect, expect_equal
from lib.clinic import Clinic
from lib.etlx import Result, run_well
from lib.published import Version, check_module
from lib.s3 import Bucket, faulty, moto, real_server
from test_errors import cleaned, hold_against_golden


def data_lines(version: Version) -> dict[str, str]:
    return {path: digest for path, digest in version.digests().items() if path.endswith(".parquet")}


def test_same_bytes_in_a_folder_and_in_buckets():
    """One source, one key, three stores: a folder, a real S3 server and moto."""
    pipeline = Clinic(2_000)
    pipeline.run_well({"directory": f"{pipeline.folder}/disk"})
    wanted = Version(f"{pipeline.folder}/disk", "clinic")
    expect(len(data_lines(wanted)) >= 2, "too few parts")
    for name, endpoints in (("real", real_server()), ("moto", moto())):
        bucket = Bucket(endpoints)
        for number in (1, 2):
            result = pipeline.run_well(bucket.target())
            expect(f"clinic@{number}" in result.out, f"{name}: {result.out}")
            expect(f"s3://{bucket.name}/modules/clinic/runs/" in result.out, f"{name}: the place is not told: {result.out}")
            expect_equal(bucket.versions("clinic"), list(range(1, number + 1)), f"{name}: versions")
        expect_equal(bucket.uploads(), [], f"{name}: open uploads")
        expect_equal(bucket.unpublished("clinic"), [], f"{name}: objects of no version")
        expect_equal([key for key in bucket.keys() if ".etl-probe" in key], [], f"{name}: objects of the probe")
        store = bucket.fetch(f"{pipeline.folder}/{name}")
        for number in (1, 2):
            found = Version(store, "clinic", number)
            expect_equal(data_lines(found), data_lines(wanted), f"{name}@{number}: digests of the parts")
            expect_equal(found.part_digests(), wanted.part_digests(), f"{name}@{number}: parts")
            for table in wanted.record["tables"]:
                expect(found.read(table).equals(wanted.read(table)), f"{name}@{number}: values of {table}")
        run_well("modules", store, "verify", "clinic")
        environment = pipeline.environment | {"AWS_ENDPOINT_URL_S3": endpoints[-1]}
        place, pulled = f"s3://{bucket.name}/modules", f"{pipeline.folder}/pulled-{name}"
        run_well("modules", place, "verify", "clinic", env=environment)
        run_well("modules", place, "pull", "clinic@2", pulled, env=environment)
        expect_equal(Version(pulled, "clinic", 2).part_digests(), wanted.part_digests(), f"{name}: parts of the pulled version")
        if name == "real":
            check_module(pulled, "clinic")
    return f"{len(data_lines(wanted))} parts"


# What goes wrong in the middle of a run: exit code, and how the proxy before the server brings it about.
IN_MID_RUN = {
    "session-expired": (1, ["--refuse-after", "2:400:ExpiredToken", "--match", "partNumber=", "--refuse-method", "PUT"]),
    "access-denied": (1, ["--refuse-after", "2:403:AccessDenied", "--match", "partNumber=", "--refuse-method", "PUT"]),
    "quota-exceeded": (1, ["--refuse-after", "1:403:QuotaExceeded", "--match", "partNumber=", "--refuse-method", "PUT"]),
    "completion-fails-in-200": (1, ["--fail-complete", "1000000"]),
    "no-right-to-describe": (1, ["--refuse-after", "1:403:AccessDenied", "--match", "croissant.json", "--refuse-method", "PUT"]),
    "no-right-to-commit": (1, ["--refuse-after", "1:403:AccessDenied", "--match", "_versions/0", "--refuse-method", "PUT"]),
}


def test_failures_in_mid_run():
    """Each leaves the last version as it was, nothing of its own, and a message without values and secrets."""
    pipeline, bucket = Clinic(), Bucket(real_server())
    pipeline.run_well(bucket.target())
    before = {key: bucket.read(key) for key in bucket.keys()}
    wrong = []
    for name, (status, faults) in IN_MID_RUN.items():
        with faulty(bucket.endpoints[0], *faults) as (endpoint, _):
            result = pipeline.run(bucket.target([endpoint]), AWS_SESSION_TOKEN="session-of-the-test" if "session" in name else "")
        try:
            check_failure(f"s3/{name}", result, status, pipeline, bucket.name)
            expect_equal(bucket.uploads(), [], "open uploads")
            expect_equal({key: bucket.read(key) for key in bucket.keys()}, before, "objects")
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
    expect(not wrong, "\n".join(wrong))
    pipeline.run_well(bucket.target())
    expect_equal(bucket.versions("clinic"), [1, 2], "versions after the next run")
    return f"{len(IN_MID_RUN)} failures"


def test_store_that_refuses_everything_in_mid_run():
    """A session that ended for every request: the run cannot even clean up. The next one does it."""
    pipeline, bucket = Clinic(), Bucket(real_server())
    pipeline.run_well(bucket.target())
    before = bucket.keys()
    refusal = ["--refuse-after", "1:400:ExpiredToken", "--match", "partNumber=", "--refuse-method", "PUT", "--refuse-on"]
    with faulty(bucket.endpoints[0], *refusal) as (endpoint, _):
        result = pipeline.run(bucket.target([endpoint]))
    expect_equal(result.status, 1, f"exit code ({result.text})")
    expect("the credentials expired" in result.text, f"the reason is not told: {result.text}")
    expect_equal(bucket.versions("clinic"), [1], "versions")
    expect(bucket.uploads(), "the run has left no upload: the test tests nothing")
    pipeline.run_well(bucket.target())
    expect_equal(bucket.versions("clinic"), [1, 2], "versions after the next run")
    expect_equal(bucket.uploads(), [], "open uploads after the next run")
    expect_equal(bucket.unpublished("clinic"), [], "objects of no version")
    expect(set(before) <= set(bucket.keys()), "an object of version 1 is gone")


def test_buckets_that_cannot_be_used():
    """Told before anything is read: exit code 4."""
    pipeline, bucket = Clinic(50), Bucket(real_server())
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = [f"http://127.0.0.1:{unused.getsockname()[1]}"]
        absent = {"s3": bucket.target()["s3"] | {"bucket": f"etl-{secrets.token_hex(6)}"}}
        versioned = Bucket(real_server(), is_versioned=True)
        cases = {
            "no-bucket": (absent, {}), "wrong-credentials": (bucket.target(), {"AWS_SECRET_ACCESS_KEY": "wrong-secret-of-the-test"}),
            "unknown-user": (bucket.target(), {"AWS_ACCESS_KEY_ID": "nobody-of-the-test"}),
            "no-credentials": (bucket.target(), {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}),
            "half-of-credentials": (bucket.target(), {"AWS_SECRET_ACCESS_KEY": ""}),
            "versioned-bucket": (versioned.target(), {}), "endpoint-not-there": (bucket.target(closed), {}),
        }
        wrong = []
        for name, (target, environment) in cases.items():
            result = pipeline.run(target, **environment)
            try:
                check_failure(f"s3/{name}", result, 4, pipeline, target["s3"]["bucket"])
                expect_equal(bucket.keys() + versioned.keys(), [], "objects")
            except AssertionError as error:
                wrong.append(f"{name}: {error}")
    expect(not wrong, "\n".join(wrong))
    return f"{len(cases)} buckets"


def check_failure(name: str, result: Result, status: int, pipeline: Clinic, bucket: str) -> None:
    found = f"exit code {result.status}\n{cleaned(result.text, pipeline.folder)}".replace(bucket, "BUCKET")
    found = re.sub(r"(?m)^ *\d+%  .*\n", "", found)
    found = re.sub(r"part-\d{5}", "PART", re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "PROBE", found))
    found = re.sub(r"data/(patients|visits)/", "data/TABLE/", found)
    for secret in ("wrong-secret-of-the-test", "session-of-the-test", "nobody-of-the-test", *pipeline.values):
        expect(secret not in result.text, "a secret or a value is in the message")
    hold_against_golden(name, found)
    expect_equal(result.status, status, f"exit code ({found})")
