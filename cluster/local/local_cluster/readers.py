"""The Python that has pyarrow, DuckDB and psycopg2: ops/install --test makes it."""
import os
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../.."))


def use_the_readers() -> None:
    """Starts this program again under that Python: the one of ETL_TEST_PYTHON, or .test/venv. Stays if it is neither there nor needed."""
    python = os.environ.get("ETL_TEST_PYTHON", os.path.join(ROOT, ".test/venv/bin/python"))
    if os.access(python, os.X_OK):
        if os.path.realpath(sys.prefix) != os.path.realpath(os.path.dirname(os.path.dirname(python))):
            os.execv(python, [python, *sys.argv])
        return
    try:
        import duckdb, psycopg2, pyarrow  # noqa: E401,F401
    except ImportError as missing:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {missing.name} is not installed; run ops/install --test")
