"""Signed versions, checked by OpenSSH's own program; and files that are nobody else's to read."""
import json
import os
import shutil
import stat
import subprocess

from lib.checks import expect, expect_equal, require
from lib.clinic import Clinic
from lib.etlx import run, run_well
from lib.local import cluster_etlx, open_scratch
from lib.published import Version, check_module
from lib.s3 import Bucket, real_server
from lib.samples import clinic
from lib.surroundings import scratch
from lib.target import fresh_target, into_database

from local_cluster import sample_source
from local_cluster.cluster import Cluster

SIGNATURE = "SHA256SUMS.sig"


def make_key(folder: str, name: str, *more: str) -> str:
    require(shutil.which("ssh-keygen") is not None, "there is no ssh-keygen (openssh-client)")
    path = f"{folder}/{name}"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path, *more], check=True)
    with open(f"{path}.pub") as public, open(f"{path}.signers", "w") as signers:
        signers.write(f"{name} {public.read()}")
    return path


def accepted_by_ssh(version: Version, key: str) -> bool:
    """Whether ssh-keygen takes the signature of a version in a folder for the key's."""
    folder = version.folder
    with open(f"{folder}/SHA256SUMS", "rb") as sums:
        done = subprocess.run(
            ["ssh-keygen", "-Y", "verify", "-f", f"{key}.signers", "-I", os.path.basename(key), "-n", "etlx-version@1",
             "-s", f"{folder}/{SIGNATURE}"], stdin=sums, capture_output=True)
    return done.returncode == 0


def fingerprint(key: str) -> str:
    return subprocess.run(["ssh-keygen", "-lf", key], check=True, capture_output=True, text=True).stdout.split()[1]


def published(folder: str, patients: int = 200) -> str:
    document = clinic(folder, patients)
    run_well("keys", "new", f"{folder}/people.key")
    return document


def with_sign(document: str, key: str) -> None:
    with open(document) as file:
        text = file.read()
    with open(document, "w") as file:
        file.write(text.replace("target: {directory: modules}", f"target: {{directory: modules, sign: {key}}}"))


def check_by_outsider(version: Version, folder: str) -> None:
    """The outsider's check knows every file of a version but its signature, which is looked at apart."""
    copy = scratch("unsigned")
    shutil.copytree(f"{folder}/modules", f"{copy}/modules", ignore=lambda _, names: [name for name in names if name == SIGNATURE])
    check_module(f"{copy}/modules", "clinic")


def test_signed_versions():
    folder = scratch("signed")
    document = published(folder)
    key, other = make_key(folder, "publisher"), make_key(folder, "other")
    store = f"{folder}/modules"
    run_well("run", document, "--workers", "1", "--sign", key)
    with_sign(document, "publisher")
    run_well("run", document, "--workers", "2")
    for number in (1, 2):
        version = Version(store, "clinic", number)
        expect(accepted_by_ssh(version, key), f"ssh-keygen refuses version {number}")
        expect(not accepted_by_ssh(version, other), "ssh-keygen takes it for another key's")
        expect_equal(version.record["signature"], {"path": f"{version.record['path']}{SIGNATURE}", "key": fingerprint(key)}, "signature in the record")
    check_by_outsider(Version(store, "clinic"), folder)
    verified = run_well("modules", store, "verify", "clinic", "--signers", f"{key}.signers").out
    expect(f"signed by {fingerprint(key)}: 1, 2" in verified, verified)
    expect(fingerprint(key) in run_well("modules", store, "show", "clinic@1").out, "show does not name the key")

    # Another's, a changed list of digests, none at all.
    result = run("modules", store, "verify", "clinic", "--signers", f"{other}.signers")
    expect_equal(result.status, 5, f"exit code for another key ({result.text})")
    expect(result.text.count(SIGNATURE) == 2 and fingerprint(key) in result.text, result.text)
    run_well("modules", store, "copy", "clinic", f"{folder}/copied")
    run_well("modules", f"{folder}/copied", "verify", "clinic", "--signers", f"{key}.signers")
    run_well("modules", store, "pull", "clinic@2", f"{folder}/pulled")
    run_well("modules", f"{folder}/pulled", "verify", "clinic", "--signers", f"{key}.signers")
    sums = f"{Version(store, 'clinic', 2).folder}/SHA256SUMS"
    subprocess.run(["chmod", "-R", "u+w", store], check=True)
    with open(sums, "rb") as file:
        text = bytearray(file.read())
    # Another digit of a digest, so that it stays a list of digests.
    text[0] = ord("1" if text[:1] == b"0" else "0")
    with open(sums, "wb") as file:
        file.write(text)
    result = run("modules", store, "verify", "clinic@2", "--signers", f"{key}.signers")
    expect_equal(result.status, 5, "exit code for changed sums")
    expect("not the one that was signed" in result.text, result.text)
    run_well("modules", store, "withdraw", "clinic@2", "--reason", "test")
    run_well("modules", store, "verify", "clinic", "--signers", f"{key}.signers")
    with open(document) as file:
        unsigned = file.read().replace(", sign: publisher", "")
    with open(document, "w") as file:
        file.write(unsigned)
    run_well("run", document, "--workers", "1")
    result = run("modules", store, "verify", "clinic", "--signers", f"{key}.signers")
    expect_equal(result.status, 5, "exit code for a version that is not signed")
    expect("the version is not signed" in result.text, result.text)
    run_well("modules", store, "verify", "clinic")


def test_keys_that_are_refused_before_anything_is_read():
    folder = scratch("refused")
    document = published(folder)
    key = make_key(folder, "publisher")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", f"{folder}/encrypted"], check=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", f"{folder}/ecdsa"], check=True)
    shutil.copy(key, f"{folder}/open")
    os.chmod(f"{folder}/open", 0o644)
    for name, words in {"none": "cannot be read", "open": "chmod 600", "encrypted": "encrypted", "ecdsa": "ecdsa-sha2-nistp256",
                        "publisher.pub": "no private key of OpenSSH"}.items():
        if name == "publisher.pub":
            os.chmod(f"{folder}/{name}", 0o600)
        result = run("run", document, "--workers", "1", "--sign", f"{folder}/{name}")
        expect_equal(result.status, 2, f"exit code with {name} ({result.text})")
        expect(words in result.text and name in result.text, result.text)
    with_sign(document, "none")
    result = run("run", document, "--workers", "1")
    expect_equal(result.status, 2, "exit code with a key in the document that is not there")
    expect(not os.path.exists(f"{folder}/modules/clinic"), "something was begun")
    for text in ("* cert-authority ssh-ed25519 AAAA\n", "", "publisher\n"):
        with open(f"{folder}/signers", "w") as file:
            file.write(text)
        run_well("run", document, "--workers", "1", "--sign", key)
        result = run("modules", f"{folder}/modules", "verify", "clinic", "--signers", f"{folder}/signers")
        expect_equal(result.status, 2, f"exit code with signers {text!r} ({result.text})")


def test_signed_in_a_bucket_and_in_a_database():
    pipeline, bucket = Clinic(50), Bucket(real_server())
    key = make_key(pipeline.folder, "publisher")
    pipeline.run_well(bucket.target() | {"sign": key})
    store = bucket.fetch(f"{pipeline.folder}/fetched")
    run_well("modules", store, "verify", "clinic", "--signers", f"{key}.signers")
    expect(accepted_by_ssh(Version(store, "clinic"), key), "ssh-keygen refuses the version of the bucket")
    folder = scratch("signed-database")
    document = published(folder)
    database = fresh_target("signed")
    run_well("run", into_database(document, database), "--workers", "2", "--sign", key)
    run_well("modules", database.url, "verify", "clinic", "--signers", f"{key}.signers")
    run_well("modules", database.url, "pull", "clinic", f"{folder}/pulled")
    expect(accepted_by_ssh(Version(f"{folder}/pulled", "clinic"), key), "ssh-keygen refuses the version of the database")


def test_signed_on_a_cluster():
    """The coordinator signs with its own key; a document that wants a signature is refused where there is none."""
    folder = open_scratch("signed-cluster")
    key = make_key(folder, "publisher")
    for options in ([], ["--sign", key]):
        with Cluster(f"{folder}/cluster{len(options)}", workers=1, keepers=1, coordinators=1, etlx=cluster_etlx(),
                     coordinator_options=options) as cluster:
            source = cluster.serve_postgres("source")
            sample_source.fill(source.url, 1_000)
            pipeline = sample_source.Pipeline(folder, source.url, cluster.etlx, f"store{len(options)}")
            with open(pipeline.path) as file:
                text = file.read()
            target = json.dumps({"directory": pipeline.store})
            with open(pipeline.path, "w") as file:
                file.write(text.replace(target, json.dumps({"directory": pipeline.store, "sign": "/somewhere/else"})))
            answer = cluster.client.submit(pipeline.path, "--wait")
            if not options:
                expect(answer.status != 0 and "--sign" in answer.text, f"{answer.status}: {answer.text[-800:]}")
                expect(not os.path.exists(f"{pipeline.store}/sample"), "something was begun")
                continue
            expect_equal(answer.status, 0, f"exit code of submit ({answer.text[-800:]})")
            run_well("modules", pipeline.store, "verify", "sample", "--signers", f"{key}.signers")
            expect(accepted_by_ssh(Version(pipeline.store, "sample"), key), "ssh-keygen refuses the cluster's version")


def test_modes_under_every_umask():
    """The ledger is its owner's alone; published files are never writable, and readable as the umask has it."""
    for umask in (0o000, 0o022, 0o027, 0o077):
        folder = scratch(f"umask-{umask:03o}")
        document = published(folder, 50)
        before = os.umask(umask)
        try:
            run_well("run", document, "--workers", "1")
        finally:
            os.umask(before)
        store = f"{folder}/modules"
        ledger = f"{store}/.ledger"
        expect_equal(mode(ledger), 0o700, f"mode of the ledger's folder under {umask:03o}")
        for name in os.listdir(ledger):
            expect_equal(mode(f"{ledger}/{name}"), 0o600, f"mode of {name} under {umask:03o}")
        for path, folders, names in os.walk(Version(store, "clinic").folder):
            expect_equal(mode(path), 0o555 & ~umask, f"mode of {path} under {umask:03o}")
            for name in names:
                expect_equal(mode(f"{path}/{name}"), 0o444 & ~umask, f"mode of {name} under {umask:03o}")
        run_well("modules", store, "verify", "clinic")


def mode(path: str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)
