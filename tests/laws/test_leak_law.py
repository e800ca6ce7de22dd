"""The leak law: after a run nothing keeps its items, results, functions or exceptions alive."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from pariter import Pool, par_iter
from tests.eager import eager
from tests.sched.helpers import dies


class Thing:
    """Something that can be watched dying, and that travels."""

    def __init__(self, n: int) -> None:
        self.n = n


class Failure(Exception):
    """An exception that can be watched dying."""


def closure(watched: list[weakref.ref[Any]]) -> Callable[[Thing], Thing]:
    kept = Thing(-1)
    watched.append(weakref.ref(kept))

    def f(thing: Thing) -> Thing:
        return Thing(thing.n + kept.n)

    watched.append(weakref.ref(f))
    return f


def things(watched: list[weakref.ref[Any]], size: int) -> list[Thing]:
    made = [Thing(n) for n in range(size)]
    watched += map(weakref.ref, made)
    return made


def collect(pool: Pool, watched: list[weakref.ref[Any]]) -> None:
    found = par_iter(things(watched, 40)).map(closure(watched)).on(pool).collect()
    watched += map(weakref.ref, found)


def barrier(pool: Pool, watched: list[weakref.ref[Any]]) -> None:
    plan = par_iter(things(watched, 40)).filter(lambda thing: thing.n % 3).map(closure(watched))
    watched += map(weakref.ref, plan.rev().chunks(3).on(pool).collect()[0])


def iterate(pool: Pool, watched: list[weakref.ref[Any]]) -> None:
    watched += map(weakref.ref, par_iter(iter(things(watched, 40))).map(closure(watched)).on(pool))


def leave(pool: Pool, watched: list[weakref.ref[Any]]) -> None:
    items = iter(par_iter(things(watched, 40)).map(closure(watched)).on(pool))
    watched.append(weakref.ref(next(items)))
    items.close()  # type: ignore[attr-defined]


def fail(pool: Pool, watched: list[weakref.ref[Any]]) -> None:
    def f(thing: Thing) -> Thing:
        if thing.n > 20:
            raise Failure(thing)
        return thing

    with pytest.raises(Failure) as caught:
        par_iter(things(watched, 40)).map(closure(watched)).map(f).on(pool).collect()
    watched.append(weakref.ref(caught.value))


def find(pool: Pool, watched: list[weakref.ref[Any]]) -> None:
    found = par_iter(things(watched, 40)).map(closure(watched)).on(pool).find_first(lambda thing: thing.n == 7)
    watched.append(weakref.ref(found))


@pytest.mark.parametrize("use", [collect, barrier, iterate, leave, fail, find])
def test_nothing_of_a_run_is_alive_after_it(use: Any, every_engine: Pool) -> None:
    watched: list[weakref.ref[Any]] = []

    with eager():
        use(every_engine, watched)
    gc.collect()

    assert len(watched) > 40
    assert [ref() for ref in watched if not dies(ref)] == []
