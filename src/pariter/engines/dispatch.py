"""Lanes fed to workers that are reached by sending: processes of our own, or somebody's executor.

The lanes stay here, one a slot. A piece is cut by the same timing rule as a block, two are in flight for
each worker so that none waits for a round trip (one, where a single item takes longer than many of those),
and a slot whose lane is empty steals from the largest.
"""

from __future__ import annotations

import pickle
import queue
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol

from pariter import _pickle
from pariter._caught import Caught
from pariter.engines import shipping
from pariter.engines.asking import STOP_S
from pariter.engines.base import FAR_LEFT, FAR_RIGHT, Run, Terms
from pariter.engines.slots import NotStarted
from pariter.errors import CannotSend, WorkerDied
from pariter.plan.piped import Leaf, Piped
from pariter.plan.sinks import Sink
from pariter.sched.lanes import Lane

if TYPE_CHECKING:
    from pariter.engines.mailbox import Mailbox

PIECE_S = 0.02
"""Up to this a worker shall have another piece behind the one in hand: a round trip would be a good part of it."""
LAST_PIECE_S = 0.004
LONGEST_PIECE_S = 0.3
"""Pieces are a quarter of a lane, between these two: the last ones are short, so that workers end together."""


class AnyParcel(Protocol):
    """The functions of one run, ready to be sent."""

    keeps_state: bool
    """Whether workers have something to close when the run is over."""

    most_items: int
    """How many items a piece may have."""

    def piece(self, piped: Piped, at: int = 0) -> Any:
        """A piece of the run's source that begins at position `at`, ready to be sent."""


class AnySlot(Protocol):
    """Takes one worker's pieces."""

    def send_piece(self, parcel: Any, piece: Any) -> Future[Any]:
        """Run a piece; the future ends with a worker's answer, `WorkerDied`, or `NotStarted`."""
        ...

    def ask(self, shipment: Any) -> None:
        """Nobody wants what was sent any more: let `cancelled()` be true over there."""

    def kill(self, shipment: Any) -> None:
        """Stop what was sent, if that can be done, else wait for it."""

    def stop(self) -> None:
        """Stop whatever was sent: the sender was interrupted, and does not know what."""

    def forget(self, parcel: Any) -> Future[Any] | None:
        """The run is over: let the worker drop its functions, and close what they keep."""

    def __len__(self) -> int: ...


class AnyCrew(Protocol):
    """The slots of one pool."""

    @property
    def slots(self) -> list[Any]: ...

    @property
    def in_flight(self) -> int:
        """How many pieces a slot may hold: one behind the one in hand, unless that may hold up another slot's."""
        ...

    @property
    def is_warm(self) -> bool: ...

    def warm_up(self) -> None: ...

    def parcel(self, piped: Piped, sink: Sink) -> Any:
        """The functions of a run, ready to be sent; CannotSend if they cannot be."""


class Dispatch(Run):
    """A run whose lanes are fed to the slots of a crew."""

    def __init__(self, piped: Piped, sink: Sink, terms: Terms, crew: AnyCrew) -> None:
        super().__init__(piped, sink, terms)
        self._crew = crew
        self._answers: queue.SimpleQueue[Piece | Look | None] = queue.SimpleQueue()
        self._in_flight: dict[AnySlot, list[Piece]] = {slot: [] for slot in crew.slots}
        self._sending: AnySlot | None = None
        self._own_lanes: dict[AnySlot, Lane] = {}
        self._item_s: float | None = None
        self._asked_beyond: float = FAR_RIGHT
        self._largest = 1
        self._most_items = 1
        self._caller = threading.get_ident()
        self._mailbox: Mailbox | None = None

    def dispatch(self) -> None:
        """Feed the lanes to the workers until nothing is left and nothing is in flight."""
        from pariter.engines.mailbox import Mailbox

        self._mailbox = Mailbox()
        parcel = self._crew.parcel(self.piped, self.sink)
        self._most_items = parcel.most_items
        self._crew.warm_up()
        try:
            self._keep_fed(parcel)
        except BaseException:
            self.cancel()
            self._stop_pieces()
            raise
        finally:
            try:
                end_state(self._crew, parcel, self._mailbox)
            except BaseException as error:
                if self._errors and error.__context__ is None:  # as in a loop that closes its state while it raises
                    error.__context__ = min(self._errors, key=lambda pair: pair[0])[1]
                raise
            finally:
                self._show()

    def _keep_fed(self, parcel: AnyParcel) -> None:
        for slot in self._fed_slots():
            self._feed(slot, parcel)
        deadline: float | None = None
        while any(self._in_flight.values()):
            self._ask_beyond(self.horizon)
            if deadline is None and self._nothing_wanted():
                deadline = time.monotonic() + STOP_S
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                self._kill_pieces()
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
            if not isinstance(piece, Look):
                self._in_flight[piece.slot].remove(piece)
                self._receive(piece, parcel)
            for slot in sorted(self._fed_slots(), key=lambda slot: len(self._in_flight[slot])):
                while len(self._in_flight[slot]) < self._depth() and self._feed(slot, parcel):
                    pass
            self._show()

    def _show(self) -> None:
        """Show what workers logged, if this is the thread that called: handlers and filters are its own."""
        if self._mailbox is not None and threading.get_ident() == self._caller:
            self._mailbox.show()

    def _depth(self) -> int:
        """How many pieces a slot shall hold: one that waited behind a long item would be late."""
        return self._crew.in_flight if self._item_s is not None and self._item_s < PIECE_S else 1

    def _fed_slots(self) -> list[Any]:
        """The slots that shall have work now."""
        return self._crew.slots

    def _feed(self, slot: AnySlot, parcel: AnyParcel) -> bool:
        block = self._next_piece(slot)
        if block is None:
            return False
        self._send(Piece(slot, *block), parcel)
        return True

    def _next_piece(self, slot: AnySlot) -> tuple[int, int] | None:
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
            if lane.begin > self.horizon:  # stolen from one that was about to be dropped: nobody shall steal from it
                lane.drop()
                continue
            self._own_lanes[slot] = lane

    def _size_for(self, lane: Lane) -> int:
        if self._item_s is None:
            return 1
        least = int(LAST_PIECE_S / self._item_s) or 1
        most = int(LONGEST_PIECE_S / self._item_s) or 1
        # The first pieces are short, and timing them says little: grow step by step.
        return min(max(least, min(most, lane.remaining // 4)), 16 * self._largest, self._most_items)

    def _send(self, piece: Piece, parcel: AnyParcel) -> None:
        content = parcel.piece(self.piped.cut(piece.low, piece.high), piece.low)
        self._sending = piece.slot  # an interrupt from here on leaves open what that has got
        piece.shipment = piece.slot.send_piece(parcel, content)
        self._in_flight[piece.slot].append(piece)
        self._sending = None
        piece.shipment.add_done_callback(lambda _: self._answers.put(piece))

    def _receive(self, piece: Piece, parcel: AnyParcel) -> None:
        shipment = piece.shipment
        assert shipment is not None
        error = shipment.exception()
        piece.shipment = None
        if isinstance(error, NotStarted):
            if piece.low <= self.horizon:
                self._send(piece, parcel)
            return
        if error is not None:
            self.fail(piece.low, died_holding(error, piece.items(), self.piped, self.sink))
            return
        assert self._mailbox is not None
        answer = self._mailbox.put(shipment.result())
        if piece.low > self.horizon:  # its functions may know that, and have given anything
            return
        outcome = opened(answer, self.sink)
        if isinstance(outcome, Caught):
            self.fail(piece.low, naming_steps(outcome.error, self.piped, self.sink))
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

    def _cut_off_locked(self, horizon: float) -> None:
        super()._cut_off_locked(horizon)
        self._answers.put(Look())  # whoever dispatches shall know

    def _ask_beyond(self, horizon: float) -> None:
        """Ask the workers to leave the pieces that are right of the horizon."""
        if horizon >= self._asked_beyond:
            return
        self._asked_beyond = horizon
        for slot, pieces in self._in_flight.items():
            for piece in pieces:
                if piece.low > horizon and piece.shipment is not None:
                    slot.ask(piece.shipment)

    def _stop_pieces(self) -> None:
        """Nothing is wanted any more: ask for what is in flight, and kill who has not left it after a while."""
        try:
            self._ask_beyond(FAR_LEFT)
            self._drain(time.monotonic() + STOP_S)
        finally:
            self._kill_pieces()

    def _drain(self, deadline: float) -> None:
        assert self._mailbox is not None
        while any(self._in_flight.values()) and (left := deadline - time.monotonic()) > 0:
            try:
                piece = self._answers.get(timeout=left)
            except queue.Empty:
                return
            if isinstance(piece, Piece):
                self._in_flight[piece.slot].remove(piece)
                shipment, piece.shipment = piece.shipment, None
                if shipment.exception() is None:
                    self._mailbox.put(shipment.result())

    def _kill_pieces(self) -> None:
        if self._sending is not None:
            self._sending.stop()
        for slot, pieces in self._in_flight.items():
            for piece in pieces:
                if piece.shipment is not None:
                    slot.kill(piece.shipment)


class Look:
    """Stands for an answer where there is none, but more slots may have work."""


class Piece:
    """What is in flight: positions `low` up to `high`, in a slot."""

    __slots__ = ("high", "low", "shipment", "slot")

    def __init__(self, slot: AnySlot, low: int, high: int) -> None:
        self.slot = slot
        self.low = low
        self.high = high
        self.shipment: Any = None

    def items(self) -> str:
        """What it holds, in words."""
        return in_words(self.low, self.high)


def in_words(low: int, high: int) -> str:
    """The items from position `low` up to `high`."""
    return f"item {low}" if high == low + 1 else f"items {low} to {high - 1}"


def died_holding(error: BaseException, what: str, piped: Piped, sink: Sink) -> BaseException:
    """The death of a worker, with what it held, and how to find out more."""
    if isinstance(error, WorkerDied):
        return WorkerDied(
            f"{error}, while it held {what} of {shipping.steps_in_words(piped, sink)}.\n"
            f"    To find the item that does it, send them one by one with .with_max_len(1), "
            f"or run the plan here: .on('serial'). The pool has replaced the worker."
        )
    return error


def naming_steps(error: BaseException, piped: Piped, sink: Sink) -> BaseException:
    """What a worker could not even unpickle, with the steps: it does not know them."""
    if not isinstance(error, CannotSend) or not str(error).startswith(shipping.UNOPENED):
        return error
    named = CannotSend(
        f"{error}, sent for {shipping.steps_in_words(piped, sink)}.\n"
        f"    Make every module it uses importable in the worker (installed, or on sys.path), "
        f"or run the plan on threads: .on('threads')"
    )
    named.__cause__ = error.__cause__
    return named


def opened(answer: Any, sink: Sink) -> Any:
    """A worker's answer, unpickled; an exception as `Caught`."""
    if not isinstance(answer, bytes):
        return answer
    try:
        return _pickle.loads(answer)
    except Exception as error:
        failure = CannotSend(
            f"what {sink.describe()} got from a worker process cannot be unpickled here: "
            f"{type(error).__name__}: {error}"
        )
        failure.__cause__ = error
        return Caught(failure)


def end_state(crew: AnyCrew, parcel: AnyParcel, mailbox: Mailbox) -> None:
    """Let the workers forget a run; if they keep state for it, wait until it is closed."""
    answers = [slot.forget(parcel) for slot in crew.slots]
    if parcel.keeps_state:
        failed = [error for answer in answers if answer is not None and (error := _closing(answer, mailbox))]
        if failed:
            raise failed[0]


def _closing(answer: Future[Any], mailbox: Mailbox) -> BaseException | None:
    """What closing the state of a worker raised."""
    error = answer.exception()
    if error is None and (raised := mailbox.put(answer.result())):
        caught = pickle.loads(raised)
        error = caught.error
    return error
