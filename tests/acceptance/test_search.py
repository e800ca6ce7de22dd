"""Searches, which stop when they know; items that any will do for; comparisons."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from operator import add
from typing import Any

import pytest

from pariter import ParIter, Pool, ThreadPool, par_iter
from tests.acceptance.functions import count_one, is_even


def in_the_band(n: int) -> bool:
    """True for some in the middle of 2048."""
    return 1024 <= n < 1096


def none_from_1024(n: int) -> int | None:
    """The item, up to the middle of 2048."""
    return n if n < 1024 else None


def test_first_and_last_are_told_apart_among_equals(pool: Pool) -> None:
    numbers = pool.par_iter([1, 2, 3, 3])

    assert numbers.position_first(lambda n: n == 3) == 2
    assert numbers.position_last(lambda n: n == 3) == 3
    assert numbers.position_any(lambda n: n == 3) in {2, 3}
    assert numbers.position_first(lambda n: n == 4) is None


def test_first_and_last_are_exact_whoever_is_faster(pool: Pool) -> None:
    numbers = pool.par_iter(range(2048))

    assert numbers.find_first(in_the_band) == 1024
    assert numbers.find_last(in_the_band) == 1095
    assert numbers.find_any(in_the_band) in range(1024, 1096)
    assert numbers.find_map_first(lambda n: -n if in_the_band(n) else None) == -1024
    assert numbers.find_map_last(lambda n: -n if in_the_band(n) else None) == -1095
    assert -numbers.find_map_any(lambda n: -n if in_the_band(n) else None) in range(1024, 1096)


def test_first_and_last_are_exact_behind_a_filter(pool: Pool) -> None:
    numbers = pool.par_iter(range(2048)).filter(lambda n: n % 7 == 3)

    assert numbers.find_first(in_the_band) == 1025
    assert numbers.find_last(in_the_band) == 1095
    assert numbers.position_first(in_the_band) == 146


@pytest.mark.parametrize("source", [list, iter])
def test_an_error_left_of_the_last_position_is_not_met(
    pool: Pool, source: Callable[[list[int]], Iterable[int]]
) -> None:
    def found() -> ParIter[int]:
        return pool.par_iter(source([0, 1, 2])).positions(lambda n: 1 // n >= 0)

    assert found().find_last(lambda at: at > 0) == 2
    assert found().find_map_last(lambda at: at or None) == 2


def test_a_search_in_vain_looks_at_every_item_once(thread_pool: ThreadPool) -> None:
    for search in ["find_any", "find_first", "find_last", "position_any", "position_first", "position_last"]:
        seen: list[int] = []

        found = getattr(thread_pool.par_iter(range(2048)).inspect(seen.append), search)(lambda n: n > 5000)

        assert found is None
        assert sorted(seen) == list(range(2048))


def test_a_search_with_luck_looks_at_fewer(thread_pool: ThreadPool) -> None:
    for search in ["find_any", "any", "position_any", "find_first", "find_last"]:
        seen: list[int] = []

        getattr(thread_pool.par_iter(range(2048)).inspect(seen.append), search)(in_the_band)

        assert len(seen) < 2048


def test_all_ends_with_the_first_counterexample(thread_pool: ThreadPool) -> None:
    seen: list[int] = []

    assert thread_pool.par_iter(range(2048)).inspect(seen.append).all(lambda n: not in_the_band(n)) is False
    assert len(seen) < 2048


def test_a_search_through_accumulators_ends_with_one_that_will_do(thread_pool: ThreadPool) -> None:
    seen: list[int] = []

    found = thread_pool.par_iter(range(2048)).inspect(seen.append).fold(int, add).find_any(lambda _: True)

    assert found is not None
    assert len(seen) < 2048


def test_what_reads_ahead_does_not_keep_a_later_step_from_stopping(pool: Pool) -> None:
    batches = pool.par_iter(range(100)).with_max_len(5).filter(lambda _: True).map_batches(lambda batch: batch)
    runs = pool.par_iter(range(20)).with_max_len(1).fold(int, failing_from_15)

    assert batches.take_while(lambda n: n != 7).collect() == list(range(7))
    assert batches.map(lambda n: None if n == 7 else n).while_some().collect() == list(range(7))
    assert runs.take_while(lambda total: total < 10).collect() == list(range(10))
    assert runs.find_first(lambda total: total == 10) == 10


def failing_from_15(total: int, n: int) -> int:
    """The sum, if nothing from 15 on is added."""
    if n >= 15:
        raise ValueError(n)
    return total + n


def test_while_some_ends_with_the_first_none(thread_pool: ThreadPool) -> None:
    calls: list[int] = []

    def noted(n: int) -> int | None:
        calls.append(n)
        return none_from_1024(n)

    assert thread_pool.par_iter(range(2048)).map(noted).while_some().max() == 1023
    assert len(calls) < 2048


def test_while_some_without_none_gives_all(pool: Pool) -> None:
    assert pool.par_iter(range(2048)).while_some().max() == 2047
    assert pool.par_iter(range(2048)).map(none_from_1024).while_some().collect() == list(range(1024))


def test_while_some_that_is_false_goes_on(pool: Pool) -> None:
    assert pool.par_iter([0, "", [], None, 1]).while_some().collect() == [0, "", []]


@pytest.mark.parametrize("n", [0, 1, 50, 99, 100, 200])
def test_take_any_and_skip_any_count_exactly_and_keep_the_order(n: int, pool: Pool) -> None:
    taken = pool.par_iter(range(100)).take_any(n).collect()
    left = pool.par_iter(range(100)).skip_any(n).collect()

    assert len(taken) == min(n, 100)
    assert len(left) == max(100 - n, 0)
    assert taken == sorted(set(taken))
    assert left == sorted(set(left))


def test_take_any_while_and_skip_any_while_keep_the_order(pool: Pool) -> None:
    taken = pool.par_iter(range(100)).take_any_while(lambda n: n < 50).collect()
    left = pool.par_iter(range(100)).skip_any_while(lambda n: n < 50).collect()

    assert len(taken) <= 50
    assert taken == sorted(taken)
    assert len(left) >= 50
    assert left == sorted(left)
    assert set(range(50, 100)) <= set(left)


def test_one_thread_takes_and_skips_as_the_loop(one: ThreadPool) -> None:
    numbers = [3, 1, 60, 2, 70]

    assert one.par_iter(numbers).take_any_while(lambda n: n < 50).collect() == [3, 1]
    assert one.par_iter(numbers).skip_any_while(lambda n: n < 50).collect() == [60, 2, 70]


def test_take_any_ends_on_a_source_without_end(pool: Pool) -> None:
    assert pool.par_iter(itertools.count()).take_any(10).count() == 10
    assert pool.par_iter(itertools.count()).filter(is_even).take_any(10).map(is_even).collect() == [True] * 10


def test_any_item_of_a_fold_counts_what_it_saw(pool: Pool) -> None:
    found = pool.par_iter(range(1000)).with_max_len(10).fold(int, count_one).find_any(lambda n: n == 10)

    assert found == 10


class TestComparing:
    PAIRS = ([], [1], [1, 2], [1, 3], [2], [1, 2, 3], [0, 9, 9])

    @pytest.mark.parametrize("a", PAIRS, ids=str)
    def test_plans_compare_as_lists_do(self, a: list[int], pool: Pool) -> None:
        for b in self.PAIRS:
            assert pool.par_iter(a).cmp(b) == (a > b) - (a < b)
            assert pool.par_iter(a).equals(b) == (a == b)

    def test_what_cannot_be_ordered_compares_as_in_lists(self, thread_pool: ThreadPool) -> None:
        assert thread_pool.par_iter([0, math.nan]).cmp([1, 1]) == -1
        assert thread_pool.par_iter([math.nan, 0]).cmp([math.nan, 1]) == -1
        assert thread_pool.par_iter([math.nan]).equals([math.nan])

    def test_unequal_lengths_are_unequal_and_nothing_runs(self, thread_pool: ThreadPool) -> None:
        calls: list[int] = []

        assert thread_pool.par_iter(range(100)).map(calls.append).equals(range(99)) is False
        assert calls == []

    def test_nothing_right_of_the_first_difference_is_needed(self, one: ThreadPool) -> None:
        seen: list[int] = []

        assert one.par_iter(range(2048)).inspect(seen.append).cmp([*range(1023), -1, *range(1024, 2048)]) == 1
        assert len(seen) < 2048

    def test_endless_iterators_compare_up_to_their_difference(self, pool: Pool) -> None:
        assert pool.par_iter(itertools.count()).cmp(itertools.chain(range(50), itertools.repeat(0))) == 1

    def test_an_error_right_of_the_difference_is_not_met(self, pool: Pool) -> None:
        def failing(n: int) -> Any:
            return 1 // (50 - n)

        assert par_iter(range(100)).map(failing).on(pool).cmp([5] * 100) == -1
