"""`timeout(seconds)` ends a run of every kind on every engine, and the engine works afterwards."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

import pariter
from pariter import ParIter, Pool, ProcessPool, SerialPool, ThreadPool, par_iter
from tests.conftest import ENGINES

SECONDS = 0.1


def slow(n: int) -> int:
    """Takes five milliseconds: a thousand of these are late, and one is soon over."""
    end = time.monotonic() + 0.005
    while time.monotonic() < end:
        pass
    return n


def patient(n: int) -> int:
    """Takes a minute, unless nobody wants it any more."""
    end = time.monotonic() + 60
    while time.monotonic() < end and not pariter.cancelled():
        pass
    return n


def nested(n: int) -> int:
    return par_iter([n]).map(patient).sum()


async def iterated(plan: ParIter[int]) -> list[int]:
    return [n async for n in plan]


KNOWN, ENDLESS = range(1000), itertools.count
WAYS: dict[str, Callable[[Any], Any]] = {
    "collect": lambda timed: timed(KNOWN).map(slow).collect(),
    "for_each": lambda timed: timed(KNOWN).for_each(slow),
    "behind a barrier": lambda timed: timed(KNOWN).filter(slow).windows(2).count(),
    "of a stream": lambda timed: timed(ENDLESS()).map(slow).take(5000).sum(),
    "iteration": lambda timed: list(timed(KNOWN).map(slow)),
    "iteration of a stream": lambda timed: list(timed(ENDLESS()).map(slow)),
    "awaited": lambda timed: asyncio.run(timed(KNOWN).map(slow).run_async(lambda plan: plan.sum())),
    "async iteration": lambda timed: asyncio.run(iterated(timed(ENDLESS()).map(slow))),
    "a long function": lambda timed: timed(range(4)).map(patient).collect(),
    "a long function of a nested plan": lambda timed: timed(range(4)).map(nested).collect(),
    "a long function, iterated": lambda timed: list(timed(range(4)).map(patient)),
}


@pytest.fixture(scope="module")
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


@pytest.fixture(params=[*ENGINES, "executor", "default"])
def timed(request: pytest.FixtureRequest, pools: dict[str, Pool], executor: ThreadPoolExecutor) -> Any:
    """`par_iter` on one engine, with a timeout."""
    if request.param == "default":
        return lambda source: par_iter(source).timeout(SECONDS)
    pool = executor if request.param == "executor" else pools[request.param]
    return lambda source: par_iter(source).on(pool).timeout(SECONDS)


@pytest.mark.parametrize("way", WAYS)
def test_a_late_run_ends_at_its_timeout_and_the_next_one_works(way: str, timed: Any) -> None:
    began = time.monotonic()

    with pytest.raises(TimeoutError, match=rf"timeout\({SECONDS}\)"):
        WAYS[way](timed)

    assert time.monotonic() - began < 10
    assert timed(range(10)).timeout(60).map(abs).sum() == 45


def late_sum() -> int:
    return par_iter(KNOWN).map(slow).timeout(SECONDS).sum()


@pytest.mark.parametrize(
    "call",
    [
        lambda pool: pool.spawn(late_sum).result(),
        lambda pool: pool.join(late_sum, int),
        lambda pool: pool.install(late_sum),
    ],
    ids=["spawn", "join", "install"],
)
def test_a_late_run_in_a_task_is_that_tasks_exception(call: Callable[[Pool], Any], every_engine: Pool) -> None:
    with pytest.raises(TimeoutError, match=rf"timeout\({SECONDS}\)"):
        call(every_engine)

    assert every_engine.spawn(abs, -1).result() == 1


def test_an_iterator_that_is_closed_early_leaves_an_executor_to_end_its_batches(executor: ThreadPoolExecutor) -> None:
    with closing(iter(par_iter(ENDLESS()).on(executor).map(lambda n: patient(n) if n else n))) as items:
        first = next(items)

    assert first == 0
    assert par_iter(range(10)).on(executor).map(abs).sum() == 45


@pytest.mark.parametrize("kind", [SerialPool, lambda: ThreadPool(2), lambda: ProcessPool(2)])
def test_a_timeout_that_is_not_reached_changes_nothing(kind: Callable[[], Pool]) -> None:
    with kind() as pool:
        assert pool.par_iter(range(100)).map(slow).timeout(60).collect() == list(range(100))


def test_a_loop_that_waits_for_its_turn_on_a_busy_pool_is_late_in_time() -> None:
    began, over = threading.Event(), threading.Event()

    def occupy() -> bool:
        began.set()
        return over.wait()

    with ThreadPool(1) as pool:
        try:
            occupied = pool.spawn(occupy)
            began.wait()

            with pytest.raises(TimeoutError, match="0.05"):
                list(par_iter(range(3)).map(abs).timeout(0.05).on(pool))
            assert not occupied.done()
        finally:
            over.set()
