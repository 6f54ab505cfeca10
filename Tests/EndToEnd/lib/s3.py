"""S3 servers of the tests, buckets on them, and what lies in a bucket as another program sees it."""
import atexit
import contextlib
import functools
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile

import boto3
from botocore.config import Config

from lib.checks import expect, require
from lib.surroundings import ROOT

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
HERE = os.path.join(ROOT, "Tests/EndToEnd")


@functools.cache
def real_server() -> list[str]:
    """The endpoints of the real server, all over the same objects. One is started where `ops/test` has not done so."""
    if os.environ.get("ETL_TEST_S3"):
        return os.environ["ETL_TEST_S3"].split()
    absent = os.environ.get("ETL_TEST_S3_ABSENT")
    require(not absent, absent)
    folder = tempfile.mkdtemp(prefix="etl-s3.") + "/server"
    done = subprocess.run([f"{ROOT}/ops/private-s3", "start", folder], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    require(done.returncode == 0, f"no S3 server: {done.stderr.strip()[-300:]}")
    atexit.register(subprocess.run, [f"{ROOT}/ops/private-s3", "stop", folder], capture_output=True)
    return done.stdout.split()


@functools.cache
def moto() -> list[str]:
    """The endpoint of moto, a server in Python that this process started."""
    process = subprocess.Popen(
        [sys.executable, f"{HERE}/s3_servers.py", "moto"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True)
    port = process.stdout.readline().strip()
    require(port, "this Python has no moto")
    atexit.register(process.kill)
    return [f"http://127.0.0.1:{port}"]


@contextlib.contextmanager
def faulty(endpoint: str, *faults: str):
    """A proxy before an endpoint that loses and falsifies; gives its own endpoint, and its process for signals."""
    process = subprocess.Popen(
        [sys.executable, f"{HERE}/fault_proxy.py", endpoint.rpartition(":")[2], *faults], stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}", process
    finally:
        process.kill()
        process.wait()


class Bucket:
    """A new bucket; modules lie below `modules/` in it."""

    def __init__(self, endpoints: list[str], is_versioned: bool = False):
        self.name, self.endpoints = f"etl-{secrets.token_hex(6)}", endpoints
        self.client = boto3.client(
            "s3", endpoint_url=endpoints[0], region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing",
            config=Config(s3={"addressing_style": "path"}))
        self.client.create_bucket(Bucket=self.name)
        if is_versioned:
            self.client.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})

    def target(self, endpoints: list[str] | None = None) -> dict:
        return {"s3": {"bucket": self.name, "prefix": "modules", "endpoint": endpoints or self.endpoints}}

    def keys(self, prefix: str = "") -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def uploads(self) -> list[str]:
        """Keys of uploads that were neither completed nor aborted."""
        pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.name)
        return [entry["Key"] for page in pages for entry in page.get("Uploads", [])]

    def read(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def versions(self, module: str) -> list[int]:
        found = (re.fullmatch(rf"modules/{module}/_versions/(\d{{8}})\.json", key) for key in self.keys(f"modules/{module}/_versions/"))
        return sorted(int(match[1]) for match in found if match)

    def record(self, module: str, version: int) -> dict:
        return json.loads(self.read(f"modules/{module}/_versions/{version:08d}.json"))

    def unpublished(self, module: str) -> list[str]:
        """Objects of attempts that no version refers to."""
        paths = {self.record(module, version)["path"].rstrip("/") for version in self.versions(module)}
        keys = self.keys(f"modules/{module}/runs/")
        return [key for key in keys if not any(key.startswith(f"modules/{module}/{path}/") for path in paths)]

    def fetch(self, folder: str) -> str:
        """Copies every object to disk as another program would; returns the store's folder."""
        for key in self.keys("modules/"):
            path = os.path.join(folder, key)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(self.read(key))
        store = os.path.join(folder, "modules")
        expect(os.path.isdir(store), "nothing is in the bucket")
        return store
