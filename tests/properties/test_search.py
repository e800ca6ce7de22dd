"""Searches, against `next`, `any` and `all`: what they find, and how often they call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pariter import Break, Pool, par_iter
from tests.properties.cases import SHARED, Case, Failed, Fn, Tallies, assert_same, cases, fns, outcome, same, triple


def above_forty(item: Any) -> bool:
    return bool(item > 40)


def found_above_forty(item: Any) -> Any:
    return item * 2 if item > 40 else None


def broken_above_forty(item: Any) -> Any:
    return Break(int(item)) if item > 40 else item


# What each method that ends at the first hit means: the method, its function, and the loop.
FIRSTS: dict[str, tuple[Callable[..., Any], Callable[[Any, list[int]], Any]]] = {
    "find_first": (above_forty, lambda keep, values: next(filter(keep, values), None)),
    "position_first": (
        above_forty,
        lambda keep, values: next((at for at, item in enumerate(values) if keep(item)), None),
    ),
    "find_map_first": (
        found_above_forty,
        lambda f, values: next((found for found in map(f, values) if found is not None), None),
    ),
    "try_for_each": (
        broken_above_forty,
        lambda f, values: next((found for found in map(f, values) if isinstance(found, Break)), None),
    ),
}
LASTS: dict[str, tuple[Callable[..., Any], Callable[[Any, list[int]], Any]]] = {
    "find_last": (above_forty, lambda keep, values: next(filter(keep, values[::-1]), None)),
    "position_last": (
        above_forty,
        lambda keep, values: next((at for at in range(len(values) - 1, -1, -1) if keep(values[at])), None),
    ),
    "find_map_last": (
        found_above_forty,
        lambda f, values: next((found for found in map(f, values[::-1]) if found is not None), None),
    ),
}
ANYS: dict[str, tuple[Callable[..., Any], Callable[[Any, list[int]], set[Any]]]] = {
    "any": (above_forty, lambda keep, values: {any(map(keep, values))}),
    "all": (lambda item: item < 40, lambda keep, values: {all(map(keep, values))}),
    "find_any": (above_forty, lambda keep, values: set(filter(keep, values)) or {None}),
    "position_any": (
        above_forty,
        lambda keep, values: {at for at, item in enumerate(values) if keep(item)} or {None},
    ),
    "find_map_any": (
        found_above_forty,
        lambda f, values: {found for item in values if (found := f(item)) is not None} or {None},
    ),
}


@pytest.mark.parametrize("name", FIRSTS)
@given(case=cases(), data=st.data())
def test_the_first_hit_is_that_of_the_loop(pools: dict[str, Pool], name: str, case: Case, data: Any) -> None:
    base, loop = FIRSTS[name]
    f = data.draw(fns(base))
    assert_same(case, lambda: loop(f, case.values), lambda: getattr(case.plan(pools), name)(f), name)


@pytest.mark.parametrize("name", FIRSTS)
@given(case=cases(), data=st.data(), g=fns(triple))
def test_the_first_hit_after_a_function_is_that_of_the_loop(
    pools: dict[str, Pool], name: str, case: Case, data: Any, g: Fn
) -> None:
    base, loop = FIRSTS[name]
    f = data.draw(fns(base, range(1, 150, 3)))
    assert_same(
        case,
        lambda: loop(f, map(g, case.values)),  # type: ignore[arg-type]
        lambda: getattr(case.plan(pools).map(g), name)(f),
        name,
        "map",
    )


@pytest.mark.parametrize("name", LASTS)
@given(case=cases(sources=("list", "array", "generator", "chained plan", "filtered plan")), data=st.data())
def test_the_last_hit_is_looked_for_from_the_right(pools: dict[str, Pool], name: str, case: Case, data: Any) -> None:
    base, loop = LASTS[name]
    f = data.draw(fns(base))
    assert_same(case, lambda: loop(f, case.values), lambda: getattr(case.plan(pools), name)(f), name)


@pytest.mark.parametrize("name", ANYS)
@given(case=cases(), data=st.data())
def test_any_hit_is_one_of_those_that_there_are(pools: dict[str, Pool], name: str, case: Case, data: Any) -> None:
    base, hits = ANYS[name]
    f = data.draw(fns(base))
    wanted = outcome(lambda: hits(Fn(base), case.values))
    raised = {outcome(lambda item=item: f(item)) for item in case.values if item in f.bad}
    with case.running():
        found = outcome(lambda: getattr(case.plan(pools), name)(f))

    if isinstance(found, Failed):
        assert found == outcome(lambda: list(map(f, case.values)))  # the first, as the loop without a hit
    elif raised and found is {"any": False, "all": True}.get(name):
        raise AssertionError(f"{found} although {raised} is there")
    else:
        assert found in wanted


@pytest.mark.parametrize("name", ["any", "all"])
@given(case=cases())
def test_any_and_all_without_a_function_judge_the_items(pools: dict[str, Pool], name: str, case: Case) -> None:
    loop = {"any": any, "all": all}[name]
    assert_same(case, lambda: loop(case.values), lambda: getattr(case.plan(pools), name)())


@pytest.mark.parametrize("name", ["find_first", "find_last", "find_any"])
@given(case=cases(), default=st.sampled_from(("none", 0, None)))
def test_find_returns_the_default_if_there_is_nothing(
    pools: dict[str, Pool], name: str, case: Case, default: Any
) -> None:
    with case.running():
        found = getattr(case.plan(pools), name)(lambda item: item > 1000, default)

    assert found is default


# -- How often they call --------------------------------------------------------------------------


@pytest.mark.parametrize("name", FIRSTS | ANYS)
@given(case=cases(sources=("list", "generator", "filtered plan")))
def test_a_serial_search_makes_the_calls_of_the_loop(
    pools: dict[str, Pool], tallies: Tallies, name: str, case: Case
) -> None:
    base = (FIRSTS | ANYS)[name][0]
    tally = tallies.of(base)
    getattr(case.plan(pools).with_max_len(1000).on("serial"), name)(tally)

    hits = [bool(base(value)) is (name != "all") for value in case.values]
    if name == "try_for_each":
        hits = [isinstance(base(value), Break) for value in case.values]
    called = hits.index(True) + 1 if True in hits else len(hits)
    assert tally.items == sorted(map(str, case.values[:called]))


@pytest.mark.parametrize("name", LASTS)
@given(case=cases(sources=("list", "generator")))
def test_a_serial_search_from_the_right_makes_the_calls_of_the_loop(
    pools: dict[str, Pool], tallies: Tallies, name: str, case: Case
) -> None:
    base = LASTS[name][0]
    tally = tallies.of(base)
    getattr(case.plan(pools).map(same).with_max_len(1000).on("serial"), name)(tally)

    backwards = case.values[::-1]
    hits = [bool(base(value)) for value in backwards]
    called = hits.index(True) + 1 if True in hits else len(hits)
    assert tally.items == sorted(map(str, backwards[:called]))


@pytest.mark.parametrize("name", FIRSTS | LASTS | ANYS)
@given(case=cases())
def test_no_search_calls_twice_for_an_item(pools: dict[str, Pool], tallies: Tallies, name: str, case: Case) -> None:
    base = (FIRSTS | LASTS | ANYS)[name][0]
    numbered = Case(list(range(len(case.values))), *list(vars(case).values())[1:])
    tally = tallies.of(base)
    with case.running():
        getattr(numbered.plan(pools), name)(tally)

    assert len(set(tally.items)) == len(tally.items)
    assert set(tally.items) <= set(map(str, numbered.values))


@pytest.mark.parametrize("name", FIRSTS | ANYS)
@given(
    engine=st.sampled_from(("serial", "threads-1", "threads-2", "threads-3", "threads-7")),
    hit=st.integers(0, 300),
    size=st.integers(1, 50),
)
def test_a_search_by_blocks_ends_with_the_block_of_its_hit(
    pools: dict[str, Pool], tallies: Tallies, name: str, engine: str, hit: int, size: int
) -> None:
    tally = tallies.of(lambda item: item == hit)
    if name == "all":
        tally = tallies.of(lambda item: item != hit)
    elif name == "try_for_each":
        tally = tallies.of(lambda item: Break(item) if item == hit else None)
    elif name.startswith("find_map"):
        tally = tallies.of(lambda item: item if item == hit else None)
    getattr(par_iter(range(10**27)).on(pools[engine]).by_uniform_blocks(size), name)(tally)

    before = hit // size * size  # the blocks that had to be gone through; the last one is left as soon as it may be
    least = hit if name in FIRSTS else before
    assert least < len(tally.items) <= before + size


@pytest.mark.parametrize("name", FIRSTS)
@given(case=cases(engines=SHARED))
def test_nothing_left_of_the_first_hit_is_left_out(
    pools: dict[str, Pool], tallies: Tallies, name: str, case: Case
) -> None:
    base = FIRSTS[name][0]
    numbered = Case(list(range(len(case.values))), *list(vars(case).values())[1:])
    tally = tallies.of(base)
    with case.running():
        getattr(numbered.plan(pools), name)(tally)

    assert set(map(str, range(min(42, len(case.values))))) <= set(tally.items)
