"""What a process that holds rows and keys says when it dies of a fault: the signal's name, and nothing of its memory."""
import base64
import contextlib
import os
import resource
import signal
import subprocess
import time

import psycopg2

from test_canary import ROWS, WORD, mark, marks
from lib.checks import expect, expect_equal
from lib.database import Database
from lib.document import Document, Table
from lib.etlx import Running, command_line, run_well
from lib.private import wait_until
from lib.surroundings import etlx_path, scratch

FAULTS = [signal.SIGSEGV, signal.SIGILL, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGTRAP, signal.SIGQUIT]
# Whatever the surroundings say, and wherever they send it.
TELLING = {"SWIFT_BACKTRACE": "enable=yes,sanitize=no,registers=all,output-to=stderr,color=no,interactive=no"}


def test_a_worker_and_a_keeper_that_die_at_work():
    """Each fault ends a worker that holds rows and keys, and the keeper that holds keys."""
    folder, database, document = stuck_document()
    for fault in FAULTS:
        running = Running("run", document.path, "--workers", "1", "--verbose", env={**TELLING, "TMPDIR": folder})
        try:
            wait_until(lambda: is_stuck(database), "a worker in the middle of its rows")
            nodes = [pid for pid in running.children() if " worker " in command_line(pid)]
            expect_equal(len(nodes), 2, "worker and keeper")
            for pid in nodes:
                os.kill(pid, fault)
            wait_until(lambda: running.read("err").count(line_of(fault)) >= 2, f"two words of {fault.name}: {running.read('err')[-2000:]}", 20)
        finally:
            running.kill()
        expect_silence(running.read("err") + running.read("out"), document, folder, fault)
        wait_until(lambda: not is_stuck(database), "the end of the query")


def test_a_preview_that_dies_at_work():
    folder, database, document = stuck_document()
    for fault in FAULTS:
        running = Running("preview", document.path, env={**TELLING, "TMPDIR": folder})
        try:
            wait_until(lambda: is_stuck(database), "a preview in the middle of its rows")
            running.signal(fault)
            result = running.wait(30)
        finally:
            running.kill()
        expect_equal(result.status, -fault, f"end of a preview by {fault.name}")
        said = "".join(line for line in result.err.splitlines(True) if ": warning: " not in line)
        expect_equal(said, line_of(fault), f"what a preview says that {fault.name} ends")
        expect_silence(result.text, document, folder, fault)
        wait_until(lambda: not is_stuck(database), "the end of the query")


def test_no_command_leaves_a_dump():
    """Each command is aborted while it waits; the system may dump, and does not."""
    folder, database, document = stuck_document()
    run_well("keys", "new", f"{folder}/other.key")
    for name in ("join", "keeper", "operator"):
        with open(os.open(f"{folder}/{name}.tokens", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(f"a-{name}-token-of-this-test\n")
    os.mkfifo(f"{folder}/fifo")
    coordinator = ["coordinator", "--listen", "tcp://127.0.0.1:0", "--ledger", f"sqlite:{folder}/ledger.sqlite",
                   "--join-tokens", f"{folder}/join.tokens",
                   "--keeper-tokens", f"{folder}/keeper.tokens", "--operator-tokens", f"{folder}/operator.tokens"]
    commands = [
        (["preview", document.path], lambda _: is_stuck(database)),
        (["plan", waiting_document(folder, database)], lambda _: is_locked(database)),
        (["keys", "reveal", "--key", f"{folder}/other.key", "--audit", f"{folder}/audit.log", "--encrypt", "--context", "c", "--to-pipe"],
         lambda pid: waits_in_read(pid)),
        (coordinator, lambda _: os.path.exists(f"{folder}/ledger.sqlite")),
    ]
    for words, is_at_work in commands:
        pid, wait = dumping(words, folder)
        try:
            with locked(database) if words[0] == "plan" else contextlib.nullcontext():
                wait_until(lambda: is_at_work(pid), f"{words[0]} at work")
                expect_equal(soft_limit(pid), "0", f"limit of {words[0]}'s dumps")
                os.kill(pid, signal.SIGABRT)
                status = wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        expect(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGABRT, f"{words[0]} ended with {status}")
        expect(not os.WCOREDUMP(status), f"{words[0]} left a dump of its memory")


def stuck_document() -> tuple[str, Database, Document]:
    """Its one table gives a thousand rows, then waits for longer than the test does."""
    folder = scratch("crash")
    database = Database.fresh("e2e_crash")
    database.execute("create table cells (id int, secret text)")
    with contextlib.closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.executemany("insert into cells values (%s, %s)", [(number, mark(number, "cell") * 20) for number in range(ROWS)])
    query = "select id, secret, case when id = 2000 then pg_sleep(600)::text else '' end as pause from public.cells"
    document = Document(
        folder, "crash", {"db": {"kind": "postgres", "url": database.url}},
        [Table("cells", {"source": "db", "query": query},
               {"id": "keep", "secret": {"token": {"key": "k", "scope": "s"}}, "pause": "keep"})]).with_key("k")
    document.write()
    return folder, database, document


def waiting_document(folder: str, database: Database) -> str:
    document = Document(
        folder, "waiting", {"db": {"kind": "postgres", "url": database.url}},
        [Table("cells", "db.public.cells", {"id": "keep", "secret": "drop"})])
    return document.write()


@contextlib.contextmanager
def locked(database: Database):
    """Whoever plans `cells` waits."""
    with contextlib.closing(psycopg2.connect(database.url)) as connection, connection.cursor() as cursor:
        cursor.execute("lock table cells in access exclusive mode")
        yield


def is_stuck(database: Database) -> bool:
    return bool(database.execute(
        "select 1 from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep' and state = 'active'"))


def is_locked(database: Database) -> bool:
    return bool(database.execute(
        "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"))


def waits_in_read(pid: int) -> bool:
    with open(f"/proc/{pid}/wchan") as file:
        return "pipe_read" in file.read() or "anon_pipe_read" in file.read()


def soft_limit(pid: int) -> str:
    with open(f"/proc/{pid}/limits") as file:
        return next(line.split()[4] for line in file if line.startswith("Max core file size"))


def dumping(words: list[str], folder: str):
    """Starts etlx where dumps are allowed; its number, and what waits for its raw status."""
    limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
    process = subprocess.Popen(
        [etlx_path(), *words], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
        env={**os.environ, "SWIFT_BACKTRACE": "enable=no"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (limit, limit)))

    def wait() -> int:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            ended, status = os.waitpid(process.pid, os.WNOHANG)
            if ended:
                process.returncode = -os.WTERMSIG(status)
                process.stdin.close()
                return status
            time.sleep(0.02)
        raise AssertionError(f"{words[0]} did not end")

    return process.pid, wait


def line_of(fault: signal.Signals) -> str:
    return f"etlx: ended by {fault.name}\n"


def expect_silence(text: str, document: Document, folder: str, fault: signal.Signals) -> None:
    """No cell and no byte of the key in what was printed and in files; and none of a crash report's own words."""
    with open(document.keys["k"], "rb") as file:
        written = file.read().strip()
    key = base64.b64decode(written)
    forbidden = marks() + [written[:16], key[:8], key[:8].hex().encode(), key[:8].hex(" ").encode(), WORD.encode().hex(" ").encode()]
    for words in ("Registers:", "Thread 0", "Backtrace", "crashed", "Images ("):
        expect(words not in text, f"{fault.name}: a crash report was written: {text[:300]}")
    places = {"what was printed": text.encode()}
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            if os.path.isfile(path) and path != document.keys["k"]:
                with open(path, "rb") as file:
                    places[path] = file.read()
    for place, content in places.items():
        lowered = content.lower()
        for secret in forbidden:
            expect(secret not in content and secret not in lowered, f"{fault.name}: {place} holds a cell or a key")
