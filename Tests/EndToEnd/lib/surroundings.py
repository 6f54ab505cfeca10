"""Where the tests find things. `ops/test` sets the variables; without one, the tests that need it are skipped."""
import os
import tempfile

from lib.checks import require

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../.."))


def etlx_path() -> str:
    path = os.environ.get("ETL_ETLX", os.path.join(ROOT, ".build/release/etlx"))
    require(os.access(path, os.X_OK), f"no executable {path}; build with: swift build -c release")
    return path


def postgres_url() -> str:
    """URL of a superuser on a PostgreSQL that the tests may fill."""
    require(os.environ.get("ETL_TEST_PG"), "ETL_TEST_PG is not set (ops/test starts a private PostgreSQL and sets it)")
    return os.environ["ETL_TEST_PG"]


def shared(path: str) -> str:
    """A path below the folder of public test data."""
    folder = os.environ.get("ETL_SHARED", os.path.join(ROOT, "../shared"))
    whole = os.path.join(folder, path)
    require(os.path.exists(whole), f"no {path} in the shared test data (ETL_SHARED)")
    return os.path.realpath(whole)


def outsider(path: str) -> str | None:
    """A checker of the shared tools, whose verdict a test adds to its own; without one the test is told to have passed without."""
    whole = os.path.join(os.environ.get("ETL_SHARED", os.path.join(ROOT, "../shared")), path)
    if os.path.exists(whole):
        return os.path.realpath(whole)
    missing_outsiders.add(path)
    return None


def scratch(name: str) -> str:
    """A new folder of this test; the runner removes it when the test has passed."""
    folder = os.environ.get("ETL_TEST_SCRATCH") or tempfile.gettempdir()
    made = tempfile.mkdtemp(prefix=f"{name}.", dir=folder)
    scratch_folders.append(made)
    return made


scratch_folders: list[str] = []
missing_outsiders: set[str] = set()
