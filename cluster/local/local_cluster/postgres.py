"""Private PostgreSQL servers of a cluster, made by ops/private-postgres."""
import contextlib
import os
import subprocess

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../.."))
PROGRAM = os.path.join(ROOT, "ops/private-postgres")


class Server:
    """A server in a folder of its own, on loopback or also at `address` (of a network of the form A.B.C.D/24)."""

    def __init__(self, folder: str, address: str | None = None, is_durable: bool = False):
        self.folder, self.address, self.is_durable = folder, address, is_durable
        self.url = ""

    def start(self) -> "Server":
        options = (["--at", f"{self.address}/24"] if self.address else []) + (["--durable"] if self.is_durable else [])
        self.url = call("start", self.folder, *options).strip()
        return self

    def follow(self, primary: "Server") -> "Server":
        """Starts it as a hot standby of another server, instead of `start`."""
        self.url = call("standby", self.folder, primary.folder).strip()
        return self

    def execute(self, sql: str) -> list[tuple]:
        # Of the tests' environment; `up` and `down` do without.
        import psycopg2
        with contextlib.closing(psycopg2.connect(self.url, connect_timeout=5)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []

    def configure(self, **settings: str) -> None:
        """Settings of the whole server, from its next transactions on; some of them only from `restart` on."""
        for name, value in settings.items():
            self.execute(f"alter system set {name} = {value}")
        self.execute("select pg_reload_conf()")

    def restart(self) -> None:
        """As after a crash of the server: nothing is finished, connections are cut, the log is replayed."""
        call("restart", self.folder)

    def stop(self) -> None:
        call("stop", self.folder)

    def pid(self) -> int:
        """The postmaster."""
        with open(os.path.join(self.folder, "data/postmaster.pid")) as file:
            return int(file.readline())


def call(*arguments: str) -> str:
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd="/")
    if done.returncode != 0:
        raise RuntimeError(f"ops/private-postgres {arguments[0]}: {done.stderr.strip()[-500:]}")
    return done.stdout
