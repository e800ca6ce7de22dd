"""Whether a run waits more than it computes: for a disk, for a network, for a clock.

The time of the whole process tells it, not that of one thread: a thread that waits for the GIL does not compute
either, but somebody does. A host that takes the processor away from this machine looks like waiting, too; but who
waits has given way of its own accord, and the system counts that for each thread.
"""

from __future__ import annotations

import os
import sys
import time
from threading import get_ident

ENOUGH_S = 0.02 if os.name == "posix" else 0.1
"""How long is watched: the clock of a process may tick in 16 ms, and a busy machine may let a process wait for 10."""
HELD_UP_S = 0.1
"""How long a machine may keep a thread from computing that never gave way, or of which that is not known."""
BRIEF_S = 0.001
"""Less than this tells nothing: whoever looks computes, and may look twice in a moment."""
LOOKS_IDLE = 0.2
"""What share of the time a process that waits may compute."""
ONE_CPU = (0.8, 1.2)
"""Which share of the time a process computes whose threads hold one another up: that of one CPU, by the GIL."""


class Idleness:
    """Watches how much this process computes while functions run."""

    __slots__ = (
        "_computed",
        "_elapsed",
        "_gave_way",
        "_last",
        "_thread",
        "_times_so_far",
        "fills_one_cpu",
        "is_known",
        "waits",
    )

    def __init__(self) -> None:
        self._last: tuple[float, float, int] | None = None
        self._elapsed = self._computed = 0.0
        self._gave_way = 0
        self._thread = get_ident()
        self._times_so_far = times_given_way()
        self.is_known = False
        """Whether `waits` can be relied on."""
        self.waits = False
        self.fills_one_cpu = False
        """Whether it computed all the time, and no more than that, while it was watched for long enough."""

    def begin(self) -> None:
        """What comes is to be watched, what was since the last look is not."""
        self._last = self._clocks()

    def look(self) -> None:
        """Judge by what was watched lately; the first look only begins."""
        before, now = self._last, self._clocks()
        self._last = now
        if before is None:
            return
        self._elapsed += now[0] - before[0]
        self._computed += now[1] - before[1]
        self._gave_way += now[2] - before[2]
        if self._elapsed < BRIEF_S:
            return
        self.waits = self._computed < LOOKS_IDLE * self._elapsed
        # Whoever computes shows it at once; that somebody computes nothing may be the machine's doing, for a while.
        self.is_known = not self.waits or self._elapsed >= (ENOUGH_S if self._gave_way else HELD_UP_S)
        if self.is_known and self._elapsed >= ENOUGH_S:
            least, most = ONE_CPU
            self.fills_one_cpu = least * self._elapsed <= self._computed <= most * self._elapsed
            self._elapsed = self._computed = 0.0
            self._gave_way = 0

    def _clocks(self) -> tuple[float, float, int]:
        if get_ident() == self._thread:  # else nobody knows how often that one waited lately
            self._times_so_far = times_given_way()
        return time.perf_counter(), time.process_time(), self._times_so_far


if sys.platform == "win32":

    def times_given_way() -> int:
        """How often the calling thread has waited for anything; 0 where that is not counted."""
        return 0

else:
    import resource

    _THREAD = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)

    def times_given_way() -> int:
        """How often the calling thread has waited for anything; 0 where that is not counted."""
        return resource.getrusage(_THREAD).ru_nvcsw
