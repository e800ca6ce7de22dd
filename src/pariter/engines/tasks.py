"""One function call in a worker process, and its future."""

from __future__ import annotations

import pickle
from concurrent.futures import CancelledError, Future
from typing import Any, Protocol

from pariter._caught import Caught
from pariter.engines.slots import NotStarted
from pariter.errors import CannotSend, PoolClosed


class Slot(Protocol):
    """Where a call can be sent."""

    def send_call(self, content: bytes) -> Future[Any]:
        """The future of the answer, packed."""
        ...


class Task(Future[Any]):
    """The future of one task in a worker process."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._content = content

    def send(self, slot: Slot) -> Future[Any]:
        self.set_running_or_notify_cancel()
        self._send(slot)
        return self

    def _send(self, slot: Slot) -> None:
        slot.send_call(self._content).add_done_callback(lambda done: self._received(slot, done))

    def _received(self, slot: Slot, done: Future[bytes]) -> None:
        error = done.exception()
        if isinstance(error, NotStarted):
            try:
                self._send(slot)
            except PoolClosed:  # closed with `cancel`, before the task began
                self.set_exception(CancelledError())
            return
        self._content = b""
        if error is not None:
            self.set_exception(error)
            return
        try:
            answer = pickle.loads(done.result())
        except Exception as failure:
            self.set_exception(CannotSend(f"the result cannot be unpickled here: {failure}"))
            return
        if isinstance(answer, Caught):
            self.set_exception(answer.error)
        else:
            self.set_result(answer[0])
