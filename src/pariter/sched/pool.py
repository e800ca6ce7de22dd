"""A work-stealing pool of threads in which a calling thread takes a seat while it takes part.

Jobs come from workers (onto their own deque), from outside (`inject`), for one very worker (`broadcast`), or as an
offer: something whose `help()` any idle worker may call. Threads are started when first needed and end when the
pool is closed or nobody knows it any more: an idle thread knows its worker, and a worker knows its pool only while
its seat is occupied.

States   of the pool: open → closing (no work from outside) → over (its threads end). Of seats: see sleep.py.
Guards   `seats.lock` guards `offers`; everything else is atomic deques, or belongs to `Seats`.
Promise  At most `num_threads` functions run at once, guests counted, each with an index of its own.
Proof    docs/design/scheduler.md#seats   Tests  tests/sched/test_pool.py, tests/interleavings/test_pool.py
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from pariter.sched import _platform
from pariter.sched.birth import own_thread_names, start_own_threads, try_stack_size
from pariter.sched.job import Runnable
from pariter.sched.latch import my_token, park
from pariter.sched.sleep import Seats, Ticket
from pariter.sched.stir import Stirrer
from pariter.sched.thread import let_go, start_thread_of
from pariter.sched.worker import Worker, held_by_this_thread, here

T = TypeVar("T")


class Helpable(Protocol):
    """Work that any number of idle workers can join in."""

    def help(self, worker: Worker) -> bool:
        """Do some of it; False if there was nothing to do. Called from several workers at once; must not raise."""


class WorkerPool:
    """`num_threads` workers; see the module's docstring."""

    def __init__(
        self,
        num_threads: int,
        *,
        thread_name: str | Callable[[int], str] = "pariter-{}",
        initializer: Callable[[], object] | None = None,
        finalizer: Callable[[], object] | None = None,
        stack_size: int | None = None,
    ) -> None:
        if num_threads < 1:
            raise ValueError(f"a pool needs at least 1 thread, got {num_threads}")
        self.num_threads = num_threads
        self.initializer = initializer
        self.finalizer = finalizer
        self.stack_size = stack_size
        self.own_threads_only = initializer is not None
        self.names = own_thread_names(thread_name, num_threads)
        if stack_size is not None:
            try_stack_size(stack_size)
        self.reset()
        all_pools.add(self)

    def reset_after_fork(self) -> None:
        """In a forked child, where none of the threads exists: a fresh pool, closed if it was closed."""
        closed = self.seats.closing
        self.farewell.detach()
        self.reset()
        if closed:
            self.seats.close()

    def reset(self) -> None:
        """No threads, no jobs, no guests."""
        self.workers: Sequence[Worker] = tuple(Worker(i, name) for i, name in enumerate(self.names))
        self.injector: deque[Runnable] = deque()
        self.offers: tuple[Helpable, ...] = ()
        self.leapers: list[_platform.Lock] = []  # tokens of those that wait, but would do certain jobs
        self.queues = (*(worker.deque for worker in self.workers), self.injector)
        self.seats = Seats(self.workers, self.queues)
        self.stirrer = Stirrer(self)
        self.initialized: set[int] = set()
        self.initializing = _platform.new_lock()
        self.posting = _platform.new_lock()
        self.farewell = weakref.finalize(self, let_go, self.workers)
        self.farewell.atexit = False

    def __repr__(self) -> str:
        return f"<WorkerPool of {self.num_threads}{', closed' if self.seats.closing else ''}>"

    # --- seats -----------------------------------------------------------------------------------------------

    @property
    def guests_waiting(self) -> int:
        """How many threads wait for a seat: a helper that sees one should return from `help()` soon."""
        return self.seats.guests_waiting

    def enter(self) -> Worker:
        """Occupy a seat until `leave()`; the one this thread has already, else the lowest free one, else in turn."""
        worker = held_by_this_thread(self)
        if worker is None:
            return self._sit(wait=True)  # type: ignore[return-value]
        return _step_in(worker)

    def try_enter(self) -> Worker | None:
        """As `enter()`, but None if no seat is free."""
        worker = held_by_this_thread(self)
        return self._sit(wait=False) if worker is None else _step_in(worker)

    def _sit(self, wait: bool) -> Worker | None:
        self.check_open()
        if self.own_threads_only:
            raise RuntimeError("a pool with an initializer runs functions on its own threads only")
        seats = self.seats
        ticket = Ticket(my_token())
        try:
            if not (seats.queue(ticket, self) if wait else seats.sit(ticket, self)):
                if not wait:
                    return None
                self._wait_for_seat(ticket)
            worker = self.workers[ticket.index]
            worker.root = None
            return _step_in(worker)
        except BaseException:
            seats.give_up_waiting(ticket)
            if ticket.index >= 0:
                seats.rise(ticket.index, ticket.token)
                self.start_threads()
            raise

    def _wait_for_seat(self, ticket: Ticket) -> None:
        if here.worker is not None:
            here.worker.wait(ticket, foreign=True)
            return
        while not ticket.is_set():
            park(ticket.token)

    def leave(self, worker: Worker) -> None:
        """Undo one `enter()`; with the last one the seat is free again, and its mailbox empty."""
        if worker is not self.workers[worker.index]:
            return  # We are in a forked child, where that seat is gone.
        try:
            if worker not in here.outer:
                while worker.mailbox and worker.run_next(worker.find_mail):
                    pass
                if self.seats.barren and not self.seats.threads:  # Nobody else will run what this guest leaves.
                    while worker.run_next(worker.find):
                        pass
        finally:
            self._step_out(worker)

    def _step_out(self, worker: Worker) -> None:
        # However often this is interrupted and begun again, it does everything once: rise() knows who sits there, and no
        # call stands between the last two lines of the change.
        outer = here.outer
        if worker not in outer:
            if worker.taken:
                worker.give_back(0)
            self.seats.rise(worker.index, my_token())
            if self.seats.unstarted:
                self.start_threads()
        if outer:
            here.worker = outer[-1]
            del outer[-1]

    def seated(self, fn: Callable[..., T], *args: Any) -> T:
        """`fn(*args)` on a seat; whenever Ctrl-C comes, the seat is given back."""
        depth = len(here.outer)
        try:
            worker = self.enter()
            try:
                return fn(*args)
            finally:
                self.leave(worker)
        except KeyboardInterrupt:
            self._step_out_to(depth)
            raise

    def seated_if_free(self, fn: Callable[[], object], *, wait: bool = False) -> bool:
        """As `seated(fn)` if a seat is free, or if one may `wait` for it; returns whether `fn` was called."""
        depth = len(here.outer)
        try:
            worker = self.enter() if wait else self.try_enter()
            if worker is None:
                return False
            try:
                fn()
            finally:
                self.leave(worker)
            return True
        except KeyboardInterrupt:
            self._step_out_to(depth)
            raise

    def _step_out_to(self, depth: int) -> None:
        """An interrupt may have hit leave() itself: undo what is still to be undone."""
        while len(here.outer) > depth and here.worker is not None:
            self._step_out(here.worker)

    # --- work ------------------------------------------------------------------------------------------------

    def offer(self, helpable: Helpable, want: int | None = None) -> None:
        """Have idle workers call `helpable.help(worker)` until `withdraw()`; wakes up to `want` of them, or all.

        Raises what keeps a pool that needs its own threads from having any: an initializer that raised, no thread left.
        """
        if self.own_threads_only:
            start_own_threads(self)
        with self.seats.lock:
            self.offers = (*self.offers, helpable)
        self.seats.barren = 0
        self.announce(self.num_threads if want is None else want)

    def withdraw(self, helpable: Helpable) -> None:
        """No longer offer `helpable`; who is in its `help()` is not waited for."""
        with self.seats.lock:
            self.offers = tuple(other for other in self.offers if other is not helpable)

    def announce(self, want: int = 1) -> None:
        """There is something new for `want` helpers in what is offered."""
        try:
            self.seats.announce_help(self, want)
        finally:
            self.start_threads()

    def announce_job(self) -> bool:
        """There is a new job in a deque or in the injector; False if the pool's threads have ended."""
        try:
            return self.seats.announce_job(self)
        finally:
            self.start_threads()

    def inject(self, job: Runnable, *, needs_thread: bool = True) -> None:
        """Have `job` run by one of the pool's threads, in the order of injection.

        Raises RuntimeError if the pool is closed, or if it has no thread and can start none, unless the caller does
        without (`needs_thread=False`).
        """
        if held_by_this_thread(self) is None:
            self.check_open()
        if self.own_threads_only:
            start_own_threads(self)
        self.injector.append(job)
        self.seats.barren = 0
        is_over = not self.announce_job()
        if is_over or (needs_thread and not self.seats.threads and self.seats.barren):
            try:
                self.injector.remove(job)
            except ValueError:
                return
            self.check_open()
            raise RuntimeError("this job needs a thread of the pool, and the system cannot start one")

    def push(self, job: Runnable, *, needs_thread: bool = True) -> None:
        """Have `job` run: from the deque of the calling worker if it is one of this pool's, else by injection."""
        worker = held_by_this_thread(self)
        if worker is None:
            self.inject(job, needs_thread=needs_thread)
            return
        worker.deque.append(job)
        self.announce_job()

    def post(self, index: int, job: Runnable) -> None:
        """Have `job` run by worker `index`; abandon it if that is not to be."""
        try:
            called = self.seats.call(index, self, job)
        finally:
            self.start_threads()
        if not called:
            job.abandon()

    def has_jobs(self) -> bool:
        """Whether some deque or the injector holds anything."""
        return any(self.queues)

    def check_open(self) -> None:
        """Raise RuntimeError if the pool no longer takes work from outside."""
        if self.seats.closing:
            raise RuntimeError("this pool is closed: it takes no new work")

    # --- threads and the end ----------------------------------------------------------------------------------

    def start_threads(self) -> None:
        """Start the threads that have been given a seat and do not exist yet."""
        while self.seats.unstarted:
            index = self.seats.next_unstarted()
            if index >= 0:
                start_thread_of(self, index)

    def close(self, wait: bool = True, cancel: bool = False) -> None:
        """Take no more work from outside, run (or `cancel`) what is queued, end the threads and `wait` for that.

        Raises RuntimeError when waiting would be for oneself: on a worker of the pool.
        """
        if wait and held_by_this_thread(self) is not None:
            raise RuntimeError("a worker cannot wait for its own pool to end: close it from outside")
        self.seats.closing = True
        if cancel:
            for queue in self.queues:
                while queue:
                    try:
                        job = queue.popleft()
                    except IndexError:
                        break
                    job.abandon()
                    del job
        if self.has_jobs():
            self.announce_job()
        self.seats.close()
        if wait:
            self.seats.ended.wait()
            for worker in self.workers:
                if worker.thread is not None:
                    worker.thread.join()


def _step_in(worker: Worker) -> Worker:
    outer = here.outer
    outer += [here.worker]  # no call, so that no KeyboardInterrupt comes before the next line
    here.worker = worker
    return worker


all_pools: weakref.WeakSet[WorkerPool] = weakref.WeakSet()
