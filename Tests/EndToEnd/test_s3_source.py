"""CSV from a bucket through whole runs: the same as from a folder, and nothing where the bucket or an object is another."""
import gzip
import http.client
import http.server
import json
import os
import subprocess
import sys
import threading
import uuid

from lib.checks import Skip, expect, expect_equal, require
from lib.document import Document, Table
from lib.etlx import run, run_well
from lib.published import Version, numbers
from lib.surroundings import scratch

KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
COLUMNS = {"id": "keep", "name": "keep", "amount": "keep"}


def endpoint() -> str:
    require(os.environ.get("ETL_TEST_S3"), "ETL_TEST_S3 names no S3 server")
    return os.environ["ETL_TEST_S3"].split()[0]


class Bucket:
    """A new bucket, filled by another program than the product."""

    def __init__(self):
        try:
            import boto3
            from botocore.config import Config
        except ImportError:
            raise Skip("the tests' Python has no boto3") from None
        self.name = f"etl-source-{uuid.uuid4().hex[:12]}"
        self.client = boto3.client(
            "s3", endpoint_url=endpoint(), region_name="us-east-1", aws_access_key_id="testing",
            aws_secret_access_key="testing", config=Config(s3={"addressing_style": "path"}))
        self.client.create_bucket(Bucket=self.name)

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=content)

    def put_folder(self, folder: str, prefix: str) -> None:
        for where, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(where, name)
                self.client.upload_file(path, self.name, f"{prefix}/{os.path.relpath(path, folder)}")

    def source(self, key: str, server: str | None = None, **more) -> dict:
        return {"path": f"s3://{self.name}/{key}", "s3": {"endpoint": server or endpoint(), "region": "us-east-1"}, **more}


def write(folder: str, source: dict, columns: dict[str, object] = COLUMNS) -> Document:
    document = Document(folder, "files", {"files": {"kind": "csv", **source}}, [Table("records", "files", columns)])
    document.write()
    return document


def publish(source: dict, env: dict[str, str] = KEYS, workers: int = 2):
    document = write(scratch("from-s3"), source)
    return run("run", document.path, "--workers", str(workers), env=env), document.store


def rows(start: int, count: int, filler: str = "") -> str:
    return "id,name,amount\n" + "".join(
        f'{i},"name ""{i}"", ünï{filler}",{i}.25\n' for i in range(start, start + count))


def expect_failure(result, store: str, status: int, *words: str) -> None:
    expect_equal(result.status, status, f"exit code ({result.text[-800:]})")
    for word in words:
        expect(word in result.err, f"no {word!r} in: {result.err[-800:]}")
    expect("testing" not in result.text and "Signature" not in result.text, f"credentials in: {result.text[-800:]}")
    expect_equal(numbers(store, "files"), [], "versions")


def test_a_folder_and_a_bucket_give_the_same_parts():
    """Plain, gzip, UTF-16 and one file of several shards; byte for byte."""
    bucket, folder = Bucket(), scratch("same")
    os.makedirs(f"{folder}/in/deep")
    for name, content in {
        "b.csv.gz": gzip.compress(rows(0, 5000).encode()), "a.csv": rows(5000, 5000).encode(),
        "c.csv": b"\xff\xfe" + rows(10_000, 2000).encode("utf-16-le"), "d ü+%.csv": b"\xef\xbb\xbf" + rows(12_000, 10).encode(),
        "large.csv": rows(20_000, 400_000, "\n" + "x" * 350).encode(), "z.txt": b"no", ".h.csv": b"no", "deep/e.csv": b"no",
    }.items():
        with open(f"{folder}/in/{name}", "wb") as file:
            file.write(content)
    bucket.put_folder(f"{folder}/in", "in")
    near, near_store = publish({"path": f"{folder}/in/*.csv*"})
    far, far_store = publish(bucket.source("in/*.csv*"))
    expect_equal((near.status, far.status), (0, 0), f"exit codes ({near.text[-500:]}{far.text[-500:]})")
    near_version, far_version = Version(near_store, "files"), Version(far_store, "files")
    expect_equal(far_version.part_digests(), near_version.part_digests(), "parts")
    expect(len(far_version.parts("records")) > 5, "no file was cut into shards: nothing was tested")

    def read(version: Version, name: str) -> object:
        with open(f"{version.folder}/{name}") as file:
            return json.load(file)

    files = [read(version, "protocol.json")["sources"][0]["files"] for version in (near_version, far_version)]
    expect_equal([file["path"] for file in files[1]], [
        f"s3://{bucket.name}/in/{name}" for name in ("a.csv", "b.csv.gz", "c.csv", "d ü+%.csv", "large.csv")], "paths")
    expect_equal(*[[(file["bytes"], file["sha256"]) for file in side] for side in files], "bytes and digests")
    inputs = read(far_version, "lineage/complete.json")["inputs"]
    expect_equal(inputs, [{"namespace": f"s3://{bucket.name}", "name": "in/*.csv*"}], "inputs of the lineage")
    for name in ("protocol.json", "lineage/complete.json", "croissant.json"):
        if os.path.exists(f"{far_version.folder}/{name}"):
            with open(f"{far_version.folder}/{name}") as file:
                expect("testing" not in file.read(), f"credentials in {name}")
    return f"{len(far_version.parts('records'))} parts"


def test_settings_of_the_environment_do():
    bucket = Bucket()
    bucket.put("a.csv", rows(0, 10).encode())
    environment = {**KEYS, "AWS_ENDPOINT_URL_S3": endpoint(), "AWS_REGION": "us-east-1"}
    result, store = publish({"path": f"s3://{bucket.name}/a.csv"}, env=environment)
    expect_equal(result.status, 0, f"exit code ({result.text[-800:]})")
    expect_equal(Version(store, "files").rows("records"), 10, "rows")


def test_plan_preview_and_validate_look_into_the_bucket():
    bucket = Bucket()
    bucket.put("in/a.csv", rows(0, 10).encode())
    path = write(scratch("look"), bucket.source("in/?.csv")).path
    plan = json.loads(run_well("plan", path, "--json", env=KEYS).out)
    expect(f"s3://{bucket.name}/in/a.csv" in json.dumps(plan), f"no path of an object in {plan}")
    run_well("validate", path, "--connect", env=KEYS)
    preview = run_well("preview", path, "--rows", "3", env=KEYS)
    expect("2.25" in preview.out, f"no third row in: {preview.out}")
    run_well("validate", path, env={"AWS_EC2_METADATA_DISABLED": "true"})
    other = write(scratch("look"), bucket.source("in/?.csv"), {"id": "keep", "nmae": "keep", "amount": "keep"})
    result = run("validate", other.path, "--connect", env=KEYS)
    expect(result.status == 2 and "nmae" in result.err, f"a wrong column is not told: {result.text}")


class Meddler:
    """A proxy that does something before it passes on the Nth range of an object."""

    def __init__(self, number: int, act):
        self.ranges, meddler, port = 0, self, int(endpoint().rsplit(":", 1)[1].strip("/"))
        lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                if "Range" in self.headers:
                    with lock:
                        meddler.ranges += 1
                        if meddler.ranges == number:
                            act()
                link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                link.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() != "connection":
                        link.putheader(name, value)
                link.endheaders()
                answer = link.getresponse()
                data = answer.read()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                        self.send_header(name, value)
                length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
                self.send_header("Content-Length", length or "0")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)
                link.close()

            do_HEAD = do_GET

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def test_an_object_replaced_in_mid_run_fails_the_run():
    """After planning, and between two ranges of it; by an object of the same length, and by none."""
    bucket = Bucket()
    small, large = rows(10, 1000).encode(), rows(100_000, 100_000, "x" * 150).encode()
    for before, number in ((small, 2), (large, 2), (large, 4)):
        for after in (before.replace(b"name", b"NAME"), None):
            def act(after=after):
                if after is None:
                    bucket.client.delete_object(Bucket=bucket.name, Key="a.csv")
                else:
                    bucket.put("a.csv", after)
            bucket.put("a.csv", before)
            meddler = Meddler(number, act)
            result, store = publish(bucket.source("a.csv", meddler.address), workers=1)
            meddler.close()
            expect(meddler.ranges >= number, f"the object was read in {meddler.ranges} ranges: nothing was tested")
            reason = "no such object" if after is None else "the object has changed since it was planned"
            expect_failure(result, store, 4 if after is None else 1, f"s3://{bucket.name}/a.csv", reason)


def test_lost_requests_and_answers_give_the_same_parts():
    bucket = Bucket()
    for name in ("a.csv", "b.csv.gz", "c.csv"):
        content = rows(0, 60_000, "x" * 300).encode()
        bucket.put(f"in/{name}", gzip.compress(content, 1) if name.endswith(".gz") else content)
    whole, whole_store = publish(bucket.source("in/*"))
    expect_equal(whole.status, 0, f"exit code ({whole.text[-800:]})")
    script = os.path.join(os.path.dirname(os.path.realpath(__file__)), "fault_proxy.py")
    proxy = subprocess.Popen(
        [sys.executable, script, endpoint().rsplit(":", 1)[1].strip("/"), "--lose-requests", "0.15", "--lose-answers", "0.2"],
        stdout=subprocess.PIPE, text=True)
    try:
        address = f"http://127.0.0.1:{int(proxy.stdout.readline())}"
        lossy, lossy_store = publish(bucket.source("in/*", address))
    finally:
        proxy.terminate()
        counts = json.loads(proxy.communicate()[0])
    expect_equal(lossy.status, 0, f"exit code ({lossy.text[-800:]})")
    expect(counts["lost_requests"] + counts["lost_answers"] > 0, f"nothing was lost: {counts}")
    expect_equal(Version(lossy_store, "files").part_digests(), Version(whole_store, "files").part_digests(), "parts")
    return f"{counts}"


def test_what_is_not_there_is_told_by_name():
    bucket = Bucket()
    bucket.put("in/a.csv", rows(0, 10).encode())
    result, store = publish(bucket.source("in/*.tsv"))
    expect_failure(result, store, 4, f"source files, s3://{bucket.name}/in/*.tsv: no object matches")
    result, store = publish(bucket.source("in"))
    expect_failure(result, store, 1, f"s3://{bucket.name}/in: is a folder, not an object")
    for key in ("a.csv", "*.csv"):
        result, store = publish({**bucket.source(key), "path": f"s3://etl-no-such-bucket/{key}"})
        expect_failure(result, store, 4, "source files, s3://etl-no-such-bucket/", "there is no such bucket", "NoSuchBucket")


def test_a_server_that_refuses_or_is_not_there():
    bucket = Bucket()
    bucket.put("a.csv", rows(0, 10).encode())
    result, store = publish(bucket.source("a.csv"), env={**KEYS, "AWS_SECRET_ACCESS_KEY": "hunter2canary"})
    expect_failure(result, store, 4, f"source files, s3://{bucket.name}/a.csv")
    expect("hunter2canary" not in result.text, f"a secret in: {result.text}")
    result, store = publish(bucket.source("a.csv", "http://127.0.0.1:9"))
    expect_failure(result, store, 4, f"source files, s3://{bucket.name}/a.csv: no connection", "unreachable")
    nothing = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": scratch("home"), "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": ""}
    result, store = publish(bucket.source("a.csv"), env=nothing)
    expect_failure(result, store, 4, "AWS_ACCESS_KEY_ID")
