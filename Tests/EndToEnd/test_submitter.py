"""A submitter's document on a cluster: it names what the cluster's options give, and nothing else of its machines."""
import contextlib
import os
import socket
import threading

from lib.checks import expect, expect_equal
from lib.document import Document, Table
from lib.local import cluster_etlx, open_scratch
from lib.published import numbers

from local_cluster.cluster import Cluster

CANARY = "canary-of-the-servers-own-7f3a"


class BoundedCluster(Cluster):
    """Documents may read below `files`, publish below `files/store`, and take secrets from `files/secrets`."""

    def bounds(self) -> list[str]:
        files = os.path.join(os.path.dirname(self.folder), "files")
        return ["--base-directory", files, "--target-directory", f"{files}/store", "--placeholder-directory", f"{files}/secrets",
                "--placeholder-prefix", "FOR_DOCUMENTS_"]


def test_a_document_reaches_nothing_that_no_option_gives():
    folder = open_scratch("submitter")
    files, outside = f"{folder}/files", f"{folder}/outside"
    for path in (f"{files}/store", f"{files}/secrets", outside):
        os.makedirs(path)
    write(f"{files}/rows.csv", "id,name\n1,one\n2,two\n")
    write(f"{outside}/rows.csv", f"id,name\n1,{CANARY}\n")
    write(f"{outside}/secret", CANARY)
    write(f"{outside}/map.csv", f"value,text\none,{CANARY}\n")
    os.symlink(outside, f"{files}/link")
    os.symlink(f"{outside}/secret", f"{files}/secrets/link")
    os.mkfifo(f"{files}/pipe.csv")
    good = document(files, "good", "rows.csv")
    with listening() as (port, heard), BoundedCluster(
            f"{folder}/cluster", workers=1, keepers=1, coordinators=1, etlx=cluster_etlx(), ledger=f"sqlite:{folder}/ledger.sqlite",
            environment={"OF_THE_SERVERS": CANARY, "FOR_DOCUMENTS_PASSWORD": "p"}) as cluster:
        answer = cluster.client.submit(good, "--wait", seconds=120)
        expect_equal(answer.status, 0, f"exit code of a document within the bounds ({answer.text[-600:]})")
        url = f"postgresql://nobody@127.0.0.1:{port}/d"
        cases = {
            "a title from a file": {"title": "${file:" + outside + "/secret}"},
            "a title from a file that may be a secret": {"title": "${file:link}"},
            "a title from a variable": {"title": "${env:OF_THE_SERVERS}"},
            "a constant from a variable": {"rule": {"constant": "${env:OF_THE_SERVERS}"}},
            "a constant from a variable for documents": {"rule": {"constant": "${env:FOR_DOCUMENTS_PASSWORD}"}},
            "a file elsewhere": {"path": f"{outside}/rows.csv"}, "a file above": {"path": "../outside/rows.csv"},
            "a file behind a link": {"path": "link/rows.csv"}, "a pipe": {"path": "pipe.csv"}, "a device": {"path": "/dev/zero"},
            "a map elsewhere": {"rule": {"map": {"file": f"{outside}/map.csv"}}},
            "a map behind a link": {"rule": {"map": {"file": "link/map.csv"}}},
            "a key elsewhere": {"key": f"{outside}/secret"},
            "a target elsewhere": {"target": {"directory": f"{outside}/store"}},
            "a target behind a link": {"target": {"directory": f"{files}/store/../link/store"}},
            "a store at any host": {"target": {"s3": {"bucket": "data", "endpoint": f"http://127.0.0.1:{port}"}}},
            "a database at any host": {"target": {"postgres": {"url": url}}},
            "a claim at any host": {"target": {"s3": {"bucket": "data", "claims": url}}},
            "a source at any host": {"source": {"kind": "postgres", "url": url}},
            "a source with a secret for any host": {"source": {"kind": "postgres", "url": f"postgresql://u:${{file:link}}@127.0.0.1:{port}/d"}},
            "a bucket at any host": {"source": {"kind": "csv", "path": "s3://data/*.csv", "s3": {"endpoint": f"http://127.0.0.1:{port}"}}},
        }
        for name, change in cases.items():
            answer = cluster.client.submit(document(files, "evil", **{"path": "rows.csv", **change}), "--wait", seconds=120)
            expect(answer.status not in (0, -1), f"{name}: exit code {answer.status} ({answer.text[-600:]})")
            expect(CANARY not in answer.text, f"{name}: a content was told: {answer.text[-600:]}")
        expect_equal(heard, [], "connections to a host that no option names")
        expect_equal(numbers(f"{files}/store", "evil"), [], "versions of evil documents")
        expect_equal(sorted(os.listdir(outside)), ["map.csv", "rows.csv", "secret"], "the folder outside")
        expect_equal(cluster.unaccounted(), [], "processes that ended by themselves")
        logs = "".join(one.read_log() for one in cluster.roles.values())
        expect(CANARY not in logs, "a content is in the logs")
        answer = cluster.client.submit(good, "--wait", seconds=120)
        expect_equal(answer.status, 0, f"exit code of the document behind them ({answer.text[-600:]})")
    return f"{len(cases)} documents refused"


def write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def document(
    folder: str, module: str, path: str, title: str | None = None, rule: object = "keep", key: str | None = None, target: dict | None = None,
    source: dict | None = None,
) -> str:
    source = source or {"kind": "csv", "path": path}
    origin: object = "s.public.rows" if source["kind"] == "postgres" else "s"
    made = Document(folder, module, {"s": source}, [Table("rows", origin, {"id": "keep", "name": rule})])
    made.store = f"{folder}/store"
    if key:
        made.keys["k"] = key
        made.tables[0].columns["name"] = {"token": {"key": "k", "scope": "s"}}
    written = made.write()
    with open(written) as file:
        lines = file.read().splitlines()
    if title:
        lines = [f'title: "{title}"' if line.startswith("title:") else line for line in lines]
    if target:
        lines = [line for line in lines if not line.startswith("target:")] + [f"target: {str(target).replace(chr(39), chr(34))}"]
    write(written, "\n".join(lines) + "\n")
    return written


@contextlib.contextmanager
def listening():
    """A port, and who connected to it."""
    heard: list[tuple] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        is_over = threading.Event()

        def accept() -> None:
            while not is_over.is_set():
                with contextlib.suppress(TimeoutError):
                    connection, place = server.accept()
                    heard.append(place)
                    connection.close()

        listener = threading.Thread(target=accept)
        listener.start()
        try:
            yield server.getsockname()[1], heard
        finally:
            is_over.set()
            listener.join()
