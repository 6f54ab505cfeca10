"""What a platform engineer deploys: manifests, image, certificates, alerts, dashboard, runbooks. No cluster is needed.

The names of options, metrics and labels below are the program's side of the bargain: a manifest, alert or page that uses
another one fails here.
"""
import copy
import ctypes.util
import json
import os
import re
import shutil
import ssl
import stat
import subprocess
import sys

import promql_parser
import yaml

from lib.checks import expect, expect_equal, require
from lib.mutations import MUTATIONS, find, pod_of
from lib.surroundings import ROOT, etlx_path, scratch

KUBERNETES, CONTAINER = f"{ROOT}/cluster/kubernetes", f"{ROOT}/cluster/container"
sys.path.insert(0, KUBERNETES)
from tools import policy, rendering, validation  # noqa: E402

KUSTOMIZATIONS = ["base", "overlays/backfill", "overlays/hpa", "overlays/keda", "overlays/monitoring", "example-site"]

OPTIONS = {
    "coordinator": {
        "--listen", "--ledger", "--join-tokens", "--keeper-tokens", "--operator-tokens", "--advertise", "--ca", "--certificate", "--private-key",
        "--insecure-network", "--http", "--log", "--jwks", "--jwt-issuer", "--jwt-audience", "--jwt-subject",
        "--jwt-keeper-subject", "--base-directory", "--placeholder-directory", "--placeholder-prefix", "--target-directory",
        "--target-endpoint", "--source-endpoint"},
    "worker": {
        "--coordinator", "--role", "--slots", "--join-token", "--ca", "--certificate", "--private-key", "--server-name", "--http",
        "--grace", "--until-idle", "--base-directory", "--placeholder-directory", "--placeholder-prefix", "--target-directory",
        "--target-endpoint", "--source-endpoint", "--log"},
    "submit": {"--coordinator", "--operator-token", "--wait", "--on-snapshot-loss", "--ca", "--certificate", "--private-key", "--server-name"},
    "status": {"--coordinator", "--operator-token", "--json", "--ca", "--certificate", "--private-key", "--server-name"},
    "audit": {"--ledger"},
}
METRICS = {
    "etlx_shards", "etlx_shards_total", "etlx_rows_read_total", "etlx_bytes_read_total", "etlx_shard_duration_seconds",
    "etlx_lease_expired_total", "etlx_fenced_total", "etlx_dropped_rows_total", "etlx_heartbeat_age_seconds",
    "etlx_source_snapshot_age_seconds", "etlx_leader", "etlx_epoch", "etlx_publish_total", "etlx_runs", "etlx_nodes",
    "etlx_nng_pipes", "etlx_nng_socket_recreated_total", "process_open_fds", "process_resident_memory_bytes", "etlx_build_info",
}
# Labels by which a query may select, with the values that the program gives them; where none stand, any value.
LABELS = {
    ("etlx_shards", "state"): {"ready", "leased", "done"}, ("etlx_nodes", "role"): {"worker", "keeper"},
    ("*", "namespace"): None,
}
# Names of ours that are no metrics.
OTHER_NAMES = {"etlx_coordinator", "etlx_ledger", "etlx_open_shards"}


def run(*command: str, **settings) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **settings)


def site() -> list[dict]:
    """Objects of every kind that we have, each once, in order."""
    objects = rendering.render(f"{KUBERNETES}/example-site")
    for name in ("hpa", "backfill"):
        known = {rendering.identity(item) for item in objects}
        objects += [item for item in rendering.render(f"{KUBERNETES}/overlays/{name}") if rendering.identity(item) not in known]
    return objects


# Rendering

def test_check_is_content():
    found = run(f"{KUBERNETES}/check")
    expect_equal(found.returncode, 0, f"exit code of check; it says\n{found.stdout}{found.stderr}")
    expect_equal([line.split(":")[0] for line in found.stdout.splitlines()], KUSTOMIZATIONS, "what is checked")
    for name in os.listdir(f"{KUBERNETES}/components"):
        expect(f"overlays/{name}" in KUSTOMIZATIONS, f"no overlay renders the component {name}")


def test_render_equals_kustomize():
    require(shutil.which("kubectl"), "no kubectl, whose kustomize `render` is compared with")
    for name in KUSTOMIZATIONS:
        theirs = run("kubectl", "kustomize", f"{KUBERNETES}/{name}")
        expect_equal(theirs.returncode, 0, f"kubectl kustomize {name}: {theirs.stderr}")
        ours = run(f"{KUBERNETES}/render", f"{KUBERNETES}/{name}")
        expect_equal(ours.returncode, 0, f"render {name}: {ours.stderr}")
        ours, theirs = (sorted(yaml.safe_load_all(text), key=rendering.identity) for text in (ours.stdout, theirs.stdout))
        expect_equal([rendering.identity(item) for item in ours], [rendering.identity(item) for item in theirs], f"objects of {name}")
        for one, other in zip(ours, theirs):
            expect_equal(one, other, f"{name}: {' '.join(rendering.identity(one))}")


def test_render_refuses_what_it_does_not_read():
    refused = {
        "namePrefix is not read": {"namePrefix": "a-"},
        "only its path is read": {"patches": [{"path": "patch.yaml", "target": {"kind": "Service"}}]},
        "which is not there": {"patches": [{"path": "absent.yaml"}]},
        "$patch is not read": {"patches": [{"path": "directive.yaml"}]},
        "only name, newName and digest": {"images": [{"name": "a", "newTag": "1"}]},
        "stands twice": {"resources": ["object.yaml", "object.yaml"]},
    }
    folder = scratch("kustomization")
    thing = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}
    for name, item in {"object.yaml": thing, "patch.yaml": thing, "directive.yaml": thing | {"$patch": "delete"},
                       "absent.yaml": thing | {"metadata": {"name": "b"}}}.items():
        with open(f"{folder}/{name}", "w") as file:
            yaml.safe_dump(item, file)
    for text, settings in refused.items():
        with open(f"{folder}/kustomization.yaml", "w") as file:
            yaml.safe_dump({"kind": "Kustomization", "resources": ["object.yaml"]} | settings, file)
        found = run(f"{KUBERNETES}/render", folder)
        expect(found.returncode == 1 and text in found.stderr and not found.stdout, f"{settings} is not refused: {found}")


def test_a_site_is_told_what_it_left():
    folder = f"{scratch('site')}/kubernetes"
    shutil.copytree(KUBERNETES, folder)
    left = run(f"{KUBERNETES}/check", f"{folder}/example-site")
    expect_equal(left.returncode, 1, "exit code of check on the example")
    for text in ("container etlx: the image is the placeholder", "NetworkPolicy etlx-to-sources: the address is the placeholder",
                 "NetworkPolicy etlx-to-ledger: the address", "NetworkPolicy etlx-to-store: the address", "ConfigMap etlx-site: a value"):
        expect(text in left.stdout, f"check does not say: {text}")
    expect(all(": site: " in line for line in left.stdout.splitlines()), f"more is wrong with the example: {left.stdout}")
    for name in ("kustomization.yaml", "site.yaml", "network.yaml"):
        path = f"{folder}/example-site/{name}"
        with open(path) as file:
            text = file.read()
        text = text.replace("0" * 64, "5e" * 32).replace("hospital.example", "hospital.test")
        text = re.sub(r"198\.51\.100\.|203\.0\.113\.", "10.20.30.", text)
        with open(path, "w") as file:
            file.write(text)
    done = run(f"{KUBERNETES}/check", f"{folder}/example-site")
    expect_equal(done.returncode, 0, f"exit code of check on a site that set everything; it says {done.stdout}")


# Schemas

def test_schemas_refuse():
    objects = site()
    expect_equal(validation.complaints(objects), [], "complaints about what we have")
    cases = [
        ("Deployment", "etlx-worker", ["spec", "template", "spec", "containers", 0], {"livenesProbe": {}}, "Kubernetes 1.37"),
        ("Deployment", "etlx-worker", ["spec"], {"replicas": "two"}, "Kubernetes 1.30"),
        ("NetworkPolicy", "etlx-metrics", ["spec"], {"policyType": []}, "policyType"),
        ("ScaledObject", "etlx-worker", ["spec"], {"cooldownSeconds": 3}, "cooldownSeconds"),
        ("ScaledObject", "etlx-worker", ["spec", "triggers", 0, "metadata"], {"threshold": 2}, "threshold"),
        ("ServiceMonitor", "etlx", ["spec", "endpoints", 0], {"ports": "http"}, "ports"),
        ("PrometheusRule", "etlx", ["spec", "groups", 0, "rules", 0], {"expression": "1"}, "expression"),
        ("PrometheusRule", "etlx", ["spec", "groups", 0, "rules", 0], {"labels": {"severity": "bad"}}, "severity"),
        ("ConfigMap", "etlx-site", [], {"apiVersion": "v9"}, "Kubernetes 1.30 has no v9 ConfigMap"),
        ("ConfigMap", "etlx-site", [], {"apiVersion": "example.org/v1", "kind": "Other"}, "no schema for example.org/v1 Other"),
    ]
    for kind, name, path, change, text in cases:
        broken = copy.deepcopy(find(objects, kind, name))
        place = broken
        for step in path:
            place = place[step]
        place.update(change)
        found = validation.complaints([broken])
        expect(any(item.startswith("schema: ") and text in item for item in found), f"{kind} {name} with {change}: {found}")


def test_declared_versions():
    """The newest is the newest that can be checked. Below the oldest stands one whose schema does not know `preStop.sleep`; 1.29,
    between them, knows it as a trial that is off, and says so nowhere in its schema."""
    from kubernetes_validate.utils import all_versions, major_minor
    expect_equal(major_minor(all_versions()[-1]), validation.NEWEST, "newest version of the schemas")
    worker, refusal = find(site(), "Deployment", "etlx-worker"), ""
    try:
        validation.kubernetes_validate.validate(worker, "1.28", strict=True)
    except validation.kubernetes_validate.ValidationError as error:
        refusal = error.message
    expect("sleep" in refusal, f"1.28 takes the manifests: {refusal}")
    expect_equal(validation.OLDEST, "1.30", "oldest version declared")


# Rules

def test_every_rule_can_fail():
    expect_equal(set(MUTATIONS), {rule.__name__ for rule in policy.RULES}, "rules with a mutation")
    whole = site()
    expect_equal(policy.complaints(whole), [], "complaints about what we have")
    count = 0
    for rule, cases in MUTATIONS.items():
        for (scope, change), text in cases:
            if scope == "objects":
                objects = copy.deepcopy(whole)
                change(objects)
                found = policy.complaints(objects)
                expect(any(item.startswith(f"{rule}: ") and text in item for item in found), f"{rule}, {text}: not among {found}")
                count += 1
                continue
            for owner in [pod.owner for pod in policy.pods(whole)]:
                identity = rendering.identity(owner)
                for index in range(len(policy.Pod(owner).containers())):
                    objects = copy.deepcopy(whole)
                    container = policy.Pod(find(objects, *identity)).containers()[index]
                    change(container)
                    name = f"{rule}: {' '.join(identity)}, container {container['name']}: "
                    found = policy.complaints(objects)
                    expect(any(item.startswith(name) and text in item for item in found), f"{name}{text}: not among {found}")
                    count += 1
    return f"{count} mutations"


def test_security_of_a_pod_counts_too():
    """A setting that stands on the pod alone is one of each container; without it each complains."""
    for key, rule in (("runAsNonRoot", "non_root"), ("runAsUser", "user"), ("seccompProfile", "seccomp")):
        objects = site()
        pod_of(find(objects, "Deployment", "etlx-worker"))["securityContext"].pop(key)
        found = [item for item in policy.complaints(objects) if item.startswith(f"{rule}: Deployment etlx-worker")]
        expect_equal(len(found), 2, f"complaints of {rule} without {key} on the pod")


def test_check_fails_on_what_it_is_given():
    folder = scratch("rendered")
    objects = site()
    find(objects, "Deployment", "etlx-worker")["spec"]["template"]["spec"]["hostNetwork"] = True
    with open(f"{folder}/all.yaml", "w") as file:
        yaml.safe_dump_all(objects, file)
    found = run(f"{KUBERNETES}/check", "--rendered", f"{folder}/all.yaml")
    expect(found.returncode == 1 and "host: Deployment etlx-worker: hostNetwork" in found.stdout, f"check: {found}")


# What the manifests say to the program

def test_arguments_are_the_programs():
    seen = set()
    for pod, container, name in policy.each_container(site(), with_init=False):
        role, *rest = container["args"]
        seen.add(role)
        for word in rest:
            expect(not word.startswith("--") or word in OPTIONS[role], f"{name}: {role} has no option {word}")
    expect_equal(seen, {"coordinator", "worker"}, "roles that run")


def test_help_has_the_options():
    etlx = etlx_path()
    require("\n  coordinator " in run(etlx, "--help").stdout, "this etlx has no coordinator to ask for its options")
    for role, options in OPTIONS.items():
        told = run(etlx, *([role, "verify"] if role == "audit" else [role]), "--help").stdout
        for option in sorted(options):
            expect(re.search(rf"{option}\b", told), f"etlx {role} --help does not know {option}")


def test_init_container_makes_private_files():
    """The init container's command on files as a Secret is mounted: behind links, root's, readable by all."""
    require(os.geteuid() == 0 and shutil.which("setpriv"), "only root can act as another user")
    folder = scratch("secret")
    os.chmod(folder, 0o755)
    secrets, private = f"{folder}/secrets", f"{folder}/private"
    for name, files in {"files": {"people.key": b"k" * 32, "pgpass": b"p"}, "tls": {"tls.key": b"t"}}.items():
        os.makedirs(f"{secrets}/{name}/..2026")
        os.symlink("..2026", f"{secrets}/{name}/..data")
        for file, content in files.items():
            with open(f"{secrets}/{name}/..2026/{file}", "wb") as out:
                out.write(content)
            os.chmod(f"{secrets}/{name}/..2026/{file}", 0o444)
            os.symlink(f"..data/{file}", f"{secrets}/{name}/{file}")
    os.mkdir(private)
    os.chmod(private, 0o777)
    for pod, container, name in policy.each_container(site()):
        if container["name"] != "private-files":
            continue
        command = [word.replace("/secrets", secrets).replace("/run/etlx/private", private) for word in container["command"] + container["args"]]
        # Twice, as a container that is started again.
        for _ in range(2):
            found = run("setpriv", "--reuid=65532", "--regid=65532", "--clear-groups", *command)
            expect_equal((found.returncode, found.stderr), (0, ""), f"{name}: exit code and complaints")
        expect_equal(sorted(os.listdir(private)), ["people.key", "pgpass", "tls.key"], f"{name}: files")
        for file in os.listdir(private):
            status = os.stat(f"{private}/{file}")
            expect_equal((stat.S_IMODE(status.st_mode), status.st_uid), (0o400, 65532), f"{name}: mode and owner of {file}")
            os.remove(f"{private}/{file}")
    return "as user 65532"


def test_a_mounted_secret_is_refused_as_key():
    """Why there is an init container: the program does not take a key as a Secret is mounted."""
    etlx, folder = etlx_path(), scratch("key")
    expect_equal(run(etlx, "keys", "new", f"{folder}/people.key").returncode, 0, "exit code of keys new")
    for mode, code in ((0o400, 0), (0o440, 2), (0o444, 2)):
        os.chmod(f"{folder}/people.key", mode)
        expect_equal(run(etlx, "keys", "check", f"{folder}/people.key").returncode, code, f"exit code of keys check, mode {mode:o}")


# The image

def test_program_runs_as_the_manifests_say():
    found = run(f"{CONTAINER}/check-user", etlx_path())
    require(found.returncode != 2, found.stderr.strip())
    expect_equal(found.returncode, 0, f"exit code of check-user; it says {found.stdout}{found.stderr}")
    expect("user 65532 without groups, no capabilities" in found.stdout and "etlx kernels:" in found.stdout, found.stdout)


def test_check_user_can_fail():
    probe = run(f"{CONTAINER}/check-user", "/bin/true")
    require(probe.returncode != 2, probe.stderr.strip())
    expect_equal(probe.returncode, 0, f"exit code with a program that does nothing: {probe.stderr}")
    found = run(f"{CONTAINER}/check-user", "/bin/false")
    expect(found.returncode == 1 and "etlx --version: exit code 1" in found.stderr, f"a program that fails: {found}")
    # The same trial with a root that stays writable, over a layer in memory, must notice.
    folder = scratch("layer")
    with open(f"{CONTAINER}/check-user") as file:
        text = file.read()
    weak = text.replace('mount -o remount,bind,ro "$root"\n', "")
    expect(weak != text, "check-user does not make its root read-only where this test looks for it")
    with open(f"{folder}/check-user", "w") as file:
        file.write(weak)
    os.chmod(f"{folder}/check-user", 0o755)
    shutil.copy(f"{CONTAINER}/collect", folder)
    os.mkdir(f"{folder}/layer")
    found = run("unshare", "--mount", "--propagation", "private", "sh", "-c", """
        mount -t tmpfs tmpfs "$0/layer" && mkdir "$0/layer/up" "$0/layer/work" "$0/layer/root" &&
        mount -t overlay -o "lowerdir=/,upperdir=$0/layer/up,workdir=$0/layer/work" overlay "$0/layer/root" || exit 77
        "$0/check-user" --root "$0/layer/root" /bin/true""", folder)
    require(found.returncode != 77, f"no layered file system here: {found.stderr.strip()}")
    expect(found.returncode == 1 and "/var/tmp can be written" in found.stderr, f"a root that is not read-only: {found}")


def test_containerfile():
    with open(f"{CONTAINER}/Containerfile") as file:
        lines = [line for line in file.read().replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    stages = [index for index, line in enumerate(lines) if line.startswith("FROM ")]
    last = lines[stages[-1]:]
    expect_equal(len(stages), 2, "stages")
    expect_equal([line for line in last if line.startswith("USER")], [f"USER {policy.USER}:{policy.USER}"], "user")
    expect_equal(last[-1], 'ENTRYPOINT ["/usr/local/bin/etlx"]', "what is started")
    expect(any("debian:trixie" in line for line in lines if line.startswith("ARG RUNTIME_IMAGE=")), "the runtime is not Debian 13")
    expect(not any(":latest" in line for line in lines), "an image has a tag that moves")
    copied = [word for line in last if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]]
    expect_equal(copied, ["cluster/container/packages"], "what comes into the image from the clone")
    for line in lines:
        for path in re.findall(r"cluster/container/\w+|ops/\w+", line):
            expect(os.path.exists(f"{ROOT}/{path}"), f"no {path}")
    with open(f"{CONTAINER}/packages") as file:
        packages = file.read().split()
    expect(packages == sorted(set(packages)) and "libnng1" in packages, f"packages: {packages}")


# Certificates

class Handshake:
    """A TLS handshake in memory between a server with one folder's files and a client with another's."""

    def __init__(self, server: str, client: str | None, trusts: str, name: str):
        at_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        at_server.load_cert_chain(f"{server}/tls.crt", f"{server}/tls.key")
        at_server.load_verify_locations(f"{server}/ca.crt")
        at_server.verify_mode = ssl.CERT_REQUIRED
        # As nng does; with 1.3 a client would not notice in the handshake that it was refused.
        at_server.maximum_version = ssl.TLSVersion.TLSv1_2
        at_client = ssl.create_default_context(cafile=f"{trusts}/ca.crt")
        if client:
            at_client.load_cert_chain(f"{client}/tls.crt", f"{client}/tls.key")
        here, there = ssl.MemoryBIO(), ssl.MemoryBIO()
        ends = [at_client.wrap_bio(here, there, server_hostname=name), at_server.wrap_bio(there, here, server_side=True)]
        self.failure = ""
        for _ in range(20):
            waiting = 0
            for end in ends:
                try:
                    end.do_handshake()
                except ssl.SSLWantReadError:
                    waiting += 1
                except ssl.SSLError as error:
                    self.failure = self.failure or str(error.reason)
            if self.failure or not waiting:
                return
        self.failure = "the handshake does not end"


def make_certificates(*words: str) -> subprocess.CompletedProcess:
    return run(f"{ROOT}/cluster/certificates/make-certificates", *words)


def test_certificates():
    folder = f"{scratch('certificates')}/mine"
    other = f"{os.path.dirname(folder)}/other"
    for where in (folder, other):
        expect_equal(make_certificates(where).returncode, 0, "exit code of make-certificates")
    for role in ("coordinator", "keeper", "worker", "operator"):
        expect_equal(sorted(os.listdir(f"{folder}/{role}")), ["ca.crt", "tls.crt", "tls.key"], f"files of {role}")
        well = run("openssl", "verify", "-CAfile", f"{folder}/ca/ca.crt", f"{folder}/{role}/tls.crt")
        expect_equal(well.returncode, 0, f"openssl verify {role}: {well.stderr}")
        wrong = run("openssl", "verify", "-CAfile", f"{other}/ca/ca.crt", f"{folder}/{role}/tls.crt")
        expect(wrong.returncode != 0, f"another authority vouches for {role}")
        late = run("openssl", "verify", "-CAfile", f"{folder}/ca/ca.crt", "-attime", str(4_102_444_800), f"{folder}/{role}/tls.crt")
        expect(late.returncode != 0 and "expired" in late.stderr, f"{role} never expires: {late.stderr}")
    for where, _, files in os.walk(folder):
        for name in files:
            if name.endswith(".key"):
                expect_equal(stat.S_IMODE(os.stat(f"{where}/{name}").st_mode), 0o600, f"mode of {where}/{name}")

    coordinator, worker = f"{folder}/coordinator", f"{folder}/worker"
    for name in ("etlx-coordinator", "etlx-coordinator-1.etlx-coordinator", "localhost"):
        expect_equal(Handshake(coordinator, worker, worker, name).failure, "", f"a worker and {name}")
    refused = {
        "another authority's coordinator": Handshake(f"{other}/coordinator", worker, worker, "etlx-coordinator"),
        "another name": Handshake(coordinator, worker, worker, "etlx-ledger"),
        "a worker as a coordinator": Handshake(worker, worker, worker, "etlx-worker"),
        "another authority's worker": Handshake(coordinator, f"{other}/worker", worker, "etlx-coordinator"),
        "nobody's worker": Handshake(coordinator, None, worker, "etlx-coordinator"),
        "a coordinator as a worker": Handshake(coordinator, coordinator, worker, "etlx-coordinator"),
    }
    for name, handshake in refused.items():
        expect(handshake.failure not in ("", "the handshake does not end"), f"{name} is not refused")


def test_certificates_with_nng():
    """The same with the library that the program uses, while one authority takes over from another too."""
    require(ctypes.util.find_library("nng"), "no libnng")
    folder = scratch("certificates")
    for name in ("old", "new"):
        expect_equal(make_certificates(f"{folder}/{name}").returncode, 0, "exit code of make-certificates")
    old, new = f"{folder}/old", f"{folder}/new"
    with open(f"{folder}/both.crt", "w") as both:
        for name in (old, new):
            with open(f"{name}/ca/ca.crt") as file:
                both.write(file.read())

    def trial(server: str, server_ca: str, client: str, client_ca: str, name: str = "etlx-coordinator") -> str:
        found = run(sys.executable, f"{ROOT}/Tests/EndToEnd/nng_handshake.py", server, server_ca, client, client_ca, name)
        expect_equal((found.returncode, found.stderr), (0, ""), "exit code and complaints of nng_handshake.py")
        return found.stdout.strip()

    ca, both, coordinator, worker = f"{old}/ca/ca.crt", f"{folder}/both.crt", f"{old}/coordinator", f"{old}/worker"
    expect_equal(trial(coordinator, ca, worker, ca), "ok", "coordinator and worker")
    expect_equal(trial(f"{new}/coordinator", both, worker, both), "ok", "a new coordinator and an old worker that trust both authorities")
    expect_equal(trial(coordinator, both, f"{new}/worker", both), "ok", "an old coordinator and a new worker that trust both authorities")
    for what, found in {
        "another authority's coordinator": trial(f"{new}/coordinator", both, worker, ca),
        "another name": trial(coordinator, ca, worker, ca, "etlx-ledger"),
        "a worker as a coordinator": trial(worker, ca, worker, ca, "etlx-worker"),
        "another authority's worker": trial(coordinator, ca, f"{new}/worker", both),
        "nobody's worker": trial(coordinator, ca, "-", ca),
        "a coordinator as a worker": trial(coordinator, ca, coordinator, ca),
    }.items():
        expect(re.fullmatch(r"(dial|send|receive) \d+", found), f"{what} is not refused: {found}")


def test_certificates_are_rotated_and_never_overwritten():
    folder = f"{scratch('certificates')}/mine"
    expect_equal(make_certificates(folder, "--days", "3", "coordinator=etl.test,10.0.0.5,::1", "worker").returncode, 0, "exit code")

    def content() -> dict[str, bytes]:
        found = {}
        for where, _, files in os.walk(folder):
            for name in files:
                with open(f"{where}/{name}", "rb") as file:
                    found[os.path.relpath(f"{where}/{name}", folder)] = file.read()
        return found

    def told(what: str, role: str) -> str:
        return run("openssl", "x509", "-in", f"{folder}/{role}/tls.crt", "-noout", *what.split()).stdout

    before, hosts = content(), told("-ext subjectAltName", "coordinator")
    expect(all(text in hosts for text in ("DNS:etl.test", "IP Address:10.0.0.5", "IP Address:0:0:0:0:0:0:0:1")), hosts)
    again = make_certificates(folder, "keeper", "worker")
    expect(again.returncode == 1 and "nothing is overwritten" in again.stderr, f"{again}")
    expect_equal(content(), before, "files after a refusal")
    for words, text in ((["rotate", folder, "keeper"], "no certificate keeper"), (["rotate", folder], "usage"), ([folder, "ca"], "not ca"),
                        ([folder, "../x"], "a name is"), ([folder, "a=b;c"], "hosts are"), ([folder, "--days", "x"], "number of days"), ([], "usage")):
        found = make_certificates(*words)
        expect(found.returncode != 0 and text in found.stderr, f"{words}: {found}")
    expect_equal(content(), before, "files after refusals")

    expect_equal(make_certificates("rotate", folder, "--days", "30", "coordinator").returncode, 0, "exit code of rotate")
    after = content()
    expect_equal({name for name in after if after[name] != before[name]}, {"coordinator/tls.crt", "coordinator/tls.key"}, "changed files")
    expect_equal(told("-ext subjectAltName", "coordinator"), hosts, "hosts after the rotation")
    expect_equal(stat.S_IMODE(os.stat(f"{folder}/coordinator/tls.key").st_mode), 0o600, "mode of the new key")
    expect_equal(Handshake(f"{folder}/coordinator", f"{folder}/worker", f"{folder}/worker", "etl.test").failure, "", "handshake")
    # Beside what is there, a new role of the same authority.
    expect_equal(make_certificates(folder, "keeper").returncode, 0, "exit code of a further role")
    expect_equal(content()["ca/ca.crt"], before["ca/ca.crt"], "the authority")


# Alerts, dashboard, runbooks

def loaded(path: str):
    with open(f"{ROOT}/{path}") as file:
        return json.load(file) if path.endswith(".json") else yaml.safe_load(file)


def alerts() -> list[dict]:
    return [rule for group in loaded("ops/alerts/etl-express.yaml")["groups"] for rule in group["rules"]]


def queries() -> list[tuple[str, str]]:
    """Every query that we ship, with its place."""
    found = [(f"alert {rule['alert']}", rule["expr"]) for rule in alerts()]
    for panel in loaded("ops/dashboards/etl-express.json")["panels"]:
        found += [(f"panel {panel['title']}", target["expr"]) for target in panel["targets"]]
    for trigger in find(site(), "ScaledObject", "etlx-worker")["spec"]["triggers"]:
        found.append(("ScaledObject", trigger["metadata"]["query"]))
    with open(f"{KUBERNETES}/README.md") as file:
        for query in re.findall(r"metricsQuery: (.*)", file.read()):
            found.append(("README, metricsQuery", query.replace("<<.LabelMatchers>>", 'namespace="etl-express"')))
    return found


def selectors(expression) -> list:
    """The metrics that a parsed query selects."""
    if isinstance(expression, promql_parser.VectorSelector):
        return [expression]
    return [one for name in ("expr", "lhs", "rhs", "vector_selector", "param") if getattr(expression, name, None) is not None
            for one in selectors(getattr(expression, name))] \
        + [one for argument in getattr(expression, "args", None) or [] for one in selectors(argument)]


def query_complaints(query: str) -> list[str]:
    """What a query names that the program does not have."""
    found, names = [], selectors(promql_parser.parse(query))
    if not names:
        found.append("selects nothing")
    for selector in names:
        name = selector.name.removesuffix("_bucket") if selector.name.endswith("_seconds_bucket") else selector.name
        if name not in METRICS:
            found.append(f"no metric {selector.name}")
        for matcher in selector.matchers.matchers:
            if ("*", matcher.name) in LABELS:
                continue
            values = LABELS.get((name, matcher.name))
            if values is None or not set(matcher.value.split("|")) <= values:
                found.append(f"{name} has no {matcher.name}={matcher.value}")
    return found


def test_queries_name_metrics_that_exist():
    shown = set()
    for place, query in queries():
        try:
            found = query_complaints(query)
        except ValueError as error:
            raise AssertionError(f"{place}: {error}") from error
        expect_equal(found, [], f"{place}: {query}")
        if place.startswith("panel "):
            shown |= {selector.name.removesuffix("_bucket") for selector in selectors(promql_parser.parse(query))}
    expect_equal(METRICS - shown, set(), "metrics that no panel shows")
    return f"{len(queries())} queries"


def test_queries_that_are_wrong_are_found():
    for query, text in (("sum(etlx_shard)", "no metric etlx_shard"), ('etlx_shards{state="waiting"}', "no state=waiting"),
                        ('etlx_nodes{run="1"} > 0', "no run=1"), ("rate(etlx_rows_total[5m])", "no metric etlx_rows_total"),
                        ("histogram_quantile(0.5, sum by (le) (rate(etlx_wait_seconds_bucket[5m])))", "no metric etlx_wait_seconds_bucket"),
                        ("max_over_time(sum(etlx_x)[5m:1m])", "no metric etlx_x"), ("1", "selects nothing")):
        found = query_complaints(query)
        expect(any(text in item for item in found), f"{query}: {found}")
    try:
        query_complaints("sum(etlx_shards")
    except ValueError:
        return
    raise AssertionError("a query that does not parse passes")


def test_alerts():
    expect_equal(find(site(), "PrometheusRule", "etlx")["spec"]["groups"], loaded("ops/alerts/etl-express.yaml")["groups"], "the PrometheusRule")
    names = [rule["alert"] for rule in alerts()]
    expect_equal(len(names), len(set(names)), "names of alerts")
    for rule in alerts():
        expect(os.path.exists(f"{ROOT}/{rule['annotations']['runbook']}"), f"{rule['alert']}: no {rule['annotations']['runbook']}")
        with open(f"{ROOT}/{rule['annotations']['runbook']}") as file:
            expect(rule["alert"] in file.read(), f"{rule['annotations']['runbook']} does not say {rule['alert']}")
    fired = {case["alertname"] for test in loaded("ops/alerts/tests.yaml")["tests"] for case in test["alert_rule_test"] if case["exp_alerts"]}
    expect_equal(fired, set(names), "alerts that are fired by ops/alerts/tests.yaml")


def test_alerts_fire():
    promtool = os.environ.get("ETL_PROMTOOL") or shutil.which("promtool")
    require(promtool, "no promtool (Debian's package prometheus; ETL_PROMTOOL)")
    found = run(promtool, "test", "rules", f"{ROOT}/ops/alerts/tests.yaml")
    expect_equal(found.returncode, 0, f"promtool test rules: {found.stdout}{found.stderr}")


def test_runbooks():
    folder = f"{ROOT}/ops/runbooks"
    with open(f"{folder}/README.md") as file:
        index = file.read()
    for name in sorted(set(os.listdir(folder)) - {"README.md"}):
        with open(f"{folder}/{name}") as file:
            text = file.read()
        expect(f"({name})" in index, f"the index does not name {name}")
        expect(re.search(r"^\*\*(You see|When|Before)\*\*", text, re.MULTILINE), f"{name} does not begin with what one sees")
        expect(re.search(r"^\*\*It is over\*\* when ", text, re.MULTILINE), f"{name} does not say when it is over")
        expect(text.count("\n") <= 45, f"{name} is longer than a page")


def test_documents_name_what_exists():
    pages = [f"{where}/{name}" for folder in ("cluster", "ops") for where, _, files in os.walk(f"{ROOT}/{folder}")
             for name in files if name.endswith(".md")]
    expect(len(pages) >= 20, f"pages: {len(pages)}")
    options = 0
    for page in pages:
        with open(page) as file:
            text = file.read()
        short = os.path.relpath(page, ROOT)
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            expect(os.path.exists(os.path.join(os.path.dirname(page), link)), f"{short}: no {link}")
        for name in re.findall(r"\betlx_[a-z_]+[a-z]", text):
            expect(name in METRICS | OTHER_NAMES, f"{short}: no metric {name}")
        for role, words in re.findall(rf"\betlx ({'|'.join(OPTIONS)})\b((?:\\\\\n|[^\n`])*)", text):
            for option in re.findall(r"(?<!\S)--[a-z-]+", words):
                expect(option in OPTIONS[role], f"{short}: etlx {role} has no option {option}")
                options += 1
        for name in re.findall(r"\bEtlx[A-Z]\w+", text):
            expect(name in {rule["alert"] for rule in alerts()}, f"{short}: no alert {name}")
    expect(options >= 20, f"options in the pages: {options}")
    return f"{len(pages)} pages"
