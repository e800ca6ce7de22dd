"""What every test gets: Hypothesis without deadlines, for the machine may be busy, and pools to share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from hypothesis import settings

from pariter import Pool, ProcessPool, SerialPool, ThreadPool

settings.register_profile("default", deadline=None, print_blob=True, max_examples=60)
settings.register_profile("long", deadline=None, print_blob=True, max_examples=3000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so begin the background jobs of a shell, and what they start
    signal.signal(signal.SIGINT, signal.default_int_handler)

collect_ignore = ["clusters"] if find_spec("distributed") is None or find_spec("ray") is None else []
"""Left to `make test-clusters`, which installs what they are about."""

ENGINES = ("serial", "threads-1", "threads-2", "threads-3", "threads-7", "processes-2")


@pytest.fixture(scope="session")
def pools() -> Iterator[dict[str, Pool]]:
    """One pool for each name in `ENGINES`, shared by all tests: they must leave it usable."""
    made: dict[str, Pool] = {"serial": SerialPool(), "processes-2": ProcessPool(2)}
    for many in (1, 2, 3, 7):
        made[f"threads-{many}"] = ThreadPool(many)
    yield made
    for pool in made.values():
        pool.close()


@pytest.fixture(params=ENGINES)
def every_engine(request: pytest.FixtureRequest, pools: dict[str, Pool]) -> Pool:
    """The test runs once on each pool."""
    return pools[request.param]


@pytest.fixture(params=[name for name in ENGINES if name != "processes-2"])
def every_shared(request: pytest.FixtureRequest, pools: dict[str, Pool]) -> Pool:
    """The test runs once on each pool that shares the caller's memory."""
    return pools[request.param]


@pytest.fixture
def threads(pools: dict[str, Pool]) -> ThreadPool:
    """A pool of three threads."""
    pool = pools["threads-3"]
    assert isinstance(pool, ThreadPool)
    return pool


@pytest.fixture
def processes(pools: dict[str, Pool]) -> ProcessPool:
    """A pool of two processes."""
    pool = pools["processes-2"]
    assert isinstance(pool, ProcessPool)
    return pool
