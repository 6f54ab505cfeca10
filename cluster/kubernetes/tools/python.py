"""Finds a Python that has the packages of ops/requirements-test.txt."""
import importlib.util
import os
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../.."))


def use_an_environment(*modules: str) -> None:
    """Starts the script again under `ETL_TEST_PYTHON` or `.test/venv`, unless this Python has the modules."""
    if all(importlib.util.find_spec(name) for name in modules):
        return
    here = os.path.realpath(sys.prefix)
    for python in (os.environ.get("ETL_TEST_PYTHON"), os.path.join(ROOT, ".test/venv/bin/python")):
        if python and os.path.exists(python) and os.path.realpath(os.path.dirname(os.path.dirname(python))) != here:
            os.execv(python, [python, *sys.argv])
    sys.exit(f"{os.path.basename(sys.argv[0])}: needs the Python packages {', '.join(modules)}; run ops/install --test")
