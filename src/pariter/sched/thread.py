"""The life of a pool's own thread: started when its seat is first given to it, asleep while it has no seat.

States   asleep (blocked on the seat's token) → searching, then running what it finds → asleep.
Guards   none of its own. While asleep it knows its worker and nothing else, so that a pool can be dropped.
Promise  It survives whatever it runs, and after a job it holds nothing of it.
Proof    docs/design/scheduler.md#falling-asleep   Tests  tests/sched/test_pool.py, tests/interleavings/test_pool.py
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pariter.sched import _platform
from pariter.sched.here import here
from pariter.sched.latch import my_token

if TYPE_CHECKING:
    from pariter.sched.errand import Helpable
    from pariter.sched.pool import WorkerPool
    from pariter.sched.worker import Worker


def start_thread_of(pool: WorkerPool, index: int) -> None:
    """Start the thread of a seat; if that cannot be done, the pool goes on without it."""
    worker = pool.workers[index]
    try:
        worker.thread = _start(pool, worker)
    except RuntimeError:
        pool.seats.cannot_start(index)
        while worker.mailbox:
            worker.mailbox.popleft().abandon()


def _start(pool: WorkerPool, worker: Worker) -> _platform.Thread:
    return _platform.start_thread(_live, (worker, pool.finalizer), worker.name, pool.stack_size)


def _live(worker: Worker, finalizer: Callable[[], object] | None) -> None:
    here.worker = worker
    while True:
        worker.token.acquire()
        pool = worker.pool
        if pool is None:
            break
        run_until_idle(pool, worker)
        if pool.workers[worker.index] is not worker:
            return  # In a forked child, which has no use for this thread.
        del pool
    try:
        worker.token.release()  # for a second thread of this seat, should Ctrl-C have made one
    except RuntimeError:
        pass  # The pool was dropped just now: let_go() has done it.
    here.worker = None
    if finalizer is not None:
        try:
            finalizer()
        except BaseException as error:
            _platform.report(error)


def let_go(workers: Sequence[Worker]) -> None:
    """Nobody knows the pool any more: end its threads, which are all asleep."""
    for worker in workers:
        if worker.thread is not None:
            try:
                worker.token.release()
            except RuntimeError:
                pass  # It has been told.


def run_until_idle(pool: WorkerPool, worker: Worker) -> None:
    """What a thread does from being given its seat to giving it up."""
    seats = pool.seats
    worker.parking = my_token()
    searching = True
    while pool.workers[worker.index] is worker:
        if seats.guests_waiting and seats.cede(worker.index, searching):
            return
        seen = seats.epoch
        job = worker.find()
        if searching and (job is not None or pool.offers.helpables):
            searching = False
            seats.found(seen, pool)
            pool.start_threads()
        if job is not None:
            job.run(worker)
            worker.taken.clear()
            del job
        elif not _help(pool, worker) and seats.doze(worker.index, seen, searching):
            return


def _help(pool: WorkerPool, worker: Worker) -> bool:
    """Help with what is offered; True if that was anything, or if there is something better to do."""
    offers = pool.offers
    changes, count = offers.changes, len(offers.helpables)
    for turn in range(count):
        helpable = offers.helpables[(turn + worker.index) % count]
        del offers  # to keep no other alive while this thread helps with one
        helped = False
        try:
            helped = _help_on(helpable, pool, worker)
        except BaseException as error:
            pool.withdraw(helpable)
            _platform.report(error)
        offers = pool.offers
        if helped or offers.changes != changes:  # Had one gone, the next would stand in a place that was looked at.
            return True
    return False


def _help_on(helpable: Helpable, pool: WorkerPool, worker: Worker) -> bool:
    helped = False
    while helpable.help(worker):
        helped = True
        if pool.seats.guests_waiting or worker.mailbox:
            break
    return helped
