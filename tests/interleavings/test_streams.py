"""Streams on a pool: whoever could pull and run a batch does, in every order of pulling, looking and falling asleep."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pariter import ThreadPool, par_iter
from pariter.engines.base import OWNER
from pariter.engines.helped import HelpedRun
from pariter.sched import _platform
from pariter.sched.latch import Latch, my_token
from tests.eager import eager
from tests.interleavings.scenarios import pools, sizes, try_seeds
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


class Numbers:
    """Numbers from 0 on, `fails_at` one of them; knows whether it was closed, and whoever comes may be held up."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.closed = 0
        self._next = 0
        self._fails_at = fails_at

    def __iter__(self) -> Numbers:
        return self

    def __next__(self) -> int:
        assert not self.closed
        my_token()
        n, self._next = self._next, self._next + 1
        if n == self._fails_at:
            raise LookupError(n)
        return n

    def close(self) -> None:
        self.closed += 1


class Running:
    """A function that knows how many calls of it are under way, and raises for `fails_at`."""

    def __init__(self, fails_at: int | None = None, error: type[BaseException] = ArithmeticError) -> None:
        self.calls = 0
        self._fails_at = fails_at
        self._error = error
        self._lock = _platform.new_lock()

    def __call__(self, n: int) -> int:
        with self._lock:
            self.calls += 1
        my_token()
        with self._lock:
            self.calls -= 1
        if n == self._fails_at:
            raise self._error(n)
        return n


def watched_pool(num_threads: int) -> ThreadPool:
    """A pool that must be at rest when the scenario is over, with nothing on offer."""
    pool = ThreadPool(num_threads)
    pools.append(pool.workers)
    return pool


@sizes
@pytest.mark.parametrize("window", [None, 1, 2, 3])
def test_a_consumer_that_closes_in_the_middle_leaves_nobody_at_work(window: int | None, num_threads: int) -> None:
    def scenario() -> None:
        pool = watched_pool(num_threads)
        source, f = Numbers(), Running()
        plan = par_iter(source).map(f).on(pool)
        items = iter(plan if window is None else plan.buffered(window))

        found = [next(items) for _ in range(5)]
        items.close()  # type: ignore[attr-defined]

        assert found == list(range(5))
        assert f.calls == 0
        assert source.closed
        assert not pool.workers.offers.helpables

    with eager():
        try_seeds(60, scenario)
        try_seeds(5, scenario, by_bytecode=True)


@sizes
@pytest.mark.parametrize("window", [1, 2, 3])
def test_two_consumers_with_short_windows_share_a_pool(window: int, num_threads: int) -> None:
    def scenario() -> None:
        pool = watched_pool(num_threads)

        def consumer() -> None:
            plan = par_iter(itertools.islice(Numbers(), 8)).map(Running()).buffered(window).on(pool)
            assert list(plan) == list(range(8))

        spread([consumer, consumer])

    with eager():
        try_seeds(100, scenario)


FAILURES: dict[str, tuple[int | None, int | None, type[BaseException]]] = {
    "the source": (5, None, LookupError),
    "a function": (None, 5, ArithmeticError),
    "a function, before the source": (6, 5, ArithmeticError),
}


@sizes
@pytest.mark.parametrize("failing", FAILURES)
def test_an_exception_in_the_midst_comes_in_its_place(failing: str, num_threads: int) -> None:
    pulled_to, computed_to, error = FAILURES[failing]

    def scenario() -> None:
        pool = watched_pool(num_threads)
        source, f = Numbers(pulled_to), Running(computed_to)
        found: list[int] = []
        with pytest.raises(error) as caught:
            for n in par_iter(source).map(f).on(pool):
                found.append(n)

        assert caught.value.args == (5,)
        assert found == list(range(5))
        assert f.calls == 0
        assert source.closed or pulled_to is not None  # who raised is not closed, as in a loop
        assert not pool.workers.offers.helpables

    with eager():
        try_seeds(60, scenario)
        try_seeds(5, scenario, by_bytecode=True)


def interrupts_once(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Have the owner of a run interrupted where it would say that it drives no longer; returns what arms that."""
    armed: list[bool] = []
    release = HelpedRun.release

    def interrupted(run: HelpedRun, driver: object = OWNER) -> None:
        if driver is OWNER and armed:
            armed.pop()
            raise KeyboardInterrupt
        release(run, driver)

    monkeypatch.setattr(HelpedRun, "release", interrupted)
    return lambda: armed.append(True)


@sizes
@pytest.mark.parametrize("by_an_item", [True, False])
def test_a_run_whose_owner_is_interrupted_ends_while_helpers_come_and_go(
    by_an_item: bool, num_threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm = interrupts_once(monkeypatch)

    def scenario() -> None:
        pool = watched_pool(num_threads)
        f = Running(5 if by_an_item else None, KeyboardInterrupt)
        if not by_an_item:
            arm()
        with pytest.raises(KeyboardInterrupt):
            par_iter(range(12)).map(f).on(pool).collect()

        assert f.calls == 0
        assert not pool.workers.offers.helpables
        assert par_iter(range(4)).map(Running()).on(pool).collect() == list(range(4))

    with eager():
        try_seeds(60, scenario)
        try_seeds(5, scenario, by_bytecode=True)


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
