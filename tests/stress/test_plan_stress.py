"""Many short plans at once, plans within plans within plans, and iterators left at any place."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pariter import ThreadPool, par_iter
from tests.eager import eager

pytestmark = pytest.mark.stress

PLANS = 2000
USERS = 8


def together(use: Callable[[int], None]) -> None:
    """Let `use` run in `USERS` threads at once; what one of them raises is raised."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(USERS)

    def run(user: int) -> None:
        try:
            barrier.wait(60)
            use(user)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(user,)) for user in range(USERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        raise error


def fails(n: int) -> int:
    if n == 13:
        raise KeyError(n)
    return n


def short_plan(pool: ThreadPool, rng: random.Random) -> None:
    size = rng.randrange(40)
    plan = par_iter(range(size)).map(lambda n: n * 2).on(pool)
    kind = rng.randrange(6)
    if kind == 0:
        assert plan.collect() == [n * 2 for n in range(size)]
    elif kind == 1:
        assert plan.filter(lambda n: n % 3).chunks(2).map(len).sum() == sum(1 for n in range(size) if n * 2 % 3)
    elif kind == 2:
        assert plan.find_first(lambda n: n >= 20) == (20 if size > 10 else None)
    elif kind == 3:
        assert list(par_iter(iter(range(size))).on(pool)) == list(range(size))
    elif kind == 4:
        assert plan.fold(list, lambda run, n: [*run, n]).reduce(list, list.__add__) == [n * 2 for n in range(size)]
    elif size > 13:
        with pytest.raises(KeyError):
            par_iter(range(size)).map(fails).on(pool).collect()


@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize("at_once", [False, True], ids=["by the ticker", "at once"])
def test_two_thousand_short_plans_from_eight_threads_on_one_pool(workers: int, at_once: bool) -> None:
    with ThreadPool(workers) as pool:

        def use(user: int) -> None:
            rng = random.Random(user)
            for _ in range(PLANS // USERS):
                short_plan(pool, rng)

        if at_once:
            with eager():
                together(use)
        else:
            together(use)


@pytest.mark.parametrize("workers", [1, 2])
def test_plans_three_deep_from_eight_threads_on_a_small_pool(workers: int) -> None:
    def innermost(n: int) -> int:
        return par_iter(range(n)).map(lambda k: k + 1).sum()

    def inner(n: int) -> int:
        return par_iter(range(n)).map(innermost).sum()

    wanted = sum(sum(sum(range(1, k + 1)) for k in range(n)) for n in range(8))
    with ThreadPool(workers) as pool, eager():

        def use(user: int) -> None:
            for _ in range(5):
                assert par_iter(range(8)).map(inner).on(pool).sum() == wanted

        together(use)


@pytest.mark.parametrize("workers", [1, 3])
def test_iterators_left_at_random_places(workers: int) -> None:
    with ThreadPool(workers) as pool, eager():

        def use(user: int) -> None:
            rng = random.Random(user)
            for _ in range(40):
                source: Any = range(200) if rng.random() < 0.5 else iter(range(200))
                items = iter(par_iter(source).map(lambda n: n).on(pool))
                many = rng.randrange(60)
                assert [next(items) for _ in range(many)] == list(range(many))
                items.close()  # type: ignore[attr-defined]

        together(use)
