"""Interrupts at any bytecode of the main thread, by a timer."""

from __future__ import annotations

import signal
from types import TracebackType
from typing import Self

import pytest

BY_ALARM = [
    pytest.mark.stress,
    # The timer is the one that pytest-timeout sets otherwise, so that nothing would end a test that hangs.
    pytest.mark.timeout(120, method="thread"),
    # An interrupt within a weak reference's callback, the standard library's among them, is swallowed.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer signal here"),
]
"""The marks of a test that uses an `Alarm`."""


class Alarm:
    """Raises one KeyboardInterrupt each time it is set; within its `with` block."""

    def __init__(self) -> None:
        self._armed = False

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGALRM, self._ring)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        signal.signal(signal.SIGALRM, self._before)

    def _ring(self, *_: object) -> None:
        if self._armed:
            self._armed = False
            raise KeyboardInterrupt

    def set(self, seconds: float) -> None:
        """Interrupt the main thread in so many seconds."""
        self._armed = True
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def stop(self) -> None:
        """Interrupt it no more."""
        self._armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
