"""Groups, ranks and comparisons, against `itertools`, `heapq`, `Counter` and lists."""

from __future__ import annotations

import heapq
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pariter import Left, Pool, Right, par_iter
from tests.properties.cases import Case, Failed, Fn, Tallies, assert_same, cases, fns, same, sevenths, thirds, triple

numbered_items = cases()


def pairs_of(case: Case) -> list[tuple[int, int]]:
    """Items that can be told apart although their keys are equal."""
    return [(int(value), at) for at, value in enumerate(case.values)]


def first(pair: Any) -> int:
    return int(pair[0]) % 7


@given(case=cases(), key=fns(sevenths))
def test_group_by_keeps_the_order_of_keys_and_of_items(pools: dict[str, Pool], case: Case, key: Fn) -> None:
    def model() -> Any:
        groups: dict[int, list[int]] = {}
        for item in case.values:
            groups.setdefault(key(item), []).append(item)
        return list(groups.items())

    assert_same(case, model, lambda: list(case.plan(pools).group_by(key).items()), "group_by")


@given(case=cases(), key=fns(sevenths))
def test_count_by_is_a_counter(pools: dict[str, Pool], case: Case, key: Fn) -> None:
    assert_same(case, lambda: Counter(map(key, case.values)), lambda: case.plan(pools).count_by(key), "count_by")
    with case.running():
        found = case.plan(pools).count_by()
    assert list(found.items()) == list(Counter(case.values).items())


@given(case=cases(), keep=fns(thirds))
def test_partition_keeps_both_in_order(pools: dict[str, Pool], case: Case, keep: Fn) -> None:
    def model() -> Any:
        yes: list[int] = []
        no: list[int] = []
        for item in case.values:
            (yes if keep(item) else no).append(item)
        return yes, no

    assert_same(case, model, lambda: case.plan(pools).partition(keep), "partition")


def either(item: Any) -> Any:
    if item == 33:
        return "neither"
    return Left(item) if item % 2 else Right(str(item))


@given(case=cases(), f=fns(either))
def test_partition_map_takes_lefts_and_rights_and_nothing_else(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    def model() -> Any:
        sides: dict[type, list[Any]] = {Left: [], Right: []}
        for item in case.values:
            result = f(item)
            if result == "neither":
                raise TypeError(
                    "partition_map() needs a function that returns Left(x) or Right(x), and it returned 'neither'"
                )
            sides[type(result)].append(result.value)
        return sides[Left], sides[Right]

    assert_same(case, model, lambda: case.plan(pools).partition_map(f), "partition_map")


@given(case=cases(), f=fns(triple))
def test_unzip_is_the_opposite_of_zip(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    assert_same(
        case,
        lambda: (case.values, list(map(f, case.values))),
        lambda: case.plan(pools).map(lambda item: (item, f(item))).unzip(),
        "map",
    )


# -- Ranks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nlargest", "nsmallest"])
@given(case=cases(), n=st.integers(-2, 70), key=fns(first, range(0)))
def test_the_n_greatest_and_least_are_those_of_heapq(
    pools: dict[str, Pool], name: str, case: Case, n: int, key: Fn
) -> None:
    pairs = pairs_of(case)
    of_heapq = getattr(heapq, name)
    assert_same(
        case,
        lambda: of_heapq(n, pairs, key=key),
        lambda: getattr(case.run_on(pools, par_iter(pairs)), name)(n, key),
    )
    assert_same(case, lambda: of_heapq(n, pairs), lambda: getattr(case.run_on(pools, par_iter(pairs)), name)(n))


@pytest.mark.parametrize("name", ["nlargest", "nsmallest", "min", "max", "sorted"])
@given(case=cases(), key=fns(sevenths))
def test_keys_raise_at_the_item_where_the_loop_meets_them(
    pools: dict[str, Pool], name: str, case: Case, key: Fn
) -> None:
    models = {
        "nlargest": lambda: heapq.nlargest(3, case.values, key=key),
        "nsmallest": lambda: heapq.nsmallest(3, case.values, key=key),
        "min": lambda: min(case.values, key=key, default=None),
        "max": lambda: max(case.values, key=key, default=None),
        "sorted": lambda: sorted(case.values, key=key),
    }
    runs = {
        "nlargest": lambda plan: plan.nlargest(3, key),
        "nsmallest": lambda plan: plan.nsmallest(3, key),
        "min": lambda plan: plan.min(key=key, default=None),
        "max": lambda plan: plan.max(key=key, default=None),
        "sorted": lambda plan: plan.sorted(key=key),
    }
    assert_same(case, models[name], lambda: runs[name](case.plan(pools)), name)


@pytest.mark.parametrize("name", ["nlargest", "nsmallest", "min", "max", "sorted", "group_by", "count_by"])
@given(case=cases(sources=("list", "generator", "filtered plan")))
def test_a_key_is_called_once_for_each_item(pools: dict[str, Pool], tallies: Tallies, name: str, case: Case) -> None:
    tally = tallies.of(sevenths)
    runs = {
        "nlargest": lambda plan: plan.nlargest(3, tally),
        "nsmallest": lambda plan: plan.nsmallest(3, tally),
        "min": lambda plan: plan.min(key=tally, default=None),
        "max": lambda plan: plan.max(key=tally, default=None),
        "sorted": lambda plan: plan.sorted(key=tally),
        "group_by": lambda plan: plan.group_by(tally),
        "count_by": lambda plan: plan.count_by(tally),
    }
    with case.running():
        runs[name](case.plan(pools))

    assert tally.items == sorted(map(str, case.values))


@pytest.mark.parametrize("which", [min, max])
@given(case=cases())
def test_of_equal_items_min_and_max_return_the_first(pools: dict[str, Pool], which: Any, case: Case) -> None:
    pairs = pairs_of(case)
    assert_same(
        case,
        lambda: which(pairs, key=first, default="none"),
        lambda: getattr(case.run_on(pools, par_iter(pairs)), which.__name__)(key=first, default="none"),
    )


@given(case=cases(), reverse=st.booleans())
def test_sorted_is_stable(pools: dict[str, Pool], case: Case, reverse: bool) -> None:
    pairs = pairs_of(case)
    assert_same(
        case,
        lambda: sorted(pairs, key=first, reverse=reverse),
        lambda: case.run_on(pools, par_iter(pairs)).sorted(key=first, reverse=reverse),
    )


# -- Comparisons ----------------------------------------------------------------------------------

anything = cases(largest=30)


def nearly(case: Case, other: Case, shared: int) -> list[int]:
    """The values of `other`, after some that both have."""
    return case.values[:shared] + other.values


@given(case=anything, other=anything, shared=st.integers(0, 30), f=fns(same), g=fns(same))
def test_cmp_compares_as_lists_do(pools: dict[str, Pool], case: Case, other: Case, shared: int, f: Fn, g: Fn) -> None:
    left, right = list(map(int, case.values)), nearly(case, other, shared)
    its = Case(right, *list(vars(other).values())[1:])

    def model() -> int:
        for mine, theirs in zip(left, right, strict=False):
            if f(mine) != g(theirs):
                return -1 if mine < theirs else 1
        for item in left[len(right) :][:1]:
            f(item)
        for item in right[len(left) :][:1]:
            g(item)
        return (left > right) - (left < right)

    with case.running():
        found = case.plan(pools).cmp(its.data())
    assert found == (left > right) - (left < right)

    with case.running():
        found = _result(lambda: case.plan(pools).map(f).cmp(par_iter(its.data()).map(g)))
    assert found == _result(model)


@given(case=anything, other=anything, shared=st.integers(0, 30))
def test_equals_is_equality_of_lists(pools: dict[str, Pool], case: Case, other: Case, shared: int) -> None:
    right = nearly(case, other, shared)
    its = Case(right, *list(vars(other).values())[1:])

    with case.running():
        found = case.plan(pools).equals(its.data())

    assert found is (case.values == right)


@given(case=cases(sources=("list", "tuple", "array")), more=st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_equals_of_known_lengths_that_differ_runs_nothing(
    pools: dict[str, Pool], tallies: Tallies, case: Case, more: list[int]
) -> None:
    tally = tallies.of(same)
    with case.running():
        found = case.plan(pools).map(tally).equals(case.values + more)

    assert found is False
    assert tally.items == []


@pytest.mark.parametrize("bad", [3, 1000])
@pytest.mark.parametrize("method", ["cmp", "equals"])
def test_comparing_streams_ends_both_before_it_returns_or_raises(pools: dict[str, Pool], method: str, bad: int) -> None:
    closed: list[bool] = []

    def numbers() -> Any:
        try:
            yield from range(10**9)
        finally:
            closed.append(True)

    def failing(item: int) -> int:
        if item == bad:
            raise ValueError(item)
        return item if item != 9 else 0

    def compared() -> Any:
        return getattr(par_iter(numbers()).on(pools["threads-2"]), method)(par_iter(numbers()).map(failing))

    # The exception is kept while we look: what it refers to must have been ended, not left to the collector.
    kept = _kept(compared)

    assert closed == [True, True]
    assert isinstance(kept, ValueError) is (bad == 3)


def _kept(call: Any) -> Any:
    try:
        return call()
    except ValueError as error:
        return error


def _result(call: Any) -> Any:
    try:
        return call()
    except Exception as error:
        return Failed(type(error), error.args)
