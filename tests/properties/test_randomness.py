"""Random numbers: every item gets those of its seed and position, as in the plain loop, whatever else is asked."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import PCG64, Generator, SeedSequence

from pariter import Pool, par_iter, repeat
from tests.properties.cases import (
    EXACT,
    SOURCES,
    Case,
    Failed,
    Fn,
    Tallies,
    assert_same,
    cases,
    fns,
    thirds,
)
from tests.properties.test_positions import Rearranged, rearrangements


def drawn(rng: Random, item: int) -> tuple[int, list[float]]:
    """The item, with more or fewer numbers."""
    return int(item), [rng.random() for _ in range(item % 7)]


def numpy_drawn(rng: Generator, item: int) -> tuple[int, list[float]]:
    return int(item), rng.random(item % 7).tolist()


def loop(f: Callable[[Random, Any], Any], placed: Iterable[tuple[int, Any]], seed: int) -> list[Any]:
    """The plain loop that the documentation gives, over items and their positions."""
    return [f(Random(f"{seed}:{at}"), item) for at, item in placed]


def numpy_loop(f: Callable[[Generator, Any], Any], items: Iterable[Any], seed: int) -> list[Any]:
    return [f(Generator(PCG64(SeedSequence(seed, spawn_key=(at,)))), item) for at, item in enumerate(items)]


exactly = cases(sources=EXACT)
seeds = st.integers(-(10**30), 10**30)


@given(case=cases(), f=fns(drawn), seed=seeds)
def test_items_get_the_numbers_of_the_plain_loop(pools: dict[str, Pool], case: Case, f: Fn, seed: int) -> None:
    assert_same(
        case,
        lambda: loop(f, enumerate(case.values), seed),
        lambda: case.plan(pools).map_rng(f, seed=seed).collect(),
        "map_rng",
    )


@given(case=exactly, f=fns(numpy_drawn), seed=st.integers(0, 10**30))
def test_items_get_the_numbers_of_the_plain_loop_from_numpy(
    pools: dict[str, Pool], case: Case, f: Fn, seed: int
) -> None:
    assert_same(
        case,
        lambda: numpy_loop(f, case.values, seed),
        lambda: case.plan(pools).map_rng(f, seed=seed, numpy=True).collect(),
        "map_rng",
    )


@given(case=exactly, f=fns(drawn), seed=seeds, window=st.integers(1, 9))
def test_a_loop_over_a_plan_gets_the_same_numbers(
    pools: dict[str, Pool], case: Case, f: Fn, seed: int, window: int
) -> None:
    assert_same(
        case,
        lambda: loop(f, enumerate(case.values), seed),
        lambda: list(case.plan(pools).map_rng(f, seed=seed).buffered(window)),
        "map_rng",
    )


@given(case=exactly, f=fns(drawn), seed=seeds, step=rearrangements())
def test_items_keep_their_numbers_where_others_are_left_out_and_nothing_is_drawn_for_those(
    pools: dict[str, Pool], tallies: Tallies, case: Case, f: Fn, seed: int, step: Rearranged
) -> None:
    _, on_plan, on_items = step
    tally = tallies.of(f)
    wanted = assert_same(
        case,
        lambda: loop(f, on_items(enumerate(case.values)), seed),
        lambda: on_plan(case.plan(pools).map_rng(tally, seed=seed)).collect(),
        "map_rng",
    )

    if not isinstance(wanted, Failed):
        assert tally.items == sorted(map(str, on_items(case.values)))


@given(case=exactly, seed=seeds)
def test_the_last_item_keeps_its_numbers_when_it_comes_first(pools: dict[str, Pool], case: Case, seed: int) -> None:
    assert_same(
        case,
        lambda: loop(drawn, enumerate(case.values), seed)[::-1],
        lambda: case.plan(pools).map_rng(drawn, seed=seed).rev().collect(),
    )


@given(case=exactly, seed=seeds, size=st.integers(1, 9))
def test_items_keep_their_numbers_in_chunks_windows_and_pairs(
    pools: dict[str, Pool], case: Case, seed: int, size: int
) -> None:
    def model() -> list[Any]:
        found = loop(drawn, enumerate(case.values), seed)
        pairs = list(zip(found, found[size:], strict=False))
        chunks = [found[low : low + size] for low in range(0, len(found), size)]
        return [pairs, chunks, [found[at : at + size] for at in range(len(found) - size + 1)]]

    def run() -> list[Any]:
        plans = [case.plan(pools).map_rng(drawn, seed=seed) for _ in range(4)]
        windows = plans[3].windows(size).map(list)
        return [plans[0].zip(plans[1].skip(size)).collect(), plans[2].chunks(size).collect(), windows.collect()]

    assert_same(case, model, run)


@given(case=cases(), keep=fns(thirds), f=fns(drawn), seed=seeds)
def test_after_a_filter_positions_are_those_of_what_it_kept(
    pools: dict[str, Pool], case: Case, keep: Fn, f: Fn, seed: int
) -> None:
    assert_same(
        case,
        lambda: loop(f, enumerate(filter(keep, case.values)), seed),
        lambda: case.plan(pools).filter(keep).map_rng(f, seed=seed).collect(),
        "filter",
        "map_rng",
    )


@given(case=exactly, seed=seeds, least=st.integers(0, 50))
def test_a_search_finds_what_the_loop_finds(pools: dict[str, Pool], case: Case, seed: int, least: int) -> None:
    def is_wanted(result: tuple[int, list[float]]) -> bool:
        return result[0] >= least and sum(result[1]) > 1

    def model() -> list[Any]:
        found = list(filter(is_wanted, loop(drawn, enumerate(case.values), seed)))
        return [found[0] if found else None, found[-1] if found else None]

    def run() -> list[Any]:
        first, last = (case.plan(pools).map_rng(drawn, seed=seed) for _ in range(2))
        return [first.find_first(is_wanted), last.find_last(is_wanted)]

    assert_same(case, model, run)


def test_the_numbers_are_the_same_on_every_platform() -> None:
    plan = par_iter("abc")

    words = plan.map_rng(lambda rng, _: rng.getrandbits(32), seed=7).collect()
    numpy_words = plan.map_rng(lambda rng, _: rng.bit_generator.random_raw(), seed=7, numpy=True).collect()

    assert words == [3012497000, 4248973237, 1079836010]
    assert numpy_words == [14717904226557406096, 8865173266238536338, 11659158256815307285]


def test_no_two_positions_and_no_two_seeds_share_their_numbers() -> None:
    many = range(-20, 130)

    states = [par_iter(range(130)).map_rng(lambda rng, _: rng.getrandbits(128), seed=seed).collect() for seed in many]

    assert len(set(itertools.chain.from_iterable(states))) == len(many) * 130


@pytest.mark.parametrize("source", SOURCES)
def test_the_length_is_known_where_that_of_the_items_is(source: str) -> None:
    plan = par_iter(SOURCES[source]([5, 6, 7]))

    assert plan.map_rng(drawn, seed=1)._plan.length() == plan._plan.length()


ENDLESS: dict[str, Callable[[], Any]] = {
    "repeated": lambda: repeat(6),
    "range": lambda: par_iter(range(6, 10**40)),
    "iterator": lambda: par_iter(itertools.count(6)),
}


@pytest.mark.parametrize("source", ENDLESS)
def test_sources_without_an_end_have_numbers_at_any_position(source: str, every_engine: Pool) -> None:
    wanted = [numbers for _, numbers in loop(drawn, ((2, 6), (3, 6)), 1)]

    found = ENDLESS[source]().map(lambda _: 6).map_rng(drawn, seed=1).skip(2).take(2).on(every_engine).collect()

    assert [numbers for _, numbers in found] == wanted


def test_an_error_names_the_step_and_the_item_in_the_users_data(every_engine: Pool) -> None:
    def fail(rng: Random, item: str) -> str:
        raise ValueError(item)

    plan = par_iter("abcd").skip(2).map_rng(fail, seed=1).on(every_engine)

    with pytest.raises(ValueError, match="c") as caught:
        plan.collect()

    [note] = caught.value.__notes__
    assert note.startswith("pariter: raised by map_rng(")
    assert "fail) at item 2 ('c'), on " in note


@pytest.mark.parametrize(("policy", "kept"), [("skip", [0, 1, 3, 4]), ("return", [0, 1, None, 3, 4])])
def test_where_errors_are_survived_the_other_items_keep_their_numbers(
    policy: str, kept: list[int | None], every_engine: Pool
) -> None:
    def but_two(rng: Random, item: int) -> float:
        return 1 / 0 if item == 2 else rng.random()

    found = par_iter(range(5)).map_rng(but_two, seed=1).on_error(policy).on(every_engine).collect()

    numbers = loop(lambda rng, _: rng.random(), enumerate(range(5)), 1)
    assert [None if isinstance(each, ZeroDivisionError) else each for each in found] == [
        None if at is None else numbers[at] for at in kept
    ]


def test_without_numpy_the_call_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)

    with pytest.raises(ImportError, match=r'map_rng\(numpy=True\) needs NumPy.*pip install "pariter\[numpy\]"'):
        par_iter("abc").map_rng(drawn, seed=1, numpy=True)


def test_any_integer_is_a_seed(every_engine: Pool) -> None:
    wanted = loop(drawn, enumerate(range(5)), 3)

    found = par_iter(range(5)).map_rng(drawn, seed=numpy.int64(3)).on(every_engine).collect()  # type: ignore[arg-type]

    assert found == wanted


@pytest.mark.parametrize(
    "step",
    [
        # a step whose function runs within the leaf
        lambda plan: plan.map_rng(drawn, seed=1),
        # another, for several items at once
        lambda plan: plan.fold_chunks(2, int, max),
    ],
)
def test_explain_shows_the_barrier_in_front_of_windows(step: Any) -> None:
    plan = step(par_iter(range(9))).windows(2)

    assert "barrier  what comes before runs first, so that windows computes nothing twice" in plan.explain()
