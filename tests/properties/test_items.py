"""Adapters that handle one item at a time, against the builtins."""

from __future__ import annotations

import itertools
import operator
from typing import Any

import numpy
from hypothesis import given
from hypothesis import strategies as st

from pariter import Pool, par_iter
from tests.properties.cases import (
    SHARED,
    Case,
    Fn,
    Tallies,
    assert_same,
    below_forty,
    cases,
    fns,
    sevenths,
    thirds,
    triple,
)


def maybe(item: Any) -> Any:
    return None if item % 3 == 0 else item


def spread(item: Any) -> Any:
    return range(item, item + item % 4)


def lazily(item: Any) -> Any:
    for at in range(item % 4):
        if item % 10 == 7 and at == 2:
            raise LookupError(item)
        yield item, at


@given(case=cases(), f=fns(triple))
def test_map_gives_what_the_builtin_gives(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    assert_same(case, lambda: list(map(f, case.values)), lambda: case.plan(pools).map(f).collect(), "map")


@given(case=cases(), f=fns(triple), g=fns(triple, range(1, 150, 3)))
def test_the_first_exception_of_two_maps_is_that_of_the_loop(pools: dict[str, Pool], case: Case, f: Fn, g: Fn) -> None:
    assert_same(
        case,
        lambda: list(map(g, map(f, case.values))),
        lambda: case.plan(pools).map(f).map(g).collect(),
        "map",
    )


@given(case=cases(), f=fns(operator.mul))
def test_starmap_gives_what_itertools_gives(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    assert_same(
        case,
        lambda: list(itertools.starmap(f, zip(case.values, case.values, strict=True))),
        lambda: case.plan(pools).map(lambda item: (item, item)).starmap(f).collect(),
        "starmap",
    )


@given(case=cases(), keep=fns(thirds))
def test_filter_gives_what_the_builtin_gives(pools: dict[str, Pool], case: Case, keep: Fn) -> None:
    assert_same(
        case, lambda: list(filter(keep, case.values)), lambda: case.plan(pools).filter(keep).collect(), "filter"
    )


@given(case=cases())
def test_filter_without_a_function_keeps_what_is_true(pools: dict[str, Pool], case: Case) -> None:
    assert_same(
        case,
        lambda: list(filter(None, map(sevenths, case.values))),
        lambda: case.plan(pools).map(sevenths).filter().collect(),
    )


@given(case=cases(), f=fns(maybe))
def test_filter_map_drops_only_none(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    assert_same(
        case,
        lambda: [found for found in map(f, case.values) if found is not None],
        lambda: case.plan(pools).filter_map(f).collect(),
        "filter_map",
    )


@given(case=cases(), f=fns(spread))
def test_flat_map_goes_through_each_iterable_in_order(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    assert_same(
        case,
        lambda: list(itertools.chain.from_iterable(map(f, case.values))),
        lambda: case.plan(pools).flat_map(f).collect(),
        "flat_map",
    )


@given(case=cases(), f=fns(lazily))
def test_flat_map_over_generators_that_raise_keeps_what_came_before(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    def until_it_raises(items: Any) -> Any:
        found = []
        try:
            for item in items:
                found.append(item)
        except (LookupError, ArithmeticError, OSError, ValueError) as error:
            return found, type(error), error.args
        except Exception as error:
            return found, type(error), str(error)
        return found

    assert_same(
        case,
        lambda: until_it_raises(itertools.chain.from_iterable(map(f, case.values))),
        lambda: until_it_raises(case.plan(pools).flat_map(f)),
    )


@given(case=cases(), f=fns(spread))
def test_flatten_goes_through_items(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    assert_same(
        case,
        lambda: list(itertools.chain.from_iterable(map(f, case.values))),
        lambda: case.plan(pools).map(f).flatten().collect(),
        "map",
    )


@given(case=cases())
def test_flatten_of_what_cannot_be_iterated_is_the_type_error_of_the_loop(pools: dict[str, Pool], case: Case) -> None:
    assert_same(
        case,
        lambda: list(itertools.chain.from_iterable(item if item > 40 else (item,) for item in case.values)),
        lambda: case.plan(pools).map(lambda item: int(item) if item > 40 else (item,)).flatten().collect(),
        "flatten",
    )


@given(case=cases(), f=fns(triple))
def test_inspect_passes_items_on_and_calls_once_for_each(
    pools: dict[str, Pool], tallies: Tallies, case: Case, f: Fn
) -> None:
    tally = tallies.of(f)
    found = assert_same(
        case,
        lambda: list(map(Fn(int, f.bad, f.error), case.values)),
        lambda: case.plan(pools).inspect(tally).collect(),
        "inspect",
    )

    if isinstance(found, list):
        assert tally.items == sorted(map(str, case.values))


@given(case=cases(), f=fns(triple))
def test_map_init_gives_each_run_a_state(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    def numbered(state: list[Any], item: Any) -> Any:
        state.append(item)
        return f(item), state[-1], len(state) >= 1

    assert_same(
        case,
        lambda: [(f(item), item, True) for item in case.values],
        lambda: case.plan(pools).map_init(list, numbered).collect(),
        "map_init",
    )


@given(case=cases(), f=fns(triple), stop=st.integers(0, 9))
def test_while_some_ends_before_the_first_none(pools: dict[str, Pool], case: Case, f: Fn, stop: int) -> None:
    def some(item: Any) -> Any:
        return f(item) if item % 10 != stop else None

    assert_same(
        case,
        lambda: list(itertools.takewhile(lambda found: found is not None, map(some, case.values))),
        lambda: case.plan(pools).map(some).while_some().collect(),
        "map",
    )


# -- Batches --------------------------------------------------------------------------------------


@given(case=cases(), f=fns(triple), size=st.integers(1, 70))
def test_map_batches_of_a_size_gets_exactly_so_many_but_for_the_last(
    pools: dict[str, Pool], case: Case, f: Fn, size: int
) -> None:
    def whole(batch: Any) -> Any:
        return [[f(item) for item in batch]]

    assert_same(
        case,
        lambda: [[f(item) for item in case.values[low : low + size]] for low in range(0, len(case.values), size)],
        lambda: case.plan(pools).map_batches(whole, size).collect(),
        "map_batches",
    )


@given(case=cases(largest=300), f=fns(triple))
def test_map_batches_without_a_size_covers_all_items_in_order(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    def each(batch: Any) -> Any:
        assert len(batch) > 0
        return [f(item) for item in batch]

    assert_same(
        case,
        lambda: [f(item) for item in case.values],
        lambda: case.plan(pools).map_batches(each).collect(),
        "map_batches",
    )


@given(case=cases(sources=["list"]), keep=fns(below_forty), size=st.integers(1, 9))
def test_map_batches_after_a_filter_still_gets_whole_batches(
    pools: dict[str, Pool], case: Case, keep: Fn, size: int
) -> None:
    def model() -> list[int]:
        kept = list(filter(keep, case.values))
        return [len(kept[low : low + size]) for low in range(0, len(kept), size)]

    assert_same(
        case,
        model,
        lambda: case.plan(pools).filter(keep).map_batches(lambda batch: [len(batch)], size).collect(),
        "filter",
    )


@given(case=cases(sources=["array"], engines=SHARED), size=st.none() | st.integers(1, 9))
def test_batches_of_an_array_are_views_of_it(pools: dict[str, Pool], case: Case, size: int | None) -> None:
    data = numpy.array(case.values, dtype=int)

    def is_view(batch: Any) -> Any:
        return [numpy.shares_memory(batch, data)] * len(batch)

    with case.running():
        found = case.run_on(pools, par_iter(data)).map_batches(is_view, size).collect()

    assert found == [True] * len(data)


@given(case=cases(sources=["array"]), rows=st.integers(1, 3), size=st.none() | st.integers(1, 9))
def test_batches_of_a_matrix_are_blocks_of_rows(
    pools: dict[str, Pool], case: Case, rows: int, size: int | None
) -> None:
    data = numpy.arange(len(case.values) * rows).reshape(len(case.values), rows)

    with case.running():
        batches = case.run_on(pools, par_iter(data)).map_batches(lambda batch: [batch * 2], size).collect()

    assert all(isinstance(batch, numpy.ndarray) and batch.ndim == 2 for batch in batches)
    assert sum((batch.tolist() for batch in batches), []) == (data * 2).tolist()
    if size is not None:
        assert all(len(batch) == size for batch in batches[:-1])
