"""Notices work that lasts, so that work that does not last need not tell anybody about itself.

Whoever starts something says `watch(it)` and at its end `unwatch(it)`: two set operations. A thread looks every
millisecond, and what it has seen in two looks it opens: `it.open()` then calls for help. So tiny work is free and
slow work gets help within about two milliseconds, however long its first item takes.

States   PARKED (no thread, or one blocked on `_wake`) → LOOKING (a look every `PERIOD_S`) → PARKED after
         `PATIENCE` looks at nothing.
Guards   `_start_lock` guards the start of the thread; `_watched` is only touched by atomic set methods.
Promise  What stays watched for two periods is opened, once; with `open()` returning True, again at every look.
Proof    docs/design/scheduler.md#the-ticker   Tests  tests/sched/test_ticker.py, tests/interleavings/test_ticker.py
"""

from __future__ import annotations

from typing import Protocol

from pariter.sched import _platform
from pariter.sched.latch import unpark

PERIOD_S = 0.001
PATIENCE = 50


class Watched(Protocol):
    """Something that may last."""

    def open(self) -> object:
        """Call for help; True to be asked again at the next look.

        It may come after `unwatch()`, when a look was under way, and must then do no harm.
        """


class Ticker:
    """A set of watched things and the thread that looks at them."""

    def __init__(self) -> None:
        self._generation = 0
        self._wake = _platform.new_lock()
        self.reset()

    def reset(self) -> None:
        """Forget everything, the thread too: for a new process, in which that thread does not exist.

        Where it does exist (in tests), it ends.
        """
        unpark(self._wake)
        self._generation += 1
        self._watched: set[Watched] = set()
        self._seen: set[int] = set()
        self._parked = True
        self._has_thread = False
        self._wake = _platform.new_lock()
        self._wake.acquire()
        self._start_lock = _platform.new_lock()

    def watch(self, it: Watched) -> None:
        """Open `it` if it is still watched after two looks."""
        self._watched.add(it)
        # Racing with _park(): it says so before its last look, and we add before we read. Whoever is second on
        # the set's own lock (or the GIL) sees what the other did.
        if self._parked:
            self._unpark()

    def unwatch(self, it: Watched) -> None:
        """No longer look at `it`. Harmless if it is not watched."""
        self._watched.discard(it)

    def _unpark(self) -> None:
        if self._has_thread:
            unpark(self._wake)
            return
        with self._start_lock:
            if self._has_thread:
                unpark(self._wake)
                return
            try:
                _platform.start_thread(self._run, (self._generation,), "pariter-ticker")
            except RuntimeError:
                return  # No thread to be had: nothing gets help, and everything still ends.
            self._has_thread = True

    def _run(self, generation: int) -> None:
        self._parked = False
        idle_looks = 0
        while generation == self._generation:
            if idle_looks < PATIENCE:
                _platform.sleep(PERIOD_S)
            elif self._park():
                _platform.acquire(self._wake)
                if generation != self._generation:
                    return
                self._parked = False
            idle_looks = 0 if self.look() else idle_looks + 1

    def _park(self) -> bool:
        """Say that nobody looks, then look once more; False if there was something after all."""
        self._parked = True
        if self._watched.copy():
            self._parked = False
            return False
        return True

    def look(self) -> bool:
        """One look; returns whether anything was being watched."""
        watched = self._watched.copy()
        now: set[int] = set()
        seen = self._seen
        # An id may belong to a new object by the next look; that one is then opened a look too early, no harm.
        for it in watched:
            if id(it) not in seen or self._open(it):
                now.add(id(it))
            else:
                self._watched.discard(it)
        self._seen = now
        return bool(watched)

    def _open(self, it: Watched) -> bool:
        try:
            return it.open() is True
        except BaseException as error:
            _platform.report(error)
            return False


ticker = Ticker()
watch = ticker.watch
unwatch = ticker.unwatch
