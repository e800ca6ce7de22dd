"""`ThreadPool(inner_threads=n)`: the real threadpoolctl, on the threads that NumPy's linear algebra starts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import numpy
import pytest
import threadpoolctl

from pariter import ThreadPool, par_iter

MATRIX = numpy.ones((2, 2)) @ numpy.ones((2, 2))
"""NumPy's library is loaded, and has been used."""


def threads_of_blas(_: object = None) -> int:
    found = [library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"]
    return max(found, default=0)


@pytest.fixture(autouse=True)
def three_before() -> Iterator[None]:
    """Three threads, however many processors there are."""
    with threadpoolctl.threadpool_limits(3):
        assert threads_of_blas() == 3  # or nothing below is about anything
        yield


def test_functions_have_as_many_threads_as_the_pool_says_and_the_program_its_own_afterwards() -> None:
    with ThreadPool(2, inner_threads=1) as pool:
        inside = par_iter(range(10)).map(threads_of_blas).collect()
        tasks = [pool.spawn(threads_of_blas).result(), *pool.broadcast(threads_of_blas)]

    assert set(inside) == {1}
    assert tasks == [1, 1, 1]
    assert threads_of_blas() == 3


def test_a_pool_that_says_nothing_changes_nothing() -> None:
    with ThreadPool(2) as pool:
        assert pool.par_iter(range(10)).map(threads_of_blas).max() == 3


def test_of_two_pools_the_lower_limit_holds_until_it_ends() -> None:
    two = ThreadPool(1, inner_threads=2)
    alone = two.install(threads_of_blas)
    with ThreadPool(1, inner_threads=1) as one:
        together = [pool.install(threads_of_blas) for pool in (one, two)]
    afterwards = two.install(threads_of_blas)
    two.shutdown(wait=False)

    assert (alone, together, afterwards) == (2, [1, 1], 2)
    assert threads_of_blas() == 3


def test_a_pool_that_is_dropped_takes_its_limit_with_it() -> None:
    pool = ThreadPool(1, inner_threads=1)
    assert pool.install(threads_of_blas) == 1
    del pool

    assert threads_of_blas() == 3


def test_the_initializer_is_called_under_the_limit() -> None:
    seen: list[int] = []
    with ThreadPool(1, inner_threads=1, initializer=lambda: seen.append(threads_of_blas())) as pool:
        pool.install(int)

    assert seen == [1]


@pytest.mark.parametrize("wanted", [0, -1, 1.5, True, "2"])
def test_a_number_of_threads_that_is_none_is_refused(wanted: object) -> None:
    with pytest.raises((TypeError, ValueError), match="inner_threads"):
        ThreadPool(1, inner_threads=wanted)  # type: ignore[arg-type]


def test_without_threadpoolctl_the_pool_says_what_to_install() -> None:
    code = "import sys, pariter\nsys.modules['threadpoolctl'] = None\npariter.ThreadPool(1, inner_threads=1)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert "ImportError: ThreadPool(inner_threads=1) needs threadpoolctl: pip install threadpoolctl" in ended.stderr
