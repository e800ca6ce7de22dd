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
from typing import NamedTuple

from pariter.errors import PoolClosed
from pariter.sched import _platform
from pariter.sched.birth import own_thread_names, start_own_threads, try_stack_size
from pariter.sched.errand import Helpable
from pariter.sched.here import held_by_this_thread
from pariter.sched.job import Runnable
from pariter.sched.seating import Seating
from pariter.sched.sleep import Seats
from pariter.sched.stir import Stirrer
from pariter.sched.thread import let_go, start_thread_of
from pariter.sched.worker import Worker


class Offers(NamedTuple):
    """What is offered, the oldest first, and how often that has changed: one value, so that they are read together."""

    changes: int
    helpables: tuple[Helpable, ...]


class WorkerPool(Seating):
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
        self.offers = Offers(0, ())
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

    # --- work ------------------------------------------------------------------------------------------------

    def offer(self, helpable: Helpable, want: int | None = None) -> None:
        """Have idle workers call `helpable.help(worker)` until `withdraw()`; wakes up to `want` of them, or all.

        Raises what keeps a pool that needs its own threads from having any: an initializer that raised, no thread left.
        """
        if self.own_threads_only:
            start_own_threads(self)
        with self.seats.lock:
            changes, helpables = self.offers
            self.offers = Offers(changes + 1, (*helpables, helpable))
        self.seats.barren = 0
        self.announce(self.num_threads if want is None else want)

    def withdraw(self, helpable: Helpable) -> None:
        """No longer offer `helpable`; who is in its `help()` is not waited for."""
        with self.seats.lock:
            changes, helpables = self.offers
            self.offers = Offers(changes + 1, tuple(other for other in helpables if other is not helpable))

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

        Raises PoolClosed if the pool is closed, RuntimeError if it has no thread and can start none, unless the caller
        does without (`needs_thread=False`).
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
        """Have `job` run: from the deque of the calling worker if it is one of this pool's, else by injection.

        A worker wakes nobody for it: it runs the job itself when it next can, and the ticker sends help if that takes
        long.
        """
        worker = held_by_this_thread(self)
        if worker is None:
            self.inject(job, needs_thread=needs_thread)
            return
        worker.deque.append(job)
        if not self.stirrer.watched:
            self.stirrer.watch()

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
        """Raise PoolClosed if the pool no longer takes work from outside."""
        if self.seats.closing:
            raise PoolClosed("this pool is closed: it takes no new work")

    # --- threads and the end ----------------------------------------------------------------------------------

    def start_threads(self) -> None:
        """Start the threads that have been given a seat and do not exist yet."""
        seats = self.seats
        if not seats.unstarted:
            return
        try:
            while True:
                index = seats.next_unstarted()
                if index < 0:
                    return
                start_thread_of(self, index)
        except BaseException:
            # Ctrl-C may have come after a seat was marked as having its thread, and before it had. Two do no harm.
            for index, worker in enumerate(self.workers):
                if seats.threads >> index & 1 and worker.thread is None:
                    start_thread_of(self, index)
            raise

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


all_pools: weakref.WeakSet[WorkerPool] = weakref.WeakSet()
