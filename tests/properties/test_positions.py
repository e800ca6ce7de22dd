"""Adapters that work on positions, against `itertools`: before functions, after functions, after filters."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pariter import ParIter, Pool, par_iter
from tests.properties.cases import EXACT, Case, Failed, Fn, Tallies, assert_same, cases, fns, same, thirds, triple


def chunked(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    items = iter(items)
    while chunk := list(itertools.islice(items, size)):
        yield chunk


def windowed(items: Iterable[Any], size: int) -> Iterator[tuple[Any, ...]]:
    window: list[Any] = []
    for item in items:
        window = [*window[-size + 1 :], item] if size > 1 else [item]
        if len(window) == size:
            yield tuple(window)


Rearranged = tuple[str, Callable[[ParIter[Any]], ParIter[Any]], Callable[[Iterable[Any]], Iterable[Any]]]


def rearranged(name: str, n: int) -> Rearranged:
    """An adapter by position, on a plan and on an iterable."""
    models: dict[str, Callable[[Iterable[Any]], Iterable[Any]]] = {
        "take": lambda items: itertools.islice(items, n),
        "skip": lambda items: itertools.islice(items, n, None),
        "step_by": lambda items: itertools.islice(items, 0, None, n or 1),
    }
    return name, lambda plan: getattr(plan, name)(n or (name == "step_by")), models[name]


def rearrangements() -> st.SearchStrategy[Rearranged]:
    return st.builds(rearranged, st.sampled_from(("take", "skip", "step_by")), st.integers(0, 70))


exactly = cases(sources=EXACT)


@given(case=exactly, f=fns(triple), step=rearrangements())
def test_take_skip_and_step_by_act_before_functions(
    pools: dict[str, Pool], tallies: Tallies, case: Case, f: Fn, step: Rearranged
) -> None:
    _, on_plan, on_items = step
    tally = tallies.of(f)
    wanted = assert_same(
        case,
        lambda: list(map(f, on_items(case.values))),
        lambda: on_plan(case.plan(pools).map(tally)).collect(),
        "map",
    )

    if not isinstance(wanted, Failed):
        assert tally.items == sorted(map(str, on_items(case.values)))


@given(case=cases(), keep=fns(thirds), f=fns(triple), step=rearrangements())
def test_take_skip_and_step_by_after_a_filter_work_on_what_it_kept(
    pools: dict[str, Pool], case: Case, keep: Fn, f: Fn, step: Rearranged
) -> None:
    _, on_plan, on_items = step
    assert_same(
        case,
        lambda: list(map(f, on_items(filter(keep, case.values)))),
        lambda: on_plan(case.plan(pools).filter(keep)).map(f).collect(),
        "filter",
        "map",
    )


@given(case=exactly, f=fns(triple), first=rearrangements(), second=rearrangements())
def test_two_steps_by_position_work_on_one_another(
    pools: dict[str, Pool], case: Case, f: Fn, first: Rearranged, second: Rearranged
) -> None:
    assert_same(
        case,
        lambda: list(map(f, second[2](first[2](case.values)))),
        lambda: second[1](first[1](case.plan(pools).map(f))).collect(),
        "map",
    )


@given(case=exactly, f=fns(triple), n=st.integers(0, 9))
def test_rev_makes_the_last_item_the_first_for_the_functions_before_it(
    pools: dict[str, Pool], case: Case, f: Fn, n: int
) -> None:
    assert_same(
        case,
        lambda: list(map(f, case.values[::-1][n:])),
        lambda: case.plan(pools).map(f).rev().skip(n).collect(),
        "map",
    )


@given(case=cases(), keep=fns(thirds), f=fns(triple))
def test_rev_after_a_filter_meets_its_exception_first(pools: dict[str, Pool], case: Case, keep: Fn, f: Fn) -> None:
    def model() -> Any:
        return list(map(f, reversed(list(filter(keep, case.values)))))

    assert_same(case, model, lambda: reversed(case.plan(pools).filter(keep)).map(f).collect(), "filter", "map")


@given(case=cases(), keep=fns(thirds), start=st.integers(-5, 10**20))
def test_enumerate_counts_what_is_left(pools: dict[str, Pool], case: Case, keep: Fn, start: int) -> None:
    assert_same(
        case,
        lambda: list(enumerate(filter(keep, case.values), start)),
        lambda: case.plan(pools).filter(keep).enumerate(start).collect(),
        "filter",
    )


@given(case=exactly, f=fns(triple), n=st.integers(0, 20))
def test_enumerate_numbers_positions_and_not_places_in_the_data(
    pools: dict[str, Pool], case: Case, f: Fn, n: int
) -> None:
    assert_same(
        case,
        lambda: list(enumerate(map(f, case.values[n:]))),
        lambda: case.plan(pools).skip(n).map(f).enumerate().collect(),
        "map",
    )


@pytest.mark.parametrize(("name", "model"), [("chunks", chunked), ("windows", windowed)])
@given(case=cases(), f=fns(triple), size=st.integers(1, 70))
def test_chunks_and_windows_group_neighbours(
    pools: dict[str, Pool], name: str, model: Any, case: Case, f: Fn, size: int
) -> None:
    assert_same(
        case,
        lambda: list(model(map(f, case.values), size)),
        lambda: getattr(case.plan(pools).map(f), name)(size).collect(),
        "map",
    )


@pytest.mark.parametrize(("name", "model"), [("chunks", chunked), ("windows", windowed)])
@given(case=exactly, size=st.integers(1, 9), step=rearrangements())
def test_chunks_and_windows_can_be_picked_by_position(
    pools: dict[str, Pool], name: str, model: Any, case: Case, size: int, step: Rearranged
) -> None:
    assert_same(
        case,
        lambda: list(step[2](model(case.values, size))),
        lambda: step[1](getattr(case.plan(pools), name)(size)).collect(),
    )


@given(case=cases(), size=st.integers(1, 5))
def test_windows_after_a_function_call_it_once_for_each_item(
    pools: dict[str, Pool], tallies: Tallies, case: Case, size: int
) -> None:
    tally = tallies.of(same)
    assert_same(
        case,
        lambda: list(windowed(case.values, size)),
        lambda: case.plan(pools).map(tally).windows(size).collect(),
    )

    assert tally.items == sorted(map(str, case.values))


@given(case=cases(), f=fns(triple), size=st.integers(1, 9))
def test_fold_chunks_folds_each_chunk(pools: dict[str, Pool], case: Case, f: Fn, size: int) -> None:
    def op(found: list[Any], item: Any) -> list[Any]:
        found.append(f(item))
        return found

    assert_same(
        case,
        lambda: list(chunked(map(f, case.values), size)),
        lambda: case.plan(pools).fold_chunks(size, list, op).collect(),
        "fold_chunks",
    )


@given(case=cases(), f=fns(triple), keep=fns(lambda item: item % 50 < 45, range(1, 150, 3)))
def test_take_while_stops_at_the_first_false(pools: dict[str, Pool], case: Case, f: Fn, keep: Fn) -> None:
    assert_same(
        case,
        lambda: list(itertools.takewhile(keep, map(f, case.values))),
        lambda: case.plan(pools).map(f).take_while(keep).collect(),
        "map",
        "take_while",
    )


@given(case=cases(), f=fns(triple), keep=fns(lambda item: item % 50 < 45, range(1, 150, 3)))
def test_skip_while_begins_at_the_first_false(pools: dict[str, Pool], case: Case, f: Fn, keep: Fn) -> None:
    assert_same(
        case,
        lambda: list(itertools.dropwhile(keep, map(f, case.values))),
        lambda: case.plan(pools).map(f).skip_while(keep).collect(),
        "map",
        "skip_while",
    )


@given(case=cases(), keep=fns(thirds))
def test_positions_are_those_of_the_items_that_are_kept(pools: dict[str, Pool], case: Case, keep: Fn) -> None:
    assert_same(
        case,
        lambda: [at for at, item in enumerate(case.values) if keep(item)],
        lambda: case.plan(pools).positions(keep).collect(),
        "positions",
    )


# -- Some items, no matter which ------------------------------------------------------------------


def is_subsequence(found: Iterable[Any], items: Iterable[Any]) -> bool:
    left = iter(items)
    return all(item in left for item in found)


numbered = cases(sources=("list", "generator", "filtered plan"))


def distinct(case: Case) -> Case:
    """The case over as many items, all of them different."""
    return Case(
        list(range(len(case.values))),
        *(getattr(case, name) for name in ("source", "engine", "is_eager", "shortest", "longest")),
    )


@given(case=numbered.map(distinct), n=st.integers(0, 70))
def test_take_any_and_skip_any_keep_as_many_as_asked_in_source_order(
    pools: dict[str, Pool], case: Case, n: int
) -> None:
    with case.running():
        taken = case.plan(pools).map(same).take_any(n).collect()
        left = case.plan(pools).map(same).skip_any(n).collect()

    assert len(taken) == min(n, len(case.values))
    assert len(left) == max(0, len(case.values) - n)
    assert is_subsequence(taken, case.values)
    assert is_subsequence(left, case.values)


@given(case=numbered.map(distinct), bad=st.frozensets(st.integers(0, 60), max_size=3))
def test_take_any_while_takes_only_what_it_keeps(pools: dict[str, Pool], case: Case, bad: frozenset[int]) -> None:
    with case.running():
        taken = case.plan(pools).take_any_while(lambda item: item not in bad).collect()

    assert is_subsequence(taken, case.values)
    assert not bad & set(taken)
    if not bad & set(case.values):
        assert taken == case.values


@given(case=numbered.map(distinct), bad=st.frozensets(st.integers(0, 60), max_size=3))
def test_skip_any_while_drops_only_what_it_may(pools: dict[str, Pool], case: Case, bad: frozenset[int]) -> None:
    with case.running():
        left = case.plan(pools).skip_any_while(lambda item: item not in bad).collect()

    assert is_subsequence(left, case.values)
    assert bad & set(case.values) <= set(left)
    if not bad & set(case.values):
        assert left == []


@given(low=st.integers(-(10**30), 10**30), step=st.integers(1, 10**6), n=st.integers(0, 10**24))
def test_ranges_of_any_size_are_cut_by_arithmetic(low: int, step: int, n: int) -> None:
    data = range(low, low + 10**27 * step, step)
    plan = par_iter(data).skip(n).step_by(3).rev().take(3).map(same).on("serial")

    assert plan.collect() == list(data[n:][::3][::-1][:3])
