"""Helpers call copies of functions, and nobody can tell: effects, exceptions, streams and nested plans included."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pariter import ParIter, ThreadPool, par_iter
from pariter.engines import own
from pariter.plan import explain, localise

BIG = 10**6
BIG_OBJECT = int("1000000")
LONG_S = 60


@pytest.fixture(autouse=True)
def without_gil(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every interpreter behave as if it had no GIL."""
    monkeypatch.setattr(own, "pays", lambda: True)


@pytest.fixture(autouse=True)
def surveyed(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when it is known what may be copied."""
    event = Watched.surveyed = threading.Event()
    survey = own.OwnFunctions.survey

    def reported(self: own.OwnFunctions, *args: Any) -> None:
        survey(self, *args)
        event.set()

    monkeypatch.setattr(own.OwnFunctions, "survey", reported)
    return event


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    with ThreadPool(2) as pool:
        yield pool


class Watched:
    """A function that knows which threads called which object of its default, and lets both have their share.

    A helper that has no copy yet waits for the survey, and the caller after the survey for a helper with a copy.
    """

    surveyed: threading.Event

    def __init__(self) -> None:
        self.caller = threading.current_thread()
        self.own_number: set[tuple[bool, bool]] = set()
        self.helper_came = threading.Event()

    def is_of_a_copy(self, number: int) -> bool:
        return number is not BIG_OBJECT

    def call(self, number: int) -> None:
        is_caller = threading.current_thread() is self.caller
        self.own_number.add((is_caller, not self.is_of_a_copy(number)))
        if is_caller:
            assert not self.surveyed.is_set() or self.helper_came.wait(LONG_S)
        elif self.is_of_a_copy(number):
            self.helper_came.set()
        else:
            assert self.surveyed.wait(LONG_S)


def watched_function(watched: Watched) -> Callable[[int], int]:
    def fn(x: int, number: int = BIG_OBJECT) -> int:
        watched.call(number)
        return x

    return fn


@pytest.mark.parametrize(
    "plan",
    [
        lambda p, fn: p.map(fn),
        # the function lies below another source
        lambda p, fn: p.map(fn).enumerate().map(lambda pair: pair[1]),
        lambda p, fn: p.zip(par_iter(range(10**5)).map(fn)).map(lambda pair: pair[1]),
        lambda p, fn: p.chunks(3).flat_map(lambda chunk: chunk).map(fn),
    ],
)
def test_helpers_call_copies_and_the_caller_the_function_itself(pool: ThreadPool, plan: Any) -> None:
    watched = Watched()
    items: ParIter[int] = plan(par_iter(range(10**5)).on(pool), watched_function(watched))

    assert items.sum() == sum(range(10**5))
    assert (True, True) in watched.own_number
    assert (False, False) in watched.own_number
    assert (True, False) not in watched.own_number


def test_a_sink_calls_copies_as_well(pool: ThreadPool) -> None:
    watched = Watched()
    fn = watched_function(watched)

    assert par_iter(range(10**5)).on(pool).max(key=fn) == 10**5 - 1
    assert (False, False) in watched.own_number


def test_helpers_of_a_stream_call_copies(pool: ThreadPool) -> None:
    watched = Watched()

    assert list(par_iter(range(10**5)).on(pool).map(watched_function(watched))) == list(range(10**5))
    assert (False, False) in watched.own_number


def test_a_counter_that_a_function_binds_is_counted_by_all(pool: ThreadPool) -> None:
    lock = threading.Lock()
    both = threading.Barrier(2)
    seen: set[int] = set()
    total = 0

    def add(x: int) -> None:
        nonlocal total
        if threading.get_ident() not in seen:
            seen.add(threading.get_ident())
            both.wait(LONG_S)
        with lock:
            total += x

    par_iter(range(10**4)).on(pool).for_each(add)

    assert total == sum(range(10**4))
    assert len(seen) == 2


def test_an_exception_out_of_a_copy_is_noted_as_that_of_the_function(pool: ThreadPool) -> None:
    watched = Watched()

    def parse(x: int, number: int = BIG_OBJECT) -> int:
        watched.call(number)
        if watched.is_of_a_copy(number):
            raise ValueError(x)
        return x

    with pytest.raises(ValueError) as caught:
        par_iter(range(10**5)).on(pool).map(parse).map(lambda x: x + 1).sum()

    item = caught.value.args[0]
    (note,) = caught.value.__notes__
    assert note.startswith(f"pariter: raised by map(parse) at item {item} ({item}), on thread pariter-")


def test_nothing_of_a_run_is_kept_alive_by_copies(pool: ThreadPool, monkeypatch: pytest.MonkeyPatch) -> None:
    copies: list[weakref.ref[Any]] = []
    copied = localise.Copies._copied

    def remembering(self: Any, fn: Any) -> Any:
        copy = copied(self, fn)
        copies.append(weakref.ref(copy))
        return copy

    monkeypatch.setattr(localise.Copies, "_copied", remembering)
    watched = Watched()
    fn = watched_function(watched)
    par_iter(range(10**5)).on(pool).map(fn).sum()
    original = weakref.ref(fn)
    del fn, watched
    gc.collect()

    assert copies
    assert [copy() for copy in copies] == [None] * len(copies)
    assert original() is None


def test_explain_tells_what_workers_share() -> None:
    row = [1, 2, 3]
    plan = par_iter(range(3)).map(lambda x: row.index(x)).filter(bool)

    text = explain.explain(plan._plan, "threads", counting=True)

    assert text.splitlines()[2:] == [
        "  map(<lambda>)",
        (
            "  shared   the list in the variable 'row': threads take turns to count it, so cheap items will not scale; "
            "map_local(make, f) gives each worker one of its own"
        ),
        "  filter(bool)",
        "engine: threads",
    ]


def test_explain_says_nothing_of_functions_that_scale() -> None:
    amount = BIG
    plan = par_iter(range(3)).map(lambda x: x + amount).chain(par_iter([1]).map(abs))

    assert "shared" not in explain.explain(plan._plan, "threads", counting=True)


@pytest.mark.parametrize("fails", [True, False])
def test_who_is_just_leaving_has_hold_of_nothing_of_the_users(
    fails: bool, pool: ThreadPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Item:
        pass

    held: list[own.OwnFunctions] = []
    survey = own.OwnFunctions.survey

    def reported(self: own.OwnFunctions, *args: Any) -> None:
        survey(self, *args)
        held.append(self)

    monkeypatch.setattr(own.OwnFunctions, "survey", reported)
    made: list[weakref.ref[Item]] = []

    def make(n: int) -> Item:
        if fails and n == 10**5 - 1:
            raise ArithmeticError
        item = Item()
        made.append(weakref.ref(item))
        return item

    try:
        par_iter(range(10**5)).on(pool).map(make).collect()
    except ArithmeticError:
        assert fails
    gc.collect()

    assert held
    assert all(functions.copies(0) is None for functions in held)
    assert made
    assert [ref for ref in made if ref() is not None] == []
