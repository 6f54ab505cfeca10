"""A cluster on this machine: coordinators, keepers, workers, the ledger's PostgreSQL; each role in its own network, if wanted."""
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

from local_cluster.certificates import SERVER_NAME, Certificates
from local_cluster.client import Client
from local_cluster.network import Network
from local_cluster.postgres import ROOT, Server
from local_cluster.processes import Ending, Identity, Supervised, identify, open_files, resident_bytes, stat_fields

PORT = 7443
HTTP_PORT = 9090
STATE = "cluster.json"
PROXY = os.path.join(ROOT, "cluster/local/fault_proxy.py")


def etlx_path() -> str:
    return os.environ.get("ETL_ETLX", os.path.join(ROOT, ".build/release/etlx"))


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on; all are held open until all are known, so that none comes twice."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Cluster:
    """Coordinators, keepers and workers as supervised processes in `folder`, which must be new or empty.

    Roles are named KIND-INDEX: coordinator-0, keeper-1, worker-3. With `namespaces` each has an address of its own and
    `network` breaks what lies between them. `ledger` is a PostgreSQL URL; without one a private server is started, which
    `restart_ledger` may crash. With `proxy` (options of fault_proxy.py) keepers and workers reach each coordinator through
    such a proxy; with `has_clocks` the wall clock of a role can be stepped. Documents name files and folders below `places`, by default the
    folder that `folder` is in. All of it ends with `down`, at the end of a `with` block, and with this process.
    """

    def __init__(
        self, folder: str, workers: int = 2, keepers: int = 2, coordinators: int = 2, namespaces: bool = False,
        tls: bool = False, ledger: str | None = None, etlx: str | None = None, slots: int | None = None,
        proxy: list[str] | None = None, environment: dict[str, str] | None = None, grace: int = 20, has_clocks: bool = False,
        coordinator_options: list[str] | None = None,
        places: str | None = None,
    ):
        self.folder = os.path.realpath(folder)
        self.places = os.path.realpath(places or os.path.dirname(self.folder))
        self.counts = {"coordinator": coordinators, "keeper": keepers, "worker": workers}
        self.etlx = etlx or etlx_path()
        self.has_tls, self.slots, self.proxy_options, self.grace = tls, slots, proxy, grace
        self.environment = environment or {}
        self.has_clocks = has_clocks
        self.more_options = coordinator_options or []
        self.network = Network(self.folder) if namespaces else None
        self.ledger_url = ledger
        self.ledger: Server | None = None
        self.servers: dict[str, Server] = {}
        self.roles: dict[str, Supervised] = {}
        self.certificates = Certificates(os.path.join(self.folder, "tls"))
        self.ports: dict[str, int] = {}
        self.closed_endings: list[Ending] = []
        self.lock = threading.Lock()

    # Up and down.

    def __enter__(self) -> "Cluster":
        return self.up()

    def __exit__(self, *_) -> None:
        self.down()

    def up(self) -> "Cluster":
        os.makedirs(self.folder, exist_ok=True)
        if os.path.exists(os.path.join(self.folder, STATE)):
            raise FileExistsError(f"{self.folder} holds a cluster already; end it with `down`")
        os.makedirs(os.path.join(self.folder, "logs"), exist_ok=True)
        try:
            self.start()
        except BaseException:
            self.down()
            raise
        return self

    def start(self) -> None:
        if self.network:
            self.network.up()
        self.write_state()
        if not self.ledger_url:
            self.ledger = self.serve_postgres("ledger", is_durable=True)
            self.ledger_url = self.ledger.url
        for name in ("worker", "keeper", "operator"):
            path = self.token_file(name)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(secrets.token_hex(24) + "\n")
        coordinators = [f"coordinator-{index}" for index in range(self.counts["coordinator"])]
        ports = free_ports(3 * len(coordinators))
        for index, role in enumerate(coordinators):
            if self.network:
                self.network.add(role)
            self.ports[role] = PORT if self.network else ports[3 * index]
            self.ports[f"http-{role}"] = HTTP_PORT if self.network else ports[3 * index + 1]
            self.ports[f"proxy-{index}"] = ports[3 * index + 2]
        if self.has_tls:
            self.certificates.make([self.address(role) for role in coordinators] + ["127.0.0.1"])
        for role in coordinators:
            # Its URL has a password, which arguments may not hold.
            self.run(role, self.coordinator_command(role), ETLX_LEDGER=self.ledger_url)
        if self.proxy_options is not None:
            for index, role in enumerate(coordinators):
                self.run(f"proxy-{index}", self.proxy_command(index, role), is_outside=True)
        for kind in ("keeper", "worker"):
            for _ in range(self.counts[kind]):
                self.add(kind)

    def down(self) -> None:
        """Ends what this cluster started: workers, keepers, coordinators, servers, networks. Safe to call twice."""
        for kinds, grace in ((("worker", "keeper"), 5), (("coordinator", "proxy"), 5)):
            leaving = [one for name, one in self.roles.items() if name.startswith(kinds)]
            threads = [threading.Thread(target=one.stop, args=(grace,)) for one in leaving]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        for server in self.servers.values():
            server.stop()
        self.servers.clear()
        if self.network:
            self.network.down()
        path = os.path.join(self.folder, STATE)
        if os.path.exists(path):
            os.remove(path)

    def write_state(self) -> None:
        """Notes what `down` of another process has to end, should this one be killed."""
        with self.lock:
            supervisor = identify(os.getpid())
            state = {
                "supervisor": {"pid": supervisor.pid, "start": supervisor.start},
                "processes": {
                    name: {"pid": identity.pid, "start": identity.start}
                    for name, one in list(self.roles.items()) if (identity := one.identity)},
                "servers": [server.folder for server in self.servers.values()],
                "bridge": self.network.bridge if self.network else None,
                "namespaces": [self.network.namespace(role) for role in self.network.roles] if self.network else [],
                "links": [self.network.outside(role) for role in self.network.roles] if self.network else [],
            }
            path = os.path.join(self.folder, STATE)
            with open(f"{path}.new", "w") as file:
                json.dump(state, file, indent=1)
            os.replace(f"{path}.new", path)

    # What is started, and how.

    def add(self, kind: str) -> str:
        """Starts one more worker or keeper; returns the role's name."""
        taken = [int(name.rpartition("-")[2]) for name in self.roles if name.startswith(f"{kind}-")]
        role = f"{kind}-{max(taken, default=-1) + 1}"
        if self.network:
            self.network.add(role)
        self.run(role, self.worker_command(kind))
        return role

    def run(self, role: str, command: list[str], is_outside: bool = False, **more: str) -> None:
        state = os.path.join(self.folder, "state", role)
        os.makedirs(state, exist_ok=True)
        namespace = self.network.namespace(role) if self.network and not is_outside else None
        environment = {**self.environment, "XDG_STATE_HOME": state, **more, **(self.clock(role, 0) if self.has_clocks else {})}
        self.roles[role] = Supervised(role, command, self.folder, environment, self.write_state, namespace)
        self.roles[role].start()
        self.roles[role].wait_until_running()

    def coordinator_command(self, role: str) -> list[str]:
        index = int(role.rpartition("-")[2])
        advertised = self.proxy_url(index) if self.proxy_options is not None else self.url(role)
        command = [
            self.etlx, "coordinator", "--listen", self.url(role), "--advertise", advertised,
            "--join-tokens", self.token_file("worker"), "--keeper-tokens", self.token_file("keeper"),
            "--operator-tokens", self.token_file("operator"),
            "--http", f"{self.address(role)}:{self.ports[f'http-{role}']}", "--log", "json", *self.bounds()]
        return command + self.more_options + self.security_options("coordinator")

    def worker_command(self, kind: str) -> list[str]:
        command = [self.etlx, "worker", *self.coordinator_options(is_inside=True), "--role", kind,
                   "--join-token", self.token_file(kind), "--grace", str(self.grace), *self.bounds()]
        if self.slots and kind == "worker":
            command += ["--slots", str(self.slots)]
        return command + self.security_options("worker")

    def bounds(self) -> list[str]:
        """What documents may do: their files and modules lie below `places`, servers may be any."""
        return ["--base-directory", self.places, "--placeholder-directory", self.places, "--target-directory", self.places,
                "--target-endpoint", "*", "--source-endpoint", "*"]

    def proxy_command(self, index: int, role: str) -> list[str]:
        return [sys.executable, PROXY, f"{self.address(role)}:{self.ports[role]}", "--listen",
                f"{self.host_address()}:{self.ports[f'proxy-{index}']}", *self.proxy_options]

    def security_options(self, pair: str) -> list[str]:
        if not self.has_tls:
            return ["--insecure-network"] if self.network else []
        certificate, key = self.certificates.pair(pair)
        return ["--ca", self.certificates.authority, "--certificate", certificate, "--private-key", key,
                *(["--server-name", SERVER_NAME] if pair == "worker" else [])]

    def coordinator_options(self, is_inside: bool = False) -> list[str]:
        through = is_inside and self.proxy_options is not None
        urls = [self.proxy_url(index) if through else self.url(f"coordinator-{index}") for index in range(self.counts["coordinator"])]
        return [part for url in urls for part in ("--coordinator", url)]

    def client_options(self) -> list[str]:
        return [*self.coordinator_options(), "--operator-token", self.token_file("operator"), *self.security_options("worker")]

    @property
    def client(self) -> Client:
        return Client(self.etlx, self.client_options(), self.environment)

    def token_file(self, name: str) -> str:
        return os.path.join(self.folder, f"{name}-token")

    # Where things are.

    def address(self, role: str) -> str:
        return self.network.address(role) if self.network else "127.0.0.1"

    def host_address(self) -> str:
        return self.network.address_at(1) if self.network else "127.0.0.1"

    def url(self, role: str) -> str:
        return f"{'tls+tcp' if self.has_tls else 'tcp'}://{self.address(role)}:{self.ports[role]}"

    def proxy_url(self, index: int) -> str:
        return f"{'tls+tcp' if self.has_tls else 'tcp'}://{self.host_address()}:{self.ports[f'proxy-{index}']}"

    def urls(self) -> list[str]:
        return [self.url(f"coordinator-{index}") for index in range(self.counts["coordinator"])]

    def names(self, kind: str) -> list[str]:
        """The roles of a kind that are wanted: neither drained nor failed."""
        return [name for name, one in self.roles.items() if name.startswith(f"{kind}-") and one.is_wanted]

    def serve_postgres(self, name: str, is_durable: bool = False) -> Server:
        """Starts a private PostgreSQL that all roles reach, at an address of its own."""
        address = self.network.serve(name) if self.network else None
        server = Server(os.path.join(self.folder, name), address, is_durable)
        self.servers[name] = server
        self.write_state()
        return server.start()

    # What may happen to them.

    def role(self, kind: str, index: int | None = None) -> Supervised:
        return self.roles[kind if index is None else f"{kind}-{index}"]

    def kill(self, kind: str, index: int | None = None, number: int = signal.SIGKILL) -> int | None:
        """Sends a signal to a role's process; returns its pid, None if there was none."""
        one = self.role(kind, index)
        pid = one.pid
        return pid if one.signal(number) else None

    def pause(self, kind: str, index: int | None = None) -> int | None:
        """Stops a role's process; returns when it stands."""
        pid = self.kill(kind, index, signal.SIGSTOP)
        for _ in range(100):
            if pid is None or (fields := stat_fields(pid)) is None or fields[0] == "T":
                break
            time.sleep(0.01)
        return pid

    def resume(self, kind: str, index: int | None = None) -> int | None:
        return self.kill(kind, index, signal.SIGCONT)

    def restart(self, kind: str, index: int | None = None) -> None:
        """Kills a role's process and waits for the next one."""
        one = self.role(kind, index)
        before = one.pid
        one.signal(signal.SIGKILL)
        deadline = time.monotonic() + 30
        while (one.pid is None or one.pid == before) and time.monotonic() < deadline:
            time.sleep(0.02)
        one.wait_until_running()

    def leave(self, kind: str, index: int | None = None) -> Supervised:
        """SIGTERM to a role that shall not come back."""
        one = self.role(kind, index)
        with one.changed:
            one.is_wanted = False
        one.signal(signal.SIGTERM)
        return one

    def drain(self, kind: str, index: int | None = None, seconds: float = 60) -> Ending:
        """SIGTERM to a role that shall not come back; waits, and returns how it ended."""
        one = self.leave(kind, index)
        if not one.wait_until_ended(seconds):
            raise TimeoutError(f"{one.name} did not end within {seconds:.0f} s of SIGTERM; {one.tail(500)}")
        return one.endings[-1]

    def remove(self, role: str) -> None:
        """Forgets a role that has ended, and its network."""
        one = self.roles.pop(role)
        one.stop(1)
        self.closed_endings += one.endings
        if self.network:
            self.network.remove(role)
        self.write_state()

    def clock(self, role: str, seconds: int) -> dict[str, str]:
        """Sets a role's wall clock so many seconds ahead of this machine's; returns the environment that makes it look there."""
        library, file_path = os.path.join(self.folder, "clock_step.so"), os.path.join(self.folder, f"{role}.clock")
        if not os.path.exists(library):
            source = os.path.join(ROOT, "cluster/local/clock_step.c")
            subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, source], check=True, capture_output=True)
        # Written in place: the role has this file mapped.
        with open(os.open(file_path, os.O_WRONLY | os.O_CREAT, 0o644), "wb") as file:
            file.write(seconds.to_bytes(8, sys.byteorder, signed=True))
        return {"LD_PRELOAD": library, "CLOCK_STEP_FILE": file_path}

    def restart_ledger(self) -> None:
        if not self.ledger:
            raise RuntimeError("the ledger's server is not this cluster's own")
        self.ledger.restart()

    # What can be seen of them.

    def fds(self, kind: str, index: int | None = None) -> int:
        return open_files(self.role(kind, index).pid or 0)

    def rss(self, kind: str, index: int | None = None) -> int:
        """Resident bytes."""
        return resident_bytes(self.role(kind, index).pid or 0)

    def logs(self, kind: str, index: int | None = None) -> str:
        return self.role(kind, index).read_log()

    def endings(self) -> list[Ending]:
        """How processes of this cluster have ended so far, those of forgotten roles too."""
        return self.closed_endings + [ending for one in self.roles.values() for ending in one.endings]

    def unaccounted(self) -> list[Ending]:
        """Processes that ended by themselves in a way that the contract does not know."""
        return [ending for ending in self.endings() if not ending.is_accounted_for]

    def http(self, role: str, path: str, seconds: float = 2) -> str | None:
        """The body of an answer with status 200 of a coordinator's HTTP port, None for anything else."""
        url = f"http://{self.address(role)}:{self.ports[f'http-{role}']}{path}"
        try:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(url, timeout=seconds) as answer:
                return answer.read().decode(errors="replace") if answer.status == 200 else None
        except OSError:
            return None

    def metric(self, role: str, name: str) -> float | None:
        """The sum of a metric's samples."""
        text = self.http(role, "/metrics")
        found = re.findall(rf"(?m)^{name}(?:\{{[^}}]*\}})? ([-+.\deE]+)$", text or "")
        return sum(map(float, found)) if found else None

    def leaders(self) -> list[str]:
        """Coordinators that say of themselves that they lead."""
        return [role for role in self.names("coordinator") if self.metric(role, "etlx_leader") == 1]

    def leader(self, seconds: float = 30) -> str:
        """The one that leads; waits until there is one."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := self.leaders():
                return found[0]
            time.sleep(0.1)
        raise TimeoutError(f"no coordinator led within {seconds:.0f} s; {self.role('coordinator', 0).tail(500)}")


def end(folder: str, seconds: float = 40) -> str:
    """Ends the cluster of a folder from outside: asks its supervisor or, if that is gone, does its work. Returns what was done."""
    path = os.path.join(os.path.realpath(folder), STATE)
    try:
        with open(path) as file:
            state = json.load(file)
    except FileNotFoundError:
        return "there is no cluster"
    supervisor = Identity(**state["supervisor"])
    if supervisor.signal(signal.SIGTERM):
        deadline = time.monotonic() + seconds
        while supervisor.is_alive() and time.monotonic() < deadline:
            time.sleep(0.05)
        if not os.path.exists(path):
            return "ended"
        supervisor.signal(signal.SIGKILL)
        time.sleep(0.2)
        with open(path) as file:
            state = json.load(file)
    for about in state["processes"].values():
        Identity(**about).signal(signal.SIGKILL)
    for server in state["servers"]:
        Server(server).stop()
    for link in state["links"]:
        subprocess.run(["ip", "link", "delete", link], capture_output=True)
    for namespace in state["namespaces"]:
        subprocess.run(["ip", "netns", "delete", namespace], capture_output=True)
    if state["bridge"]:
        subprocess.run(["ip", "link", "delete", state["bridge"]], capture_output=True)
    os.remove(path)
    return "ended in place of its supervisor, which was gone"


def empty(folder: str) -> None:
    """Removes what an ended cluster left in its folder."""
    if os.path.exists(os.path.join(folder, STATE)):
        raise FileExistsError(f"the cluster of {folder} is up")
    shutil.rmtree(folder, ignore_errors=True)
