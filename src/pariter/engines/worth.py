"""Whether helpers make a run of cheap items faster: where that is in doubt, it goes the other way for a moment.

Threads that count the same objects wait for one another's cache lines, and what functions share is not always
to be seen (see `plan/localise.py`), so two threads may get less done than one. Only measuring tells.

States   with helpers ⇄ alone. Each lasts for a *stay*, is then interrupted by a *trial* of the other, and goes on,
         four times as long, unless the other got more done in the same time. No trial where helpers clearly pay.
Guards   Everything belongs to the thread that waits for the run; helpers only read `is_open`, and whoever sees that
         thread stuck in a block may set it.
Promise  Items that take longer than `DEAR_S` always have helpers: what they share is not what they cost.
Tests    tests/engines/test_worth.py
"""

from __future__ import annotations

WINDOW_S = 0.002
"""How long is measured at once: some blocks of each worker."""
FIRST_STAY_S = 0.004
LONGER = 4
CLEAR = 1.3
"""How many times as much must get done with helpers as without, for there to be no doubt."""
DEAR_S = 50e-6


class Worth:
    """Decides whether helpers are wanted, from what the run gets done with them and without."""

    __slots__ = ("_first", "_has_helpers", "_is_trial", "_last", "_rates", "_stay_s", "_stays_until", "is_open")

    def __init__(self) -> None:
        self.is_open = True
        """Whether helpers are wanted."""
        self._rates: dict[bool, float] = {}
        self._is_trial = False
        self._stay_s = FIRST_STAY_S
        self._stays_until: float | None = None
        self._has_helpers = False
        self._first: tuple[float, int] = (0.0, 0)
        self._last: tuple[float, int] | None = None

    @property
    def is_alone(self) -> bool:
        """Whether it was found that helpers do not pay."""
        return self.is_open is self._is_trial

    def look(self, now: float, left: int, helpers: int) -> bool:
        """At `now` so many items are left, and there are so many helpers; returns whether `is_open` has changed."""
        has_helpers = helpers > 0
        before, self._last = self._last, (now, left)
        if before is None or has_helpers is not self._has_helpers:
            # What happened since the last look may be of either kind; what was measured until then counts.
            if before is not None:
                self._measure(*before, at_least=WINDOW_S / 4)
            self._first, self._has_helpers = (now, left), has_helpers
            return False
        rate = self._measure(now, left, at_least=WINDOW_S)
        if rate is None:
            return False
        self._first = now, left
        return has_helpers is self.is_open and self._decide(now, is_dear=rate * DEAR_S < 1)

    def _measure(self, now: float, left: int, *, at_least: float) -> float | None:
        """Keep how many items a second got done in the window that ends now, if it is long enough."""
        began, left_then = self._first
        if now - began < at_least:
            return None
        rate = self._rates[self._has_helpers] = (left_then - left) / (now - began)
        return rate

    def _decide(self, now: float, *, is_dear: bool) -> bool:
        """At the end of a window in which there were helpers if, and only if, they were wanted."""
        was_open = self.is_open
        if is_dear or (was_open and not self._is_trial and self._pays(CLEAR)):
            self._stay(now, open_=True)
        elif self._is_trial:
            self._stay(now, open_=self._pays(1.0))
        elif self._stays_until is None:
            self._stays_until = now + self._stay_s
        elif now >= self._stays_until:
            self.is_open = not was_open
            self._is_trial = True
        return self.is_open is not was_open

    def _pays(self, factor: float) -> bool:
        alone = self._rates.get(False)
        return alone is not None and self._rates[True] >= factor * alone

    def _stay(self, now: float, *, open_: bool) -> None:
        """Go on with helpers or without; for longer the more trials have not changed that."""
        goes_back = self._is_trial and self.is_open is not open_
        self._stay_s = LONGER * (self._stay_s if goes_back else FIRST_STAY_S)
        self._stays_until = now + self._stay_s
        self.is_open = open_
        self._is_trial = False
