"""KeyboardInterrupt at one place of the library after the other: the call ends, no seat is lost, the next one works.

`test_loop_interrupts` and `test_sched_interrupts` draw moments, and so mostly meet what takes long. This draws places.
PARITER_PLACES=1 takes every one of them; the number is how many it goes on by, 47 by default.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable

import pytest

from pariter import ThreadPool, join, par_iter
from tests.eager import eager
from tests.sched.helpers import GIL
from tests.stress.places import InterruptAt

pytestmark = [
    pytest.mark.stress,
    # An interrupt while a generator is being dropped is swallowed.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    # CPython 3.13 does not hold the other threads while it rewrites the bytecode that they run, and dies of it.
    pytest.mark.skipif(not GIL, reason="without a GIL, no thread may be traced while others run"),
]

STRIDE = int(os.environ.get("PARITER_PLACES", "47"))

ELSEWHERE = ThreadPool(1)


def joins(pool: ThreadPool) -> None:
    pool.install(lambda: join(lambda: 1, lambda: 2))


def scopes(pool: ThreadPool) -> None:
    with pool.scope() as s:
        for n in range(4):
            s.spawn(abs, n)


def spawns(pool: ThreadPool) -> None:
    for future in [pool.spawn(abs, n) for n in range(3)]:
        future.result()


def broadcasts(pool: ThreadPool) -> None:
    pool.broadcast(int)


def collects(pool: ThreadPool) -> None:
    assert par_iter(range(20)).map(abs).on(pool).collect() == list(range(20))


def visits(pool: ThreadPool) -> None:
    def there(n: int) -> int:
        return par_iter(range(n)).on(pool).count()

    assert par_iter(range(3)).map(there).on(ELSEWHERE).collect() == [0, 1, 2]


def merges(pool: ThreadPool) -> None:
    assert par_iter(range(20)).on(pool).fold(int, int.__add__).reduce(int, int.__add__) == 190


def barriers(pool: ThreadPool) -> None:
    assert par_iter(range(20)).filter(None).rev().chunks(3).on(pool).count() == 7


def scans(pool: ThreadPool) -> None:
    assert par_iter(range(20)).scan(max).on(pool).collect() == list(range(20))


def finds(pool: ThreadPool) -> None:
    assert par_iter(range(20)).on(pool).find_first(lambda n: n == 7) == 7


def adds_up_what_is_pulled(pool: ThreadPool) -> None:
    assert par_iter(n for n in range(20)).map(abs).on(pool).sum() == 190


def takes(pool: ThreadPool) -> None:
    assert par_iter(range(20)).filter(None).take(3).on(pool).collect() == [1, 2, 3]


def collects_in_blocks(pool: ThreadPool) -> None:
    assert par_iter(range(20)).map(abs).by_uniform_blocks(7).on(pool).collect() == list(range(20))


def loops(pool: ThreadPool) -> None:
    assert list(par_iter(n for n in range(20)).map(abs).on(pool)) == list(range(20))


def loops_in_any_order(pool: ThreadPool) -> None:
    assert sorted(par_iter(range(20)).map(abs).unordered().on(pool)) == list(range(20))


CALLS = [
    joins,
    scopes,
    spawns,
    broadcasts,
    collects,
    visits,
    merges,
    barriers,
    scans,
    finds,
    adds_up_what_is_pulled,
    takes,
    collects_in_blocks,
    loops,
    loops_in_any_order,
]


def comes_to_rest(pool: ThreadPool) -> bool:
    workers = pool.workers
    for _ in range(1000):
        if workers.seats.free == workers.seats.all and not workers.offers.helpables:
            return not workers.seats.guests_waiting
        threading.Event().wait(0.001)
    return False


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("call", CALLS)
def test_an_interrupt_at_any_place_leaves_the_pool_as_it_was(call: Callable[[ThreadPool], None], size: int) -> None:
    place = 1 + random.Random(call.__name__).randrange(STRIDE)
    interrupted = 0
    with ThreadPool(size) as pool, eager():
        call(pool)
        while True:
            interrupt = InterruptAt(place)
            try:
                with interrupt:
                    call(pool)
            except KeyboardInterrupt:
                interrupted += 1
            assert comes_to_rest(pool), interrupt
            call(pool)
            if not interrupt.came:
                break
            place += STRIDE

    assert interrupted
