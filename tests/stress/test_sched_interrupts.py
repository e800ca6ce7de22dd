"""KeyboardInterrupt at any bytecode of the main thread: no seat is lost, nothing hangs, the next call works."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import pytest

from pariter.sched.broadcast import broadcast
from pariter.sched.join import join
from pariter.sched.pool import WorkerPool
from pariter.sched.scope import scope
from pariter.sched.spawn import install, spawn
from tests.stress.alarms import BY_ALARM, Alarm

pytestmark = BY_ALARM

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

    with Alarm() as alarm:
        for _ in range(_ROUNDS):
            try:
                begun = time.perf_counter()
                alarm.set(rng.uniform(1e-6, usual_s * 1.5))
                work(pool)
                alarm.stop()
                usual_s = min(usual_s, max(time.perf_counter() - begun, 1e-4))  # the first may have been held up
            except KeyboardInterrupt:
                interrupted += 1
            alarm.stop()
            assert join(pool, lambda: 1, lambda: 2) == (1, 2)

    for _ in range(1000):
        if pool.seats.free == pool.seats.all:
            break
        threading.Event().wait(0.001)

    assert interrupted
    assert pool.seats.free == pool.seats.all
    assert pool.seats.guests_waiting == 0
    assert len(broadcast(pool, int)) == size
    pool.close()
