"""par_zip, once, empty and repeat."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat as endless
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pariter import Pool, empty, once, par_iter, par_zip, repeat
from tests.conftest import ENGINES
from tests.eager import eager

engines = st.sampled_from(ENGINES)
lists = st.lists(st.integers(), max_size=30)


@given(st.lists(lists, max_size=4), engines)
def test_par_zip_is_zip(pools: dict[str, Pool], sources: list[list[int]], engine: str) -> None:
    with eager():
        zipped = par_zip(*sources).on(pools[engine])

        assert zipped.collect() == list(zip(*sources, strict=False))
        assert list(zipped) == list(zip(*sources, strict=False))


def test_par_zip_takes_plans_iterators_and_endless_sources(every_engine: Pool) -> None:
    plan = par_zip(par_iter(range(9)).filter(lambda n: n % 2), iter("abcdef"), repeat(7))

    assert plan.on(every_engine).collect() == [(1, "a", 7), (3, "b", 7), (5, "c", 7), (7, "d", 7)]


@given(st.integers(), st.integers(0, 50), engines)
def test_repeat_is_that_many_times_the_same_object(pools: dict[str, Pool], x: int, n: int, engine: str) -> None:
    with eager():
        assert repeat(x, n).on(pools[engine]).collect() == [x] * n
        assert repeat(x).on(pools[engine]).take(n).collect() == [x] * n
        assert repeat(x).zip(range(n)).on(pools[engine]).collect() == list(zip(endless(x, n), range(n), strict=True))


def test_repeated_objects_are_not_copied(every_shared: Pool) -> None:
    thing = object()

    assert all(found is thing for found in repeat(thing, 100).on(every_shared).collect())


def test_once_and_empty(every_engine: Pool) -> None:
    nothing: list[Any] = []

    assert once(nothing).on(every_engine).collect() == [nothing]
    assert once(3).chain(empty(), once(4)).on(every_engine).sum() == 7
    assert empty().on(every_engine).collect() == []
    assert empty().on(every_engine).max(default="none") == "none"
    assert (len(once(None)), len(empty()), len(repeat(1, 5))) == (1, 0, 5)


def test_what_would_never_end_is_an_error_at_the_call() -> None:
    for method in ("collect", "rev", "count"):
        with pytest.raises(ValueError, match="would never end"):
            getattr(repeat(1), method)()
    with pytest.raises(OverflowError):
        len(repeat(1))


def test_a_search_in_an_endless_plan_ends(every_engine: Pool) -> None:
    assert repeat(4).on(every_engine).any()
    assert repeat(4).enumerate().on(every_engine).find_first(lambda pair: pair[0] == 1000) == (1000, 4)


def test_bad_counts_raise_at_the_call() -> None:
    with pytest.raises(ValueError, match=r"repeat\(\) needs a count of at least 0, got -1"):
        repeat(1, -1)
    with pytest.raises(TypeError, match=r"repeat\(\) needs an integer count, got 'x'"):
        repeat(1, "x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"par_zip\(\) takes a sequence"):
        par_zip([1], 5)


def test_repr_is_code() -> None:
    assert repr(repeat(1, 2).map(str)) == "repeat(1, 2).map(str)"
    assert repr(repeat("a")) == "repeat('a')"
    assert repr(par_zip("ab", [1])) == "par_iter('ab').zip(par_iter([1]))"


class Doubled(list[int]):
    def __iter__(self) -> Iterator[int]:
        return (2 * n for n in list.__iter__(self))


class Subscripted(list[int]):
    def __getitem__(self, index: Any) -> Any:
        return "never in a loop"


class Short(list[int]):
    def __len__(self) -> int:
        return 1


class Decoded(list[int]):
    """Lists that make their items as they are asked for say so in both ways."""

    def __iter__(self) -> Iterator[int]:
        return (self[at] for at in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        return -int(list.__getitem__(self, index))


@pytest.mark.parametrize("kind", [Doubled, Subscripted, Short, Decoded])
def test_a_subclass_of_a_list_gives_what_a_loop_over_it_gives(kind: type[list[int]]) -> None:
    data = kind(range(5))

    assert par_iter(data).map(str).collect() == [str(n) for n in data]
