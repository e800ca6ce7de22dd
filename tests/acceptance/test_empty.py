"""No items, and one."""

from __future__ import annotations

from operator import add

import pytest

from pariter import Pool, ThreadPool, empty, once, par_iter
from tests.acceptance.functions import never, push, seven, ten


def test_of_nothing_the_sums_are_neutral(pool: Pool) -> None:
    nothing = pool.par_iter([])

    assert nothing.collect() == []
    assert nothing.count() == 0
    assert nothing.sum() == 0
    assert nothing.product() == 1


def test_of_nothing_there_is_no_least_greatest_or_reduced_item(pool: Pool) -> None:
    nothing = pool.par_iter([])

    for terminal in [nothing.min, nothing.max, lambda: nothing.reduce_with(never)]:
        with pytest.raises(ValueError):
            terminal()
    assert nothing.min(default="none") == nothing.max(default="none") == "none"
    assert nothing.reduce_with(never, default="none") == "none"


def test_in_nothing_nothing_is_found(pool: Pool) -> None:
    nothing = pool.par_iter([])

    for name in ["find_any", "find_first", "find_last", "find_map_any", "find_map_first", "find_map_last"]:
        assert getattr(nothing, name)(never) is None
    for name in ["position_any", "position_first", "position_last"]:
        assert getattr(nothing, name)(never) is None
    assert nothing.find_first(never, "none") == "none"


def test_of_nothing_none_and_all_hold(pool: Pool) -> None:
    assert pool.par_iter([]).any(never) is False
    assert pool.par_iter([]).all(never) is True


def test_of_nothing_two_results_are_both_empty(pool: Pool) -> None:
    assert pool.par_iter([]).partition(never) == ([], [])
    assert pool.par_iter([]).unzip() == ([], [])
    assert pool.par_iter([]).partition_map(never) == ([], [])


def test_reduce_of_nothing_is_made_once(thread_pool: ThreadPool) -> None:
    made: list[int] = []

    result = thread_pool.par_iter([]).reduce(lambda: push(made, 7)[0], never)

    assert result == 7
    assert made == [7]


def test_fold_of_nothing_is_one_start_value(pool: Pool) -> None:
    assert pool.par_iter([]).fold(seven, never).collect() == [7]
    assert pool.par_iter([]).fold(int, never).min() == 0


def test_the_start_value_takes_part_in_the_reduction_of_one_item(pool: Pool) -> None:
    assert pool.par_iter([5]).reduce(ten, add) == 15


def test_one_item_is_reduced_to_itself_without_a_call(pool: Pool) -> None:
    assert pool.par_iter([5]).reduce_with(never) == 5


def test_one_thread_counts_its_start_value_once_for_each_run(one: ThreadPool) -> None:
    result = one.par_iter(range(4)).with_max_len(2).reduce(lambda: 100, add)

    assert result == 206


def test_chunks_of_nothing_and_of_little(pool: Pool) -> None:
    assert pool.par_iter([]).chunks(2).collect() == []
    assert pool.par_iter([1]).chunks(5).collect() == [[1]]
    assert pool.par_iter([]).fold_chunks(2, int, add).collect() == []
    assert pool.par_iter([]).windows(2).collect() == []


def test_nothing_and_one_item_have_nothing_between_them(pool: Pool) -> None:
    assert pool.par_iter([]).intersperse(0).collect() == []
    assert pool.par_iter([1]).intersperse(0).collect() == [1]


def test_zip_with_nothing_and_with_one_item(pool: Pool) -> None:
    assert empty().on(pool).zip(range(1, 10)).collect() == []
    assert once(42).on(pool).zip(range(1, 10)).collect() == [(42, 1)]


def test_the_lengths_of_nothing_and_of_one_item() -> None:
    assert len(empty()) == 0
    assert len(once(1)) == 1


def test_map_init_over_nothing_calls_no_function(pool: Pool) -> None:
    assert pool.par_iter([]).map_init(list, never).collect() == []


def test_map_init_over_nothing_makes_at_most_one_state(thread_pool: ThreadPool) -> None:
    made: list[int] = []

    thread_pool.par_iter([]).map_init(lambda: made.append(1), never).collect()

    assert len(made) <= 1


def test_adapters_of_nothing_give_nothing(pool: Pool) -> None:
    nothing = par_iter([]).on(pool)

    for plan in [nothing.rev(), nothing.take(3), nothing.skip(3), nothing.step_by(2), nothing.enumerate()]:
        assert plan.collect() == []
    for plan in [nothing.flat_map(never), nothing.positions(never), nothing.while_some(), nothing.scan(never)]:
        assert plan.collect() == []
    for plan in [nothing.take_any(3), nothing.skip_any(3), nothing.take_any_while(never), nothing.take_while(never)]:
        assert plan.collect() == []
    assert nothing.chain([], []).interleave([]).collect() == []


def test_flattening_empty_items_gives_nothing(pool: Pool) -> None:
    assert pool.par_iter([[], [], []]).flatten().collect() == []
    assert pool.par_iter([[1], [], [2, 3], []]).flatten().collect() == [1, 2, 3]
