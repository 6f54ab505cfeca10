"""What tests of clusters stand on: the supervisor, the networks and their faults, the proxy, the clocks, the judge."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import jsonschema
import psycopg2
import pyarrow
import pyarrow.parquet

from lib.checks import expect, expect_equal
from lib.database import Database
from lib.etlx import run_well
from lib.local import IDLE, LOCAL, open_scratch, require_namespaces
from lib.surroundings import ROOT, etlx_path

from local_cluster import judge, network, plays, sample_source
from local_cluster.cluster import STATE, Cluster, end, free_ports
from local_cluster.postgres import Server
from local_cluster.processes import Identity, identify


def wait_for(condition, what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < deadline, f"{what}: not within {seconds} s")
        time.sleep(0.02)


def idle_cluster(folder: str, **options) -> Cluster:
    """A cluster of stand-ins; its ledger's address is never used."""
    return Cluster(folder, etlx=IDLE, ledger="postgresql://nobody@127.0.0.1:1/none", **options)


# The supervisor.

def test_supervisor_starts_again():
    folder = open_scratch("supervisor")
    with idle_cluster(f"{folder}/c", workers=2, keepers=1) as cluster:
        first = cluster.kill("worker", 0)
        wait_for(lambda: cluster.role("worker", 0).pid not in (None, first), "a new worker")
        expect_equal([(one.status, one.is_accounted_for) for one in cluster.endings()], [(-9, True)], "endings")
        cluster.restart("coordinator", 1)
        # Not by us: a signal that nobody sent here is a defect.
        os.kill(cluster.role("worker", 1).pid, signal.SIGSEGV)
        wait_for(lambda: len(cluster.endings()) == 3, "the third ending")
        expect_equal([one.name for one in cluster.unaccounted()], ["worker-1"], "unaccounted")
        pids = [one.pid for one in cluster.roles.values()]
        wait_for(lambda: all(cluster.fds(name) > 2 and cluster.rss(name) > 1 << 20 for name in cluster.roles), "files and memory")
    expect(all(identify(pid) is None for pid in pids if pid), "processes are left")


def test_supervisor_knows_exit_codes():
    for behaviour, ends, fails in (("exit 0", True, False), ("exit 78", True, True), ("exit 75", False, False), ("abort", False, False)):
        folder = open_scratch("codes")
        with idle_cluster(f"{folder}/c", workers=0, keepers=0, coordinators=1) as cluster:
            with open(f"{folder}/c/behaviour", "w") as file:
                file.write(behaviour)
            try:
                cluster.add("worker")
            except TimeoutError:
                pass  # it has ended for good already
            one = cluster.role("worker", 0)
            if ends:
                wait_for(lambda: not one.is_wanted and one.identity is None, f"{behaviour}: the end")
                expect_equal((one.has_failed, len(one.endings)), (fails, 1), f"{behaviour}: failed, endings")
            else:
                wait_for(lambda: len(one.endings) >= 2, f"{behaviour}: two starts")
                expect_equal(bool(cluster.unaccounted()), behaviour == "abort", f"{behaviour}: is a defect")


def test_pause_and_drain():
    folder = open_scratch("pause")
    with idle_cluster(f"{folder}/c", workers=1, keepers=0, coordinators=1) as cluster:
        wait_for(lambda: cluster.logs("worker", 0), "a log")
        cluster.pause("worker", 0)
        before = cluster.logs("worker", 0)
        time.sleep(0.3)
        expect_equal(cluster.logs("worker", 0), before, "the log of a paused worker")
        cluster.resume("worker", 0)
        wait_for(lambda: cluster.logs("worker", 0) != before, "the log of a resumed worker")
        expect_equal(cluster.drain("worker", 0).status, 0, "exit code of a drained worker")
        time.sleep(0.5)
        expect_equal((cluster.role("worker", 0).pid, cluster.names("worker")), (None, []), "a drained worker")


def test_a_pid_used_again_is_another_process():
    mine = identify(os.getpid())
    expect(mine.is_alive(), "this process does not live")
    other = Identity(mine.pid, mine.start - 1)
    expect(not other.is_alive() and not other.signal(signal.SIGKILL), "another process was taken for an earlier one")


def test_up_and_down():
    """The commands: in the background, ended from outside; and after the supervisor itself was killed."""
    namespaces = ["--namespaces"] if network.why_not() is None else []
    for is_killed in (False, True):
        folder = open_scratch("up")
        done = subprocess.run(
            [f"{LOCAL}/up", "--folder", f"{folder}/c", "--workers", "1", "--keepers", "1", "--coordinators", "2",
             "--etlx", IDLE, "--detach", "--source", *namespaces], capture_output=True, text=True)
        expect_equal(done.returncode, 0, f"exit code of up ({done.stderr[-500:]})")
        expect_equal(len(re.findall(r"(?m)^  coordinator tcp://", done.stdout)), 2, "coordinators told")
        expect("submit PIPELINE.yaml --coordinator tcp://" in done.stdout, f"how to submit: {done.stdout}")
        with open(f"{folder}/c/{STATE}") as file:
            state = json.load(file)
        roles = [Identity(**about) for about in state["processes"].values()]
        expect_equal((len(roles), all(one.is_alive() for one in roles)), (4, True), "processes")
        if is_killed:
            Identity(**state["supervisor"]).signal(signal.SIGKILL)
            wait_for(lambda: not any(one.is_alive() for one in roles), "the end of the roles with their supervisor")
        told = subprocess.run([f"{LOCAL}/down", f"{folder}/c"], capture_output=True, text=True)
        expect_equal(told.returncode, 0, f"exit code of down ({told.stderr[-500:]})")
        expect_equal(told.stdout.startswith("ended in place"), is_killed, told.stdout)
        expect(not any(one.is_alive() for one in roles), "roles are left")
        expect_equal(network.leftovers(network.tag_of(f"{folder}/c")), [], "networks left")
        expect(not os.path.exists(f"{folder}/c/ledger"), "the ledger's server is left")
        expect_equal(end(f"{folder}/c"), "there is no cluster", "down twice")


def test_interrupt_is_down():
    folder = open_scratch("interrupt")
    with open(f"{folder}/out", "w") as out:
        process = subprocess.Popen(
            [f"{LOCAL}/up", "--folder", f"{folder}/c", "--workers", "1", "--ledger", "postgresql://nobody@127.0.0.1:1/none",
             "--etlx", IDLE], stdout=out, stderr=out)
    wait_for(lambda: "look:" in open(f"{folder}/out").read(), "up")
    process.send_signal(signal.SIGINT)
    expect_equal(process.wait(30), 0, "exit code after Ctrl-C")
    expect(not os.path.exists(f"{folder}/c/{STATE}"), "the cluster is still noted")


# Networks.

def send(cluster: Cluster, source: str, target: str, size: int = 1, seconds: float = 1.5) -> float | None:
    """Sends bytes from a role to a coordinator's echo and back; the seconds it took, None if they did not come."""
    code = f"""if True:
        import socket, sys, threading, time
        began = time.monotonic()
        with socket.create_connection(({cluster.address(target)!r}, 7443), timeout={seconds}) as link:
            threading.Thread(target=link.sendall, args=(bytes({size}),), daemon=True).start()
            left = {size}
            while left and time.monotonic() - began < {max(seconds, 8)}:
                left -= len(link.recv(65536)) or sys.exit(1)
        print(time.monotonic() - began)"""
    done = subprocess.run(
        ["nsenter", f"--net=/run/netns/{cluster.network.namespace(source)}", "--", sys.executable, "-c", code],
        capture_output=True, text=True)
    return float(done.stdout) if done.returncode == 0 else None


def test_network_faults():
    require_namespaces()
    folder = open_scratch("faults")
    with idle_cluster(f"{folder}/c", workers=2, keepers=0, coordinators=1, namespaces=True) as cluster:
        net, worker, other, target = cluster.network, "worker-0", "worker-1", "coordinator-0"
        wait_for(lambda: send(cluster, worker, target) is not None, "the coordinator")
        for fault in (
            lambda: net.cut(worker, target), lambda: net.cut(worker, target, is_silent=True), lambda: net.cut(target, worker),
            lambda: net.cut(target, worker, is_silent=True), lambda: net.partition(worker, target),
            lambda: net.partition(worker, target, is_silent=True), lambda: net.link_down(worker),
        ):
            with fault() as broken:
                expect(send(cluster, worker, target, seconds=0.7) is None, f"{broken.about}: and yet bytes came")
                expect(send(cluster, other, target) is not None, f"{broken.about}: {other} is cut off as well")
            # An address that could not be resolved is asked for again a second later.
            wait_for(lambda: send(cluster, worker, target) is not None, f"{broken.about}: healing", 10)
        with net.slow(worker, "1mbit"):
            slow = send(cluster, worker, target, size=150_000)
            expect(slow and 0.7 < slow < 4, f"150 kB at 1 Mbit/s took {slow} s")
            expect(send(cluster, other, target, size=150_000) < 0.5, f"{other} is slow as well")
        expect(send(cluster, worker, target, size=150_000) < 0.5, "still slow")
        with net.small_mtu(worker):
            expect(send(cluster, worker, target, size=150_000) is not None, "nothing passes with a small MTU")
            expect_equal(largest_packet(net, worker, cluster.address(target)), 576, "largest packet")
        expect_equal(largest_packet(net, worker, cluster.address(target)), 1500, "largest packet afterwards")
        expect_equal(net.faults, [], "faults left")
    return "cut, cut silently, both ways, link down, 1 Mbit/s, MTU 576"


def largest_packet(net: network.Network, role: str, address: str) -> int:
    code = f"""if True:
        import socket
        link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        link.connect(({address!r}, 9))
        print(link.getsockopt(socket.IPPROTO_IP, 14))"""  # IP_MTU
    return int(subprocess.run(
        ["nsenter", f"--net=/run/netns/{net.namespace(role)}", "--", sys.executable, "-c", code],
        capture_output=True, text=True, check=True).stdout)


def test_partition_from_a_server():
    """A coordinator is cut off from the ledger's server; the other one is not."""
    require_namespaces()
    folder = open_scratch("ledger")
    with Cluster(f"{folder}/c", workers=0, keepers=0, namespaces=True, etlx=IDLE) as cluster:
        def asks(role: str) -> bool:
            return subprocess.run(
                ["nsenter", f"--net=/run/netns/{cluster.network.namespace(role)}", "--", sys.executable, "-c",
                 f"import psycopg2; psycopg2.connect({cluster.ledger_url!r}, connect_timeout=2).cursor().execute('select 1')"],
                capture_output=True).returncode == 0
        expect(asks("coordinator-0") and asks("coordinator-1"), "the ledger is not reached")
        for fault in (
            lambda: cluster.network.partition("coordinator-0", "ledger"),
            lambda: cluster.network.partition("coordinator-0", "ledger", is_silent=True),
            lambda: cluster.network.cut_back("coordinator-0", "ledger"),
        ):
            with fault():
                expect_equal((asks("coordinator-0"), asks("coordinator-1")), (False, True), "who reaches the ledger")
            wait_for(lambda: asks("coordinator-0"), "healing")
        rules = subprocess.run(["ip", "rule"], capture_output=True, text=True).stdout
        expect("blackhole" not in rules, "a rule is left")


def test_two_clusters_side_by_side():
    require_namespaces()
    folder = open_scratch("two")
    with idle_cluster(f"{folder}/a", workers=1, keepers=0, coordinators=1, namespaces=True) as one:
        with idle_cluster(f"{folder}/b", workers=1, keepers=0, coordinators=1, namespaces=True) as other:
            expect(one.address("worker-0") != other.address("worker-0"), "both have the same addresses")
            wait_for(lambda: send(other, "worker-0", "coordinator-0") is not None, "the second cluster")
        wait_for(lambda: send(one, "worker-0", "coordinator-0") is not None, "the first cluster when the second has ended")
        expect_equal(network.leftovers(other.network.tag), [], "left of the second")


def test_ledger_outlives_its_crash():
    """What a durable private server has committed is there after `restart`."""
    folder = open_scratch("durable")
    server = Server(f"{folder}/ledger", is_durable=True).start()
    try:
        connection = psycopg2.connect(server.url)
        connection.autocommit = True
        connection.cursor().execute("create table kept (number int)")
        pid = server.pid()
        for number in range(200):
            connection.cursor().execute("insert into kept values (%s)", (number,))
        server.restart()
        expect(server.pid() != pid, "the server was not restarted")
        cursor = psycopg2.connect(server.url).cursor()
        cursor.execute("select count(*) from kept")
        expect_equal(cursor.fetchone(), (200,), "rows after the crash")
    finally:
        server.stop()


def test_clock_of_one_role():
    folder = open_scratch("clock")
    with idle_cluster(f"{folder}/c", workers=2, keepers=0, coordinators=1, has_clocks=True) as cluster:
        def ahead(index: int) -> float:
            lines = cluster.logs("worker", index).split("\n")
            return float(lines[-2]) - time.time() if len(lines) > 3 else 0.0
        wait_for(lambda: len(cluster.logs("worker", 1).split("\n")) > 4, "a log")
        cluster.clock("worker-0", 3600)
        wait_for(lambda: abs(ahead(0) - 3600) < 5, "an hour ahead")
        expect(abs(ahead(1)) < 5, "the other worker's clock was stepped as well")
        cluster.clock("worker-0", -3600)
        wait_for(lambda: abs(ahead(0) + 3600) < 5, "an hour behind")


# The proxy.

class Echo:
    """An echo server with a proxy before it."""

    def __init__(self, *faults: str):
        self.port, self.proxy_port = free_ports(2)
        self.received: list[bytes] = []
        self.server = socket.create_server(("127.0.0.1", self.port))
        self.process = subprocess.Popen(
            [sys.executable, f"{LOCAL}/fault_proxy.py", f"127.0.0.1:{self.port}", "--listen", f"127.0.0.1:{self.proxy_port}", *faults],
            stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def connect(self) -> tuple[socket.socket, socket.socket]:
        client = socket.create_connection(("127.0.0.1", self.proxy_port), timeout=10)
        self.server.settimeout(10)
        accepted = self.server.accept()[0]
        accepted.settimeout(10)
        return client, accepted

    def __enter__(self) -> "Echo":
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()
        self.server.close()

    def end(self) -> dict:
        """Ends the proxy; what it did."""
        self.process.send_signal(signal.SIGTERM)
        counts = json.loads(self.process.stdout.readline())
        return counts


def received(link: socket.socket, count: int) -> bytes:
    data = b""
    try:
        while len(data) < count and (more := link.recv(count - len(data))):
            data += more
    except ConnectionResetError:
        pass
    return data


def test_proxy_cuts_in_the_middle():
    with Echo("--cut", "1:1000:1000", "--times", "1") as echo:
        client, server = echo.connect()
        client.sendall(bytes(4000))
        expect_equal(len(received(server, 4000)), 1000, "bytes before the cut")
        expect_equal(received(client, 1), b"", "bytes to the client after the cut")
        client, server = echo.connect()
        client.sendall(bytes(4000))
        expect_equal(len(received(server, 4000)), 4000, "bytes of a connection beyond --times")
        counts = echo.end()
        expect_equal((counts["connections"], counts["cut"]), (2, 1), "connections, cuts")


def test_proxy_doubles():
    with Echo("--duplicate", "1") as echo:
        client, server = echo.connect()
        twin = echo.server.accept()[0]
        twin.settimeout(10)
        client.sendall(b"once")
        expect_equal((received(server, 4), received(twin, 4)), (b"once", b"once"), "what came on both connections")
        server.sendall(b"answer")
        twin.sendall(b"other!")
        expect_equal(received(client, 6), b"answer", "the answer")
        expect_equal(echo.end()["duplicated"], 1, "doubled connections")


def test_proxy_holds_and_delays():
    with Echo("--hold", "1:4:4:1.5", "--delay", "100") as echo:
        client, server = echo.connect()
        began = time.monotonic()
        client.sendall(b"held")
        expect_equal(received(server, 4), b"held", "bytes up to the hold")
        expect(0.1 <= time.monotonic() - began < 1.2, "the delay")
        client.sendall(b"late")
        expect_equal(received(server, 4), b"late", "bytes behind the hold")
        expect(time.monotonic() - began >= 1.5, f"the hold took {time.monotonic() - began:.2f} s")
        expect_equal(echo.end()["held"], 1, "held connections")


def test_proxy_closes_one_half():
    with Echo("--half-close", "1:4:4") as echo:
        client, server = echo.connect()
        client.sendall(b"last")
        expect_equal(received(server, 5), b"last", "bytes before the end of this half")
        server.sendall(b"answer")
        expect_equal(received(client, 6), b"answer", "the other half")
        expect_equal(echo.end()["half_closed"], 1, "half-closed connections")


def test_proxy_draws_from_its_seed():
    def pattern(seed: str) -> list[bool]:
        found = []
        with Echo("--cut", "0.5:1:1", "--seed", seed) as echo:
            for _ in range(12):
                client, server = echo.connect()
                client.sendall(b"xy")
                found.append(len(received(server, 2)) == 2)
                client.close()
        return found
    first = pattern("5")
    expect_equal(pattern("5"), first, "the same seed")
    expect(0 < sum(first) < 12 and pattern("6") != first, f"seeds do not matter: {first}")


# The judge.

def test_judge_notices():
    """A row lost, doubled, changed in one cell, and one that never was; a mere change of order is nothing."""
    folder = open_scratch("judge")
    database = Database.fresh("e2e_judge")
    sample_source.fill(database.url, 20_000)
    pipeline = sample_source.Pipeline(folder, database.url, etlx_path())
    run_well("run", pipeline.path, "--workers", "2", env={"XDG_STATE_HOME": f"{folder}/state"})
    version = judge.Version(pipeline.store, pipeline.MODULE, 1)
    parts = version.part_digests()
    expect_equal(judge.check_files(version, parts) + judge.check_chain(pipeline.store, pipeline.MODULE), [], "files")
    expect_equal(judge.compare(version, database.url, sample_source.tables()), [], "an untouched version")

    for table, row, column, value in (
        ("readings", 777, "level", 1.25), ("accounts", 42, "text3", "x"), ("accounts", 42, "raw", b"\1"), ("accounts", 7, "born", None),
        ("accounts", 8, "code", None), ("events", 300, "tags", ["a", "b"]), ("events", 301, "amount", None),
    ):
        verdict = altered(folder, pipeline, database, table, lambda data: changed(data, row, column, value))
        expect(len(verdict) == 1 and "changed" in verdict[0], f"{table}.{column} was changed: {verdict}")
    for table in ("readings", "accounts", "events"):
        verdict = altered(folder, pipeline, database, table, lambda data: pyarrow.concat_tables([data[:5], data[6:]]))
        expect("1 lost" in "".join(verdict), f"a row of {table} was lost: {verdict}")
        verdict = altered(folder, pipeline, database, table, lambda data: pyarrow.concat_tables([data, data[5:6]]))
        expect("1 doubled" in "".join(verdict), f"a row of {table} was doubled: {verdict}")
        # As many rows as before: what a count alone does not see.
        verdict = altered(folder, pipeline, database, table, lambda data: pyarrow.concat_tables([data[1:], data[5:6]]))
        expect("1 lost" in "".join(verdict) and "1 doubled" in "".join(verdict), f"a row of {table} in place of another: {verdict}")
        verdict = altered(folder, pipeline, database, table, lambda data: data.take(list(range(len(data)))[::-1]))
        expect_equal(verdict, [], f"{table} in another order")

    def broken(version: judge.Version) -> None:
        path = os.path.join(version.folder, version.parts("readings")[0])
        os.chmod(path, 0o644)
        os.truncate(path, 100)
    verdict = in_a_copy(folder, pipeline, database, broken)
    expect("readings: cannot be read" in "".join(verdict), f"a part was cut off: {verdict}")

    database.execute("delete from readings where id = 500")
    expect("never there" in "".join(judge.compare(version, database.url, sample_source.tables())), "a row that the source does not have")
    other = dict(parts)
    other[next(iter(other))] = "0" * 64
    expect("not those of the undisturbed run" in "".join(judge.check_files(version, other)), "parts that are not the reference's")
    return f"{len(parts)} parts"


def altered(folder: str, pipeline: sample_source.Pipeline, database: Database, table: str, change) -> list[str]:
    """What the judge says of the version's copy, in which the first part of a table was changed."""
    def rewrite(version: judge.Version) -> None:
        path = os.path.join(version.folder, version.parts(table)[0])
        data = pyarrow.parquet.read_table(path, partitioning=None)
        os.chmod(path, 0o644)
        pyarrow.parquet.write_table(change(data), path)
    return in_a_copy(folder, pipeline, database, rewrite)


def in_a_copy(folder: str, pipeline: sample_source.Pipeline, database: Database, damage) -> list[str]:
    """What the judge says of a copy of the version, behind `damage`."""
    copy = os.path.join(folder, "copy")
    shutil.copytree(pipeline.store, copy)
    try:
        version = judge.Version(copy, pipeline.MODULE, 1)
        damage(version)
        expect("is not what SHA256SUMS says" in "".join(judge.check_files(version)), "a part was written anew, and nobody saw it")
        return [text for text in judge.compare(version, database.url, sample_source.tables()) if "record tells" not in text]
    finally:
        for where, folders, _ in os.walk(copy):
            for name in folders:
                os.chmod(os.path.join(where, name), 0o755)
        shutil.rmtree(copy)


def changed(data: pyarrow.Table, row: int, column: str, value: object) -> pyarrow.Table:
    values = data.column(column).to_pylist()
    values[row] = value
    return data.set_column(data.schema.get_field_index(column), data.schema.field(column), pyarrow.array(values, data.schema.field(column).type))


# The scenarios.

def test_scenarios_are_well_formed():
    with open(os.path.join(plays.SCENARIOS, "schema.json")) as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    for name in plays.names():
        scenario = plays.read(name)
        jsonschema.validate(scenario, schema)
        expect_equal(scenario["name"], name, "a scenario's name and its file's")
        options = {**scenario["cluster"], "etlx": IDLE}
        Cluster("/nonexistent", **options)
    return f"{len(plays.names())} scenarios"


def test_every_failure_names_its_tests():
    """The table of cluster/scenarios/README.md: each row names scenarios, end-to-end tests or files, and all of them exist."""
    with open(os.path.join(plays.SCENARIOS, "README.md")) as file:
        lines = file.read().partition("## What breaks")[2].splitlines()
    rows = [line for line in lines if line.startswith("| ")][1:]
    missing = []
    for row in rows:
        names = re.findall(r"`([^`]+)`", row.split("|")[-2])
        expect(names, f"no test in {row}")
        missing += [name for name in names if not is_a_test(name)]
    expect_equal(missing, [], "names of no test")
    expect(len(rows) >= 30, f"{len(rows)} rows")
    return f"{len(rows)} failures"


def is_a_test(name: str) -> bool:
    if "/" in name:
        return os.path.exists(os.path.join(ROOT, name))
    if "." in name:
        file, _, function = name.partition(".")
        path = os.path.join(ROOT, f"Tests/EndToEnd/test_{file}.py")
        return os.path.exists(path) and f"\ndef test_{function}():" in open(path).read()
    return any(os.path.exists(os.path.join(plays.SCENARIOS, folder, f"{name}.json")) for folder in ("", "simulated"))
