"""Whether a run waits more than it computes: for a disk, for a network, for a clock.

The time of the whole process tells it, not that of one thread: a thread that waits for the GIL does not compute
either, but somebody does.
"""

from __future__ import annotations

import os
import time

ENOUGH_S = 0.02 if os.name == "posix" else 0.1
"""How long is watched: the clock of a process may tick in 16 ms, and a busy machine may let a process wait for 10."""
LOOKS_IDLE = 0.2
"""What share of the time a process that waits may compute."""


class Idleness:
    """Watches how much this process computes."""

    __slots__ = ("_began", "_computed", "is_known", "waits")

    def __init__(self) -> None:
        self._began: float | None = None
        self._computed = 0.0
        self.is_known = False
        """Whether `waits` can be relied on."""
        self.waits = False

    def look(self) -> None:
        """Compare with the last look that was long enough ago; the first one only begins."""
        now, computed = time.perf_counter(), time.process_time()
        if self._began is None:
            self._began, self._computed = now, computed
            return
        elapsed = now - self._began
        self.waits = computed - self._computed < LOOKS_IDLE * elapsed
        # Whoever computes shows it at once; that somebody computes nothing may be the machine's doing, for a while.
        self.is_known = not self.waits or elapsed >= ENOUGH_S
        if elapsed >= ENOUGH_S:
            self._began, self._computed = now, computed
