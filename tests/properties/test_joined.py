"""Adapters that join plans, against `itertools`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pariter import Pool, par_iter, par_zip, repeat
from tests.properties.cases import EXACT, Case, Fn, assert_same, cases, fns, same, thirds, triple

NOTHING = object()


def interleaved(*iterables: Iterable[Any]) -> Iterator[Any]:
    for row in itertools.zip_longest(*iterables, fillvalue=NOTHING):
        yield from (item for item in row if item is not NOTHING)


def interleaved_shortest(*iterables: Iterable[Any]) -> Iterator[Any]:
    turns = itertools.cycle(map(iter, iterables))
    for turn in turns:
        item = next(turn, NOTHING)
        if item is NOTHING:
            return
        yield item


def interspersed(items: Iterable[Any], value: Any) -> Iterator[Any]:
    for at, item in enumerate(items):
        if at:
            yield value
        yield item


exactly = cases(largest=40, sources=EXACT)
anything = cases(largest=40)


@given(case=exactly, other=exactly, f=fns(triple))
def test_zip_acts_before_functions(pools: dict[str, Pool], case: Case, other: Case, f: Fn) -> None:
    assert_same(
        case,
        lambda: list(zip(map(f, case.values[: len(other.values)]), other.values, strict=False)),
        lambda: case.plan(pools).map(f).zip(other.data()).collect(),
        "map",
    )


@given(case=anything, other=anything, keep=fns(thirds), f=fns(same))
def test_zip_stands_after_what_was_filtered(pools: dict[str, Pool], case: Case, other: Case, keep: Fn, f: Fn) -> None:
    def model() -> Any:
        # Of two exceptions in one row the left one is met first; what is right of the shorter is not met.
        return list(zip(filter(keep, case.values), map(f, other.values), strict=False))

    def run() -> Any:
        return case.plan(pools).filter(keep).zip(par_iter(other.values).map(f)).collect()

    kept = [at for at, item in enumerate(case.values) if item in keep.bad or thirds(item)]
    if any(case.values[at] in keep.bad for at in kept[len(other.values) :][:1]):
        return  # the loop asks the left for one more than the right can meet: a barrier does not
    assert_same(case, model, run, "filter", "map")


@given(case=exactly, other=exactly, third=exactly)
def test_par_zip_stops_at_the_shortest(pools: dict[str, Pool], case: Case, other: Case, third: Case) -> None:
    assert_same(
        case,
        lambda: list(zip(case.values, other.values, third.values, strict=False)),
        lambda: case.run_on(pools, par_zip(case.data(), other.data(), third.data())).collect(),
    )


@given(case=anything, other=anything)
def test_strict_zip_of_unequal_lengths_is_a_value_error(pools: dict[str, Pool], case: Case, other: Case) -> None:
    def strictly() -> Any:
        try:
            return case.plan(pools).zip(other.data(), strict=True).collect()
        except ValueError:
            return "unequal"

    equal = len(case.values) == len(other.values)
    with case.running():
        found = strictly()

    assert found == (list(zip(case.values, other.values, strict=True)) if equal else "unequal")


@given(case=exactly, other=exactly, f=fns(triple), size=st.integers(1, 7))
def test_chunks_of_chained_plans_come_from_the_right(
    pools: dict[str, Pool], case: Case, other: Case, f: Fn, size: int
) -> None:
    def model() -> Any:
        items = [*case.values, *other.values]
        chunks = [items[low : low + size] for low in range(0, len(items), size)]
        return [list(map(f, chunk)) for chunk in reversed(chunks)]

    assert_same(case, model, lambda: case.plan(pools).chain(other.data()).map(f).chunks(size).rev().collect(), "map")


@given(case=anything, others=st.lists(anything, max_size=3), f=fns(triple))
def test_chain_gives_one_after_another(pools: dict[str, Pool], case: Case, others: list[Case], f: Fn) -> None:
    assert_same(
        case,
        lambda: list(map(f, itertools.chain(case.values, *(other.values for other in others)))),
        lambda: case.plan(pools).chain(*(other.data() for other in others)).map(f).collect(),
        "map",
    )


@given(case=anything, other=anything, f=fns(triple), g=fns(triple), keep=fns(thirds))
def test_chain_raises_what_the_loop_meets_first(
    pools: dict[str, Pool], case: Case, other: Case, f: Fn, g: Fn, keep: Fn
) -> None:
    assert_same(
        case,
        lambda: list(itertools.chain(map(f, case.values), filter(keep, map(g, other.values)))),
        lambda: case.plan(pools).map(f).chain(par_iter(other.data()).map(g).filter(keep)).collect(),
        "map",
        "filter",
    )


@pytest.mark.parametrize(
    ("name", "model"), [("interleave", interleaved), ("interleave_shortest", interleaved_shortest)]
)
@given(case=anything, other=anything, f=fns(triple))
def test_interleaving_takes_turns(
    pools: dict[str, Pool], name: str, model: Any, case: Case, other: Case, f: Fn
) -> None:
    assert_same(
        case,
        lambda: list(map(f, model(case.values, other.values))),
        lambda: getattr(case.plan(pools), name)(other.data()).map(f).collect(),
        "map",
    )


@pytest.mark.parametrize(
    ("name", "model"), [("interleave", interleaved), ("interleave_shortest", interleaved_shortest)]
)
@given(case=anything, other=anything, f=fns(triple), g=fns(same))
def test_interleaving_functions_raises_what_the_loop_meets_first(
    pools: dict[str, Pool], name: str, model: Any, case: Case, other: Case, f: Fn, g: Fn
) -> None:
    def run() -> Any:
        return getattr(case.plan(pools).map(f), name)(par_iter(other.data()).map(g)).collect()

    assert_same(case, lambda: list(_in_turn(name, model, case, other, f, g)), run, "map")


def _in_turn(name: str, model: Any, case: Case, other: Case, f: Fn, g: Fn) -> Iterator[Any]:
    # Positions come first: which items there are, and then their functions.
    mine = [(f, value) for value in case.values]
    its = [(g, value) for value in other.values]
    return (fn(value) for fn, value in model(mine, its))


@given(case=anything, f=fns(triple), keep=fns(thirds, range(1, 150, 3)))
def test_intersperse_puts_a_value_between_any_two(pools: dict[str, Pool], case: Case, f: Fn, keep: Fn) -> None:
    assert_same(
        case,
        lambda: list(interspersed(map(f, case.values), -1)),
        lambda: case.plan(pools).map(f).intersperse(-1).collect(),
        "map",
    )
    assert_same(
        case,
        lambda: list(interspersed(filter(keep, map(f, case.values)), "between")),
        lambda: case.plan(pools).map(f).filter(keep).intersperse("between").collect(),
        "map",
        "filter",
    )


@given(case=anything, n=st.integers(0, 20))
def test_joined_plans_can_be_picked_by_position(pools: dict[str, Pool], case: Case, n: int) -> None:
    def model() -> Any:
        woven = list(interspersed(interleaved(case.values, range(100, 110)), -1))
        return list(zip((woven + case.values)[n::2], range(1000), strict=False))

    def run() -> Any:
        plan = case.plan(pools).interleave(range(100, 110)).intersperse(-1).chain(case.values)
        return plan.skip(n).step_by(2).zip(range(1000)).collect()

    assert_same(case, model, run)


@given(case=anything, times=st.integers(0, 70))
def test_repeat_gives_the_same_object(pools: dict[str, Pool], case: Case, times: int) -> None:
    assert_same(
        case,
        lambda: list(zip(itertools.repeat("x", times), case.values, strict=False)),
        lambda: case.run_on(pools, repeat("x", times)).zip(case.data()).collect(),
    )
