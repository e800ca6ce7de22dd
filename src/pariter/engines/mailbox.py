"""Shows in the caller what its workers logged and warned of, in the order in which their answers came.

Whoever gets an answer puts it here; the caller shows what came, between other things it does. So a handler that
is slow, that raises, or that calls pariter itself, meets no lock of a run, and holds up only the caller.

States   Messages wait in `_told`; one thread at a time shows them.
Guards   `_lock` guards `_told`, `_waiting`, `_dropped` and `_timer`; no user code runs under it. `_turn` belongs
         to the thread that shows, whose handlers may want a lock of a thread that waits for it: so that one waits
         for `PATIENCE_S` at most.
Promise  What was put here is shown, or counted as dropped if more than `MOST_BYTES` wait.
Tests    tests/engines/test_message_floods.py
"""

from __future__ import annotations

import contextlib
import logging
import pickle
import sys
import threading
import warnings
from collections import deque
from typing import Any

from pariter._caught import Caught
from pariter.engines.worker_process import Told

MOST_BYTES = 1 << 25
PATIENCE_S = 1.0
LATE_S = 0.2


class Mailbox:
    """What workers said and nobody has shown yet."""

    def __init__(self, *, shows_itself: bool = False) -> None:
        self._shows_itself = shows_itself
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._shower: int | None = None
        self._told: deque[bytes] = deque()
        self._waiting = 0
        self._dropped = 0
        self._timer: threading.Timer | None = None

    def put(self, answer: Any) -> Any:
        """The answer alone; what came with it waits here, and is shown in a moment if nobody does it before."""
        if not isinstance(answer, Told):
            return answer
        with self._lock:
            if self._waiting > MOST_BYTES:
                self._dropped += 1
            else:
                self._told.append(answer.messages)
                self._waiting += len(answer.messages)
            if self._shows_itself and self._timer is None:
                self._timer = threading.Timer(LATE_S, self._show_late)
                self._timer.daemon = True
                with contextlib.suppress(RuntimeError):  # the interpreter is about to end
                    self._timer.start()
        return answer.answer

    def _show_late(self) -> None:
        with self._lock:
            self._timer = None
        self.show()

    def show(self) -> None:
        """Hand everything to the handlers and filters of this process; raises what a filter makes an error."""
        if not (self._told or self._turn.locked()) or self._shower == threading.get_ident():
            return
        if not self._turn.acquire(timeout=PATIENCE_S):
            return
        self._shower = threading.get_ident()
        try:
            self._show_all()
        finally:
            self._shower = None
            self._turn.release()

    def _show_all(self) -> None:
        errors: list[Exception] = []
        while (messages := self._next()) is not None:
            for is_log, plain, packed in messages:
                fields = plain
                for key, part in packed.items():
                    if (value := _unpacked(part)) is not _LOST:
                        fields[key] = value
                try:
                    (_log if is_log else _warn)(fields)
                except Exception as error:
                    errors.append(error)
        if errors:
            try:
                raise errors[0]
            finally:
                errors.clear()

    def _next(self) -> list[Any] | None:
        with self._lock:
            packed = self._told.popleft() if self._told else b""
            self._waiting -= len(packed)
            dropped, self._dropped = (self._dropped, 0) if not packed else (0, self._dropped)
        if packed:
            return list(pickle.loads(packed))
        if dropped:
            logging.getLogger("pariter").warning("what workers logged with %d answers was dropped", dropped)
        return None


_LOST = object()
_fresh = logging.makeLogRecord({})
_began = _fresh.created - _fresh.relativeCreated / 1000
"""When this process began to log, by its own reckoning."""


def _unpacked(part: bytes) -> Any:
    try:
        value = pickle.loads(part)
    except Exception:  # its class cannot be had here
        return _LOST
    return value.error if isinstance(value, Caught) else value


def _log(fields: dict[str, Any]) -> None:
    record = logging.makeLogRecord(fields)
    record.relativeCreated = (record.created - _began) * 1000
    logger = logging.getLogger(record.name)
    if not logger.isEnabledFor(record.levelno):
        return
    try:
        logger.handle(record)
    except Exception:  # of a handler or a filter; where the record was logged there is nobody left to get it
        logging.NullHandler().handleError(record)


_registries: dict[str, dict[Any, Any]] = {}
"""What was shown of modules that this process has not imported, by file."""


def _warn(fields: dict[str, Any]) -> None:
    text, filename, module = fields["text"], fields["filename"], fields["module"]
    warning = fields.get("warning")
    if isinstance(warning, Warning):
        warning.__cause__ = None
    else:
        warning = UserWarning(f"{fields['category']}: {text}")
    origin = getattr(sys.modules.get(module), "__dict__", None) if module else None
    if origin is None:
        registry = _registries.setdefault(filename, {})
    else:
        registry = origin.setdefault("__warningregistry__", {})
    warnings.warn_explicit(warning, type(warning), filename, fields["lineno"], module, registry)
