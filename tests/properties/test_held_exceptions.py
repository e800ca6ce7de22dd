"""An exception held in front of a barrier stands at its place: nothing that picks or mixes positions passes it over."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pariter import ParIter, Pool, par_iter


class Ended(Exception):
    """Raised where a stream of numbers breaks off."""


def numbers(many: int, fails: bool) -> Iterator[int]:
    yield from range(many)
    if fails:
        raise Ended(many)


def reached(items: Iterator[Any]) -> list[Any]:
    """The items up to the exception, and the place where it was raised, if it was."""
    found: list[Any] = []
    try:
        found.extend(items)
    except Ended as error:
        found.append(repr(error))
    return found


def alternated(a: Iterator[Any], b: Iterator[Any]) -> Iterator[Any]:
    turns, others = a, b
    while True:
        for item in turns:
            yield item
            turns, others = others, turns
            break
        else:
            yield from others
            return


def grouped(items: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while group := list(itertools.islice(items, size)):
        yield group


def pairs(items: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
    left = next(items, None)
    for right in items:
        yield left, right
        left = right


def spaced(items: Iterator[Any]) -> Iterator[Any]:
    """The value stands in front of an exception as it stands in front of an item."""
    yield from itertools.islice(items, 1)
    while True:
        try:
            item = next(items)
        except StopIteration:
            return
        except Ended:
            yield None
            raise
        yield None
        yield item


def turned(items: Iterator[Any]) -> Iterator[Any]:
    yield from reversed(list(items))


Mixed = tuple[Callable[[Any, Any], Iterator[Any]], Callable[[ParIter[Any], ParIter[Any]], ParIter[Any]]]

MIXED: dict[str, Mixed] = {
    "chain": (itertools.chain, lambda a, b: a.chain(b)),
    "interleave": (alternated, lambda a, b: a.interleave(b)),
    "zip": (zip, lambda a, b: a.zip(b)),
    "chunks": (lambda a, b: grouped(a, 3), lambda a, b: a.chunks(3)),
    "windows": (lambda a, b: pairs(a), lambda a, b: a.windows(2)),
    "intersperse": (lambda a, b: spaced(a), lambda a, b: a.intersperse(None)),
    "rev": (lambda a, b: turned(a), lambda a, b: a.rev()),
    "enumerate": (lambda a, b: enumerate(a), lambda a, b: a.enumerate()),
}

ended = st.tuples(st.integers(0, 12), st.booleans())


def held(many: int, fails: bool, barrier: bool) -> ParIter[int]:
    """The numbers as a stream, or as the results that a barrier held, the exception among them."""
    if not barrier:
        return par_iter(numbers(many, fails))

    def checked(number: int) -> int:
        if number == many:
            raise Ended(many)
        return number

    return par_iter(list(range(many + fails))).map(checked).scan(max)


@pytest.mark.parametrize("name", MIXED)
@example(a=(1, True), b=(0, True), skipped=2, step=1, barrier=False)
@given(a=ended, b=ended, skipped=st.integers(0, 30), step=st.integers(1, 4), barrier=st.booleans())
def test_what_follows_a_held_exception_is_never_reached(
    pools: dict[str, Pool],
    name: str,
    a: tuple[int, bool],
    b: tuple[int, bool],
    skipped: int,
    step: int,
    barrier: bool,
) -> None:
    model, plan = MIXED[name]
    wanted = reached(itertools.islice(model(numbers(*a), numbers(*b)), skipped, None, step))

    mixed = plan(held(*a, barrier), held(*b, barrier)).skip(skipped).step_by(step)
    found = (
        {pool: reached(iter(mixed.on(pools[pool]))) for pool in ("serial", "threads-2")}
        if barrier
        else {"serial": reached(iter(mixed.on(pools["serial"])))}
    )

    assert all(items == wanted for items in found.values()), (found, wanted)
