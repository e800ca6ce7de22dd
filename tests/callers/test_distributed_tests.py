"""From the workers of pytest-xdist, which run tests at the same time, each with a stream to its master."""

from __future__ import annotations

from pathlib import Path

from tests.callers.programs import FUNCTIONS, run

TESTS = """
import os
import pytest

@pytest.fixture(scope="session")
def pool():
    with ProcessPool(2) as made:
        yield made

@pytest.mark.parametrize("n", range(6))
def test_same(n, pool):
    check(None, pool, "threads", "processes")
    print("a line to standard output, which is xdist's too")
    assert os.environ["PYTEST_XDIST_WORKER"] in ("gw0", "gw1")

def test_error(pool):
    with pytest.raises(ZeroDivisionError, match="at item 3"):
        par_iter(range(9)).map(lambda n: 1 // (n - 3)).on(pool).collect()
"""


def test_from_the_workers_of_xdist(tmp_path: Path) -> None:
    (tmp_path / "test_them.py").write_text(FUNCTIONS + TESTS, encoding="utf-8")

    ended = run("-m", "pytest", "-n", "2", "-q", "-p", "no:cacheprovider", "-p", "xdist", cwd=tmp_path)

    assert "7 passed" in ended.out, ended.out + ended.err
    assert (ended.code, ended.err, ended.left) == (0, "", [])
