"""Least, greatest, and sorted."""

from __future__ import annotations

import heapq
import random
from operator import itemgetter, neg
from typing import Any

import pytest

from pariter import Pool, ThreadPool, par_iter, par_sort, par_sorted

NUMBERS = [-3, 34, 2, 5, -10, -3, -23]


class Odd(Exception):
    """What a key raises."""


def test_of_equal_items_the_first_is_least_and_greatest(pool: Pool) -> None:
    pairs = [(1, "a"), (1, "b")]

    assert pool.par_iter(pairs).min(key=itemgetter(0)) == (1, "a")
    assert pool.par_iter(pairs).max(key=itemgetter(0)) == (1, "a")


@pytest.mark.parametrize("n", range(1, 40, 3))
def test_ties_are_broken_as_by_the_builtins(n: int, pool: Pool) -> None:
    pairs = [(k * 7 % 5, k) for k in range(n)]
    plan = pool.par_iter(pairs).with_max_len(1)

    assert plan.min(key=itemgetter(0)) == min(pairs, key=itemgetter(0))
    assert plan.max(key=itemgetter(0)) == max(pairs, key=itemgetter(0))
    assert plan.min() == min(pairs)
    assert plan.max() == max(pairs)


def test_least_and_greatest_by_key(pool: Pool) -> None:
    assert pool.par_iter(NUMBERS).min(key=abs) == 2
    assert pool.par_iter(NUMBERS).max(key=abs) == 34


@pytest.mark.parametrize("method", ["min", "max", "sorted"])
def test_key_is_called_once_an_item(method: str, thread_pool: ThreadPool) -> None:
    calls: list[int] = []

    def noted(n: int) -> int:
        calls.append(n)
        return abs(n)

    getattr(thread_pool.par_iter(NUMBERS), method)(key=noted)

    assert sorted(calls) == sorted(NUMBERS)


@pytest.mark.parametrize("n", [*range(25), 500, 50_000])
def test_sorting_is_stable(n: int, pools: dict[str, Pool]) -> None:
    rng = random.Random(n)
    pairs = [(rng.randrange(10), k) for k in range(n)]
    by_first = itemgetter(0)

    for name in ["threads-1", "threads-3"]:
        for reverse in [False, True]:
            expected = sorted(pairs, key=by_first, reverse=reverse)
            in_place = list(pairs)

            pools[name].install(
                lambda in_place=in_place, reverse=reverse: par_sort(in_place, key=by_first, reverse=reverse)
            )

            assert in_place == expected
            assert (
                pools[name].install(lambda reverse=reverse: par_sorted(pairs, key=by_first, reverse=reverse))
                == expected
            )
            assert pools[name].par_iter(pairs).sorted(key=by_first, reverse=reverse) == expected


@pytest.mark.parametrize("shape", ["up", "down", "same", "runs", "random"])
@pytest.mark.parametrize("n", [0, 1, 2, 500, 10_000])
def test_sorting_gives_what_the_builtin_gives(shape: str, n: int, pool: Pool) -> None:
    rng = random.Random(n)
    numbers = {
        "up": list(range(n)),
        "down": list(range(n, 0, -1)),
        "same": [7] * n,
        "runs": [k % 100 for k in range(n)],
        "random": [rng.random() for _ in range(n)],
    }[shape]

    assert pool.par_iter(numbers).sorted() == sorted(numbers)
    assert pool.par_iter(numbers).map(neg).sorted(reverse=True) == sorted(map(neg, numbers), reverse=True)


def test_key_of_a_sort_is_called_once_an_item(thread_pool: ThreadPool) -> None:
    calls: list[int] = []
    numbers = [n * 37 % 1000 for n in range(1000)]

    def noted(n: int) -> int:
        calls.append(n)
        return -n

    assert thread_pool.install(lambda: par_sorted(numbers, key=noted)) == sorted(numbers, reverse=True)
    assert sorted(calls) == sorted(numbers)


def test_a_sort_that_fails_leaves_the_list_as_it_was(thread_pool: ThreadPool) -> None:
    numbers = [n * 37 % 1000 for n in range(1000)]
    before = list(numbers)

    def failing(n: int) -> int:
        if n == 500:
            raise Odd(n)
        return n

    with pytest.raises(Odd, match="500"):
        thread_pool.install(lambda: par_sort(numbers, key=failing))
    with pytest.raises(TypeError):
        thread_pool.install(lambda: par_sort([*numbers, "text"]))
    assert numbers == before


def test_a_comparison_without_order_loses_nothing(thread_pool: ThreadPool) -> None:
    class Whimsical:
        rng = random.Random(4)

        def __lt__(self, other: Any) -> bool:
            return self.rng.random() < 0.5

    items = [Whimsical() for _ in range(5000)]

    result = thread_pool.install(lambda: par_sorted(items))

    assert sorted(map(id, result)) == sorted(map(id, items))


@pytest.mark.parametrize("n", [0, 1, 3, 7, 10])
def test_the_greatest_and_the_least_are_those_of_heapq(n: int, pool: Pool) -> None:
    assert pool.par_iter(NUMBERS).nlargest(n) == heapq.nlargest(n, NUMBERS)
    assert pool.par_iter(NUMBERS).nsmallest(n, key=abs) == heapq.nsmallest(n, NUMBERS, key=abs)


def test_grouping_keeps_the_order_of_items_and_of_keys(pool: Pool) -> None:
    plan = pool.par_iter(range(100))

    assert plan.group_by(lambda n: n % 3) == {k: list(range(k, 100, 3)) for k in range(3)}
    assert list(plan.group_by(lambda n: -n // 40)) == list(dict.fromkeys(-n // 40 for n in range(100)))
    assert par_iter("banana").on(pool).count_by() == {"b": 1, "a": 3, "n": 2}


def test_partitions_keep_the_order(pool: Pool) -> None:
    evens, odds = pool.par_iter(range(1000)).partition(lambda n: n % 2 == 0)

    assert evens == list(range(0, 1000, 2))
    assert odds == list(range(1, 1000, 2))
    assert pool.par_iter(range(100)).map(lambda n: (n, -n)).unzip() == (list(range(100)), list(range(0, -100, -1)))
