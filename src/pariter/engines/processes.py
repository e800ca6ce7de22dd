"""Lanes fed to worker processes.

The lanes stay in the parent, one a slot. A piece is cut by the same timing rule as a block, two are
in flight for each worker so that none waits for a round trip, and a slot whose lane is empty steals from
the largest. A plan that need not run in processes begins in the caller, and moves when the work measured
so far says that the rest will pay for the journey.
"""

from __future__ import annotations

import contextvars
import pickle
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

from pariter._caught import Caught
from pariter.engines import worker_process
from pariter.engines.base import FAR_LEFT, Run, Terms, enclosing, this_thread
from pariter.engines.shipping import Parcel, check_travel, stages_of
from pariter.engines.slots import Crew, NotStarted, Shipment, Slot
from pariter.engines.streams import BatchSizer, Stream
from pariter.errors import CannotSend, WorkerDied
from pariter.plan.piped import Leaf, Piped
from pariter.plan.sinks import Sink
from pariter.sched import ticker
from pariter.sched.lanes import Lane
from pariter.sched.latch import Latch

PIECE_S = 0.02
LONGEST_PIECE_S = 0.3
IN_FLIGHT = 2
STOP_S = 0.5
"""How long a piece that nobody wants any more may run on before its worker is killed."""
COLD_START_S = 0.3
WARM_START_S = 0.004
SHIPPING_S = 40e-9
"""What it takes to pickle and unpickle one small item, once."""


class ProcessEngine:
    """Runs plans on the worker processes of one pool."""

    name = "processes"

    def __init__(self, crew: Crew, *, always: bool) -> None:
        self._crew = crew
        self._always = always

    @property
    def isolates(self) -> bool:
        return self._always

    @property
    def num_workers(self) -> int:
        return len(self._crew.slots)

    def run(self, piped: Piped, sink: Sink, terms: Terms) -> Leaf:
        run = ProcessRun(piped, sink, terms, self._crew)
        if self._always:
            run.dispatch()
        else:
            run.begin_here()
        return run.answer()

    def stream(self, piped: Piped, sink: Sink, terms: Terms) -> Iterator[Any]:
        return ProcessStream(piped, sink, terms, self._crew, self._always).results()


class Payoff:
    """Whether sending the rest of a run away will pay, judged by what was measured so far."""

    def __init__(self, piped: Piped, sink: Sink, crew: Crew) -> None:
        self._crew = crew
        self._per_item_s = SHIPPING_S * (piped.carries_data + sink.returns_items)
        self._items = 0
        self._seconds = 0.0

    def measured(self, items: int, seconds: float) -> None:
        """`items` took `seconds` in the caller."""
        self._items += items
        self._seconds += seconds

    def pays(self, remaining: float, item_s: float | None = None) -> bool:
        """Whether `remaining` items, of the time measured or of `item_s` each, should go."""
        if item_s is None:
            if not self._items:
                return False
            item_s = self._seconds / self._items
        saved = 1 - 1 / max(2, len(self._crew.slots))
        start = WARM_START_S if self._crew.is_warm else COLD_START_S
        return remaining * (item_s * saved - self._per_item_s) > start


class ProcessRun(Run):
    """A run whose lanes are fed to worker processes."""

    def __init__(self, piped: Piped, sink: Sink, terms: Terms, crew: Crew) -> None:
        super().__init__(piped, sink, terms)
        self._crew = crew
        self._answers: queue.SimpleQueue[Piece | None] = queue.SimpleQueue()
        self._in_flight: dict[Slot, list[Piece]] = {slot: [] for slot in crew.slots}
        self._own_lanes: dict[Slot, Lane] = {}
        self._item_s: float | None = None
        self._largest = 1
        self._payoff = Payoff(piped, sink, crew)
        self._block_began = 0.0
        self._dispatcher: threading.Thread | None = None
        self._over = False
        self._moved = False

    # In the caller, while that is cheaper.

    def begin_here(self) -> None:
        """Drive in the calling thread, until the run is over or worth sending away."""
        check_travel([step for group in stages_of(self.piped) for step in group] + [self.sink])
        lane = self.claim()
        assert lane is not None
        context = contextvars.copy_context()
        ticker.watch(self)
        try:
            context.run(enclosing.set, "serial")
            self._block_began = time.perf_counter()
            context.run(self.drive, lane, this_thread(), self._should_move)
            self._block_began = 0.0
            self.release()
            if self._dispatcher is None and lane.remaining:
                self.dispatch()
        except BaseException:
            self.cancel()
            raise
        finally:
            ticker.unwatch(self)
            with self._lock:
                self._over = True
            self._join_dispatcher()

    def measured(self, items: int, seconds: float) -> None:
        super().measured(items, seconds)
        self._payoff.measured(items, seconds)
        self._block_began = time.perf_counter()

    def _should_move(self) -> bool:
        self._moved = self._moved or self._payoff.pays(self._remaining())
        return self._moved

    def _remaining(self) -> int:
        return sum(lane.remaining for lane in self._lanes)

    def open(self) -> bool:
        """The ticker found the run still going: its block in hand may be a long one. True to be asked again."""
        with self._lock:
            began = self._block_began
            if self._over or self._moved or not began:
                return False
            if not self._payoff.pays(self._remaining(), time.perf_counter() - began):
                return True
            self._moved = True
            self._dispatcher = threading.Thread(
                target=self._dispatch_beside, name="pariter-dispatcher", daemon=True
            )
            self._dispatcher.start()
            return False

    def _dispatch_beside(self) -> None:
        try:
            self.dispatch()
        except BaseException as error:
            self.fail(FAR_LEFT, error)

    def _join_dispatcher(self) -> None:
        dispatcher = self._dispatcher
        if dispatcher is None:
            return
        try:
            while dispatcher.is_alive():
                dispatcher.join(0.2)
        except BaseException:
            self.cancel()
            self._answers.put(None)
            dispatcher.join(STOP_S * 4)
            raise

    # In the worker processes.

    def dispatch(self) -> None:
        """Feed the lanes to the workers until nothing is left and nothing is in flight."""
        if worker_process.is_worker:
            raise RuntimeError("a worker process has no workers of its own")
        parcel = Parcel(self.piped, self.sink)
        self._crew.warm_up()
        try:
            self._keep_fed(parcel)
        except BaseException:
            self.cancel()
            self._stop_pieces()
            raise
        finally:
            for slot in self._crew.slots:
                slot.forget(parcel.digest)

    def _keep_fed(self, parcel: Parcel) -> None:
        for _ in range(IN_FLIGHT):
            for slot in self._crew.slots:
                self._feed(slot, parcel)
        deadline: float | None = None
        while any(self._in_flight.values()):
            if deadline is None and self._nothing_wanted():
                deadline = time.monotonic() + STOP_S
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                self._stop_pieces()
                return
            if self.terms.deadline is not None and self.terms.is_late():
                raise self.terms.too_late()
            try:
                piece = self._answers.get(timeout=self.terms.time_left(0.2 if left is None else min(left, 0.2)))
            except queue.Empty:
                continue
            if piece is None:
                self._stop_pieces()
                return
            self._in_flight[piece.slot].remove(piece)
            self._receive(piece, parcel)
            for slot in sorted(self._crew.slots, key=lambda slot: len(self._in_flight[slot])):
                while len(self._in_flight[slot]) < IN_FLIGHT and self._feed(slot, parcel):
                    pass

    def _feed(self, slot: Slot, parcel: Parcel) -> bool:
        block = self._next_piece(slot)
        if block is None:
            return False
        self._send(Piece(slot, *block), parcel)
        return True

    def _next_piece(self, slot: Slot) -> tuple[int, int] | None:
        if self._is_empty:
            self._is_empty = False
            return 0, 0
        while True:
            lane = self._own_lanes.get(slot)
            if lane is not None and lane.begin <= self.horizon:
                block = lane.take_leaf(self._size_for(lane))
                if block is not None:
                    return block if block[0] <= self.horizon else None
            with self._lock:
                lane = self._next_lane_locked()
            if lane is None:
                return None
            self._own_lanes[slot] = lane

    def _size_for(self, lane: Lane) -> int:
        if self._item_s is None:
            return 1
        least = int(PIECE_S / self._item_s) or 1
        most = int(LONGEST_PIECE_S / self._item_s) or 1
        # The first pieces are short, and timing them says little: grow step by step.
        return min(max(least, min(most, lane.remaining // 4)), 16 * self._largest)

    def _send(self, piece: Piece, parcel: Parcel) -> None:
        content = parcel.piece(self.piped.cut(piece.low, piece.high))
        piece.shipment = piece.slot.send_piece(parcel.digest, parcel.content, content)
        self._in_flight[piece.slot].append(piece)
        piece.shipment.add_done_callback(lambda _: self._answers.put(piece))

    def _receive(self, piece: Piece, parcel: Parcel) -> None:
        shipment = piece.shipment
        assert shipment is not None
        error = shipment.exception()
        piece.shipment = None
        if isinstance(error, NotStarted):
            if piece.low <= self.horizon:
                self._send(piece, parcel)
            return
        if error is not None:
            self.fail(piece.low, died_holding(error, piece.items()))
            return
        outcome = opened(shipment.result(), self.sink)
        if isinstance(outcome, Caught):
            self.fail(piece.low, outcome.error)
            return
        partial, left_early, seconds = outcome
        self.add(piece.low, Leaf(partial, left_early))
        if piece.high > piece.low:
            self._learn(piece.high - piece.low, seconds)
            if self.terms.finished is not None:
                self.terms.finished(piece.high - piece.low)

    def _learn(self, items: int, seconds: float) -> None:
        item_s = max(seconds / items, 1e-9)
        self._item_s = item_s if self._item_s is None else (self._item_s + item_s) / 2
        self._largest = max(self._largest, items)

    def _nothing_wanted(self) -> bool:
        return all(piece.low > self.horizon for pieces in self._in_flight.values() for piece in pieces)

    def _stop_pieces(self) -> None:
        for slot, pieces in self._in_flight.items():
            for piece in pieces:
                if piece.shipment is not None:
                    slot.kill(piece.shipment)


class Piece:
    """What is in flight: positions `low` up to `high`, in a slot."""

    __slots__ = ("high", "low", "shipment", "slot")

    def __init__(self, slot: Slot, low: int, high: int) -> None:
        self.slot = slot
        self.low = low
        self.high = high
        self.shipment: Shipment | None = None

    def items(self) -> str:
        """What it holds, in words."""
        return f"item {self.low}" if self.high == self.low + 1 else f"items {self.low} to {self.high - 1}"


def died_holding(error: BaseException, what: str) -> BaseException:
    """The death of a worker, with what it held."""
    if isinstance(error, WorkerDied):
        return WorkerDied(f"{error}, while it held {what}")
    return error


def opened(answer: bytes, sink: Sink) -> Any:
    """A worker's answer, unpickled; an exception as `Caught`."""
    try:
        return pickle.loads(answer)
    except Exception as error:
        failure = CannotSend(
            f"what {sink.describe()} got from a worker process cannot be unpickled here: "
            f"{type(error).__name__}: {error}"
        )
        failure.__cause__ = error
        return Caught(failure)


class ProcessStream(Stream):
    """A stream whose batches are sent to worker processes, two and more ahead for each."""

    _LONGEST_BATCH = 1 << 16

    def __init__(
        self, piped: Piped, sink: Sink, terms: Terms, crew: Crew, always: bool
    ) -> None:
        super().__init__(piped, sink, terms, len(crew.slots))
        self._sizer = BatchSizer(terms, len(crew.slots), PIECE_S, self._LONGEST_BATCH)
        self._piped = piped
        self._crew = crew
        self._payoff = Payoff(piped, sink, crew)
        self._items = 0
        self._sent: dict[int, Batch] = {}
        self._unstarted: list[Batch] = []
        self._parcel: Parcel | None = None
        if always:
            self._move()
        else:
            check_travel([step for group in stages_of(piped) for step in group] + [sink])

    def _move(self) -> Parcel:
        self._parcel = Parcel(self._piped, self._sink)
        self._crew.warm_up()
        return self._parcel

    def _run(self, piece: Piped, size: int, worker: str) -> Leaf:
        began = time.perf_counter()
        context = contextvars.copy_context()
        context.run(enclosing.set, "serial")
        leaf = context.run(super()._run, piece, size, worker)
        self._payoff.measured(size, time.perf_counter() - began)
        self._items += size
        span = self._piped.span
        left = self._items * 2 if span is None else span - self._items
        if self._payoff.pays(left):
            self._move()
        return leaf

    def _help(self) -> bool:
        if self._parcel is None:
            return super()._help()
        with self._lock:
            unstarted, self._unstarted = self._unstarted, []
        for batch in unstarted:
            self._send(batch, self._parcel)
        sent = bool(unstarted)
        while self.has_room() and (pulled := self._pull()) is not None:
            self._pulling = False
            number, piece, size = pulled
            self._send(Batch(number, size, self._parcel.piece(piece)), self._parcel)
            sent = True
        self._pulling = False
        return sent

    def _send(self, batch: Batch, parcel: Parcel) -> None:
        slot = min(self._crew.slots, key=len)
        shipment = slot.send_piece(parcel.digest, parcel.content, batch.content)
        batch.shipment = shipment
        self._sent[batch.number] = batch
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
            self._keep(batch.number, Caught(died_holding(error, f"{batch.size} items of a stream")))
            return
        outcome = opened(shipment.result(), self._sink)
        if not isinstance(outcome, Caught):
            partial, left_early, seconds = outcome
            self._sizer.measured(batch.size, seconds)
            outcome = Leaf(partial, left_early)
        self._keep(batch.number, outcome)

    def _made_room(self) -> None:
        if self._parcel is not None:
            self._help()

    def results(self) -> Iterator[Any]:
        try:
            yield from super().results()
        finally:
            if self._parcel is not None:
                for slot in self._crew.slots:
                    slot.forget(self._parcel.digest)

    def stop(self) -> None:
        self._over = True
        deadline = time.monotonic() + (0 if self._terms.is_late() else STOP_S)
        while self._sent and time.monotonic() < deadline:
            with self._lock:
                latch = self._changed = self._changed or Latch()
            latch.wait(0.05)
            if self._unstarted:
                break
        for batch in list(self._sent.values()):
            if batch.shipment is not None:
                batch.shipment.slot.kill(batch.shipment)
        self._done.clear()
        self._puller.close()


class Batch:
    """A batch in flight: its number, how many items it has, and its pickle."""

    __slots__ = ("content", "number", "shipment", "size")

    def __init__(self, number: int, size: int, content: bytes) -> None:
        self.number = number
        self.size = size
        self.content = content
        self.shipment: Shipment | None = None
