"""KeyboardInterrupt at any bytecode of the main thread: no seat is lost, nothing hangs, the next call works."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable

import pytest

from pariter.sched.broadcast import broadcast
from pariter.sched.join import join
from pariter.sched.pool import WorkerPool
from pariter.sched.scope import scope
from pariter.sched.spawn import install, spawn

pytestmark = [
    pytest.mark.stress,
    # An interrupt within a weak reference's callback, the standard library's among them, is swallowed.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer signal here"),
]

_ROUNDS = 150


def joins(pool: WorkerPool) -> None:
    def tree(depth: int) -> None:
        if depth:
            join(pool, lambda: tree(depth - 1), lambda: tree(depth - 1))

    tree(6)


def scopes(pool: WorkerPool) -> None:
    with scope(pool) as s:
        for k in range(30):
            s.spawn(abs, k)


def futures(pool: WorkerPool) -> None:
    for future in [spawn(pool, abs, k) for k in range(10)]:
        future.result()


def visits(pool: WorkerPool) -> None:
    for _ in range(20):
        pool.seated(int)


def installs(pool: WorkerPool) -> None:
    install(pool, joins, pool)


def broadcasts(pool: WorkerPool) -> None:
    for _ in range(3):
        broadcast(pool, int)


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("work", [joins, scopes, futures, visits, installs, broadcasts])
def test_an_interrupt_anywhere_leaves_the_pool_as_it_was(size: int, work: Callable[[WorkerPool], None]) -> None:
    pool = WorkerPool(size)
    work(pool)
    begun = time.perf_counter()
    work(pool)
    usual_s = max(time.perf_counter() - begun, 1e-4)
    rng = random.Random(size)
    interrupted = 0
    armed = False

    def interrupt(*_: object) -> None:
        nonlocal armed
        if armed:
            armed = False
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for _ in range(_ROUNDS):
            try:
                armed = True
                begun = time.perf_counter()
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-6, usual_s * 1.5))
                work(pool)
                armed = False
                usual_s = min(usual_s, max(time.perf_counter() - begun, 1e-4))  # the first may have been held up
            except KeyboardInterrupt:
                interrupted += 1
            signal.setitimer(signal.ITIMER_REAL, 0)
            assert join(pool, lambda: 1, lambda: 2) == (1, 2)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    for _ in range(1000):
        if pool.seats.free == pool.seats.all:
            break
        threading.Event().wait(0.001)

    assert interrupted
    assert pool.seats.free == pool.seats.all
    assert pool.seats.guests_waiting == 0
    assert len(broadcast(pool, int)) == size
    pool.close()
