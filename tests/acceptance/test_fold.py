"""Fold, reduce, and how a plan is cut."""

from __future__ import annotations

import itertools
from operator import add
from typing import Any

import pytest

from pariter import Break, Pool, ThreadPool, par_iter, split
from tests.acceptance.functions import count_one, increment, is_even, push


@pytest.mark.parametrize("n", [0, 1, 10, 1000])
def test_runs_are_neighbours_in_order_and_at_least_one(n: int, pool: Pool) -> None:
    runs = pool.par_iter(range(n)).fold(list, push).collect()

    assert list(itertools.chain.from_iterable(runs)) == list(range(n))
    assert len(runs) >= 1


def test_no_two_runs_share_an_accumulator(thread_pool: ThreadPool) -> None:
    runs = thread_pool.par_iter(range(1000)).with_max_len(10).fold(list, push).collect()

    assert len(runs) >= 100
    assert len(set(map(id, runs))) == len(runs)


def test_runs_of_fold_with_begin_with_copies(thread_pool: ThreadPool) -> None:
    begin = [-1]

    runs = thread_pool.par_iter(range(20)).with_max_len(1).fold_with(begin, push).collect()

    assert runs == [[-1, n] for n in range(20)]
    assert begin == [-1]


def test_the_accumulator_is_left_and_the_item_right(pool: Pool) -> None:
    joined = pool.par_iter("abcdefgh").fold(str, lambda text, letter: f"{text}{letter}").collect()

    assert "".join(joined) == "abcdefgh"


def test_no_run_is_shorter_than_asked_for(pool: Pool) -> None:
    shortest = pool.par_iter(range(20_000)).with_min_len(1234).fold(int, count_one).min()

    assert shortest >= 1234


def test_no_run_is_longer_than_asked_for(pool: Pool) -> None:
    longest = pool.par_iter(range(20_000)).with_max_len(1234).fold(int, count_one).max()

    assert longest <= 1234


@pytest.mark.parametrize("longest", [0, 1, 10, 100, 1000, 10**6, 10**12])
@pytest.mark.parametrize("shortest", [0, 1, 10, 100, 1000, 10**6, 10**12])
def test_runs_are_as_long_as_asked_for(shortest: int, longest: int, thread_pool: ThreadPool) -> None:
    n = 2**9
    plan = thread_pool.par_iter(range(n)).with_min_len(shortest).with_max_len(longest)

    lengths = plan.fold(int, count_one).collect()

    low = min(max(shortest, 1), n)
    high = max(longest, 1, 2 * low - 1)
    assert sum(lengths) == n
    assert low <= min(lengths)
    assert max(lengths) <= high


@pytest.mark.parametrize("bounds", [(10, 100), (100, 10), (1, 1), (10**6, 1)], ids=str)
def test_runs_in_processes_are_as_long_as_asked_for(bounds: tuple[int, int], pools: dict[str, Pool]) -> None:
    n, (shortest, longest) = 2**9, bounds
    plan = pools["processes-2"].par_iter(range(n)).with_min_len(shortest).with_max_len(longest)

    lengths = plan.fold(int, count_one).collect()

    low = min(shortest, n)
    assert sum(lengths) == n
    assert low <= min(lengths)
    assert max(lengths) <= max(longest, 2 * low - 1)


def test_runs_of_one_item_each(pool: Pool) -> None:
    runs = pool.par_iter(range(32)).with_max_len(1).fold(list, push).collect()

    assert runs == [[n] for n in range(32)]


def test_limits_hold_wherever_they_stand_in_the_chain(pool: Pool) -> None:
    plan = pool.par_iter(range(32)).with_max_len(1).map(increment).zip(range(32))

    assert plan.fold(int, count_one).collect() == [1] * 32


def test_op_is_called_once_an_item_and_once_less_for_reduce_with(thread_pool: ThreadPool) -> None:
    calls: list[int] = []

    def noted(a: int, b: int) -> int:
        calls.append(1)
        return a + b

    assert thread_pool.par_iter(range(100)).reduce_with(noted) == 4950
    assert len(calls) == 99


def test_sums_of_sums(pool: Pool) -> None:
    assert pool.par_iter(range(22)).fold(int, add).sum() == 231
    assert pool.par_iter(range(1000)).map(lambda n: n * n).sum() == 332_833_500
    assert pool.par_iter(range(1, 11)).product() == 3_628_800
    assert pool.par_iter(range(1000)).filter(is_even).count() == 500
    assert pool.par_iter(range(1000)).sum(10) == 499_510


def test_start_counts_once(pool: Pool) -> None:
    assert pool.par_iter(range(32)).with_max_len(1).sum(100) == 596
    assert pool.par_iter([1, 2, 3]).with_max_len(1).product(10) == 60


def test_a_block_ends_before_the_next_one_begins(thread_pool: ThreadPool) -> None:
    stamps = itertools.count()

    stamped = thread_pool.par_iter(range(1000)).map(lambda _: next(stamps)).by_uniform_blocks(100).collect()

    blocks = [stamped[at : at + 100] for at in range(0, 1000, 100)]
    assert [sorted(block) for block in blocks] == [list(range(at, at + 100)) for at in range(0, 1000, 100)]


def test_blocks_that_double_end_before_the_next_one_begins(thread_pool: ThreadPool) -> None:
    stamps = itertools.count()

    stamped = thread_pool.par_iter(range(200)).map(lambda _: next(stamps)).by_exponential_blocks().collect()

    begin, size = 0, thread_pool.num_workers
    while begin < 200:
        end = min(begin + size, 200)
        assert sorted(stamped[begin:end]) == list(range(begin, end))
        begin, size = end, 2 * size


def test_a_search_in_blocks_finds_what_is_there(pool: Pool) -> None:
    numbers = pool.par_iter(range(10_000))

    assert numbers.by_exponential_blocks().find_first(lambda n: n == 4999) == 4999
    assert numbers.by_uniform_blocks(1000).find_first(lambda n: n == 4999) == 4999
    assert numbers.by_uniform_blocks(1000).sum() == 49_995_000


def test_a_search_in_blocks_ends_with_the_block_of_its_hit(thread_pool: ThreadPool) -> None:
    seen: list[int] = []

    thread_pool.par_iter(range(10_000)).inspect(seen.append).by_uniform_blocks(100).find_first(lambda n: n == 250)

    assert max(seen) < 300


def test_sums_of_chunks_of_floats_have_the_same_bits_everywhere(pool: Pool) -> None:
    numbers = [1 / (n + 1) for n in range(5000)]
    expected = sum(sum(numbers[at : at + 1024], 0.0) for at in range(0, 5000, 1024))

    partial_sums = pool.par_iter(numbers).fold_chunks(1024, float, add).collect()

    assert len(partial_sums) == 5
    assert sum(partial_sums) == pytest.approx(expected)
    assert partial_sums == par_iter(numbers).on("serial").fold_chunks(1024, float, add).collect()


def test_a_reproducible_sum_of_floats_has_the_same_bits_everywhere(pool: Pool) -> None:
    numbers = [1 / (n + 1) for n in range(5000)]
    plan = par_iter(numbers).reproducible()

    assert plan.on(pool).sum() == plan.on("serial").sum()


def test_a_break_ends_its_own_run_and_the_reduction(pool: Pool) -> None:
    def checked(total: int, n: int) -> Any:
        return Break(n) if n == 700 else total + n

    plan = pool.par_iter(range(1000)).with_max_len(100).try_fold(int, checked)

    assert plan.try_reduce(int, add) == Break(700)
    assert pool.par_iter(range(700)).with_max_len(100).try_fold(int, checked).try_reduce(int, add) == 244_650


def test_the_leftmost_break_wins(pool: Pool) -> None:
    found = pool.par_iter(range(1000)).try_for_each(lambda n: Break(n) if n % 100 == 99 else None)

    assert found == Break(99)


def test_scan_gives_the_prefix_results(pool: Pool) -> None:
    assert pool.par_iter(range(1000)).scan(add).collect() == list(itertools.accumulate(range(1000)))
    assert pool.par_iter("abc").scan(add, initial="-").collect() == ["-", "-a", "-ab", "-abc"]


def test_split_gives_the_pieces_from_left_to_right(pool: Pool) -> None:
    def halved(numbers: range) -> tuple[range, range] | None:
        middle = len(numbers) // 2
        return (numbers[:middle], numbers[middle:]) if len(numbers) > 3 else None

    pieces = split(range(1000), halved).on(pool).collect()

    assert list(itertools.chain.from_iterable(pieces)) == list(range(1000))
    assert max(map(len, pieces)) <= 3
