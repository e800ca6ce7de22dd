"""Futures in every order of running, helping, cancelling and waiting."""

from __future__ import annotations

from concurrent.futures import CancelledError
from contextlib import suppress

import pytest

from pariter.sched.spawn import install, spawn, yield_now
from tests.interleavings.scenarios import new_pool, sizes, try_seeds
from tests.interleavings.seeded import spread


@sizes
def test_tasks_may_wait_for_tasks_on_the_smallest_pool(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)

        def tree(depth: int) -> int:
            if not depth:
                return 1
            left, right = spawn(pool, tree, depth - 1), spawn(pool, tree, depth - 1)
            return left.result() + right.result()

        def caller() -> None:
            assert spawn(pool, tree, 2).result() == 4

        spread([caller, caller])

    try_seeds(150, scenario)
    try_seeds(15, scenario, by_bytecode=True)


@sizes
def test_a_task_is_either_cancelled_or_run(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)
        ran: list[int] = []
        futures = [spawn(pool, ran.append, k) for k in range(3)]
        outcomes: list[bool] = []

        def cancel() -> None:
            outcomes.extend(future.cancel() for future in futures)

        def wait() -> None:
            for future in futures:
                with suppress(CancelledError):
                    future.result()

        spread([cancel, wait, lambda: install(pool, wait)])
        assert len(ran) == outcomes.count(False)

    try_seeds(150, scenario)


@sizes
def test_a_wait_with_a_timeout_ends_and_a_later_one_gets_the_result(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)

        def patient(k: int) -> int:
            future = spawn(pool, abs, -k)
            with suppress(TimeoutError):
                future.result(0.0001)
            return future.result()

        spread([lambda: install(pool, patient, 3), lambda: patient(4)])  # type: ignore[list-item,func-returns-value]

    try_seeds(150, scenario)


@sizes
def test_yield_now_runs_what_is_pending_and_loses_nothing(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)

        def polite() -> None:
            future = spawn(pool, int)
            while not future.done():
                yield_now()

        spread([lambda: install(pool, polite), lambda: install(pool, polite)])
        assert yield_now() is None

    try_seeds(150, scenario)


def test_a_pool_closed_while_tasks_arrive_runs_those_it_took() -> None:
    def scenario() -> None:
        pool = new_pool(2)
        ran: list[int] = []
        taken: list[int] = []

        def submit() -> None:
            for k in range(4):
                try:
                    spawn(pool, ran.append, k)
                except RuntimeError:
                    break
                taken.append(k)

        spread([submit, pool.close])
        pool.close()
        assert sorted(ran) == taken

    try_seeds(300, scenario)


def test_cancelling_close_ends_every_future() -> None:
    def scenario() -> None:
        pool = new_pool(2)
        futures = [spawn(pool, int) for _ in range(4)]
        pool.close(cancel=True)
        assert all(future.done() for future in futures)
        with pytest.raises(RuntimeError, match="closed"):
            pool.enter()

    try_seeds(150, scenario)
