"""Batches in order: how plans are iterated, and how sources without a length are run.

A batch is pulled by one thread at a time, run as one leaf, and kept until its turn comes. The consumer
takes what is next in order; if that is not there yet it pulls and runs a batch of its own, or waits for
whoever is running it.

States   `_pulled` batches were pulled, `_head` is the next one the consumer gets. What lies between them waits in
         `_ahead` to be run, is being run, or waits in `_done` for its turn; `_running` counts the first two.
         `_helping` counts the helpers that may have one in hand: an interrupted consumer has none, whatever it counted.
         `_over` means that nothing more will be pulled, `_last` is the number of the last batch whose results
         are wanted.
Guards   `_lock` guards everything; no user code runs under it. The puller, which runs a user's iterator, belongs to
         the thread that set `_pulling`. Nobody waits for it: who comes meanwhile leaves word in `_missed`.
Promise  At most `window` items are pulled and not yet consumed. Batches come out in order, and the exception
         of a batch in its place. Who found nothing to do is told when there is something: the consumer, because
         `_changes` has moved since it looked; helpers, because room that is made or was missed is announced.
Tests    tests/engines/test_streams.py
"""

from __future__ import annotations

import contextlib
import contextvars
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from pariter._caught import Caught
from pariter.engines.base import FAR_LEFT, FAR_RIGHT, Terms, this_thread
from pariter.plan.compound import Chained
from pariter.plan.piped import Leaf, Piped, WholeFeed, run_leaf
from pariter.plan.place import Copier, Dropped, dropped
from pariter.plan.sinks import Sink
from pariter.plan.sources import Puller, Source, units
from pariter.plan.weaving import Streamed
from pariter.sched import _platform
from pariter.sched.latch import Latch

BATCH_S = 0.001
LONGEST_BATCH = 4096
BATCHES_PER_WORKER = 4


class BatchSizer:
    """How many items the next batch should have: as many as take about `seconds`."""

    def __init__(self, terms: Terms, workers: int, seconds: float, longest: int = LONGEST_BATCH) -> None:
        cuts = terms.cuts
        self._seconds = seconds
        if terms.window is not None:
            longest = min(longest, max(1, terms.window // (2 * workers)))
        if cuts.longest is not None:
            longest = min(longest, cuts.longest)
        self._longest = longest
        self._shortest = cuts.shortest
        self._fixed = cuts.quantum
        self._size = 1

    def next(self) -> int:
        """The size of the next batch."""
        return self._fixed or max(self._size, self._shortest)

    def limit(self, longest: int) -> None:
        """From now on, let no batch be longer."""
        self._longest = min(self._longest, longest)
        self._size = min(self._size, longest)

    def measured(self, items: int, seconds: float) -> None:
        """A batch of `items` took `seconds`."""
        if items < self._size:
            return
        if seconds < self._seconds / 2:
            factor = 8 if seconds < self._seconds / 32 else 2
            self._size = max(1, min(items * factor, self._longest))
        elif seconds > self._seconds * 2:
            self._size = max(1, items // 2)


class HeldBack(Puller[Any]):
    """A puller whose last piece is no shorter than the others must be: it holds that many back until it sees more.

    The last piece may be longer than was asked for, up to `longest` if that leaves room for two; the one before it
    may be shorter than was asked for. So only a piece of no items means the end.
    """

    def __init__(self, inner: Puller[Any], shortest: int, longest: int | None) -> None:
        self._inner = inner
        self._shortest = shortest
        self._longest = None if longest is None else max(longest, 2 * shortest - 1)
        self._held: list[Source[Any]] = []
        self._ended = False

    def pull(self, most: int) -> Source[Any]:
        have = sum(map(units, self._held))
        wanted = most + self._shortest
        if have < wanted and not self._ended:
            piece = self._inner.pull(wanted - have)
            self._ended = units(piece) < wanted - have
            self._held.append(piece)
            have += units(piece)
        if have >= wanted:
            size = most
        elif self._longest is None or have <= self._longest:
            size = have
        else:
            size = have - self._shortest
        whole: Chained[Any] = Chained(tuple(self._held))
        self._held = [whole.cut(size, have)] if size < have else []
        return whole.cut(0, size)

    def close(self) -> None:
        self._held = []
        self._inner.close()


def pieces_of(piped: Piped, terms: Terms) -> Puller[Any]:
    """What hands out the batches of `piped`, none of them shorter than the terms allow."""
    shortest, longest = terms.cuts.shortest, terms.cuts.longest

    def held_back(source: Source[Any]) -> Source[Any]:
        if isinstance(source, Piped):  # its stages may end a batch early, and what was chained must last
            return Piped(held_back(source.source), source.stages)
        return Streamed(HeldBack(source.puller(), shortest, longest), (source,))

    return (piped if shortest == 1 else held_back(piped)).puller()


class Stream:
    """The batches of one run, pulled, run and handed out in order."""

    def __init__(self, piped: Piped, sink: Sink, terms: Terms, workers: int) -> None:
        self._sink = sink
        self._puller = pieces_of(piped, terms)
        self._sizer = BatchSizer(terms, workers, BATCH_S)
        self._window = terms.window
        self._shortest = terms.cuts.shortest
        self._terms = terms
        self._most_batches = BATCHES_PER_WORKER * workers
        self._lock = _platform.new_lock()
        self._ahead: deque[tuple[int, Piped, int]] = deque()
        self._done: dict[int, Leaf | Caught | None] = {}
        self._sizes: dict[int, int] = {}
        self._waiting = 0
        self._pulled = 0
        self._head = 0
        self._running = 0
        self._helping = 0
        self._pulling = False
        self._missed = False
        self._over = False
        self._settled: Leaf | None = None
        self._last = FAR_RIGHT
        self._changes = 0
        self._changed: Latch | None = None
        # Kept here because an unfinished iterator may be collected when the names of modules are gone.
        self._is_end = sys.is_finalizing

    # Any worker.
    def has_room(self) -> bool:
        """Whether another batch may be pulled, once the source is free; a hint."""
        ahead = self._pulled - self._head
        return not (self._over or ahead >= self._most_batches) and (
            self._window is None or ahead == 0 or self._waiting < self._window
        )

    def join_in(self, work: Callable[[str], bool]) -> bool:
        """Let a helper, the calling thread, do `work`, unless nothing is wanted any more."""
        with self._lock:
            if self._last == FAR_LEFT:
                return False
            self._helping += 1
        try:
            return work(this_thread())
        finally:
            with self._lock:
                self._helping -= 1
                if not self._helping and self._last == FAR_LEFT:
                    self._wake_locked()

    def work(self, worker: str, consumer: bool = False) -> bool:
        """Pull a batch and run it; False if there is none to have now."""
        return self._pull(consumer) and self._run_ahead(worker, consumer)

    def _run_ahead(self, worker: str, consumer: bool = False) -> bool:
        """Run a batch that was pulled, if there is one that nobody runs."""
        try:
            number, piece, size = self._ahead.popleft()
        except IndexError:
            return False
        outcome: Leaf | Caught | None = None
        try:
            if number <= self._last:
                outcome = self._run(number, piece, size, worker)
        except BaseException as error:
            if consumer and isinstance(error, KeyboardInterrupt):
                raise
            outcome = Caught(error)
        finally:
            del piece
            self._keep(number, outcome)
        return True

    def _pull(self, consumer: bool = True) -> bool:
        """Pull the next batch; False if there is none to have now."""
        number, size = -1, 0
        piece: Piped | None = None
        outcome: Caught | None = None
        try:
            with self._lock:
                ahead = self._pulled - self._head
                if self._over or ahead >= self._most_batches:
                    return False
                if self._pulling:
                    self._missed = True
                    return False
                wanted = self._sizer.next()
                if self._window is not None:
                    wanted = min(wanted, max(self._window - self._waiting, 1 if ahead == 0 else 0))
                if not wanted or (ahead and wanted < min(self._shortest, self._window or wanted)):
                    return False
                self._pulling = True
                self._running += 1
                number, self._pulled = self._pulled, self._pulled + 1
            pulled = self._puller.pull(wanted)
            assert isinstance(pulled, Piped)
            assert pulled.span is not None
            size = pulled.span
            # A source that holds items back may give few before its end, but nothing only there.
            if not size or (size < wanted and self._shortest == 1):
                self._over = True
            if size or not number:  # even no items make one leaf
                piece = pulled
        except BaseException as error:
            self._over = True  # before the source is free again: whoever raised is not asked for more
            if number < 0 or (consumer and isinstance(error, KeyboardInterrupt)):
                raise
            outcome = Caught(error)  # a helper has nobody to raise it to: the consumer meets it in its place
        finally:
            if number >= 0:
                self._hand_on(number, piece, size)
                if piece is None:
                    self._keep(number, outcome)
        return piece is not None

    def _hand_on(self, number: int, piece: Piped | None, size: int) -> None:
        """Batch `number` was pulled, if it is one: others may pull, and those that wanted to meanwhile are told."""
        with self._lock:
            self._pulling = False
            if piece is not None:
                self._sizes[number] = size
                self._waiting += size
                self._ahead.append((number, piece, size))
            missed, self._missed = self._missed, False
            if missed:
                self._wake_locked()
        if missed:
            self._made_room()

    def _run(self, number: int, piece: Piped, size: int, worker: str) -> Leaf:
        token = dropped.set(Dropped(lambda: self._last < number or self._terms.is_late()))
        began = time.perf_counter()
        try:
            leaf = run_leaf(piece, self._sink, WholeFeed(size), worker, copies=self._copies())
        finally:
            dropped.reset(token)
        self._sizer.measured(size, time.perf_counter() - began)
        return leaf

    def _copies(self) -> Copier | None:
        """The copies of functions that the calling worker shall use."""
        return None

    def _keep(self, number: int, outcome: Leaf | Caught | None) -> None:
        """Batch `number` is over; None if it turned out to be none."""
        with self._lock:
            self._running -= 1
            self._done[number] = outcome
            if self._terms.finished is not None and outcome is not None:
                self._terms.finished(self._sizes.get(number, 0))
            if outcome is None:
                self._over = True
            elif isinstance(outcome, Caught) or outcome.left_early:
                self._over = True
                self._last = min(self._last, number)
                if isinstance(outcome, Leaf) and self._sink.anywhere:
                    self._settled = outcome
                    self._last = FAR_LEFT
            self._wake_locked()

    def _wake_locked(self) -> None:
        self._changes += 1
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    # The consumer.
    def results(self) -> Iterator[Any]:
        """The partial results of batch after batch; raises what a batch raised, in its place."""
        while True:
            self._check_time()
            seen = self._changes
            if self._settled is not None:
                self._check_time()
                yield self._settled.partial
                return
            if not self._has_next():
                if self._is_finished():
                    return
                if not self._help():
                    self._wait(seen)
                continue
            outcome = self._take()
            self._check_time()  # functions that were told that it is late may have given anything
            if outcome is None:
                if self._terms.ordered:
                    return
                continue
            if isinstance(outcome, Caught):
                self.stop()
                try:
                    raise outcome.error
                finally:
                    del outcome
            yield outcome.partial
            if outcome.left_early:
                return
            del outcome

    def close(self) -> None:
        """The consumer wants no more."""
        self.stop()

    def _check_time(self) -> None:
        if self._terms.deadline is not None and self._terms.is_late():
            raise self._terms.too_late()

    def _has_next(self) -> bool:
        return self._head in self._done if self._terms.ordered else bool(self._done)

    def _take(self) -> Leaf | Caught | None:
        with self._lock:
            number = self._head if self._terms.ordered else min(self._done)
            outcome = self._done.pop(number)
            self._waiting -= self._sizes.pop(number, 0)
            self._head += 1
            self._missed |= self._pulling
            room = not (self._over or self._pulling)
        if room:
            self._made_room()
        return outcome

    def _is_finished(self) -> bool:
        with self._lock:
            return self._over and self._head == self._pulled

    def _made_room(self) -> None:
        """Another batch may be pulled; engines wake those who might."""

    def _help(self) -> bool:
        """Let the consumer pull and run a batch itself."""
        return contextvars.copy_context().run(self.work, this_thread(), True)

    def _wait(self, seen: int) -> None:
        """Wait until something changes, unless something has since `_changes` was `seen`."""
        with self._lock:
            if self._changes != seen or self._is_idle():
                return
            latch = self._changed = self._changed or Latch()
        self._wait_for(latch, self._terms.patience())

    def _is_idle(self) -> bool:
        """Whether nobody would end a wait."""
        return not self._running

    def _wait_for(self, latch: Latch, timeout: float | None = None) -> None:
        latch.wait(timeout)

    def stop(self) -> None:
        """Pull nothing more and wait for the batches in hand."""
        self._over = True
        self._last = FAR_LEFT
        if self._is_end():
            return  # no other thread will ever run again
        while self._ahead:
            with contextlib.suppress(IndexError):
                self._keep(self._ahead.popleft()[0], None)
        self._wait_for_helpers()
        self._done.clear()
        self._puller.close()

    def _wait_for_helpers(self) -> None:
        while True:
            with self._lock:
                if not self._helping:
                    return
                latch = self._changed = self._changed or Latch()
            self._wait_for(latch)
