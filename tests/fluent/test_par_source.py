"""`__par_source__`: a class of the user's as a source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pariter import ParIter, Pool, par_iter, par_sorted, par_zip


class Numbers:
    """Says what its items are, in a way of its own."""

    def __init__(self, given: Any) -> None:
        self.given = given
        self.asked = 0

    def __par_source__(self) -> Any:
        self.asked += 1
        return self.given


class Both(Numbers):
    """Could be iterated as well."""

    def __iter__(self) -> Iterator[int]:
        raise AssertionError("asked for an iterator")

    def __len__(self) -> int:
        raise AssertionError("asked for its length")

    def __getitem__(self, at: int) -> int:
        raise AssertionError("asked for an item")


SOURCES = [lambda: [3, 1, 2], lambda: iter((3, 1, 2)), lambda: par_iter([2, 0, 1]).map(lambda n: n + 1)]


@pytest.mark.parametrize("make", SOURCES)
def test_its_items_are_those_of_what_it_returns(every_engine: Pool, make: Any) -> None:
    assert par_iter(Numbers(make())).on(every_engine).map(str).collect() == ["3", "1", "2"]
    assert par_iter(Both(make())).on(every_engine).rev().collect() == [2, 1, 3]
    assert par_iter(Numbers(Numbers(make()))).on(every_engine).enumerate().collect() == [(0, 3), (1, 1), (2, 2)]


def test_it_goes_wherever_data_goes(every_engine: Pool) -> None:
    numbers = Numbers([3, 1, 2])

    assert par_zip(numbers, "abc").on(every_engine).collect() == [(3, "a"), (1, "b"), (2, "c")]
    assert par_iter("ab").zip(numbers).on(every_engine).collect() == [("a", 3), ("b", 1)]
    assert par_iter([9]).chain(numbers).on(every_engine).collect() == [9, 3, 1, 2]
    assert par_iter([9, 8]).interleave(numbers).on(every_engine).collect() == [9, 3, 8, 1, 2]
    assert par_iter([3, 1, 2]).on(every_engine).equals(numbers)
    assert par_iter([3, 1]).on(every_engine).cmp(numbers) == -1
    assert par_sorted(numbers) == [1, 2, 3]


def test_it_is_asked_once_when_the_plan_is_built() -> None:
    numbers = Numbers([3, 1, 2])

    plan = par_iter(numbers)

    assert numbers.asked == 1
    assert (len(plan), plan.sum(), plan.sum()) == (3, 6, 6)
    assert numbers.asked == 1
    assert repr(plan) == "par_iter([3, 1, 2])"


def test_a_class_itself_is_not_asked() -> None:
    with pytest.raises(TypeError, match=r"par_iter\(\) takes a sequence"):
        par_iter(Numbers)


def test_what_it_returns_must_be_a_source() -> None:
    with pytest.raises(TypeError, match=r"chain\(\) takes a sequence, .* got 5 of type int"):
        par_iter([1]).chain(Numbers(5))  # type: ignore[arg-type]


def test_returning_itself_is_an_error_and_no_endless_question() -> None:
    class Mirror:
        def __par_source__(self) -> Any:
            return self

    with pytest.raises(TypeError, match=r"par_iter\(\) got a Mirror whose __par_source__\(\) returned itself"):
        par_iter(Mirror())


def test_the_type_of_its_items_is_known() -> None:
    class Words:
        def __par_source__(self) -> list[str]:
            return ["a"]

    plan: ParIter[str] = par_iter(Words())

    assert plan.collect() == ["a"]
