"""Joins in every order of pushing, stealing, leapfrogging and ending."""

from __future__ import annotations

from collections import Counter

import pytest

from pariter.sched import _platform
from pariter.sched.broadcast import broadcast
from pariter.sched.join import join
from pariter.sched.pool import WorkerPool
from pariter.sched.spawn import install, spawn
from pariter.sched.worker import current_worker
from tests.interleavings.scenarios import new_pool, sizes, try_seeds
from tests.interleavings.seeded import spread


def wake_all(pool: WorkerPool) -> None:
    """Let idle workers look for work now, without waiting for the ticker."""
    pool.announce(pool.num_threads)


def fib(pool: WorkerPool, n: int, calls: Counter[int]) -> int:
    worker = current_worker()
    assert worker is None or worker.index < pool.num_threads
    if n < 2:
        calls[n] += 1
        return n
    if n == 4:
        wake_all(pool)
    a, b = join(pool, lambda: fib(pool, n - 1, calls), lambda: fib(pool, n - 2, calls))
    return int(a + b)


@sizes
def test_nested_joins_make_every_call_once(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)

        def caller() -> None:
            calls: Counter[int] = Counter()
            assert fib(pool, 5, calls) == 5
            assert calls.total() == 8
            assert current_worker() is None

        spread([caller, caller])

    try_seeds(150, scenario)
    try_seeds(15, scenario, by_bytecode=True)


@sizes
def test_joins_of_many_keep_their_order_and_make_every_call_once(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)
        calls: Counter[int] = Counter()

        def call(k: int) -> int:
            calls[k] += 1
            if k == 0:
                wake_all(pool)
            return k

        def caller() -> None:
            assert join(pool, *(lambda k=k: call(k) for k in range(5))) == (0, 1, 2, 3, 4)

        spread([caller, caller])
        assert set(calls.values()) == {2}

    try_seeds(150, scenario)


@sizes
def test_the_leftmost_error_wins_after_all_calls_have_ended(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)
        ended: list[int] = []

        def call(k: int) -> None:
            if k == 0:
                wake_all(pool)
            try:
                join(pool, lambda: None, lambda: None)
                if k % 2:
                    raise ValueError(k)
            finally:
                ended.append(k)

        with pytest.raises(ValueError, match="1") as caught:
            join(pool, *(lambda k=k: call(k) for k in range(4)))
        assert sorted(ended) == [0, 1, 2, 3]
        assert any("ValueError(3)" in note for note in caught.value.__notes__)

    try_seeds(150, scenario)


@sizes
def test_spawned_tasks_in_the_same_deque_do_not_come_between(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)
        futures = []

        def call(k: int) -> int:
            futures.append(spawn(pool, abs, -k))
            return k

        assert join(pool, *(lambda k=k: call(k) for k in range(3))) == (0, 1, 2)
        assert join(pool, lambda: call(3), lambda: call(4)) == (3, 4)
        assert sorted(future.result() for future in futures) == [0, 1, 2, 3, 4]

    try_seeds(150, scenario)


def test_a_waiter_never_runs_what_does_not_descend_from_what_it_waits_for() -> None:
    """One holds a lock while it joins; what takes the lock is spawned under it, but does not belong to the join."""

    def scenario() -> None:
        pool = new_pool(3)
        lock = _platform.new_lock()

        def locked() -> None:
            with lock:
                pass

        def holder() -> None:
            with lock:
                join(pool, lambda: wake_all(pool), lambda: join(pool, int, int), lambda: spawn(pool, locked))

        spread([lambda: install(pool, holder), lambda: spawn(pool, locked).result()])  # type: ignore[list-item]

    try_seeds(200, scenario)


def test_broadcasts_run_in_the_midst_of_joins() -> None:
    def scenario() -> None:
        pool = new_pool(2)

        def caller() -> None:
            assert fib(pool, 4, Counter()) == 3

        spread([caller, lambda: broadcast(pool, int), caller])  # type: ignore[list-item,func-returns-value]

    try_seeds(150, scenario)
