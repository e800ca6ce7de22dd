"""Falling asleep and waking up: the narrow places, each with a scenario in which a lost wake-up is a deadlock."""

from __future__ import annotations

import pytest

from pariter.sched import _platform, stir, ticker
from pariter.sched.broadcast import broadcast
from pariter.sched.join import join
from pariter.sched.latch import Latch
from pariter.sched.scope import Scope, scope
from pariter.sched.spawn import install, spawn
from pariter.sched.ticker import PERIOD_S, unwatch, watch
from tests.interleavings.scenarios import new_pool, try_seeds
from tests.interleavings.seeded import spread
from tests.sched.helpers import index


class Run:
    """Something that lasts until it is opened."""

    def __init__(self) -> None:
        self.opened = Latch()

    def open(self) -> None:
        self.opened.set()


def test_a_job_that_comes_while_the_thread_is_dozing_off_is_run() -> None:
    def scenario() -> None:
        pool = new_pool(1)
        for _ in range(6):
            spawn(pool, int).result()

    try_seeds(600, scenario)


def test_two_jobs_that_need_each_other_both_run() -> None:
    """The second is announced while a thread is on its way to the first, and so wakes nobody itself."""

    def scenario() -> None:
        pool = new_pool(2)
        met = Latch()
        waiting = spawn(pool, met.wait)
        spawn(pool, met.set)
        assert waiting.result()

    try_seeds(600, scenario)


def test_mail_wakes_a_guest_that_waits() -> None:
    def scenario() -> None:
        pool = new_pool(1)
        delivered = Latch()

        def guest() -> None:
            worker = pool.enter()
            worker.wait(delivered)
            pool.leave(worker)

        spread([guest, lambda: broadcast(pool, delivered.set)])  # type: ignore[list-item,func-returns-value]

    try_seeds(600, scenario)


def test_mail_wakes_a_thread_that_waits_in_a_join() -> None:
    def scenario() -> None:
        pool = new_pool(2)
        begun, delivered = Latch(), Latch()
        joiners_seat: list[int] = []

        def stolen() -> None:
            begun.set()
            delivered.wait()

        def joiner() -> None:
            joiners_seat.append(index())
            join(pool, begun.wait, stolen)

        def sender() -> None:
            begun.wait()
            broadcast(pool, lambda: delivered.set() if index() == joiners_seat[0] else None)

        spread([lambda: install(pool, joiner), sender])

    try_seeds(300, scenario)


def test_the_last_worker_to_wait_wakes_one_that_waits_for_another_pool() -> None:
    def scenario() -> None:
        first, second = new_pool(2), new_pool(1)
        begun = Latch()

        def there_and_back() -> int:
            begun.set()
            _platform.sleep(PERIOD_S * 10 * stir.PATIENCE)  # Nobody watches the pool any more.
            return install(second, install, first, abs, -5)

        def outer() -> int:
            future = spawn(first, there_and_back)
            begun.wait()
            _platform.sleep(PERIOD_S * 10 * stir.PATIENCE)
            return future.result()

        assert install(first, outer) == 5

    try_seeds(600, scenario)


def test_a_task_spawned_while_its_scope_waits_wakes_the_waiter() -> None:
    def scenario() -> None:
        pool = new_pool(2)
        begun, released = Latch(), Latch()

        def slow() -> None:
            begun.set()
            released.wait()

        def block() -> None:
            with scope(pool) as s:
                s.spawn(slow)
                open_scopes.append(s)
                pool.announce(2)
                begun.wait()

        def late() -> None:
            begun.wait()
            _platform.sleep(PERIOD_S * 10 * stir.PATIENCE)  # Nobody watches the pool any more.
            open_scopes[0].spawn(released.set)

        open_scopes: list[Scope] = []
        spread([lambda: install(pool, block), late])

    try_seeds(600, scenario)


def test_what_is_watched_while_the_ticker_is_parking_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticker, "PATIENCE", 1)

    def last() -> None:
        for k in range(4):
            _platform.sleep(PERIOD_S * k / 2)
            run = Run()
            watch(run)
            run.opened.wait()
            unwatch(run)

    try_seeds(600, lambda: spread([last, last]))
    try_seeds(100, lambda: spread([last, last]), by_bytecode=True)


def test_a_job_pushed_while_its_pool_ceases_to_be_watched_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stir, "PATIENCE", 1)

    def scenario() -> None:
        pool = new_pool(2)

        def needy() -> None:
            for _ in range(4):
                met = Latch()
                join(pool, met.wait, met.set)

        pool.seated(needy)

    try_seeds(400, scenario)
    try_seeds(100, scenario, by_bytecode=True)
