"""Lanes on a work-stealing pool, the caller among the workers.

The caller drives the whole plan. A plan that is still going when the ticker has looked twice is opened:
idle workers take the right half of the largest lane. So a small plan wakes nobody, and a slow first
item harms nobody.
"""

from __future__ import annotations

import contextvars
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from pariter.engines import own
from pariter.engines.base import Terms, enclosing, this_thread
from pariter.engines.helped import HelpedRun, HelpedStream, wait
from pariter.engines.report import Report
from pariter.engines.shipping import stages_of
from pariter.engines.worth import Worth
from pariter.plan.collecting import Collect, CollectInto
from pariter.plan.piped import Leaf, Piped
from pariter.plan.place import Copier
from pariter.plan.sinks import Sink
from pariter.sched import ticker
from pariter.sched.errand import Errand, send_for_help
from pariter.sched.latch import Latch
from pariter.sched.pool import WorkerPool
from pariter.sched.worker import Worker, current_worker

SURVEY_AFTER_S = 0.0005
"""When to find out which functions may be copied: helpers come after a millisecond or two, a tiny plan is over."""
LATE_S = 0.005
"""How long a block of a run that goes on alone may take."""


class ThreadEngine:
    """Runs plans on the workers of one pool."""

    name = "threads"

    def __init__(self, pool: WorkerPool, owner: object) -> None:
        self._pool = pool
        self._owner = owner
        self.report: Report | None = None

    @property
    def isolates(self) -> bool:
        return must_ask(self._pool)

    @property
    def num_workers(self) -> int:
        return self._pool.num_threads

    def close(self) -> None:
        """Do nothing: nothing is lent."""

    def run(self, piped: Piped, sink: Sink, terms: Terms) -> Leaf:
        if (
            type(sink) in (Collect, CollectInto)
            and isinstance(sink, Collect)
            and piped.exact
            and not piped.endless
            and piped.span is not None
        ):
            in_place = sink.in_place(piped.span)
            leaf = self._run(piped, in_place, terms)
            items = in_place.finish(leaf.partial)
            return Leaf(items if type(sink) is Collect else [items], leaf.left_early)
        return self._run(piped, sink, terms)

    def _run(self, piped: Piped, sink: Sink, terms: Terms) -> Leaf:
        run = ThreadRun(piped, sink, terms, self._pool, self._context())
        try:
            if must_ask(self._pool):
                run.complete_elsewhere()
            else:
                self._pool.seated(run.complete, stop=run.cancel)
        except KeyboardInterrupt:
            run.abandon()
            raise
        self.report = run.report()
        try:
            return run.answer()
        finally:
            run.forget()

    def stream(self, piped: Piped, sink: Sink, terms: Terms) -> ThreadStream:
        return ThreadStream(piped, sink, terms, self._pool, self._context())

    def _context(self) -> contextvars.Context:
        """A copy of the caller's context, in which this engine's pool is the current one."""
        context = contextvars.copy_context()
        context.run(enclosing.set, self._owner)
        return context


class ThreadRun(HelpedRun):
    """A run that idle workers of a pool may join."""

    def __init__(
        self,
        piped: Piped,
        sink: Sink,
        terms: Terms,
        pool: WorkerPool,
        context: contextvars.Context,
    ) -> None:
        super().__init__(piped, sink, terms)
        self._pool = pool
        self._context = context
        self._own = own.OwnFunctions(piped, sink) if own.pays() else None
        self._worth = Worth()
        self._driven = 0
        self._driven_s = 0.0
        self._looked_at = 0.0
        self._caller = threading.get_ident()

    def complete(self) -> None:
        """Drive in the calling thread, which has a seat, until nothing is left and nobody drives."""
        ticker.watch(self)
        try:
            self._context.copy().run(self.drive_all)
        except BaseException:
            self.cancel()
            raise
        finally:
            ticker.unwatch(self)
            self._close()

    def complete_elsewhere(self) -> None:
        """Let the pool's own threads drive, and wait."""
        try:
            if self._own is not None:
                self._own.survey(sys._getframe())
            self.open()
            self._wait_until_finished()
        except BaseException:
            self.cancel()
            raise
        finally:
            self._close()

    def abandon(self) -> None:
        """Do once more all that ends it: it was interrupted, and perhaps in its end."""
        self.cancel()
        ticker.unwatch(self)
        self.end()

    def _wait_until_finished(self) -> None:
        errand: Errand | None = None
        try:
            while True:
                latch = self.latch_while_unfinished()
                if latch is None:
                    return
                errand = send_for_help(self._pool, self, errand)
                if self._pool.seats.over:  # and was so when this run was offered, or somebody would drive it
                    self._pool.check_open()
                wait(latch, self._pool)
        finally:
            if errand is not None:
                errand.recall(self._pool)

    def measured(self, items: int, seconds: float) -> None:
        super().measured(items, seconds)
        if threading.get_ident() != self._caller:
            return
        self._driven += items
        self._driven_s += seconds
        if self._own is None:
            return
        if self._own.is_surveyed:
            self._look_whether_helpers_pay()
        elif self._driven_s >= SURVEY_AFTER_S:
            self._own.survey(sys._getframe())

    def report(self) -> Report:
        """What the caller measured, and who helped."""
        return Report(self.known_span, self._driven, self._driven_s / (self._driven or 1), self._decision())

    def _decision(self) -> str:
        if self._worth.is_alone:
            return "helpers were sent away, because with them items took longer"
        return "threads helped" if self.was_helped else "nobody was called"

    def _look_whether_helpers_pay(self) -> None:
        with self._lock:
            left = sum(lane.remaining for lane in self._lanes)
            helpers = len(self._drivers) - 1
        self._looked_at = time.perf_counter()
        if self._worth.look(self._looked_at, left, helpers):
            if self._worth.is_open:
                self._pool.announce(self._pool.num_threads)
            else:
                ticker.watch(self)

    def _close(self) -> None:
        self.end()
        if self._worth.is_alone:
            self._say_that_it_went_on_alone()

    def _say_that_it_went_on_alone(self) -> None:
        import logging

        steps = [step.describe() for stages in stages_of(self.piped) for step in stages if step.calls()]
        logging.getLogger("pariter").info(
            "a run of %s went on in one thread: with helpers its items took longer, because of what they share; "
            "explain() may tell what that is",
            ", ".join(steps) or self.sink.describe(),
        )

    def forget(self) -> None:
        if self._own is not None:
            self._own.forget()
            self._own = None
        super().forget()

    # What the pool and the ticker call.

    def open(self) -> bool:
        """Let idle workers join; called by the ticker, at any time. True to be asked again."""
        if not self.offer_to(self._pool):
            return False
        if self._worth.is_open:
            return False
        # It went on alone for the sake of cheap items; the one in hand may take for ever.
        if time.perf_counter() - self._looked_at < LATE_S:
            return True
        self._worth.is_open = True
        self._pool.announce(self._pool.num_threads)
        return False

    def help(self, worker: Worker) -> bool:
        """Take a part of the run and drive it, if there is one to take."""
        if not self._worth.is_open:
            return False
        functions = self._own  # which is forgotten at the end of the run
        copies = None if functions is None else functions.copies(worker.index)
        may_get_copies = copies is None and functions is not None
        return self.help_until(self._is_copy_there if may_get_copies else partial(self._is_to_leave, copies), copies)

    def _is_to_leave(self, copies: Copier | None = None) -> bool:
        """Whether a helper shall go: somebody wants its seat, or the run goes on alone. Its copies are brought up."""
        if copies is not None:
            copies.refresh()
        return self.is_seat_wanted() or not self._worth.is_open

    def _is_copy_there(self) -> bool:
        """Whether a helper shall come back, to go on with copies of functions."""
        return self._is_to_leave() or (self._own is not None and self._own.is_surveyed)


class ThreadStream(HelpedStream):
    """A stream on a pool, the consumer among its workers."""

    def __init__(
        self,
        piped: Piped,
        sink: Sink,
        terms: Terms,
        pool: WorkerPool,
        context: contextvars.Context,
    ) -> None:
        super().__init__(piped, sink, terms, pool.num_threads)
        self._pool = pool
        self._context = context
        self._own = own.OwnFunctions(piped, sink) if own.pays() else None
        self._errand: Errand | None = None

    def results(self) -> Iterator[Any]:
        if not must_ask(self._pool):  # else the consumer opens it, to meet what a pool's initializer raises
            ticker.watch(self)
        return super().results()

    def stop(self) -> None:
        if not self._is_end():
            ticker.unwatch(self)
            self.end()
            if self._errand is not None:
                self._errand.recall(self._pool)
        super().stop()

    def open(self) -> None:
        """Let idle workers join; called by the ticker, at any time."""
        self.offer_to(self._pool)

    def help(self, worker: Worker) -> bool:
        if self._own is not None and not self._own.is_surveyed:
            self._own.survey()
        return super().help(worker)

    def _copies(self) -> Copier | None:
        worker = current_worker()
        copies = None if worker is None or self._own is None else self._own.copies(worker.index)
        if copies is not None:
            copies.refresh()
        return copies

    def _help(self) -> bool:
        done: list[bool] = []

        def work() -> None:
            done.append(self._context.copy().run(self.work, this_thread(), True))

        if must_ask(self._pool) or not self._pool.seated_if_free(work):
            self._send_for_help()
            if current_worker() is not None or self._pool.own_threads_only or self._pool.seats.threads:
                return False  # Who leaves a seat finds what was offered.
            self._pool.seated_if_free(work, wait=True)
        return any(done)

    def _send_for_help(self) -> None:
        """Have others pull and run a batch, who have a seat or will have one."""
        self.open()
        if self.has_room():
            self._pool.announce()
            self._errand = send_for_help(self._pool, self, self._errand)
            self._pool.check_open()  # last: who is announced work to a pool that is still open does it

    def _is_idle(self) -> bool:
        return not self._running and self._helpers is None

    def _wait_for(self, latch: Latch, timeout: float | None = None) -> None:
        wait(latch, self._pool, timeout)


def must_ask(pool: WorkerPool) -> bool:
    """Whether this thread may not run functions for `pool` itself."""
    worker = current_worker()
    return pool.own_threads_only and (worker is None or worker.pool is not pool)
