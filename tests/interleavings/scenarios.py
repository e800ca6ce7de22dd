"""What the interleaving tests share: many seeds, and what must hold when a scenario is over."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from pariter.sched.pool import WorkerPool
from tests.interleavings.seeded import Seeded

SHARE = float(os.environ.get("PARITER_SEEDS", "0.2"))

pools: list[WorkerPool] = []


def new_pool(num_threads: int, **options: object) -> WorkerPool:
    """A pool that is looked at when the scenario is over."""
    pool = WorkerPool(num_threads, **options)  # type: ignore[arg-type]
    pools.append(pool)
    return pool


def try_seeds(count: int, scenario: Callable[[], None], *, by_bytecode: bool = False) -> None:
    """Run `scenario` in a share of `count` orders; afterwards all seats must be free and nothing waiting.

    The share is PARITER_SEEDS, 0.2 by default: PARITER_SEEDS=10 is for an afternoon, after a change to the scheduler.
    """
    for seed in range(max(5, int(count * SHARE))):
        pools.clear()
        try:
            Seeded(seed, by_bytecode=by_bytecode).run(scenario)
            for pool in pools:
                assert_at_rest(pool)
        except BaseException as error:
            error.add_note(f"seed {seed}{', by bytecode' if by_bytecode else ''}")
            raise
        finally:
            pools.clear()


def assert_at_rest(pool: WorkerPool) -> None:
    """No seat is taken, nobody waits, nothing lies about."""
    seats = pool.seats
    assert seats.free == seats.all, f"seats taken: {seats.all ^ seats.free:b}"
    assert seats.searching == 0
    assert seats.blocked == 0
    assert seats.guests_waiting == 0
    assert not seats.strangers
    assert not pool.leapers
    assert not pool.has_jobs()
    for worker in pool.workers:
        assert not worker.taken
        assert not worker.mailbox
        assert worker.pool is None
        assert worker.root is None


sizes = pytest.mark.parametrize("num_threads", [1, 2, 3])
