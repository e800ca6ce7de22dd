"""One function call in a worker process, and its future.

What the function logged is shown when somebody asks for the result, or a moment later if nobody does.
"""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any, Protocol

from pariter import _pickle
from pariter._caught import Caught
from pariter.engines.slots import NotStarted
from pariter.engines.worker_process import Answer, Letter, Told
from pariter.errors import CannotSend, PoolClosed

if TYPE_CHECKING:
    from pariter.engines.mailbox import Mailbox


_here = threading.local()


class Slot(Protocol):
    """Where a call can be sent."""

    def send_call(self, letter: Letter) -> Future[Any]:
        """The future of the answer, packed."""
        ...


class Task(Future[Any]):
    """The future of one task in a worker process."""

    def __init__(self, content: bytes, mailbox: Mailbox) -> None:
        super().__init__()
        from pariter.engines.wanted import wanted

        self._letter = content, wanted()
        self._mailbox = mailbox
        self._has_told = False

    def result(self, timeout: float | None = None) -> Any:
        try:
            return super().result(timeout)
        finally:
            self._show()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        try:
            return super().exception(timeout)
        finally:
            self._show()

    def _show(self) -> None:
        # A callback may ask too: in the thread that gets the answers of a worker, where no handler may be slow.
        if self._has_told and not getattr(_here, "receives", False):
            self._mailbox.show()

    def send(self, slot: Slot) -> Future[Any]:
        self.set_running_or_notify_cancel()
        self._send(slot)
        return self

    def _send(self, slot: Slot) -> None:
        slot.send_call(self._letter).add_done_callback(lambda done: self._received(slot, done))

    def _received(self, slot: Slot, done: Future[Answer]) -> None:
        _here.receives = True
        try:
            self._receive(slot, done)
        finally:
            _here.receives = False

    def _receive(self, slot: Slot, done: Future[Answer]) -> None:
        error = done.exception()
        if isinstance(error, NotStarted):
            try:
                self._send(slot)
            except PoolClosed:  # closed with `cancel`, before the task began
                self.set_exception(CancelledError())
            return
        self._letter = b"", b""
        if error is not None:
            self.set_exception(error)
            return
        try:
            told = done.result()
            self._has_told = isinstance(told, Told)
            answer = _pickle.loads(self._mailbox.put(told))
        except Exception as failure:
            self.set_exception(CannotSend(f"the result cannot be unpickled here: {failure}"))
            return
        if isinstance(answer, Caught):
            self.set_exception(answer.error)
        else:
            self.set_result(answer[0])
