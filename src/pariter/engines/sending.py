"""Batches in order from workers that are reached by sending."""

from __future__ import annotations

import contextlib
import contextvars
import time
from collections.abc import Callable, Iterator
from threading import get_ident
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

    It may begin in the consumer, go on with threads while functions wait, and with processes once they compute.
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
        self._consumer = 0
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
        is_consumer = is_alone or get_ident() == self._consumer
        if is_alone:
            self._idleness.begin()  # that the source or the consumer made this process wait does not count
        began = clocks()
        context = contextvars.copy_context()
        context.run(enclosing.set, "serial")
        leaf = context.run(super()._run, number, piece, size, worker)
        if is_consumer:
            ended = clocks()
            self._payoff.measured(size, ended[0] - began[0], ended[1] - began[1])
        if is_alone:
            self._idleness.look()
            self._items += size
            self._share()
        return leaf

    def _left(self) -> int:
        """How many items are still to come; if nobody knows, twice as many as came."""
        span = self._piped.span
        return self._items * 2 if span is None else span - self._items

    def _share(self) -> None:
        """Have others run the batches to come, where that pays."""
        left = self._left()
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
        return self._parcel is None and self._context.copy().run(self.join_in, self._run_ahead)

    def _help(self) -> bool:
        if self._parcel is None and self._helpers is None:
            return super()._help()
        if self._parcel is None:
            self._consumer = get_ident()
            self._leave_threads_if_items_compute()
        found = self._send_again() | self._pull_ahead()
        self._show()
        if self._parcel is None and not self._has_next():
            found |= self._run_here()
        return found

    def _run_here(self) -> bool:
        return contextvars.copy_context().run(self._run_ahead, this_thread(), True)

    def _leave_threads_if_items_compute(self) -> None:
        """Go on with processes if items compute that are shared with threads because others waited."""
        assert self._helpers is not None
        self._idleness.look()
        if self._idleness.fills_one_cpu and self._payoff.pays(self._left()):
            self._helpers.withdraw(self)
            while self._run_here():
                pass  # Batches were made for threads; those to come are made for processes.
            self._move()

    def _pull_ahead(self) -> bool:
        """Pull what there is room for, and have others run it; False if that is nothing."""
        found = False
        while self.has_room() and self._pull():
            found = True
            size = self._sizes[self._pulled - 1]
            if self._parcel is not None:
                self._send_next(size, self._parcel)
            elif self._helpers is not None:
                self._helpers.announce()
            self._items += size
        return found

    def _send_next(self, size: int, parcel: AnyParcel) -> None:
        try:
            number, piece, _ = self._ahead.popleft()
        except IndexError:
            return  # A thread that was called before the stream moved has taken it just now.
        self._send(Batch(number, self._items, size, parcel.piece(piece)), parcel)

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
            if self._parcel is None:
                super().stop()
                return
        self._ask_unwanted()
        try:
            self._wait_for_sent(time.monotonic() + STOP_S)
        finally:
            self._kill_sent()
            self._wait_for_helpers()
            self._done.clear()
            self._puller.close()

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
