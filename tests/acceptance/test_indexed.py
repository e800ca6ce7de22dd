"""Adapters that speak of positions."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from operator import add
from typing import Any

import pytest

from pariter import Pool, ThreadPool, par_chunk_by, par_chunks, par_iter, par_rchunks, par_windows, par_zip, repeat
from tests.acceptance.functions import increment, is_even, push


def interleaved(a: Iterable[Any], b: Iterable[Any]) -> list[Any]:
    """Both in turn, then what is left of the longer."""
    missing = object()
    pairs = itertools.zip_longest(a, b, fillvalue=missing)
    return [x for pair in pairs for x in pair if x is not missing]


@pytest.mark.parametrize("n", [0, 1, 95, 100, 2048])
def test_skip_and_take_clamp_to_the_length(n: int, pool: Pool) -> None:
    assert pool.par_iter(range(100)).skip(n).collect() == list(range(100))[n:]
    assert pool.par_iter(range(100)).take(n).collect() == list(range(100))[:n]


def test_skip_counts_what_is_left_and_calls_at_most_once_an_item(thread_pool: ThreadPool) -> None:
    calls: list[int] = []

    assert thread_pool.par_iter(range(1024)).map(calls.append).skip(512).count() == 512
    assert sorted(calls) in ([*range(512, 1024)], [*range(1024)])


def test_take_calls_for_no_item_beyond(thread_pool: ThreadPool) -> None:
    calls: list[int] = []

    assert thread_pool.par_iter(range(1024)).map(calls.append).take(16).count() == 16
    assert sorted(calls) == list(range(16))


def test_lengths_are_known_without_running() -> None:
    calls: list[int] = []
    plan = par_iter(range(100)).map(calls.append)

    assert len(plan.zip([0] * 10)) == 10
    assert len(plan.chain(range(5))) == 105
    assert len(plan.enumerate().rev().step_by(30)) == 4
    assert len(plan.intersperse(0)) == 199
    assert len(plan.windows(3)) == 98
    assert len(plan.interleave(range(7))) == 107
    assert len(plan.interleave_shortest(range(7))) == 15
    assert calls == []


@pytest.mark.parametrize(("n", "size", "length"), [(8, 3, 3), (9, 3, 3), (0, 3, 0), (1, 3, 1), (7, 1, 7)])
def test_the_number_of_chunks_is_known_without_running(n: int, size: int, length: int) -> None:
    assert len(par_iter(range(n)).chunks(size)) == length
    assert len(par_iter(range(n)).fold_chunks(size, int, add)) == length


def test_a_length_that_nobody_knows_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="not known"):
        len(par_iter(range(10)).filter(is_even))


def test_zip_ends_with_the_shortest(pool: Pool) -> None:
    assert pool.par_iter([1, 2, 3]).zip("ab").collect() == [(1, "a"), (2, "b")]
    assert pool.par_iter("ab").zip(range(1000), repeat(0)).collect() == [("a", 0, 0), ("b", 1, 0)]


def test_zip_of_many_sources_gives_flat_tuples(pool: Pool) -> None:
    sources = [range(n, n + 20 - n) for n in range(6)]

    assert par_zip(*sources).on(pool).collect() == list(zip(*sources, strict=False))


def test_strict_zip_of_unequal_lengths_raises_where_it_is_written() -> None:
    with pytest.raises(ValueError, match="1 and 2"):
        par_iter([1]).zip([2, 2], strict=True)


def test_interleave_ends_with_the_rest_of_the_longer(pool: Pool) -> None:
    for a, b in itertools.product([0, 1, 4, 9], repeat=2):
        left, right = range(a), range(100, 100 + b)

        assert pool.par_iter(left).interleave(right).collect() == interleaved(left, right)


def test_interleave_can_be_reversed(pool: Pool) -> None:
    for a, b in [(4, 4), (4, 9), (9, 4)]:
        left, right = range(a), range(100, 100 + b)

        assert pool.par_iter(left).interleave(right).rev().collect() == interleaved(left, right)[::-1]


@pytest.mark.parametrize(
    ("a", "b", "result"),
    [
        ([1, 2, 3, 4], [5, 6], [1, 5, 2, 6, 3]),
        ([10], range(9), [10, 0]),
        # the other is empty: one item, and then it is its turn
        (range(9), [], [0]),
        ([], range(9), []),
        ([1, 2], [3, 4], [1, 3, 2, 4]),
        ([1, 2], [3, 4, 5], [1, 3, 2, 4]),
    ],
)
def test_interleave_shortest_ends_where_an_item_is_missing(a: Any, b: Any, result: Any, pool: Pool) -> None:
    assert pool.par_iter(a).interleave_shortest(b).collect() == result
    assert pool.par_iter(a).interleave_shortest(b).rev().collect() == result[::-1]


def test_chunks_are_cut_from_the_front(pool: Pool) -> None:
    assert pool.par_iter(range(1, 10)).chunks(3).collect() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert pool.par_iter(range(5)).chunks(3).collect() == [[0, 1, 2], [3, 4]]
    assert pool.par_iter(range(5)).chunks(3).rev().collect() == [[3, 4], [0, 1, 2]]
    assert pool.par_iter(range(5)).chunks(5).collect() == [[0, 1, 2, 3, 4]]


def test_lengths_of_zero_raise_where_they_are_written() -> None:
    plan = par_iter(range(5))

    for call in [
        lambda: plan.chunks(0),
        lambda: plan.fold_chunks(0, int, add),
        lambda: plan.by_uniform_blocks(0),
        lambda: plan.windows(0),
        lambda: plan.step_by(0),
        lambda: plan.take(-1),
        lambda: par_chunks([1], 0),
        lambda: par_rchunks([1], 0),
        lambda: par_windows([1], 0),
    ]:
        with pytest.raises(ValueError, match="at least"):
            call()


def test_fold_chunks_folds_neighbours(pool: Pool) -> None:
    assert pool.par_iter("bishbashbosh!").fold_chunks(4, str, add).collect() == ["bish", "bash", "bosh", "!"]
    assert pool.par_iter(range(1, 11)).fold_chunks(2, int, add).collect() == [3, 7, 11, 15, 19]
    assert pool.par_iter(range(5)).fold_chunks(5, int, add).collect() == [10]


def test_fold_chunks_makes_one_start_value_a_chunk(thread_pool: ThreadPool) -> None:
    made: list[int] = []

    thread_pool.par_iter(range(10)).fold_chunks(3, lambda: len(push(made, 0)) * 0, add).collect()

    assert len(made) == 4


@pytest.mark.parametrize("step", [1, 2, 3, 10, 1028, 1029, 5000])
def test_step_by_is_slicing_with_a_step(step: int, pool: Pool) -> None:
    assert pool.par_iter(range(1029)).step_by(step).collect() == list(range(0, 1029, step))
    assert pool.par_iter(range(1029)).step_by(step).rev().collect() == list(range(0, 1029, step))[::-1]


def test_step_by_begins_with_the_first(pool: Pool) -> None:
    assert pool.par_iter(range(3, 10)).step_by(3).collect() == [3, 6, 9]


def test_enumerate_counts_from_the_front_also_when_reversed(pool: Pool) -> None:
    assert pool.par_iter("abc").enumerate().rev().collect() == [(2, "c"), (1, "b"), (0, "a")]
    assert pool.par_iter("abc").rev().enumerate().collect() == [(0, "c"), (1, "b"), (2, "a")]
    assert pool.par_iter(range(500)).skip(100).enumerate().collect() == list(enumerate(range(100, 500)))


def test_positions_of_hits_are_ascending(pool: Pool) -> None:
    primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]

    assert pool.par_iter(primes).positions(lambda p: p % 6 == 1).collect() == [3, 5, 7]


def test_positions_work_after_a_filter(pool: Pool) -> None:
    kept = list(range(0, 100, 2))
    plan = pool.par_iter(range(100)).filter(is_even)

    assert plan.zip("ab").collect() == [(0, "a"), (2, "b")]
    assert plan.enumerate().collect() == list(enumerate(kept))
    assert plan.rev().collect() == kept[::-1]
    assert plan.chunks(20).collect() == [kept[:20], kept[20:40], kept[40:]]
    assert plan.step_by(9).collect() == kept[::9]
    assert plan.skip(45).collect() == kept[45:]
    assert plan.take(3).collect() == kept[:3]


def test_windows_are_as_many_as_fit(pool: Pool) -> None:
    assert par_windows(range(1024), 1_000_000).on(pool).collect() == []
    assert par_windows([1, 2, 3], 2).on(pool).collect() == [[1, 2], [2, 3]]
    assert pool.par_iter([1, 2, 3]).windows(2).collect() == [(1, 2), (2, 3)]
    assert pool.par_iter(range(100)).windows(98).count() == 3


def test_slices_of_a_sequence_from_either_end(pool: Pool) -> None:
    assert par_chunks("abcdefg", 3).on(pool).collect() == ["abc", "def", "g"]
    assert par_chunks("abcdefg", 3, exact=True).on(pool).collect() == ["abc", "def"]
    assert par_rchunks("abcdefg", 3).on(pool).collect() == ["efg", "bcd", "a"]


@pytest.mark.parametrize("n", [0, 1, 2, 100])
def test_chunk_by_compares_each_pair_of_neighbours_once(n: int, thread_pool: ThreadPool) -> None:
    pairs: list[tuple[int, int]] = []
    items = [x // 3 for x in range(n)]

    def same(a: int, b: int) -> bool:
        pairs.append((a, b))
        return a == b

    runs = par_chunk_by(items, same).on(thread_pool).collect()

    assert runs == [list(run) for _, run in itertools.groupby(items)]
    assert sorted(pairs) == list(itertools.pairwise(items))


def test_things_stand_between_items_also_twice_and_backwards(pool: Pool) -> None:
    once_more = [x for n in range(1000) for x in (n, -1)][:-1]
    twice = [x for n in once_more for x in (n, -2)][:-1]

    assert pool.par_iter(range(1000)).intersperse(-1).collect() == once_more
    assert len(once_more) == 1999
    assert pool.par_iter(range(1000)).intersperse(-1).intersperse(-2).collect() == twice
    assert len(twice) == 3997
    assert pool.par_iter(range(1000)).intersperse(-1).zip(once_more, strict=True).rev().take(3).collect() == [
        (999, 999),
        (-1, -1),
        (998, 998),
    ]


def test_things_stand_between_the_items_of_a_filter(pool: Pool) -> None:
    assert pool.par_iter(range(6)).filter(is_even).intersperse("-").collect() == [0, "-", 2, "-", 4]


def test_a_chain_keeps_its_positions(pool: Pool) -> None:
    plan = pool.par_iter(range(3)).chain(range(10, 13), range(20, 22))

    assert plan.collect() == [0, 1, 2, 10, 11, 12, 20, 21]
    assert plan.enumerate().skip(2).step_by(2).rev().collect() == [(6, 20), (4, 11), (2, 2)]
    assert plan.zip(plan.rev()).map(lambda pair: pair[0] - pair[1]).collect() == [-21, -19, -10, -1, 1, 10, 19, 21]


def test_adapters_over_adapters_keep_their_positions(pool: Pool) -> None:
    plan = pool.par_iter(range(100)).map(increment).rev().zip(range(100)).chunks(7).enumerate().step_by(3).rev()
    model = [*enumerate(chunked([*zip(range(100, 0, -1), range(100), strict=True)], 7))][::3][::-1]

    assert plan.collect() == model


def chunked(items: list[Any], size: int) -> list[list[Any]]:
    """Lists of that size; the last may be shorter."""
    return [items[at : at + size] for at in range(0, len(items), size)]


def test_repeat_is_cut_by_what_it_meets(pool: Pool) -> None:
    assert repeat(4).on(pool).take(4).collect() == [4] * 4
    assert repeat(4, 3).on(pool).collect() == [4] * 3
    assert repeat(4).on(pool).zip("ab").collect() == [(4, "a"), (4, "b")]
    assert repeat(4).on(pool).find_any(lambda n: n == 4) == 4
    with pytest.raises(ValueError, match="infinite"):
        repeat(4).count()
