"""Runs and streams that idle workers of a thread pool may join, whoever began them.

States   begun → offered to a pool, whose idle workers call `help` → over.
Guards   `_lock` of the run or stream guards `_changed`, `_helpers` and `_over`.
Promise  Nobody drives a run that is over: who says so takes the offer back and waits for those who still do.
Tests    tests/engines/, tests/stress/
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable

from pariter.engines.base import FAR_LEFT, OWNER, Run, Terms, this_thread
from pariter.engines.streams import Stream
from pariter.plan.piped import Piped
from pariter.plan.place import Copier
from pariter.plan.sinks import Sink
from pariter.sched.latch import Latch
from pariter.sched.pool import WorkerPool
from pariter.sched.worker import Worker, current_worker


class HelpedRun(Run):
    """A run that idle workers of a pool may join once it was offered to them."""

    _context: contextvars.Context
    """What helpers work in, each in a copy."""

    def __init__(self, piped: Piped, sink: Sink, terms: Terms) -> None:
        super().__init__(piped, sink, terms)
        self._changed: Latch | None = None
        self._helpers: WorkerPool | None = None
        self.was_helped = False
        """Whether somebody joined."""

    @property
    def was_offered(self) -> bool:
        """Whether helpers were called."""
        return self._helpers is not None

    @property
    def known_span(self) -> int | None:
        """How many units there are; None if they never end."""
        return None if self.piped.endless else self.piped.span

    def offer_to(self, pool: WorkerPool) -> bool:
        """Let idle workers of `pool` join, from now on; False if the run is over."""
        with self._lock:
            if self._over:
                return False
            is_new, self._helpers = self._helpers is None, pool
        if is_new:
            pool.offer(self)
            # Racing with end(): if it said that all is over after we looked, it may have withdrawn before we offered.
            if self._over:
                pool.withdraw(self)
        return True

    def help(self, worker: Worker) -> bool:
        """Take a part of the run and drive it, if there is one to take; called by the pool."""
        return not self._over and self.help_until(self.is_seat_wanted)

    def is_seat_wanted(self) -> bool:
        """Whether somebody waits for the seat of a helper."""
        return self._helpers is not None and self._helpers.guests_waiting > 0

    def help_until(self, is_to_leave: Callable[[], bool], copies: Copier | None = None) -> bool:
        """Take a part, if there is one, and drive it until it is done or the helper is to leave."""
        driver = object()
        try:
            lane = self.claim(driver)
            if lane is None:
                return False
            self.was_helped = True
            self._context.copy().run(self.drive, lane, this_thread(), is_to_leave, copies)
        except BaseException as error:
            self.fail(FAR_LEFT, error)  # not a function's: drive keeps those
        finally:
            lane = None
            self.release(driver)
        return True

    def drive_all(self, is_to_leave: Callable[[], bool] | None = None) -> None:
        """Drive what there is to take, in the calling thread, and wait for those who drive the rest.

        Returns early if somebody is to leave.
        """
        name = this_thread()
        while True:
            try:
                if self._drive_all_lanes(name, is_to_leave):
                    return
            finally:
                self.release()
            latch = self._latch_while_driven()
            if latch is None:
                return
            wait(latch, self._helpers)

    def _drive_all_lanes(self, name: str, is_to_leave: Callable[[], bool] | None) -> bool:
        """Drive one lane after the other; True if somebody is to leave."""
        while (lane := self.claim()) is not None:
            self.drive(lane, name, is_to_leave)
            if is_to_leave is not None and is_to_leave():
                return True
        return False

    def end(self) -> None:
        """Nobody may join any more; called by the owner, and returns when nobody drives."""
        with self._lock:
            self._over = True
            self._drivers.discard(OWNER)  # whose release may have been interrupted
        if self._helpers is None:
            return
        self._helpers.withdraw(self)
        while (latch := self._latch_while_driven()) is not None:
            wait(latch, self._helpers)

    def forget(self) -> None:
        """Keep nothing of the user's: a helper that is just leaving still has hold of the run."""
        del self.piped, self.sink

    def _latch_while_driven(self) -> Latch | None:
        """What is set when a driver stops; None if there is no other."""
        with self._lock:
            return self._latch_locked() if self._drivers else None

    def latch_while_unfinished(self) -> Latch | None:
        """What is set when a driver stops; None if nothing is left for any."""
        with self._lock:
            left = self._ownerless or any(lane.remaining for lane in self._lanes)
            return self._latch_locked() if self._drivers or (left and self.horizon > FAR_LEFT) else None

    def _latch_locked(self) -> Latch:
        self._changed = self._changed or Latch()
        return self._changed

    def _changed_locked(self) -> None:
        if self._changed is not None:
            self._changed.set()
            self._changed = None


class HelpedStream(Stream):
    """A stream whose batches idle workers of a pool may run once it was offered to them."""

    _context: contextvars.Context
    """What helpers work in, each in a copy."""

    def __init__(self, piped: Piped, sink: Sink, terms: Terms, num_workers: int) -> None:
        super().__init__(piped, sink, terms, num_workers)
        self._helpers: WorkerPool | None = None
        self._ended = False

    def offer_to(self, pool: WorkerPool) -> None:
        """Let idle workers of `pool` join, unless nothing is wanted any more."""
        with self._lock:
            if self._over or self._helpers is not None:
                return
            self._helpers = pool
        pool.offer(self)
        if self._ended:  # and was withdrawn before that, perhaps: as in a run
            pool.withdraw(self)

    def help(self, worker: Worker) -> bool:
        """Run a batch, if there is one to have; called by the pool."""
        return self.has_room() and self._context.copy().run(self.join_in, self.work)

    def end(self) -> None:
        """Nobody may join any more."""
        with self._lock:
            self._over = self._ended = True
        if self._helpers is not None:
            self._helpers.withdraw(self)

    def _made_room(self) -> None:
        if self._helpers is not None and self.has_room():
            self._helpers.announce()


def wait(latch: Latch, pool: WorkerPool | None, timeout: float | None = None) -> None:
    """Wait for `latch`, which workers of `pool` set; a worker does what only it can do meanwhile."""
    worker = current_worker()
    if worker is None:
        latch.wait(timeout)
    else:
        worker.wait(latch, timeout=timeout, foreign=worker.pool is not pool)
