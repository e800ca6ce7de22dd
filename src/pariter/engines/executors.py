"""Plans on somebody else's `concurrent.futures.Executor`.

A `ThreadPoolExecutor` shares memory, so it is handed leaves as they are; any other executor gets pickled pieces,
which is right wherever its workers are. Neither tells which worker does what, nor can a call be stopped: the
executor is one pot with as many slots as it has workers, and whoever stops waits for what has begun.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for_futures
from contextlib import nullcontext
from contextvars import ContextVar, copy_context
from typing import Any

from pariter import choice
from pariter._caught import Caught
from pariter.engines import worker_process
from pariter.engines.base import Terms, enclosing, this_thread
from pariter.engines.dispatch import Dispatch
from pariter.engines.sending import SentStream
from pariter.engines.shipping import Parcel
from pariter.errors import WorkerDied
from pariter.plan.piped import Leaf, Piped, WholeFeed, run_leaf
from pariter.plan.place import Dropped, dropped
from pariter.plan.sinks import Sink

SCATTERED_BYTES = 1 << 16
"""Functions that take less travel as fast with a piece as their name would."""

_waiting: ContextVar[frozenset[threading.Thread]] = ContextVar("pariter_waiting", default=frozenset())
"""The threads that wait for what runs here: the caller of the run, the caller of the run around that, and so on."""


def waits_for_us(executor: Executor) -> bool:
    """Whether one of the executor's own workers waits for the caller, so that waiting for it might never end."""
    with getattr(executor, "_shutdown_lock", nullcontext()):  # a thread may run before its executor knows it
        workers: set[threading.Thread] = set(getattr(executor, "_threads", ()))
    return worker_process.is_worker_here() or not workers.isdisjoint(_with_caller())


def _with_caller() -> frozenset[threading.Thread]:
    return _waiting.get() | {threading.current_thread()}


class ExecutorEngine:
    """Runs plans on an executor."""

    name = "executor"
    report = None
    isolates = True

    def __init__(
        self,
        executor: Executor,
        workers: int | None = None,
        scatter: Callable[[bytes], Any] | None = None,
    ) -> None:
        self._crew = ExecutorCrew(executor, workers, scatter)

    @property
    def num_workers(self) -> int:
        return len(self._crew.slots)

    def close(self) -> None:
        """Do nothing: nothing is lent."""

    def run(self, piped: Piped, sink: Sink, terms: Terms) -> Leaf:
        run = Dispatch(piped, sink, terms, self._crew)
        run.dispatch()
        return run.answer()

    def stream(self, piped: Piped, sink: Sink, terms: Terms) -> SentStream:
        return SentStream(piped, sink, terms, self._crew, always=True)


class ExecutorCrew:
    """An executor, seen as slots."""

    is_warm = True

    def __init__(self, executor: Executor, workers: int | None, scatter: Callable[[bytes], Any] | None) -> None:
        many = workers or getattr(executor, "_max_workers", None) or choice.usable_cpus()
        shares = isinstance(executor, ThreadPoolExecutor) and type(executor).__name__ != "InterpreterPoolExecutor"
        self._shares_memory = shares
        # One thread takes what was sent for another: behind two long pieces of one slot, all others would wait.
        self.in_flight = 1 if shares else 2
        self._scatter = scatter
        self.slots = [ExecutorSlot(executor) for _ in range(many)]

    def warm_up(self) -> None:
        """Do nothing: the executor starts its workers when it sees fit."""

    def parcel(self, piped: Piped, sink: Sink) -> Parcel | SharedParcel:
        """The functions of a run: as they are where memory is shared, else pickled."""
        if self._shares_memory:
            return SharedParcel(sink)
        return OneWayParcel(piped, sink, self._scatter)


class OneWayParcel(Parcel):
    """The functions of one run, which travel with every piece, because nobody knows who has them.

    Where data can be scattered, large functions travel once, and the piece names them.
    """

    keeps_state = False

    def __init__(self, piped: Piped, sink: Sink, scatter: Callable[[bytes], Any] | None) -> None:
        super().__init__(piped, sink)
        if scatter is not None and len(self.content) >= SCATTERED_BYTES:
            self.content = scatter(self.content)

    def call(self, piece: bytes, is_unwanted: Callable[[], bool]) -> tuple[Any, ...]:
        """What runs a piece over there, where nobody hears whether it is wanted."""
        return worker_process.run_alone, self.content, self.wanted, piece


class SharedParcel:
    """The functions of one run, shared with the workers, who can be asked to stop."""

    most_items = sys.maxsize
    keeps_state = False

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._context = copy_context()
        self._context.run(enclosing.set, "serial")  # a worker that waited for another could wait for ever
        self._context.run(_waiting.set, _with_caller())

    def piece(self, piped: Piped, at: int = 0) -> Piped:
        """The piece as it is."""
        return piped

    def call(self, piece: Piped, is_unwanted: Callable[[], bool]) -> tuple[Any, ...]:
        """What runs a piece over there."""
        context = self._context.copy()
        context.run(lambda: dropped.set(Dropped(is_unwanted)))
        return context.run, self._run, piece

    def _run(self, piece: Piped) -> Any:
        span = piece.span
        assert span is not None
        began = time.perf_counter()
        try:
            leaf = run_leaf(piece, self._sink, WholeFeed(span), this_thread())
        except BaseException as error:
            return Caught(error)
        return leaf.partial, leaf.left_early, time.perf_counter() - began


class Sent(Future[Any]):
    """What was sent to an executor."""

    asked = False
    """Whether it was asked to stop."""

    def is_unwanted(self) -> bool:
        """Whether it was asked to stop."""
        return self.asked


class ExecutorSlot:
    """One worker's share of an executor."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._sent: set[Future[Any]] = set()

    def __len__(self) -> int:
        return len(self._sent)

    def send_piece(self, parcel: Any, piece: Any) -> Future[Any]:
        """Run a piece; the future ends with a worker's answer, or with `WorkerDied` if the executor broke."""
        answer = Sent()
        return self._send(answer, *parcel.call(piece, answer.is_unwanted))

    def send_call(self, letter: worker_process.Letter) -> Future[Any]:
        """Run one task; the future ends as that of a piece does."""
        return self._send(Sent(), worker_process.call_alone, letter)

    def _send(self, answer: Sent, *call: Any) -> Future[Any]:
        answer.set_running_or_notify_cancel()
        sent = self._executor.submit(*call)
        self._sent.add(sent)

        def ended(done: Future[Any]) -> None:
            self._sent.discard(done)
            error = CancelledByOthers() if done.cancelled() else done.exception()
            if error is None:
                answer.set_result(done.result())
            else:
                answer.set_exception(
                    WorkerDied(f"the {type(self._executor).__name__} failed: {str(error).rstrip('.')}")
                )

        sent.add_done_callback(ended)
        return answer

    def ask(self, shipment: Sent) -> None:
        """Let `cancelled()` be true where memory is shared."""
        shipment.asked = True

    def kill(self, shipment: Sent) -> None:
        """Cancel what has not begun, ask what has to stop, and wait for it."""
        self.ask(shipment)
        for sent in list(self._sent):
            sent.cancel()
        wait_for_futures([shipment])

    def stop(self) -> None:
        """Cancel what has not begun, and wait for the rest."""
        self.end(cancel=True)

    def end(self, *, cancel: bool) -> None:
        """Wait for everything that was sent, or cancel what can be."""
        for sent in list(self._sent) if cancel else ():
            sent.cancel()
        wait_for_futures(list(self._sent))

    def forget(self, parcel: Any) -> None:
        """Do nothing: the executor's workers keep nothing of a run."""


class CancelledByOthers(Exception):
    """Somebody cancelled the executor's calls."""

    def __str__(self) -> str:
        return "its calls were cancelled"
