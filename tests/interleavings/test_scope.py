"""Scopes in every order of spawning, running and waiting."""

from __future__ import annotations

import pytest

from pariter.sched import _platform
from pariter.sched.join import join
from pariter.sched.latch import Latch
from pariter.sched.scope import Scope, scope
from pariter.sched.spawn import install
from tests.interleavings.scenarios import new_pool, sizes, try_seeds
from tests.interleavings.seeded import spread


@sizes
def test_everything_spawned_from_tasks_too_ends_before_the_block(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)

        def grow(s: Scope, depth: int, ran: list[int]) -> None:
            ran.append(depth)
            if depth:
                s.spawn(grow, s, depth - 1, ran)
                s.spawn(grow, s, depth - 1, ran)

        def caller() -> None:
            ran: list[int] = []
            with scope(pool) as s:
                s.spawn(grow, s, 2, ran)
            assert sorted(ran) == [0, 0, 0, 0, 1, 1, 2]

        spread([caller, lambda: install(pool, caller)])

    try_seeds(150, scenario)
    try_seeds(15, scenario, by_bytecode=True)


@sizes
def test_the_body_may_block_on_what_a_task_does(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)

        def caller() -> None:
            answered = Latch()
            with scope(pool) as s:
                s.spawn(answered.set)
                answered.wait()

        spread([caller, caller])

    try_seeds(150, scenario)


@sizes
def test_all_errors_come_as_one_group_in_order(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)

        def fail(k: int) -> None:
            raise ValueError(k)

        with pytest.raises(ExceptionGroup) as caught, scope(pool) as s:
            for k in range(3):
                s.spawn(fail, k)
            raise KeyError("body")
        assert [repr(error) for error in caught.value.exceptions] == [
            "KeyError('body')",
            "ValueError(0)",
            "ValueError(1)",
            "ValueError(2)",
        ]

    try_seeds(100, scenario)


@sizes
def test_cancelled_tasks_count_as_ended_whoever_was_first(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)
        ran: list[int] = []
        with scope(pool) as s:
            futures = [s.spawn(ran.append, k) for k in range(4)]
            cancelled = [future.cancel() for future in futures]
        assert len(ran) == cancelled.count(False)
        assert [future.cancelled() for future in futures] == cancelled

    try_seeds(150, scenario)


@sizes
def test_a_block_left_by_ctrl_c_drops_what_has_not_begun_whoever_is_at_it(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)
        ran: list[int] = []
        with pytest.raises(KeyboardInterrupt), scope(pool) as s:
            futures = [s.spawn(ran.append, k) for k in range(3)]
            raise KeyboardInterrupt
        assert all(future.done() for future in futures)
        assert len(ran) == [future.cancelled() for future in futures].count(False)

    try_seeds(100, scenario)
    try_seeds(50, scenario, by_bytecode=True)


@sizes
def test_scopes_in_joins_in_scopes_end(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)
        lock = _platform.new_lock()
        count = [0]

        def leaf() -> None:
            with lock:
                count[0] += 1

        def inner() -> None:
            with scope(pool) as s:
                s.spawn(leaf)
                s.spawn(leaf)

        with scope(pool) as s:
            s.spawn(join, pool, inner, inner)
            s.spawn(inner)
        assert count == [6]

    try_seeds(100, scenario)
