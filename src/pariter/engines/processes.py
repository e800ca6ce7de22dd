"""Plans on worker processes of our own.

A plan that need not run in processes begins in the caller, and moves when the work measured so far says
that the rest will pay for the journey. While processes start, or while the caller's item in hand takes its
time, the caller is one of the workers: the lanes are fed by a thread beside it, to one process less.
What waits instead of computing needs no processes: the threads of a pool join the caller, and processes take the rest
if what waited at first computes later.
"""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable
from typing import Any

from pariter.engines.asking import STOP_S
from pariter.engines.base import FAR_LEFT, Terms, enclosing, this_thread
from pariter.engines.crews import Crew, RunCrew
from pariter.engines.dispatch import Dispatch, Look
from pariter.engines.helped import HelpedRun
from pariter.engines.idleness import Idleness
from pariter.engines.payoff import ENOUGH_S, Payoff, clocks
from pariter.engines.report import Report
from pariter.engines.sending import SentStream
from pariter.engines.shipping import check_travel, stages_of
from pariter.engines.slots import rest_if_exiting
from pariter.plan.piped import Leaf, Piped
from pariter.plan.sinks import Sink
from pariter.sched import ticker
from pariter.sched.lanes import Lane
from pariter.sched.pool import WorkerPool


class _SwitchingAtOnce:
    """Lets threads hand over the GIL within `SWITCH_S` while somebody dispatches beside a busy caller.

    Every system call gives up the GIL, and waits for it 5 ms beside a thread that computes: importing loky and
    starting processes makes hundreds, and takes over a second instead of the tenth of one.
    """

    SWITCH_S = 1e-4

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before = 0.0

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._before = sys.getswitchinterval()
                sys.setswitchinterval(min(self._before, self.SWITCH_S))

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                sys.setswitchinterval(self._before)


_switching_at_once = _SwitchingAtOnce()


class ProcessEngine:
    """Runs plans on the worker processes of one pool."""

    name = "processes"

    def __init__(self, crew: Crew, *, always: bool, threads: Callable[[], WorkerPool] | None = None) -> None:
        self._crew = crew.for_run()
        self._always = always
        self._threads = threads
        self.report: Report | None = None

    @property
    def isolates(self) -> bool:
        return self._always

    @property
    def num_workers(self) -> int:
        return len(self._crew.slots)

    def close(self) -> None:
        self._crew.close()

    def run(self, piped: Piped, sink: Sink, terms: Terms) -> Leaf:
        run = ProcessRun(piped, sink, terms, self._crew, self._threads)
        try:
            if self._always:
                run.dispatch()
            else:
                try:
                    run.begin_here()
                finally:
                    self.report = run.report()
            return run.answer()
        except RuntimeError:  # WorkerDied, or an executor that takes nothing any more
            rest_if_exiting()
            raise
        finally:
            run.forget()

    def stream(self, piped: Piped, sink: Sink, terms: Terms) -> SentStream:
        try:
            return SentStream(piped, sink, terms, self._crew, self._always, self._threads)
        except RuntimeError:
            rest_if_exiting()
            raise


class ProcessRun(Dispatch, HelpedRun):
    """A run that may begin in the caller."""

    def __init__(
        self,
        piped: Piped,
        sink: Sink,
        terms: Terms,
        crew: RunCrew,
        threads: Callable[[], WorkerPool] | None = None,
    ) -> None:
        super().__init__(piped, sink, terms, crew)
        self._payoff = Payoff(piped, sink, crew)
        self._idleness = Idleness()
        self._threads = threads
        self._block_began = (0.0, 0.0)
        """When the block in hand began, and how long this process had computed by then; zeros if there is none."""
        self._span = self._remaining()
        self._dispatcher: threading.Thread | None = None
        self._moved = False
        self._to_threads = False
        self._computes = False
        self._drives_here = False

    def begin_here(self) -> None:
        """Drive in the calling thread, until the run is over or worth sending away."""
        check_travel([step for group in stages_of(self.piped) for step in group] + [self.sink])
        self._context = context = contextvars.copy_context()
        ticker.watch(self)
        try:
            context.run(enclosing.set, "serial")
            lane = self._drive_here()
            if self.was_offered:
                context.copy().run(self.drive_all, self._is_to_compute_elsewhere)
                if self._computes:
                    self.end()
                    self.dispatch()
            else:
                self._answers.put(Look())
                self._join_dispatcher()
                if lane.remaining:
                    self.dispatch()
        except BaseException:
            self.cancel()
            raise
        finally:
            ticker.unwatch(self)
            self.end()
            self._join_dispatcher()

    def _drive_here(self) -> Lane:
        self._block_began = clocks()
        self._drives_here = True
        try:
            lane = self.claim()
            assert lane is not None
            self._context.copy().run(self.drive, lane, this_thread(), self._should_leave)
        finally:
            self._drives_here = False
            self._block_began = (0.0, 0.0)
            self.release()
        return lane

    def measured(self, items: int, seconds: float) -> None:
        if self.terms.finished is not None:
            super().measured(items, seconds)
        if threading.get_ident() == self._caller:
            computed = -self._block_began[1]
            self._block_began = clocks()  # first: who sees the old count takes the block in hand for longer
            self._payoff.measured(items, seconds, computed + self._block_began[1])

    def report(self) -> Report:
        """What was measured here, and who did the rest."""
        return self._payoff.report(self.known_span, self._decision())

    def _decision(self) -> str:
        if not self._moved:
            return "sending them away would not have paid"
        if self._computes:
            return f"threads helped while items waited, then {len(self._crew.slots)} processes, because they computed"
        if self.was_helped:
            return "threads helped, because the items wait more than they compute"
        if self._own_lanes:
            return f"{len(self._crew.slots)} processes did the rest"
        return "it was over when others were ready to help"

    def _should_leave(self) -> bool:
        """Whether the caller shall leave the rest to others, who are there."""
        if not self._moved:
            if not self._payoff.knows_enough:
                return False
            with self._lock:
                if self._moves_locked() and not self._to_threads and not self._crew.is_warm:
                    self._start_dispatcher_locked()
            self._call_threads()
        if self._to_threads:
            return self._is_to_compute_elsewhere()
        return self._moved and (self._dispatcher is None or self._item_s is not None)

    def _is_to_compute_elsewhere(self) -> bool:
        """Whether items compute that are shared with threads because others waited, and processes shall go on."""
        if not self._computes:
            self._idleness.look()
            self._computes = self._idleness.fills_one_cpu and self._payoff.pays(self._remaining())
        return self._computes

    def is_seat_wanted(self) -> bool:
        return self._computes or super().is_seat_wanted()

    def _moves_locked(self, item_s: float | None = None, computed_s: float | None = None) -> bool:
        """Decide whether the rest goes to others, whose items take and compute so long, or what was measured."""
        remaining = self._remaining()
        if self._moved or not self._payoff.pays_nearby(remaining, item_s):
            return self._moved
        if self._threads is not None:
            self._idleness.look()
            if not self._idleness.is_known:
                return False
            self._to_threads = self._idleness.waits
        self._moved = self._to_threads or self._payoff.pays(remaining, computed_s)
        return self._moved

    def _call_threads(self) -> None:
        if self._to_threads:
            assert self._threads is not None
            self.offer_to(self._threads())

    def _start_dispatcher_locked(self) -> None:
        if self._dispatcher is None:
            self._dispatcher = threading.Thread(target=self._dispatch_beside, name="pariter-dispatcher", daemon=True)
            self._dispatcher.start()

    def _fed_slots(self) -> list[Any]:
        slots = super()._fed_slots()
        return slots[1:] if self._drives_here and len(slots) > 1 else slots

    def _remaining(self) -> int:
        return sum(lane.remaining for lane in self._lanes)

    def open(self) -> bool:
        """The ticker found the run still going: its block in hand may be a long one. True to be asked again."""
        with self._lock:
            began, measured, remaining = self._block_began, self._payoff.items, self._remaining()
            if self._over or self._moved or not began[0]:
                return False
            items = self._span - measured - remaining
            elapsed, computed = (now - then for now, then in zip(clocks(), began, strict=True))
            if items <= 0 or elapsed < ENOUGH_S or began is not self._block_began:
                return True  # No block is in hand just now, or not for long enough to judge by it.
            # One item of the block may have taken all that time, but of many it is not likely.
            if not self._moves_locked(elapsed / items, min(elapsed, computed) / items):
                return True
            if not self._to_threads:
                self._start_dispatcher_locked()
        self._call_threads()
        return False

    def _dispatch_beside(self) -> None:
        try:
            with _switching_at_once:
                self.dispatch()
        except BaseException as error:
            self.fail(FAR_LEFT, error)

    def _join_dispatcher(self) -> None:
        dispatcher = self._dispatcher
        if dispatcher is None:
            return
        try:
            self._show_until_the_end_of(dispatcher)
        except BaseException:
            self.cancel()
            self._answers.put(None)
            dispatcher.join(STOP_S * 4)
            raise

    def _show_until_the_end_of(self, dispatcher: threading.Thread) -> None:
        while dispatcher.is_alive():
            dispatcher.join(0.2)
            self._show()
        self._show()
