"""The laziness law and the repr law, over every step that a method adds and every kind of data."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pariter import ParIter, Pool, par_iter
from tests.laws import examples
from tests.laws.examples import CODE, MADE, ORIGINS

each_step = pytest.mark.parametrize("kind", CODE, ids=lambda kind: kind.__name__)


@each_step
def test_a_plan_gives_what_its_example_says_on_every_engine(kind: type, pools: dict[str, Pool]) -> None:
    code, wanted = CODE[kind]

    found = {name: eval(code, vars(examples)).with_min_len(99).on(pool).collect() for name, pool in pools.items()}

    assert found == dict.fromkeys(pools, wanted)


@each_step
def test_the_repr_of_a_plan_is_code_that_builds_it(kind: type) -> None:
    code, _ = CODE[kind]
    plan = eval(code, vars(examples))

    again = eval(repr(plan), vars(examples))

    assert again._plan == plan._plan
    assert repr(again) == repr(plan)


@pytest.mark.parametrize("kind", ORIGINS, ids=lambda kind: kind.__name__)
def test_the_repr_of_an_origin_is_code_unless_it_is_an_iterator(kind: type) -> None:
    data, _ = ORIGINS[kind]
    plan = par_iter(data())

    if kind.__name__ == "OneShot":
        assert "iterator" in repr(plan)
    else:
        assert eval(repr(plan), vars(examples))._plan == plan._plan


@pytest.mark.parametrize("kind", MADE, ids=lambda kind: kind.__name__)
def test_the_repr_of_a_source_is_code_that_makes_it(kind: type, pools: dict[str, Pool]) -> None:
    code, wanted = MADE[kind]
    plan = eval(code, vars(examples))

    again = eval(repr(plan), vars(examples))

    assert again._plan == plan._plan
    assert {name: again.on(pool).collect() for name, pool in pools.items()} == dict.fromkeys(pools, wanted)


@pytest.mark.parametrize(
    "options",
    [
        ".with_min_len(3).with_max_len(9)",
        ".buffered(5)",
        ".on('serial')",
        ".by_uniform_blocks(4)",
        ".by_exponential_blocks()",
        ".unordered()",
        ".reproducible()",
        ".timeout(2.5)",
    ],
)
def test_the_repr_of_a_plan_shows_its_options_as_code(options: str) -> None:
    plan = eval(f"par_iter([1, 2]){options}")

    assert repr(plan) == f"par_iter([1, 2]){options}"


class Untouchable:
    """Data that says when it is read."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: Any) -> Any:
        raise AssertionError("an item was read")

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("an item was read")


class Iterable:
    """As `Untouchable`, without a length."""

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("an item was read")


def called(*args: Any) -> Any:
    raise AssertionError("a function was called")


def lazily(plan: ParIter[Any], other: Any) -> Iterator[Any]:
    """Each adapter over `plan`."""
    for name in ("map", "starmap", "filter", "filter_map", "flat_map", "inspect", "map_batches", "positions", "scan"):
        yield getattr(plan, name)(called)
    for name in ("take_while", "skip_while", "take_any_while", "skip_any_while"):
        yield getattr(plan, name)(called)
    for name in ("fold", "try_fold", "map_init", "map_local"):
        yield getattr(plan, name)(called, called)
    for name in ("take", "skip", "step_by", "chunks", "windows", "take_any", "skip_any", "with_min_len", "buffered"):
        yield getattr(plan, name)(2)
    for name in ("zip", "chain", "interleave", "interleave_shortest"):
        yield getattr(plan, name)(other)
    yield plan.fold_with(0, called)
    yield plan.fold_chunks(2, called, called)
    yield plan.intersperse(called)
    yield from (plan.flatten(), plan.while_some(), plan.enumerate(), plan.rev(), reversed(plan))


@pytest.mark.parametrize("data", [Untouchable, lambda: map(called, [1, 2])], ids=["sequence", "iterator"])
def test_building_a_plan_calls_nothing_reads_nothing_and_starts_nothing(data: Any) -> None:
    threads = threading.enumerate()

    for plan in lazily(par_iter(data()), data()):
        for longer in lazily(plan, data()):
            repr(longer)
            longer.explain()

    assert set(threading.enumerate()) <= set(threads)
