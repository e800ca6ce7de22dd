"""The scheduler under load, for seconds: many joins, storms of tasks, pools that call each other, forks while busy."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time

import pytest

from pariter.sched.broadcast import broadcast
from pariter.sched.join import join
from pariter.sched.pool import WorkerPool
from pariter.sched.scope import Scope, scope
from pariter.sched.spawn import install, spawn, yield_now
from pariter.sched.worker import Worker
from tests.sched.helpers import a_pool, in_threads, index, sizes

pytestmark = pytest.mark.stress


def tree(pool: WorkerPool, depth: int) -> int:
    if not depth:
        return 1
    return sum(join(pool, lambda: tree(pool, depth - 1), lambda: tree(pool, depth - 1)))


@sizes
def test_100_000_joins_in_one_tree_and_in_a_row(size: int) -> None:
    with a_pool(size) as pool:
        assert pool.seated(tree, pool, 15) == 2**15
        assert install(pool, tree, pool, 14) == 2**14
        count = 0
        for k in range(20_000):
            count += join(pool, lambda k=k: k, lambda: 1)[1]
        assert count == 20_000

        def row() -> int:
            return sum(join(pool, int, lambda: 1)[1] for _ in range(30_000))

        assert install(pool, row) == 30_000


@sizes
def test_trees_of_joins_from_8_threads_at_once(size: int) -> None:
    def caller(place: int) -> None:
        for _ in range(5):
            assert tree(pool, 8) == 256

    with a_pool(size) as pool:
        in_threads(8, caller)


@sizes
def test_storms_of_tasks_and_scopes_from_8_threads(size: int) -> None:
    def grow(s: Scope, depth: int, ran: list[int]) -> None:
        ran.append(index())
        if depth:
            s.spawn(grow, s, depth - 1, ran)
            s.spawn(grow, s, depth - 1, ran)

    def caller(place: int) -> None:
        for k in range(10):
            if (place + k) % 2:
                ran: list[int] = []
                with scope(pool) as s:
                    s.spawn(grow, s, 5, ran)
                assert len(ran) == 63
                assert all(position < size for position in ran)
            else:
                futures = [spawn(pool, pow, 3, n) for n in range(60)]
                assert [future.result() for future in futures] == [3**n for n in range(60)]

    with a_pool(size) as pool:
        in_threads(8, caller)


@sizes
def test_futures_that_wait_for_futures(size: int) -> None:
    def fib(n: int) -> int:
        if n < 2:
            return n
        a, b = spawn(pool, fib, n - 1), spawn(pool, fib, n - 2)
        return a.result() + b.result()

    with a_pool(size) as pool:
        for _ in range(3):
            assert spawn(pool, fib, 12).result() == 144


def test_broadcasts_among_everything_else() -> None:
    def caller(place: int) -> None:
        for _ in range(40):
            if place % 3 == 0:
                assert broadcast(pool, index) == [0, 1, 2]
            elif place % 3 == 1:
                assert tree(pool, 5) == 32
            else:
                assert install(pool, broadcast, pool, index) == [0, 1, 2]

    with a_pool(3) as pool:
        in_threads(9, caller)


@pytest.mark.parametrize("size", [1, 2])
def test_pools_that_install_and_join_in_each_other(size: int) -> None:
    with a_pool(size) as first, a_pool(size) as second, a_pool(1) as third:
        pools = [first, second, third]

        def wander(seed: int, depth: int) -> int:
            if not depth:
                return 1
            rng = random.Random(seed)
            pool = pools[rng.randrange(3)]
            kind = rng.randrange(4)
            if kind == 0:
                return install(pool, wander, seed + 1, depth - 1)
            if kind == 1:
                return spawn(pool, wander, seed + 1, depth - 1).result()
            if kind == 2:
                with scope(pool) as s:
                    future = s.spawn(wander, seed + 1, depth - 1)
                return future.result()
            return join(pool, lambda: wander(seed + 1, depth - 1), int)[0]

        def caller(place: int) -> None:
            for k in range(40):
                assert wander(1000 * place + 10 * k, 6) == 1

        in_threads(6, caller)


class Counting:
    """A helpable that hands out numbers until there are none."""

    def __init__(self, count: int) -> None:
        self.lock = threading.Lock()
        self.left = count
        self.given: list[int] = []

    def help(self, worker: Worker) -> bool:
        with self.lock:
            if not self.left:
                return False
            self.left -= 1
        self.given.append(worker.index)
        return True


@sizes
def test_offers_come_and_go_while_guests_do_too(size: int) -> None:
    def caller(place: int) -> None:
        for _ in range(100):
            work = Counting(20)
            worker = pool.enter()
            pool.offer(work)
            while work.help(worker):
                pass
            pool.withdraw(work)
            pool.leave(worker)
            assert sum(position < size for position in work.given) >= 20 - size

    with a_pool(size) as pool:
        in_threads(8, caller)


def test_pools_are_made_used_and_dropped_by_the_hundred() -> None:
    before = threading.active_count()
    for k in range(100):
        pool = WorkerPool(3)
        assert spawn(pool, abs, -k).result() == k
        if k % 3 == 0:
            pool.close()
        del pool
    for _ in range(5000):
        if threading.active_count() <= before + 1:  # the ticker
            break
        time.sleep(0.001)

    assert threading.active_count() <= before + 1


def test_polite_loops_on_every_worker_end() -> None:
    def polite() -> None:
        future = spawn(pool, tree, pool, 4)
        while not future.done():
            yield_now()

    with a_pool(2) as pool, scope(pool) as s:
        for _ in range(50):
            s.spawn(polite)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_forks_in_the_midst_of_everything() -> None:
    stop = threading.Event()

    def busy(place: int) -> None:
        while not stop.is_set():
            if place % 2:
                tree(pool, 5)
            else:
                with scope(pool) as s:
                    s.spawn(broadcast, pool, int)

    with a_pool(3) as pool:
        threads = [threading.Thread(target=busy, args=(place,)) for place in range(4)]
        for thread in threads:
            thread.start()
        codes = []
        for _ in range(20):
            pid = os.fork()
            if not pid:
                code = 1
                try:
                    signal.signal(signal.SIGALRM, signal.SIG_DFL)
                    signal.alarm(30)
                    assert tree(pool, 6) == 64
                    assert len(broadcast(pool, int)) == 3
                    with scope(pool) as s:
                        s.spawn(tree, pool, 4)
                    code = 0
                finally:
                    os._exit(code)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        stop.set()
        for thread in threads:
            thread.join()

    assert codes == [0] * 20


@pytest.mark.skipif(sys.platform == "win32", reason="the clock is too coarse there")
def test_a_tiny_join_costs_microseconds() -> None:
    def best(pool: WorkerPool) -> float:
        times = []
        for _ in range(20):
            begun = time.perf_counter()
            for _ in range(1000):
                join(pool, int, int)
            times.append((time.perf_counter() - begun) / 1000)
        return min(times)

    with a_pool(2) as pool:
        inside, outside = pool.seated(best, pool), best(pool)

    assert inside < 10e-6  # measured: 0.7 us (3.11), 1.2 us (3.13t)
    assert outside < 40e-6  # measured: 4 us (3.11), 8 us (3.13t)
