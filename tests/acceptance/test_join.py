"""Calls side by side."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest

from pariter import Pool, ThreadPool, join, par_iter


class Odd(Exception):
    """What a call raises."""


def raise_odd(which: str) -> Any:
    """Raise, saying which call it was."""
    raise Odd(which)


def quick_sort(numbers: list[int], low: int, high: int) -> None:
    """In place, the parts below and above a pivot side by side."""
    if high - low < 2:
        return
    pivot = numbers[(low + high) // 2]
    part = numbers[low:high]
    below, same = [n for n in part if n < pivot], [n for n in part if n == pivot]
    above = [n for n in part if n > pivot]
    numbers[low:high] = below + same + above
    middle = low + len(below)
    join(lambda: quick_sort(numbers, low, middle), lambda: quick_sort(numbers, middle + len(same), high))


def fib(n: int) -> int:
    """By calls of itself side by side."""
    return n if n < 2 else sum(join(lambda: fib(n - 1), lambda: fib(n - 2)))


def test_results_come_in_the_order_of_the_calls(pool: Pool) -> None:
    assert pool.join(lambda: 1, lambda: 2) == (1, 2)
    assert pool.join(lambda: 1, lambda: "b", lambda: None, lambda: 4.0) == (1, "b", None, 4.0)


def test_quick_sort_sorts(thread_pool: ThreadPool) -> None:
    numbers = [random.Random(4).randrange(10**6) for _ in range(6 * 1024)]
    expected = sorted(numbers)

    thread_pool.install(lambda: quick_sort(numbers, 0, len(numbers)))

    assert numbers == expected


def test_quick_sort_sorts_on_the_global_pool() -> None:
    numbers = [random.Random(5).randrange(10**6) for _ in range(1024)]
    expected = sorted(numbers)

    quick_sort(numbers, 0, len(numbers))

    assert numbers == expected


def test_many_joins_one_after_another(pools: dict[str, Pool]) -> None:
    lefts, rights = [], []

    for n in range(5000):
        pools["threads-2"].join(lambda n=n: lefts.append(n), lambda n=n: rights.append(n))

    assert len(lefts) == len(rights) == 5000


def test_the_others_run_though_the_first_raises(thread_pool: ThreadPool) -> None:
    ran: list[int] = []

    with pytest.raises(Odd, match="a"):
        thread_pool.join(lambda: raise_odd("a"), lambda: ran.append(1), lambda: ran.append(2))

    assert sorted(ran) == [1, 2]


def test_the_first_runs_though_another_raises(thread_pool: ThreadPool) -> None:
    ran: list[int] = []

    with pytest.raises(Odd, match="b"):
        thread_pool.join(lambda: ran.append(1), lambda: raise_odd("b"))

    assert ran == [1]


def test_of_several_exceptions_the_leftmost_is_raised(pool: Pool) -> None:
    with pytest.raises(Odd, match="a") as caught:
        pool.join(lambda: raise_odd("a"), lambda: raise_odd("b"), lambda: 3)

    assert any("Odd('b')" in note for note in caught.value.__notes__)


def test_joins_in_joins_go_deep(thread_pool: ThreadPool) -> None:
    def depth(n: int) -> int:
        return 0 if n == 0 else 1 + max(join(lambda: depth(n - 1), lambda: 0))

    assert thread_pool.install(lambda: depth(20)) == 20
    assert thread_pool.install(lambda: depth(150)) == 150


def test_joins_branch(thread_pool: ThreadPool) -> None:
    assert thread_pool.install(lambda: fib(14)) == 377


def test_both_run_at_once_where_there_are_two(pools: dict[str, Pool]) -> None:
    both = threading.Barrier(2, timeout=30)

    for name in ["threads-2", "threads-3", "threads-7"]:
        pools[name].join(both.wait, both.wait)
        pools[name].install(lambda: join(both.wait, both.wait))


def test_one_thread_runs_the_calls_from_left_to_right(one: ThreadPool) -> None:
    order: list[int] = []

    one.install(lambda: join(lambda: order.append(0), lambda: order.append(1), lambda: order.append(2)))

    assert order == [0, 1, 2]


def test_plans_in_joins_and_joins_in_plans(thread_pool: ThreadPool) -> None:
    def halves(n: int) -> int:
        return sum(join(lambda: par_iter(range(n)).sum(), lambda: n))

    assert thread_pool.install(lambda: par_iter(range(50)).map(halves).sum()) == sum(
        n * (n - 1) // 2 + n for n in range(50)
    )


def test_iterators_in_plans_whose_workers_join(pools: dict[str, Pool]) -> None:
    def once_with_join(n: int) -> list[int]:
        return par_iter(sum(join(lambda: n, lambda: 0)) for _ in range(1)).collect()

    def nested() -> list[int]:
        return par_iter(range(200)).flat_map(once_with_join).collect()

    assert pools["threads-7"].broadcast(nested) == [list(range(200))] * 7
