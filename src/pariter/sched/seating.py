"""How a calling thread becomes a worker of a pool while it takes part in its own work, and stops being one.

States   of a thread, for one pool: outside → waiting for a seat, in turn → seated, any number of times over → outside.
Guards   the pool's `Seats`; `here` belongs to the thread.
Promise  Who has a seat never waits for a seat of another pool by `seated()`, so that no circle of pools can deadlock. A
         seat is given back whenever a KeyboardInterrupt comes.
Proof    docs/design/scheduler.md#seats   Tests  tests/sched/test_pool.py, tests/stress/test_sched_interrupts.py
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from pariter.sched.here import held_by_this_thread, here, step_in, step_out, wait_outside
from pariter.sched.job import Runnable, WaitedCall
from pariter.sched.latch import Latch, my_token, park
from pariter.sched.sleep import Seats
from pariter.sched.ticket import Ticket
from pariter.sched.worker import Worker

T = TypeVar("T")


class Seating(ABC):
    """The part of a `WorkerPool` that gives seats to calling threads."""

    seats: Seats
    workers: Sequence[Worker]
    injector: deque[Runnable]
    own_threads_only: bool

    @abstractmethod
    def check_open(self) -> None:
        """Raise RuntimeError if the pool no longer takes work from outside."""

    @abstractmethod
    def start_threads(self) -> None:
        """Start the threads that have been given a seat and do not exist yet."""

    @abstractmethod
    def inject(self, job: Runnable) -> None:
        """Have `job` run by one of the pool's threads."""

    @property
    def guests_waiting(self) -> int:
        """How many threads wait for a seat: a helper that sees one should return from `help()` soon."""
        return self.seats.guests_waiting

    def enter(self) -> Worker:
        """Occupy a seat until `leave()`; the one this thread has already, else the lowest free one, else in turn."""
        worker = held_by_this_thread(self)
        if worker is None:
            return self._sit(wait=True)  # type: ignore[return-value]
        return step_in(worker)

    def try_enter(self) -> Worker | None:
        """As `enter()`, but None if no seat is free."""
        worker = held_by_this_thread(self)
        return self._sit(wait=False) if worker is None else step_in(worker)

    def _sit(self, wait: bool) -> Worker | None:
        seats = self.seats
        if seats.closing:
            self.check_open()
        if self.own_threads_only:
            raise RuntimeError("a pool with an initializer runs functions on its own threads only")
        ticket = Ticket(my_token())
        try:
            if not seats.sit(ticket, self):
                if not wait:
                    return None
                seats.queue(ticket, self)
                self._wait_for_seat(ticket)
            worker = self.workers[ticket.index]
            worker.root = None
            return step_in(worker)
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
                worker.run_all(worker.find_mail)
                if self.seats.barren and not self.seats.threads:  # Nobody else will run what this guest leaves.
                    worker.run_all(worker.find)
        finally:
            self._step_out(worker)

    def _step_out(self, worker: Worker) -> None:
        # However often this is interrupted and begun again, it does everything once: rise() knows who sits there, and
        # step_out() does all or nothing.
        if worker not in here.outer:
            if worker.taken and worker.parking is my_token():
                worker.give_back(0)
            self.seats.rise(worker.index, my_token())
            if self.seats.unstarted:
                self.start_threads()
        step_out()

    def seated(self, fn: Callable[..., T], *args: Any, stop: Callable[[], object] | None = None) -> T:
        """`fn(*args)` on a seat; whenever Ctrl-C comes, the seat is given back.

        This thread does not take a seat, but has one of the pool's threads make the call, if the pool has an
        initializer, or if it already has a seat of another pool: whoever has one must not wait for one. Ctrl-C then
        waits for a call that was begun, after `stop()`, which shall make that short.
        """
        if (self.own_threads_only or here.worker is not None) and held_by_this_thread(self) is None:
            return self._visit(partial(fn, *args), stop)
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

    def _visit(self, fn: Callable[[], T], stop: Callable[[], object] | None) -> T:
        """`fn()` on one of the pool's threads, in this thread's context, while this thread waits."""
        unbegun = deque([fn])  # Who takes it out decides: the pool's thread makes the call, or nobody does.

        def visit() -> T | None:
            try:
                call = unbegun.pop()
            except IndexError:
                return None
            return call()

        latch = Latch()
        job = WaitedCall(visit, None, copy_context())
        job.latch = latch
        try:
            self.inject(job)
            wait_outside(latch)
        except KeyboardInterrupt:
            self._end_visit(job, unbegun, latch, stop)
            raise
        result: T = job.take_result()
        return result

    def _end_visit(
        self, job: WaitedCall, unbegun: deque[Callable[[], T]], latch: Latch, stop: Callable[[], object] | None
    ) -> None:
        try:
            unbegun.pop()
        except IndexError:
            if stop is not None:
                stop()
            wait_outside(latch)
            return
        try:
            self.injector.remove(job)
        except (ValueError, IndexError):
            pass  # It was not there yet, or has just been taken by somebody who will find nothing to call.

    def _step_out_to(self, depth: int) -> None:
        """An interrupt may have hit leave() itself: undo what is still to be undone."""
        while len(here.outer) > depth and here.worker is not None:
            self._step_out(here.worker)
