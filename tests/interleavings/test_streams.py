"""Streams on a pool: whoever could pull and run a batch does, in every order of pulling, looking and falling asleep."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

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


RUNS: dict[str, Callable[..., Any]] = {"collected": lambda plan: plan.collect(), "looped over": list}
POOLS: dict[str, Callable[[int], ThreadPool]] = {
    "any thread": ThreadPool,
    "own threads": lambda n: ThreadPool(n, initializer=int),
}


@pytest.mark.parametrize("outer", RUNS)
@pytest.mark.parametrize("inner", RUNS)
@pytest.mark.parametrize("there", POOLS)
@pytest.mark.parametrize("here", POOLS)
def test_plans_to_and_fro_between_two_pools_end(here: str, there: str, inner: str, outer: str) -> None:
    def scenario() -> None:
        pools = POOLS[here](1), POOLS[there](2)

        def caller(first: int) -> None:
            home, away = pools[first], pools[1 - first]

            def back_home(n: int) -> Any:
                return RUNS[inner](par_iter([n, n + 1]).on(home))

            found = home.install(lambda: RUNS[outer](par_iter([1, 2, 3]).map(back_home).on(away)))
            assert found == [[1, 2], [2, 3], [3, 4]]

        spread([lambda: caller(0), lambda: caller(1)])

    with eager():
        try_seeds(25, scenario)
