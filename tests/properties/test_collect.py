"""What `collect`, `collect_into`, `for_each` and iteration give, against the constructors and loops."""

from __future__ import annotations

import array
import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pariter import Pool
from tests.properties.cases import SHARED, Case, Fn, Tallies, assert_same, cases, fns, same, thirds, triple


@pytest.mark.parametrize("into", [list, tuple, set, frozenset, deque, Counter, sorted, array.array])
@given(case=cases(), f=fns(triple))
def test_collect_into_a_collection_is_its_constructor(
    pools: dict[str, Pool], into: Callable[[Iterable[Any]], Any], case: Case, f: Fn
) -> None:
    if into is array.array:
        into = _int_array
    assert_same(
        case,
        lambda: into(map(f, map(int, case.values))),
        lambda: case.plan(pools).map(int).map(f).collect(into),
        "map",
    )


def _int_array(items: Iterable[int]) -> Any:
    return array.array("q", items)


@given(case=cases(), f=fns(str))
def test_collect_into_text_joins(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    assert_same(
        case,
        lambda: "".join(map(f, case.values)),
        lambda: case.plan(pools).map(f).collect(str),
        "map",
    )


@given(case=cases(), f=fns(int), in_pieces=st.booleans())
def test_collect_into_bytes_takes_integers_and_pieces(
    pools: dict[str, Pool], case: Case, f: Fn, in_pieces: bool
) -> None:
    def given_as(item: Any) -> Any:
        return bytes([f(item)]) * 2 if in_pieces else f(item)

    assert_same(
        case,
        lambda: (b"".join if in_pieces else bytes)(map(given_as, case.values)),
        lambda: case.plan(pools).map(given_as).collect(bytes),
        "map",
    )


@given(case=cases(), f=fns(lambda item: (item % 7, item)))
def test_collect_into_a_dict_keeps_the_first_place_and_the_last_value(
    pools: dict[str, Pool], case: Case, f: Fn
) -> None:
    assert_same(
        case,
        lambda: list(dict(map(f, case.values)).items()),
        lambda: list(case.plan(pools).map(f).collect(dict).items()),
        "map",
    )


class Alike:
    """Equal to all others of its number, but not the same."""

    def __init__(self, number: int, at: int) -> None:
        self.number = number
        self.at = at

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alike) and other.number == self.number

    def __hash__(self) -> int:
        return hash(self.number)


@pytest.mark.parametrize("into", [set, frozenset])
@given(case=cases())
def test_of_equal_items_a_set_keeps_the_first(pools: dict[str, Pool], into: Any, case: Case) -> None:
    def alike(pair: Any) -> Alike:
        return Alike(int(pair[1]) % 7, pair[0])

    with case.running():
        found = case.plan(pools).enumerate().map(alike).collect(into)

    wanted = into(map(alike, enumerate(case.values)))
    assert {item.at for item in found} == {item.at for item in wanted}


@given(case=cases(), f=fns(triple), kind=st.sampled_from(("list", "array", "ndarray")), more=st.integers(-1, 1))
def test_collect_into_assigns_all_or_nothing(pools: dict[str, Pool], case: Case, f: Fn, kind: str, more: int) -> None:
    zeros = [0] * max(0, len(case.values) + more)
    out = {"list": list, "array": lambda items: array.array("q", items), "ndarray": numpy.array}[kind](zeros)

    def model() -> Any:
        found = list(map(f, map(int, case.values)))
        return found if len(found) == len(zeros) else "lengths"

    def run() -> Any:
        try:
            case.plan(pools).map(int).map(f).collect_into(out)
        except ValueError as error:
            if "places" in str(error):
                return "lengths"
            raise
        return list(out)

    with case.running():
        try:
            found = run()
        except Exception:
            found = "raised"
    if found in ("raised", "lengths"):
        assert list(out) == zeros
        assert found == "lengths" or f.bad & set(case.values)
        assert found == "raised" or len(zeros) != len(case.values)
    else:
        assert found == model()


@given(case=cases(engines=SHARED), f=fns(triple))
def test_for_each_calls_for_all_items(pools: dict[str, Pool], tallies: Tallies, case: Case, f: Fn) -> None:
    tally = tallies.of(f)

    def model() -> None:
        for item in case.values:
            f(item)

    assert_same(case, model, lambda: case.plan(pools).for_each(tally), "for_each")
    if not f.bad & set(case.values):
        assert tally.items == sorted(map(str, case.values))


# -- Iteration ------------------------------------------------------------------------------------


def firsts(n: int, items: Any) -> Any:
    """The first `n` items, and what is raised instead of one of them."""
    found: list[Any] = []
    iterator = iter(items)
    try:
        for item in itertools.islice(iterator, n):
            found.append(item)
    except Exception as error:
        return found, type(error), error.args
    finally:
        if hasattr(iterator, "close"):
            iterator.close()
    return found


@given(case=cases(largest=200), f=fns(triple), keep=fns(thirds, range(1, 150, 3)), n=st.integers(0, 250))
def test_iterating_is_the_loop_item_by_item(pools: dict[str, Pool], case: Case, f: Fn, keep: Fn, n: int) -> None:
    assert_same(
        case,
        lambda: firsts(n, filter(keep, map(f, case.values))),
        lambda: firsts(n, case.plan(pools).map(f).filter(keep)),
    )


@given(case=cases(largest=200), window=st.integers(1, 30), n=st.integers(0, 250))
def test_iterating_runs_no_further_ahead_than_the_window(
    pools: dict[str, Pool], tallies: Tallies, case: Case, window: int, n: int
) -> None:
    tally = tallies.of(same)
    with case.running():
        plan = case.plan(pools)
        found = firsts(n, plan.with_min_len(1).map(tally).buffered(window))

    assert found == case.values[:n]
    assert len(tally.items) <= len(found) + window


@given(case=cases(sources=("generator",)), window=st.integers(1, 30), n=st.integers(1, 60))
def test_a_generator_is_read_no_further_ahead_than_the_window(
    pools: dict[str, Pool], case: Case, window: int, n: int
) -> None:
    read: list[int] = []

    def reading() -> Any:
        for value in case.values:
            read.append(value)
            yield value

    with case.running():
        found = firsts(n, case.run_on(pools, _over(reading())).with_min_len(1).buffered(window))

    assert found == case.values[:n]
    assert len(read) <= len(found) + window


def _over(data: Any) -> Any:
    from pariter import par_iter

    return par_iter(data)


@given(case=cases(sources=("list", "tuple", "filtered plan", "batched plan")), f=fns(triple))
def test_a_plan_gives_the_same_each_time(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    plan = case.plan(pools).map(f)
    for run in (plan.collect, lambda: list(plan), lambda: plan.chain().collect()):
        assert_same(case, lambda: list(map(f, case.values)), run, "map")


@given(case=cases(sources=("list", "tuple", "array", "chained plan")), n=st.integers(0, 70), size=st.integers(1, 9))
def test_len_is_what_running_would_count(pools: dict[str, Pool], case: Case, n: int, size: int) -> None:
    plan = case.plan(pools)
    plans = [
        plan.map(same).enumerate().rev().skip(n).step_by(size).chain(range(3)).intersperse(0),
        plan.chunks(size),
        plan.windows(size).take(n),
        plan.interleave(range(n)),
        plan.interleave_shortest(range(n)),
        plan.zip(range(n), "abc"),
        plan.scan(max, 3),
        plan.fold_chunks(size, int, max),
        plan.take_any(n).chain(plan.skip_any(n)),
    ]
    with case.running():
        counted = [each.count() for each in plans]

    assert [len(each) for each in plans] == counted
