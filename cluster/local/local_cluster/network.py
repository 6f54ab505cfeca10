"""Network namespaces on a bridge, and what can go wrong between them.

Everything is named after a tag of the cluster's folder, so that clusters side by side do not meet: bridge `eTAGbr`, network
namespace `etlx-TAG-ROLE`, veth `eTAGROLE` on the host's side and `eth0` within. Needs CAP_NET_ADMIN and CAP_SYS_ADMIN.
"""
import fcntl
import hashlib
import ipaddress
import os
import subprocess
import tempfile

PREFIX = "10.77"
BRIDGE_MTU = 1500


class NetworkError(Exception):
    """A command of iproute2 failed."""


def ip(*arguments: str, namespace: str | None = None) -> str:
    return command("ip", *(["-n", namespace] if namespace else []), *arguments)


def command(*arguments: str) -> str:
    done = subprocess.run(arguments, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise NetworkError(f"{' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def why_not() -> str | None:
    """Why namespaces cannot be used here; None if they can."""
    for program in ("ip", "tc", "nsenter", "setpriv"):
        if not any(os.access(os.path.join(folder, program), os.X_OK) for folder in os.environ["PATH"].split(os.pathsep)):
            return f"there is no program {program}"
    if os.geteuid() != 0:
        return "network namespaces need root (CAP_NET_ADMIN)"
    name = f"etlx-probe-{os.getpid()}"
    try:
        ip("netns", "add", name)
        ip("link", "add", "dummy0", "type", "veth", "peer", "name", "dummy1", namespace=name)
    except NetworkError as error:
        return f"network namespaces cannot be made: {error}"
    finally:
        subprocess.run(["ip", "netns", "delete", name], capture_output=True)
    return None


def tag_of(folder: str) -> str:
    return hashlib.sha256(os.path.realpath(folder).encode()).hexdigest()[:5]


class Network:
    """A bridge with namespaces. Addresses: .1 the host, .2 to .9 its services, .10 and up the roles in the order they come."""

    def __init__(self, folder: str):
        self.tag = tag_of(folder)
        self.bridge = f"e{self.tag}br"
        self.third = 0
        self.roles: dict[str, int] = {}
        self.services: dict[str, int] = {}
        self.faults: list[Fault] = []

    @property
    def network(self) -> str:
        return f"{PREFIX}.{self.third}.0/24"

    def up(self) -> None:
        """Makes the bridge, in the first /24 below 10.77 that no other uses."""
        # Clusters that come up at the same moment must not choose the same one.
        with open(os.path.join(tempfile.gettempdir(), "etlx-local-cluster.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.take_network()

    def take_network(self) -> None:
        taken = ip("-4", "-oneline", "address")
        self.third = next(third for third in range(256) if f" {PREFIX}.{third}." not in taken)
        # An address of its own: without one a bridge has the lowest of its ports', and changes it as roles come and go, which
        # cuts everybody off from the host's services until their tables of neighbours grow old.
        octets = hashlib.sha256(self.tag.encode()).digest()[:4].hex(":")
        ip("link", "add", self.bridge, "address", f"02:77:{octets}", "type", "bridge")
        # Set by hand, or the bridge would take the smallest MTU of its ports.
        ip("link", "set", self.bridge, "mtu", str(BRIDGE_MTU))
        ip("address", "add", f"{self.address_at(1)}/24", "dev", self.bridge)
        ip("link", "set", self.bridge, "up")

    def down(self) -> None:
        """Removes all of it; what is not there is no error."""
        for role in list(self.roles):
            self.remove(role)
        subprocess.run(["ip", "link", "delete", self.bridge], capture_output=True)

    def address_at(self, last: int) -> str:
        return str(ipaddress.ip_network(self.network)[last])

    def serve(self, name: str) -> str:
        """An address of the host for a service of this name, one that can be cut off without the others."""
        if name not in self.services:
            self.services[name] = 2 + len(self.services)
            ip("address", "add", f"{self.address_at(self.services[name])}/24", "dev", self.bridge)
        return self.address_at(self.services[name])

    def add(self, role: str) -> str:
        """Makes the namespace of a role; returns its name."""
        used = set(self.roles.values())
        self.roles[role] = next(number for number in range(10, 250) if number not in used)
        name, outside = self.namespace(role), self.outside(role)
        ip("netns", "add", name)
        # The inner side is made in the namespace at once: two clusters may come up at the same time.
        ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", outside, "master", self.bridge, "up")
        ip("address", "add", f"{self.address(role)}/24", "dev", "eth0", namespace=name)
        ip("link", "set", "lo", "up", namespace=name)
        ip("link", "set", "eth0", "up", namespace=name)
        return name

    def remove(self, role: str) -> None:
        """Removes a role's namespace, after undoing what is broken between it and others."""
        for fault in [fault for fault in self.faults if role in fault.names]:
            try:
                fault.undo()
            except NetworkError:
                pass  # its other end is gone already
        subprocess.run(["ip", "link", "delete", self.outside(role)], capture_output=True)
        subprocess.run(["ip", "netns", "delete", self.namespace(role)], capture_output=True)
        self.roles.pop(role, None)

    def namespace(self, role: str) -> str:
        return f"etlx-{self.tag}-{role}"

    def outside(self, role: str) -> str:
        """The veth on the host's side; names of interfaces have at most 15 characters."""
        kind, _, index = role.rpartition("-")
        return f"e{self.tag}{kind[:1]}{index}"

    def address(self, name: str) -> str:
        """The address of a role or a service."""
        return self.address_at(self.roles[name] if name in self.roles else self.services[name])

    # Faults. Each returns what undoes it.

    def cut(self, source: str, target: str, is_silent: bool = False) -> "Fault":
        """Loses what `source`, a role, sends to `target`; the other direction stays open.

        By a blackhole route the sender's connect(2) fails at once and established connections go silent. With `is_silent` nothing
        fails: frames go to a hardware address that nobody has, as with a dead switch.
        """
        name, address = self.namespace(source), self.address(target)
        if is_silent:
            add = ["neighbour", "replace", address, "lladdr", "02:00:00:00:00:01", "dev", "eth0", "nud", "permanent"]
            take = ["neighbour", "delete", address, "dev", "eth0"]
        else:
            add, take = (["route", verb, "blackhole", f"{address}/32"] for verb in ("add", "delete"))
        ip(*add, namespace=name)
        return self.note(f"{source} does not reach {target}", lambda: ip(*take, namespace=name), source, target)

    def cut_back(self, source: str, target: str) -> "Fault":
        """Loses what `target`, a service of the host, sends to `source`, a role."""
        rule = ["from", self.address(target), "to", self.address(source), "blackhole"]
        ip("rule", "add", *rule)
        return self.note(f"{target} does not reach {source}", lambda: ip("rule", "delete", *rule), source, target)

    def partition(self, one: str, other: str, is_silent: bool = False) -> "Fault":
        """Loses both directions between two roles, or a role and a service."""
        first = self.cut(one, other, is_silent)
        second = self.cut(other, one, is_silent) if other in self.roles else self.cut_back(one, other)
        return self.note(f"{one} and {other} are apart", lambda: (first.undo(), second.undo()), one, other)

    def link_down(self, role: str) -> "Fault":
        """Takes the link down outside the role's namespace: no FIN, no RST, the role sees a lost carrier."""
        outside = self.outside(role)
        ip("link", "set", outside, "down")
        return self.note(f"the link of {role} is down", lambda: ip("link", "set", outside, "up"), role)

    def slow(self, role: str, rate: str = "1mbit") -> "Fault":
        """Limits both directions by a token bucket filter."""
        outside, name = self.outside(role), self.namespace(role)
        bucket = ["root", "tbf", "rate", rate, "burst", "16kb", "latency", "400ms"]
        command("tc", "qdisc", "add", "dev", outside, *bucket)
        command("tc", "-n", name, "qdisc", "add", "dev", "eth0", *bucket)

        def undo():
            command("tc", "qdisc", "delete", "dev", outside, "root")
            command("tc", "-n", name, "qdisc", "delete", "dev", "eth0", "root")
        return self.note(f"the link of {role} has {rate}", undo, role)

    def small_mtu(self, role: str, size: int = 576) -> "Fault":
        """Both ends of the role's link take packets of `size` bytes; larger ones that peers still send are lost."""
        outside, name = self.outside(role), self.namespace(role)

        def resize(bytes_: int):
            ip("link", "set", "eth0", "mtu", str(bytes_), namespace=name)
            ip("link", "set", outside, "mtu", str(bytes_))
        resize(size)
        return self.note(f"the link of {role} has an MTU of {size}", lambda: resize(BRIDGE_MTU), role)

    def note(self, about: str, undo, *names: str) -> "Fault":
        fault = Fault(self, about, undo, names)
        self.faults.append(fault)
        return fault

    def heal(self) -> None:
        """Undoes every fault that is left, the youngest first."""
        for fault in reversed(self.faults[:]):
            fault.undo()


class Fault:
    """Something that is broken on purpose until `undo` or the end of a `with` block. Undone twice is undone once."""

    def __init__(self, network: Network, about: str, undo, names: tuple[str, ...]):
        self.network, self.about, self.action, self.names = network, about, undo, names

    def undo(self) -> None:
        if self in self.network.faults:
            self.network.faults.remove(self)
            self.action()

    def __enter__(self) -> "Fault":
        return self

    def __exit__(self, *_) -> None:
        self.undo()


def leftovers(tag: str) -> list[str]:
    """Namespaces, interfaces and rules of a tag that are still there."""
    names = [line.split()[0] for line in ip("netns", "list").splitlines() if f"etlx-{tag}-" in line]
    links = [line.split(": ")[1].split("@")[0] for line in ip("-oneline", "link").splitlines() if f" e{tag}" in line]
    return names + links
