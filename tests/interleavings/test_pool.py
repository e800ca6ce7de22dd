"""The pool's seats, injector, mailboxes and offers, in every order."""

from __future__ import annotations

import pytest

from pariter.sched import _platform
from pariter.sched.broadcast import broadcast
from pariter.sched.latch import Latch
from pariter.sched.pool import WorkerPool
from pariter.sched.spawn import install, spawn
from pariter.sched.worker import Worker, current_worker
from tests.interleavings.scenarios import new_pool, sizes, try_seeds
from tests.interleavings.seeded import spread


class Census:
    """How many are inside at once, and with which index."""

    def __init__(self, pool: WorkerPool) -> None:
        self.pool = pool
        self.lock = _platform.new_lock()
        self.inside: list[int] = []
        self.calls = 0

    def __call__(self) -> int:
        worker = current_worker()
        assert worker is not None
        assert worker.pool is self.pool
        with self.lock:
            self.calls += 1
            self.inside.append(worker.index)
            assert len(self.inside) <= self.pool.num_threads
            assert len(set(self.inside)) == len(self.inside)
        with self.lock:
            self.inside.remove(worker.index)
        return worker.index


@sizes
def test_every_injected_job_is_run_once_and_then_all_seats_are_free(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)
        census = Census(pool)

        def caller() -> None:
            for future in [spawn(pool, census), spawn(pool, census)]:
                assert future.result() < num_threads

        spread([caller, caller, caller])
        assert census.calls == 6

    try_seeds(150, scenario)
    try_seeds(30, scenario, by_bytecode=True)


@sizes
def test_guests_and_jobs_share_the_seats_and_never_exceed_them(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)
        census = Census(pool)

        def guest() -> None:
            for _ in range(2):
                worker = pool.enter()
                assert census() == worker.index
                again = pool.enter()
                assert again is worker
                pool.leave(again)
                pool.leave(worker)
                assert current_worker() is None

        def submitter() -> None:
            for future in [spawn(pool, census) for _ in range(2)]:
                future.result()

        spread([guest, guest, submitter, guest])
        assert census.calls == 8

    try_seeds(150, scenario)
    try_seeds(30, scenario, by_bytecode=True)


@sizes
def test_a_job_spawned_by_a_guest_that_leaves_is_run_by_somebody(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)
        futures = []

        def guest() -> None:
            worker = pool.enter()
            futures.append(spawn(pool, current_worker))
            pool.leave(worker)

        spread([guest, guest])
        for future in futures:
            future.result()

    try_seeds(200, scenario)


@sizes
def test_broadcasts_reach_every_worker_once_guest_or_thread(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)

        def index() -> int:
            worker = current_worker()
            assert worker is not None
            return worker.index

        def broadcaster() -> None:
            assert broadcast(pool, index) == list(range(num_threads))

        def guest() -> None:
            worker = pool.enter()
            assert broadcast(pool, index) == list(range(num_threads))
            pool.leave(worker)

        spread([broadcaster, guest, broadcaster, guest])

    try_seeds(100, scenario)


class Pile:
    """A helpable with so many things to do, more of which may be put on it."""

    def __init__(self, height: int) -> None:
        self.lock = _platform.new_lock()
        self.height = height
        self.under_way = 0
        self.done = Latch()
        self.final = False

    def help(self, worker: Worker) -> bool:
        with self.lock:
            if not self.height:
                return False
            self.height -= 1
            self.under_way += 1
        with self.lock:
            self.under_way -= 1
            if self.final and not self.height and not self.under_way:
                self.done.set()
        return True

    def add(self, height: int, *, final: bool) -> None:
        with self.lock:
            self.height += height
            self.final = final


@sizes
def test_what_is_offered_is_helped_with_and_again_when_something_new_is_announced(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)
        pile = Pile(2)
        pool.offer(pile)
        pile.add(2, final=False)
        pool.announce()
        pile.add(1, final=True)
        pool.announce()
        pile.done.wait()
        pool.withdraw(pile)
        assert pool.offers.helpables == ()

    try_seeds(150, scenario)


def test_a_helper_on_the_only_seat_gives_it_up_for_a_guest_and_gets_it_back() -> None:
    def scenario() -> None:
        pool = new_pool(1)
        pile = Pile(6)
        pile.final = True
        pool.offer(pile)

        def guest() -> None:
            pool.leave(pool.enter())

        spread([guest, guest])
        pile.done.wait()
        pool.withdraw(pile)

    try_seeds(200, scenario)


@sizes
def test_a_guest_waits_for_what_the_others_do_while_it_serves_its_mailbox(num_threads: int) -> None:
    def scenario() -> None:
        pool = new_pool(num_threads)
        pile = Pile(3)
        pile.final = True

        def guest() -> None:
            worker = pool.enter()
            pool.offer(pile)
            while pile.help(worker):
                pass
            worker.wait(pile.done)
            pool.withdraw(pile)
            pool.leave(worker)

        spread([guest, lambda: broadcast(pool, int)])  # type: ignore[list-item,func-returns-value]

    try_seeds(150, scenario)


@pytest.mark.parametrize("chains", [1, 2, 3])
def test_installs_to_and_fro_between_two_pools_of_one_end(chains: int) -> None:
    def scenario() -> None:
        pools = [new_pool(1), new_pool(1)]

        def chain(here: int, depth: int) -> int:
            if not depth:
                return 0
            return 1 + install(pools[here], chain, 1 - here, depth - 1)

        def caller(first: int) -> None:
            assert chain(first, 4) == 4

        spread([lambda first=first: caller(first % 2) for first in range(chains)])  # type: ignore[misc]

    try_seeds(150, scenario)


def test_a_pool_can_be_closed_while_jobs_spawn_jobs_and_all_of_them_run() -> None:
    def scenario() -> None:
        pool = new_pool(2)
        ran = []

        def job(depth: int) -> None:
            if depth:
                spawn(pool, job, depth - 1)
            ran.append(depth)

        spawn(pool, job, 3)
        spread([pool.close, pool.close])
        assert sorted(ran) == [0, 1, 2, 3]
        with pytest.raises(RuntimeError, match="closed"):
            spawn(pool, int)

    try_seeds(150, scenario)


def test_threads_run_the_initializer_before_and_the_finalizer_after_everything_else() -> None:
    def scenario() -> None:
        log: list[str] = []
        pool = new_pool(2, initializer=lambda: log.append("+"), finalizer=lambda: log.append("-"))

        def caller() -> None:
            install(pool, log.append, "job")

        spread([caller, caller])
        pool.close()
        assert log.count("+") == 2
        assert log[-2:] == ["-", "-"]
        assert log.count("job") == 2

    try_seeds(100, scenario)
