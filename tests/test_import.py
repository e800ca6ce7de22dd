"""`import pariter` stays light: what a plan may never need is imported at first use.

How long it takes is measured by benchmarks/import_time.py.
"""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """The modules a fresh interpreter has after `import pariter`, that it had not before."""
    script = "import sys; before = set(sys.modules); import pariter; print(*(set(sys.modules) - before))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize("heavy", ["loky", "cloudpickle", "numpy", "asyncio", "tqdm", "dask"])
def test_importing_pariter_imports_no_heavy_module(heavy: str, imported: set[str]) -> None:
    assert "pariter" in imported
    assert heavy not in imported


def test_importing_pariter_starts_no_thread_and_prints_nothing() -> None:
    script = "import threading, pariter; assert threading.active_count() == 1"

    command = [sys.executable, "-W", "error", "-c", script]
    run = subprocess.run(command, capture_output=True, check=False)

    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
