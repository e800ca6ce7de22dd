"""Collects in a worker what the caller shall hear: the log records and warnings of one piece, in their order.

A message is `(is_log, plain, packed)`: the fields of a log record, or of a warning, that any process can unpickle,
and the others, each pickled on its own, so that one bad part spoils nothing.

Guards   `Collected._messages`, by the handler's lock: threads that a function starts log as well.
Promise  At most `MOST` messages and `MOST_TEXT` characters of a piece are kept; one more says how many were not.
Tests    tests/engines/test_messages.py, test_message_handlers.py, test_worker_warnings.py
"""

from __future__ import annotations

import logging
import pickle
import sys
import threading
import warnings
from contextlib import AbstractContextManager, ExitStack, nullcontext
from types import TracebackType
from typing import Any, Self

from pariter._caught import Caught, sendable
from pariter._describe import describe_value
from pariter._pickle import dumps_plainly
from pariter.engines.wanted import at_home, has_own_handler, in_force

MOST = 10_000
MOST_TEXT = 10_000_000
_PLAIN = frozenset((str, int, float, bool, type(None)))
_NOT_SENT = ("args", "exc_info", "message")
"""What is in the text already."""

_formatter = logging.Formatter()
_original_showwarning = warnings.showwarning

Message = tuple[bool, dict[str, Any], dict[str, bytes]]


class Collected(logging.Handler):
    """The messages of one piece; a block in which they are collected."""

    def __init__(self, packed_wanted: bytes, *, alone: bool) -> None:
        super().__init__()
        self._wanted = packed_wanted
        self._alone = alone
        self._messages: list[Message] = []
        self._text = 0
        self._dropped = 0
        self._undo = ExitStack()
        self._is_active = False

    def __enter__(self) -> Self:
        if not self._wanted or (self._alone and not self._is_free_to()):
            return self
        if self._alone:
            self._undo.enter_context(warnings.catch_warnings())
            self._undo.callback(in_force.restore)
        in_force.put(self._wanted)
        self._is_active = True
        if warnings.showwarning is _original_showwarning:
            warnings.showwarning = self._warned
            self._undo.callback(self._warned_no_more)
        logging.getLogger().addHandler(self)
        self._undo.callback(logging.getLogger().removeHandler, self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._undo.close()

    def _is_free_to(self) -> bool:
        """Whether a process that is somebody else's is not the caller's, and runs one thing at a time."""
        is_main = threading.current_thread() is threading.main_thread()
        return is_main and pickle.loads(self._wanted)[0] != at_home()

    def running(self) -> AbstractContextManager[None]:
        """A block in which functions run: there warnings are errors, if the caller wants them to be."""
        return in_force if self._is_active else nullcontext()

    def packed(self) -> bytes | None:
        """What was collected, ready to be sent; None if nothing was."""
        if self._dropped:
            self._messages.append(self._last())
        return pickle.dumps(self._messages, pickle.HIGHEST_PROTOCOL) if self._messages else None

    def _last(self) -> Message:
        text = f"{self._dropped} more log records and warnings were dropped: a piece of work comes with {MOST} at most"
        record = logging.getLogger("pariter").makeRecord("pariter", logging.WARNING, __file__, 0, text, (), None)
        return True, *_parted(_fields_of(record))

    # What collects.

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record, unless this process has a handler of its own that takes it."""
        logger = logging.root.manager.loggerDict.get(record.name, logging.root)
        if isinstance(logger, logging.Logger) and has_own_handler(logger, record.levelno, self):
            return
        try:
            if self._has_room():
                self._keep(True, _fields_of(record))
        except Exception:
            self.handleError(record)

    def _warned(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: Any = None,
        line: str | None = None,
    ) -> None:
        self.acquire()
        try:
            if self._has_room():
                fields = {
                    "text": str(message),
                    "category": category.__name__,
                    "filename": filename,
                    "lineno": lineno,
                    "module": _module_at(filename),
                    "warning": message,
                }
                self._keep(False, fields)
        finally:
            self.release()

    def _warned_no_more(self) -> None:
        if warnings.showwarning == self._warned:
            warnings.showwarning = _original_showwarning

    def _has_room(self) -> bool:
        if len(self._messages) < MOST and self._text < MOST_TEXT:
            return True
        self._dropped += 1
        return False

    def _keep(self, is_log: bool, fields: dict[str, Any]) -> None:
        plain, packed = _parted(fields)
        self._text += len(fields["msg" if is_log else "text"]) + len(plain.get("exc_text") or "")
        self._text += sum(map(len, packed.values()))
        self._messages.append((is_log, plain, packed))


def _fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What a record says, its text formatted and its exception as text: see `logging.handlers.QueueHandler`."""
    fields = {key: value for key, value in record.__dict__.items() if key not in _NOT_SENT}
    fields["msg"] = record.getMessage()
    if record.exc_info and not record.exc_text:
        fields["exc_text"] = _formatter.formatException(record.exc_info)
    return fields


def _parted(fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    special = [key for key, value in fields.items() if type(value) not in _PLAIN]
    if not special:
        return fields, {}
    packed = {key: _packed(fields[key]) for key in special}
    return {key: value for key, value in fields.items() if key not in packed}, packed


def _packed(value: object) -> bytes:
    return _packed_warning(value) if isinstance(value, Warning) else sendable(value)


def _packed_warning(warning: Warning) -> bytes:
    if type(warning).__module__ == "builtins":
        return sendable(warning)
    try:
        return dumps_plainly(Caught(warning))
    except Exception:
        return pickle.dumps(describe_value(warning))


def _module_at(filename: str) -> str | None:
    """The name of the module that a warning is said to come from: of the nearest frame in that file."""
    frame = sys._getframe(2)
    here: Any = frame
    while here is not None:
        if here.f_code.co_filename == filename:
            name: str | None = here.f_globals.get("__name__")
            return name
        here = here.f_back
    return None
