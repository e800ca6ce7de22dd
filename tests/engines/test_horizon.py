"""What stops early calls few functions; what need not be called is not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from pariter import Pool, ThreadPool, par_iter
from pariter.engines.base import Run, Terms
from pariter.plan.piped import Leaf, Piped
from pariter.plan.searching import FindFirst
from pariter.plan.sources import Slices
from pariter.sched.lanes import Lane
from tests.eager import eager

SIZE = 200_000


class Calls:
    """Counts its calls; returns the item."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.seen: list[int] = []

    def __call__(self, n: int) -> int:
        with self._lock:
            self.seen.append(n)
        return n


EARLY: dict[str, Callable[[Any], Any]] = {
    "find_first": lambda plan: plan.find_first(lambda n: n >= 20),
    "find_any": lambda plan: plan.find_any(lambda n: n >= 20),
    "any": lambda plan: plan.any(lambda n: n >= 20),
    "all": lambda plan: plan.all(lambda n: n < 20),
    "position_first": lambda plan: plan.position_first(lambda n: n >= 20),
    "take_while": lambda plan: plan.take_while(lambda n: n < 20).count(),
    "filter, take": lambda plan: plan.filter(lambda n: n % 10 == 0).take(3).collect(),
    "find_last": lambda plan: plan.find_last(lambda n: n < SIZE - 20),
    "equals": lambda plan: plan.equals([0, 1, 2, 99] + [0] * (SIZE - 4)),
}


@pytest.mark.parametrize("name", EARLY)
def test_a_search_calls_far_fewer_functions_than_there_are_items(name: str, every_shared: Pool) -> None:
    calls = Calls()

    EARLY[name](par_iter(range(SIZE)).map(calls).on(every_shared))

    assert len(calls.seen) < SIZE // 4


KEPT: dict[str, tuple[Callable[[Any], Any], list[int]]] = {
    "take": (lambda plan: plan.take(4), [0, 1, 2, 3]),
    "skip": (lambda plan: plan.skip(16), [16, 17, 18, 19]),
    "step_by": (lambda plan: plan.step_by(6), [0, 6, 12, 18]),
    "zip": (lambda plan: plan.zip("abc"), [0, 1, 2]),
    "rev, take": (lambda plan: plan.rev().take(2), [18, 19]),
    "skip, take, step_by": (lambda plan: plan.skip(3).take(9).step_by(4), [3, 7, 11]),
    "chunks, take": (lambda plan: plan.chunks(3).take(2), [0, 1, 2, 3, 4, 5]),
    "enumerate, skip": (lambda plan: plan.enumerate().skip(18), [18, 19]),
}


@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize("is_stream", [False, True])
def test_a_function_runs_only_on_items_that_are_kept(name: str, is_stream: bool, every_shared: Pool) -> None:
    add, wanted = KEPT[name]
    calls = Calls()

    add(par_iter(iter(range(20)) if is_stream else range(20)).map(calls)).on(every_shared).collect()

    assert sorted(calls.seen) == wanted


def test_every_function_is_called_at_most_once_an_item(every_shared: Pool) -> None:
    calls = Calls()
    plan = par_iter(range(500)).map(calls)

    with eager():
        for run in (
            lambda: plan.windows(3).on(every_shared).collect(),
            lambda: plan.filter(lambda n: n % 2).enumerate().rev().on(every_shared).collect(),
            lambda: plan.on(every_shared).min(key=lambda n: -n),
            lambda: plan.skip_while(lambda n: n < 250).on(every_shared).collect(),
            lambda: plan.scan(int.__add__).on(every_shared).collect(),
            lambda: plan.chunks(7).flatten().chain(range(3)).on(every_shared).collect(),
        ):
            calls.seen.clear()
            run()
            assert sorted(calls.seen) == list(range(500))


def test_an_item_to_the_left_is_still_searched_after_a_find_to_the_right(threads: ThreadPool) -> None:
    found = threading.Event()

    def keep(n: int) -> bool:
        if n == 0:
            assert found.wait(20)
            return True
        if n == 30:
            found.set()
        return n == 30

    with eager():
        assert par_iter(range(40)).on(threads).find_first(keep) == 0


class RobbedWhileNoting(Run):
    """A thief comes when a leaf's find is noted, and before its owner has dropped the rest of the lane."""

    stolen: Lane | None = None

    def add(self, begin: int, leaf: Leaf) -> None:
        super().add(begin, leaf)
        self.stolen = self.stolen or self.claim()


def test_what_was_stolen_to_the_right_of_a_find_is_given_up() -> None:
    sink = FindFirst(lambda n: True)
    run = RobbedWhileNoting(Piped(Slices(range(8)), ()), sink, Terms())
    lane = run.claim()
    assert lane is not None

    run.drive(lane, "the owner")
    assert run.stolen is not None
    run.drive(run.stolen, "the thief")

    assert sink.finish(run.answer().partial) == 0
    assert run.stolen.remaining == 0


@pytest.mark.parametrize("step", ["fold_chunks", "positions"])
def test_the_last_find_is_found_from_the_right(step: str, every_shared: Pool) -> None:
    calls = Calls()
    plan = par_iter(range(SIZE)).on(every_shared)
    steps = {
        "fold_chunks": lambda: plan.fold_chunks(1, int, lambda total, n: total + calls(n)),
        "positions": lambda: plan.positions(lambda n: calls(n) >= 0),
    }

    assert steps[step]().find_last(lambda n: True) == SIZE - 1
    assert len(calls.seen) < SIZE // 4
