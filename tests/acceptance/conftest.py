"""Pools for the facts. On threads every plan is shared out at once, so that small plans meet thieves too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pariter import Pool, ThreadPool
from tests.eager import eager

THREADS = ("threads-1", "threads-2", "threads-3", "threads-7")


@pytest.fixture(params=[*THREADS, "processes-2"])
def pool(request: pytest.FixtureRequest, pools: dict[str, Pool]) -> Iterator[Pool]:
    """The test runs on threads, of four numbers, and on two processes."""
    if request.param == "processes-2":
        yield pools[request.param]
    else:
        with eager():
            yield pools[request.param]


@pytest.fixture(params=THREADS)
def thread_pool(request: pytest.FixtureRequest, pools: dict[str, Pool]) -> Iterator[ThreadPool]:
    """The test runs on threads, of four numbers: for what needs shared memory."""
    found = pools[request.param]
    assert isinstance(found, ThreadPool)
    with eager():
        yield found


@pytest.fixture
def one(pools: dict[str, Pool]) -> ThreadPool:
    """A pool of one thread, where the order of calls is known."""
    found = pools["threads-1"]
    assert isinstance(found, ThreadPool)
    return found
