"""Pools of the sizes that matter, closed at the end; ways to make threads meet without sleeping."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from pariter.sched.pool import WorkerPool
from pariter.sched.worker import current_worker

sizes = pytest.mark.parametrize("size", [1, 2, 3, 7])
MEETING_S = 20


@contextmanager
def a_pool(size: int, **options: object) -> Iterator[WorkerPool]:
    """A pool that is closed, and waited for, at the end of the block."""
    pool = WorkerPool(size, **options)  # type: ignore[arg-type]
    try:
        yield pool
    finally:
        pool.close()


def index() -> int:
    """The index of the worker as which this function is being run."""
    worker = current_worker()
    assert worker is not None
    return worker.index


def meet(barrier: threading.Barrier) -> int:
    """Wait until as many are here as the barrier is for; the index."""
    barrier.wait(MEETING_S)
    return index()


def in_threads(count: int, fn: Callable[[int], object]) -> None:
    """Run `fn(0)` to `fn(count - 1)` on threads of their own and raise what any raised."""
    errors: list[BaseException] = []

    def run(place: int) -> None:
        try:
            fn(place)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class Thing:
    """Something that can be watched dying."""


GIL = getattr(sys, "_is_gil_enabled", lambda: True)()


def dies(ref: weakref.ref[object]) -> bool:
    """Whether it is dead, or at once when threads have had time to leave their frames.

    A free-threaded build leaves what a thread has made, and another drops last, to the next time that thread runs, or
    to the garbage collector.
    """
    for _ in range(1000):
        if ref() is None:
            return True
        if not GIL:
            gc.collect()
        threading.Event().wait(0.001)
    return False
