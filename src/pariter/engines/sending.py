"""Batches in order from workers that are reached by sending."""

from __future__ import annotations

import contextlib
import contextvars
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from pariter._caught import Caught
from pariter.engines.asking import STOP_S
from pariter.engines.base import FAR_LEFT, FAR_RIGHT, Terms, enclosing, this_thread
from pariter.engines.dispatch import (
    PIECE_S,
    AnyCrew,
    AnyParcel,
    died_holding,
    end_state,
    in_words,
    naming_steps,
    opened,
)
from pariter.engines.helped import HelpedStream
from pariter.engines.idleness import Idleness
from pariter.engines.payoff import Payoff, clocks
from pariter.engines.shipping import check_travel, stages_of
from pariter.engines.slots import NotStarted, rest_if_exiting
from pariter.engines.streams import BatchSizer
from pariter.plan.piped import Leaf, Piped
from pariter.plan.sinks import Sink
from pariter.sched.latch import Latch
from pariter.sched.pool import WorkerPool
from pariter.sched.worker import Worker

if TYPE_CHECKING:
    from pariter.engines.mailbox import Mailbox


class SentStream(HelpedStream):
    """A stream whose batches are sent to worker processes, or run by threads, two and more ahead for each.

    Whoever runs them, the consumer alone pulls: an iterator may belong to its thread, as a cursor of SQLite does.
    """

    _LONGEST_BATCH = 1 << 16

    def __init__(
        self,
        piped: Piped,
        sink: Sink,
        terms: Terms,
        crew: AnyCrew,
        always: bool,
        threads: Callable[[], WorkerPool] | None = None,
    ) -> None:
        super().__init__(piped, sink, terms, len(crew.slots))
        self._sizer = BatchSizer(terms, len(crew.slots), PIECE_S, self._LONGEST_BATCH)
        self._piped = piped
        self._crew = crew
        self._payoff = Payoff(piped, sink, crew)
        self._items = 0
        self._sent: dict[int, Batch] = {}
        self._unstarted: list[Batch] = []
        self._sending: Any = None
        self._parcel: AnyParcel | None = None
        self._mailbox: Mailbox | None = None
        if always:
            self._move()
        else:
            check_travel([step for group in stages_of(piped) for step in group] + [sink])
            self._threads = threads
            self._idleness = Idleness()
            self._context = contextvars.copy_context()
            self._context.run(enclosing.set, "serial")

    def _move(self) -> None:
        from pariter.engines.mailbox import Mailbox

        self._mailbox = Mailbox()
        parcel = self._parcel = self._crew.parcel(self._piped, self._sink)
        self._sizer.limit(parcel.most_items)
        self._crew.warm_up()

    def _run(self, number: int, piece: Piped, size: int, worker: str) -> Leaf:
        is_alone = self._helpers is None
        if is_alone:
            self._idleness.begin()  # that the source or the consumer made this process wait does not count
        began = clocks()
        context = contextvars.copy_context()
        context.run(enclosing.set, "serial")
        leaf = context.run(super()._run, number, piece, size, worker)
        if is_alone:
            self._idleness.look()
            ended = clocks()
            self._payoff.measured(size, ended[0] - began[0], ended[1] - began[1])
            self._items += size
            span = self._piped.span
            self._share(self._items * 2 if span is None else span - self._items)
        return leaf

    def _share(self, left: int) -> None:
        """Have others run the batches to come, where that pays for so many items."""
        if not self._payoff.pays_nearby(left):
            return
        if self._threads is not None:
            if not self._idleness.is_known:
                return
            if self._idleness.waits:
                self.offer_to(self._threads())
                return
        if self._payoff.pays(left):
            self._move()

    def help(self, worker: Worker) -> bool:
        """Run a batch that the consumer has pulled; called by the pool."""
        return self._context.copy().run(self._run_ahead, this_thread())

    def _help(self) -> bool:
        if self._parcel is None and self._helpers is None:
            return super()._help()
        found = self._send_again() | self._pull_ahead()
        self._show()
        if self._helpers is not None and not self._has_next():
            found |= contextvars.copy_context().run(self._run_ahead, this_thread(), True)
        return found

    def _pull_ahead(self) -> bool:
        """Pull what there is room for, and have others run it; False if that is nothing."""
        found = False
        while self.has_room() and self._pull():
            found = True
            if self._helpers is not None:
                self._helpers.announce()
            elif self._parcel is not None:
                number, piece, size = self._ahead.popleft()
                self._send(Batch(number, self._items, size, self._parcel.piece(piece)), self._parcel)
                self._items += size
        return found

    def _send_again(self) -> bool:
        """Send what no worker has begun; False if that is nothing."""
        with self._lock:
            unstarted, self._unstarted = self._unstarted, []
        for batch in unstarted:
            assert self._parcel is not None
            self._send(batch, self._parcel)
        return bool(unstarted)

    def _send(self, batch: Batch, parcel: AnyParcel) -> None:
        slot = min(self._crew.slots, key=len)
        self._sending = slot  # an interrupt from here on leaves open what that has got
        shipment = slot.send_piece(parcel, batch.content)
        batch.slot, batch.shipment = slot, shipment
        self._sent[batch.number] = batch
        self._sending = None
        shipment.add_done_callback(lambda done: self._received(batch, done))

    def _received(self, batch: Batch, shipment: Any) -> None:
        """Called by the thread that got the answer."""
        error = shipment.exception()
        if isinstance(error, NotStarted):
            with self._lock:
                self._unstarted.append(batch)
                self._wake_locked()
            return
        self._sent.pop(batch.number, None)
        batch.shipment = None
        if error is not None:
            self._keep(batch.number, Caught(died_holding(error, batch.items(), self._piped, self._sink)))
            return
        assert self._mailbox is not None
        outcome = opened(self._mailbox.put(shipment.result()), self._sink)
        if not isinstance(outcome, Caught):
            partial, left_early, seconds = outcome
            self._sizer.measured(batch.size, seconds)
            # Beyond what is wanted, functions may know that, and have given anything.
            outcome = Leaf(partial, left_early and batch.number <= self._last)
        else:
            outcome = Caught(naming_steps(outcome.error, self._piped, self._sink))
        self._keep(batch.number, outcome)

    def _keep(self, number: int, outcome: Leaf | Caught | None) -> None:
        super()._keep(number, outcome)
        if self._last < FAR_RIGHT:
            self._ask_unwanted()

    def _ask_unwanted(self) -> None:
        """Ask the workers to leave the batches whose results nobody will see."""
        for batch in list(self._sent.values()):
            if batch.number > self._last and batch.shipment is not None:
                batch.slot.ask(batch.shipment)

    def _take(self) -> Leaf | Caught | None:
        outcome = super()._take()
        self._show()
        return outcome

    def _show(self) -> None:
        if self._mailbox is not None:
            self._mailbox.show()

    def _made_room(self) -> None:
        if self._parcel is not None or self._helpers is not None:
            self._send_again()
            self._pull_ahead()
            self._show()

    def results(self) -> Iterator[Any]:
        try:
            yield from super().results()
        except RuntimeError:  # WorkerDied, or an executor that takes nothing any more
            rest_if_exiting()
            raise

    def close(self) -> None:
        try:
            super().close()
        finally:
            if self._mailbox is not None and self._parcel is not None and not self._is_end():
                try:
                    end_state(self._crew, self._parcel, self._mailbox)
                finally:  # what was done ahead, and is not asked for any more, is shown but cannot fail
                    with contextlib.suppress(Warning):
                        self._show()

    def stop(self) -> None:
        self._over = True
        self._last = FAR_LEFT
        if self._is_end():
            return
        if self._helpers is not None:
            self.end()
            super().stop()
            return
        self._ask_unwanted()
        try:
            self._wait_for_sent(time.monotonic() + STOP_S)
        finally:
            self._kill_sent()

    def _wait_for_sent(self, deadline: float) -> None:
        while len(self._sent) > len(self._unstarted) and time.monotonic() < deadline:
            with self._lock:
                latch = self._changed = self._changed or Latch()
            latch.wait(0.05)

    def _kill_sent(self) -> None:
        if self._sending is not None:
            self._sending.stop()
        for batch in list(self._sent.values()):
            if batch.shipment is not None:
                batch.slot.kill(batch.shipment)
        self._done.clear()
        self._puller.close()


class Batch:
    """A batch in flight: its number, where its items begin, how many it has, and its pickle."""

    __slots__ = ("content", "low", "number", "shipment", "size", "slot")

    def __init__(self, number: int, low: int, size: int, content: bytes) -> None:
        self.number = number
        self.low = low
        self.size = size
        self.content = content
        self.slot: Any = None
        self.shipment: Any = None

    def items(self) -> str:
        """What it holds, in words."""
        return in_words(self.low, self.low + self.size)
