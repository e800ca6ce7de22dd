"""What an engine is, and the run it works on: lanes, what they gave, and how far is still wanted.

States   A run has lanes, which own what is not taken yet, and *drivers*, threads inside `drive`. It is
         over when no lane has anything left and nobody drives.
Guards   `_lock` guards `_lanes`, `_parts`, `_errors`, `_drivers`, `_over` and `horizon`; no user code runs under it.
         `horizon` is also read without it: a feed that sees an old value does one block for nothing.
Promise  Every position is driven exactly once, or lies right of the horizon. The answer, or the
         exception, is that of the leftmost leaf that has one.
Tests    tests/laws/test_engine_law.py, tests/engines/.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, Protocol

from pariter._record import Record
from pariter.engines.report import Report
from pariter.plan.blame import annotate_merge
from pariter.plan.piped import Leaf, Piped, run_leaf
from pariter.plan.place import Block, Copier, Dropped, dropped
from pariter.plan.sinks import Sink
from pariter.sched import _platform
from pariter.sched.blocks import next_size
from pariter.sched.lanes import Cuts, Lane

FAR_RIGHT = float("inf")
FAR_LEFT = float("-inf")


class Terms(Record):
    """What a run must observe besides its answer."""

    cuts: Cuts = Cuts()
    window: int | None = None
    """How many items a stream may be ahead of its consumer; None leaves it to the engine."""
    ordered: bool = True
    deadline: float | None = None
    """When the time is up, on the monotonic clock."""
    seconds: float = 0.0
    """How long the user said that may take."""
    finished: Callable[[int], object] | None = None
    """Called with the number of items of each block that is done, by one thread at a time."""

    def is_late(self) -> bool:
        """Whether the time is up."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def time_left(self, most: float) -> float:
        """The seconds until the time is up, at most `most`."""
        return most if self.deadline is None else max(0.0, min(most, self.deadline - time.monotonic()))

    def patience(self) -> float | None:
        """How long one may wait before looking at the clock again; None for ever."""
        return None if self.deadline is None else self.time_left(60.0)

    def too_late(self) -> TimeoutError:
        """What is raised when the time is up."""
        return TimeoutError(f"the run was not over after timeout({self.seconds:g}) seconds")


class Results(Protocol):
    """The partial results of batch after batch, in order, a window ahead of the consumer."""

    def results(self) -> Iterator[Any]:
        """Each of them; raises what a batch raised, in its place."""
        ...

    def close(self) -> None:
        """End what is at work, whether or not all results were asked for. Called again, it ends what is left."""
        ...


class Engine(Protocol):
    """Decides where the leaves of one run of a plan run."""

    name: str

    @property
    def report(self) -> Report | None:
        """What was measured in the last run on this engine, if anything was."""
        ...

    @property
    def isolates(self) -> bool:
        """Whether the caller may not run any of a plan's functions itself."""
        ...

    @property
    def num_workers(self) -> int:
        """How many leaves may run at the same time."""
        ...

    def run(self, piped: Piped, sink: Sink, terms: Terms) -> Leaf:
        """The whole of a source whose span is known, as if it were one leaf; or its exception."""
        ...

    def stream(self, piped: Piped, sink: Sink, terms: Terms) -> Results:
        """The partial results of batch after batch."""
        ...

    def close(self) -> None:
        """The run of the plan is over: take back what was lent for it."""
        ...


enclosing: ContextVar[Any] = ContextVar("pariter_pool", default=None)
"""The pool whose `with` block, `install` or run encloses the caller, or `"serial"`; None outside."""


def this_thread() -> str:
    """The calling thread as an error note names it."""
    return f"thread {threading.current_thread().name}"


class LaneFeed:
    """Hands out the blocks of one leaf of a lane, and looks around between them."""

    __slots__ = ("_interrupt", "_lane", "_run", "ended")

    def __init__(self, run: Run, lane: Lane, interrupt: Callable[[], bool] | None) -> None:
        self._run = run
        self._lane = lane
        self._interrupt = interrupt
        self.ended = False

    def blocks(self) -> Iterator[Block]:
        run, lane, interrupt = self._run, self._lane, self._interrupt
        clock = time.perf_counter
        size = 1
        began = clock()
        while run.horizon >= lane.begin and (block := lane.take(size)) is not None:
            yield block
            now = clock()
            took, began = now - began, now
            run.measured(block[1] - block[0], took)
            if run.terms.deadline is not None and run.terms.is_late():
                run.fail(FAR_LEFT, run.terms.too_late())
            size = next_size(size, took)
            if interrupt is not None and interrupt() and lane.pause():
                break
        self.ended = True


OWNER = "the thread that began the run"
"""The driver that is waited for by itself: a run whose owner ends it is not driven by it."""


class Run:
    """One terminal method at work over a source whose span is known."""

    def __init__(self, piped: Piped, sink: Sink, terms: Terms) -> None:
        self.piped = piped
        self.sink = sink
        self.terms = terms
        self.horizon: float = FAR_RIGHT
        self._lock = _platform.new_lock()
        self._progress_lock = _platform.new_lock()
        self._drivers: set[object] = set()
        self._over = False
        self._parts: list[tuple[int, Any]] = []
        self._errors: list[tuple[float, BaseException]] = []
        span = piped.span
        assert span is not None
        self._lanes = [Lane(0, span, terms.cuts)]
        self._ownerless = [*self._lanes]
        self._is_empty = span == 0

    # What drivers call.

    def measured(self, items: int, seconds: float) -> None:
        """A block of `items` took `seconds`."""
        if self.terms.finished is not None:
            with self._progress_lock:
                self.terms.finished(items)

    def claim(self, driver: object = OWNER) -> Lane | None:
        """The lane that `driver` shall drive next, or None if there is nothing to take; see `release`."""
        with self._lock:
            # Who comes when all is over is too late: others may have the rest, and nobody looks for a lane it leaves.
            lane = None if self._over else self._next_lane_locked()
            if lane is not None:
                self._drivers.add(driver)
            return lane

    def _next_lane_locked(self) -> Lane | None:
        """A lane whose owner has left, or else the right half of the one with most left."""
        if self._ownerless:
            return self._ownerless.pop()
        self._lanes = [lane for lane in self._lanes if lane.remaining > 0]
        for lane in sorted(self._lanes, key=lambda lane: -lane.remaining):
            if (stolen := lane.steal()) is not None:
                self._lanes.append(stolen)
                return stolen
        return None

    def release(self, driver: object = OWNER) -> None:
        """`driver` drives no longer, if it did; after an interrupt nobody knows how far it came."""
        with self._lock:
            if driver in self._drivers:
                self._drivers.remove(driver)
                self._changed_locked()

    def _changed_locked(self) -> None:
        """Somebody stopped driving; engines wake those who wait for that."""

    def drive(
        self,
        lane: Lane,
        worker: str,
        interrupt: Callable[[], bool] | None = None,
        copies: Copier | None = None,
    ) -> None:
        """Run leaf after leaf of `lane`; what they gave or raised is kept for `answer`."""
        token = dropped.set(Dropped(lambda: self.horizon < lane.begin or self.terms.is_late()))
        try:
            self._drive(lane, worker, interrupt, copies)
        finally:
            dropped.reset(token)

    def _drive(self, lane: Lane, worker: str, interrupt: Callable[[], bool] | None, copies: Copier | None) -> None:
        while True:
            begin = lane.next_leaf()
            if begin is None:
                if not self._is_empty:
                    return
                begin, self._is_empty = 0, False  # even no items make one leaf
            if begin > self.horizon:  # stolen from a lane that was about to be dropped
                lane.drop()
                return
            feed = LaneFeed(self, lane, interrupt)
            try:
                leaf = run_leaf(self.piped, self.sink, feed, worker, begin, copies)
            except BaseException as error:
                lane.drop()
                self.fail(begin, error)
                return
            if leaf.left_early and self.terms.is_late():  # a function that was told so may have given anything
                lane.drop()
                self.fail(FAR_LEFT, self.terms.too_late())
                return
            self.add(begin, leaf)
            if leaf.left_early:
                lane.drop()
                return
            if interrupt is not None and lane.remaining and interrupt():
                with self._lock:
                    self._ownerless.append(lane)
                return

    def add(self, begin: int, leaf: Leaf) -> None:
        """Keep what the leaf that began at `begin` gave."""
        with self._lock:
            self._parts.append((begin, leaf.partial))
            if leaf.left_early:
                self._cut_off_locked(FAR_LEFT if self.sink.anywhere else begin)

    def fail(self, begin: float, error: BaseException) -> None:
        """Keep what the leaf that began at `begin` raised."""
        with self._lock:
            # Whoever is interrupted wants no answer, wherever the others are.
            begin = FAR_LEFT if isinstance(error, KeyboardInterrupt) else begin
            self._errors.append((begin, error))
            self._cut_off_locked(begin)

    def cancel(self) -> None:
        """Nothing is wanted any more."""
        with self._lock:
            self._cut_off_locked(FAR_LEFT)

    def _cut_off_locked(self, horizon: float) -> None:
        if horizon < self.horizon:
            self.horizon = horizon
            for lane in self._lanes:
                if lane.begin > horizon:
                    lane.drop()

    # What the caller does when all is over.

    def answer(self) -> Leaf:
        """All parts merged, or the exception that comes first in the order of the items."""
        sink, horizon = self.sink, self.horizon
        errors, self._errors = self._errors, []
        parts, self._parts = self._parts, []
        if sink.anywhere and any(sink.settled(partial) for _, partial in parts):
            return Leaf(merged(sink, [partial for _, partial in parts]), True)
        if errors:
            begin, error = min(errors, key=lambda pair: pair[0])
            if begin <= horizon:
                errors.clear()
                parts.clear()
                try:
                    raise error
                finally:
                    del error
        parts.sort(key=lambda pair: pair[0])
        partials = [partial for begin, partial in parts if begin <= horizon]
        return Leaf(merged(sink, partials), horizon < FAR_RIGHT)


def merged(sink: Sink, partials: list[Any]) -> Any:
    """The partial results of neighbours merged, from left to right."""
    if len(partials) == 1:
        return partials[0]
    partials.reverse()
    try:
        return _merged_from_the_end(sink, partials)
    except BaseException as error:
        annotate_merge(error, sink, this_thread())
        raise


def _merged_from_the_end(sink: Sink, partials: list[Any]) -> Any:
    result = partials.pop()
    while partials:
        result = sink.merge(result, partials.pop())
    return result
