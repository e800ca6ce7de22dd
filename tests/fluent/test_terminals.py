"""Terminal methods do what the builtins of the same name do."""

from __future__ import annotations

import array
import math
import operator
from collections import Counter, OrderedDict, deque
from fractions import Fraction
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pariter import Pool, par_iter
from tests.eager import eager

ITEMS = [(n * 7 % 10, str(n % 3)) for n in range(30)]


@pytest.mark.parametrize("into", [list, tuple, set, frozenset, deque, dict, OrderedDict, Counter, sorted])
def test_collect_makes_what_the_target_makes_of_the_items(into: Any, every_engine: Pool) -> None:
    with eager():
        found = par_iter(ITEMS).map(tuple).on(every_engine).collect(into)

    assert found == into(ITEMS)
    assert type(found) is type(into(ITEMS))
    if isinstance(found, dict):
        assert list(found.items()) == list(into(ITEMS).items())


def test_collect_joins_text_and_bytes(every_engine: Pool) -> None:
    with eager():
        assert par_iter("banana").map(str.upper).on(every_engine).collect(str) == "BANANA"
        assert par_iter(b"banana").map(lambda n: n + 1).on(every_engine).collect(bytes) == b"cbobob"
        assert par_iter([b"ba", b"na"]).map(bytes).on(every_engine).collect(bytes) == b"bana"
        assert par_iter("").on(every_engine).collect(str) == ""
        assert par_iter(b"").on(every_engine).collect(bytes) == b""


def test_collect_into_assigns_the_items_only_on_success(every_engine: Pool) -> None:
    for out in ([0] * 5, array.array("q", [0] * 5), numpy.zeros(5, dtype="q"), bytearray(5)):
        par_iter(range(5)).map(lambda n: n * 2).on(every_engine).collect_into(out)
        assert list(out) == [0, 2, 4, 6, 8]
        with pytest.raises(ZeroDivisionError):
            par_iter(range(5)).map(lambda n: 1 // (4 - n)).on(every_engine).collect_into(out)
        with pytest.raises(ValueError, match="4 items for 5 places"):
            par_iter(range(5)).filter().on(every_engine).collect_into(out)
        assert list(out) == [0, 2, 4, 6, 8]


@given(
    items=st.lists(st.integers(-9, 9), max_size=40),
    start=st.sampled_from([0, 5, 2.5, Fraction(1, 3)]),
    modulus=st.integers(1, 5),
)
def test_sums_and_extremes_are_those_of_the_builtins(
    pools: dict[str, Pool], items: list[int], start: Any, modulus: int
) -> None:
    def key(pair: tuple[int, int]) -> int:
        return pair[1] % modulus

    pairs = list(enumerate(items))
    for pool in pools.values():
        with eager():
            plan = par_iter(items).on(pool)
            tagged = par_iter(pairs).on(pool)
            assert plan.sum(start) == sum(items, start)
            assert type(plan.sum(start)) is type(sum(items, start))
            assert plan.product(start) == math.prod(items, start=start)
            # Of equal items the first.
            assert tagged.min(key=key, default=None) == min(pairs, key=key, default=None)
            assert tagged.max(key=key, default=None) == max(pairs, key=key, default=None)
            assert plan.any() is any(items)
            assert plan.all() is all(items)
            assert plan.count() == len(items)


def test_lists_are_added_without_changing_the_first_or_the_start(every_engine: Pool) -> None:
    items, start = [[1], [2], [3]], [0]

    assert par_iter(items).on(every_engine).sum(start) == [0, 1, 2, 3]
    assert (items, start) == ([[1], [2], [3]], [0])


class Joined:
    """Texts may be added to it, which the builtin `sum` allows."""

    def __init__(self, text: str | bytes) -> None:
        self.text = text

    def __add__(self, other: Any) -> Joined:
        return Joined(self.text + other)


@pytest.mark.parametrize("words", [["a", "b", "c"] * 40, [b"a", b"b", b"c"] * 40])
def test_texts_are_added_to_a_start_that_takes_them(every_engine: Pool, words: list[Any]) -> None:
    empty: Any = words[0][:0]

    with eager():
        found = par_iter(words).on(every_engine).sum(Joined(empty))

    assert found.text == empty.join(words)


@pytest.mark.parametrize("words", [["a"], ["a", "b"], [1, "a", "b"], [b"a"]])
def test_a_sum_of_texts_raises_what_the_builtin_raises(every_engine: Pool, words: list[Any]) -> None:
    with pytest.raises(TypeError) as wanted:
        sum(words)

    with eager(), pytest.raises(TypeError) as raised:
        par_iter(words).on(every_engine).sum()

    assert str(raised.value) == str(wanted.value)


def test_operands_of_a_reduction_come_from_left_to_right(every_engine: Pool) -> None:
    words = [chr(97 + n % 26) for n in range(200)]

    with eager():
        assert par_iter(words).on(every_engine).reduce(str, operator.add) == "".join(words)
        assert par_iter(words).on(every_engine).reduce_with(operator.add) == "".join(words)


def test_a_reproducible_sum_has_the_same_bits_on_every_engine(pools: dict[str, Pool]) -> None:
    items = [math.sin(n) * 10.0 ** (n % 30) for n in range(3000)]

    with eager():
        found = {par_iter(items).map(abs).reproducible().on(pool).sum() for pool in pools.values()}

    assert len(found) == 1


def test_for_each_calls_its_function_once_for_each_item(every_shared: Pool) -> None:
    seen: list[int] = []

    with eager():
        par_iter(range(200)).for_each(seen.append)
        par_iter(range(200, 300)).on(every_shared).for_each(seen.append)

    assert sorted(seen) == list(range(300))
