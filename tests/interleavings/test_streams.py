"""Streams on a pool: whoever could pull and run a batch does, in every order of pulling, looking and falling asleep."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from pariter import ThreadPool, par_iter
from pariter.sched import _platform
from pariter.sched.latch import Latch, my_token
from tests.eager import eager
from tests.interleavings.scenarios import sizes, try_seeds
from tests.interleavings.seeded import spread


@pytest.mark.parametrize("num_threads", [2, 3])
def test_a_function_may_wait_for_what_the_consumer_gets_meanwhile(num_threads: int) -> None:
    def scenario() -> None:
        pool = ThreadPool(num_threads)
        me, first, went_on = my_token(), _platform.new_lock(), Latch()

        def f(n: int) -> int:
            if my_token() is not me and first.acquire(blocking=False):
                went_on.wait()
            return n

        items = iter(par_iter(itertools.count()).map(f).unordered().on(pool))
        for _ in range(40):  # more than are ever ahead
            next(items)
        went_on.set()
        items.close()  # type: ignore[attr-defined]

    with eager():
        try_seeds(150, scenario)
        try_seeds(15, scenario, by_bytecode=True)


@sizes
@pytest.mark.parametrize("ordered", [True, False])
def test_all_items_come_out_of_streams_that_share_a_pool(ordered: bool, num_threads: int) -> None:
    def numbers() -> Iterator[int]:
        for n in range(12):
            my_token()
            yield n

    def scenario() -> None:
        pool = ThreadPool(num_threads)

        def caller() -> None:
            plan = par_iter(numbers()).map(abs).on(pool)
            found = list(plan if ordered else plan.unordered())
            assert sorted(found) == list(range(12))
            assert found == list(range(12)) or not ordered

        spread([caller, caller, caller])

    with eager():
        try_seeds(100, scenario)
