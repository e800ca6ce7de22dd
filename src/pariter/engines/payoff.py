"""Whether it pays to share the rest of a run: with threads here, or with other processes, where it must be sent."""

from __future__ import annotations

from pariter.engines.dispatch import AnyCrew
from pariter.engines.report import Report
from pariter.plan.piped import Piped
from pariter.plan.sinks import Sink

COLD_START_S = 0.25
WARM_START_S = 0.004
CALL_S = 0.001
"""What it may take until threads that were called are there."""
ENOUGH_S = 0.001
"""How much must have been measured: a first cheap item seems a hundred times as dear as the next ones."""
RECENT_S = 0.01
"""How much of what was measured last is judged by, at most."""
SHIPPING_S = 40e-9
"""What it takes to pickle and unpickle one small item, once."""


class Payoff:
    """Whether sending the rest of a run away will pay, judged by what was measured so far."""

    def __init__(self, piped: Piped, sink: Sink, crew: AnyCrew) -> None:
        self._crew = crew
        self._per_item_s = SHIPPING_S * (piped.carries_data + sink.returns_items)
        self.items = 0
        """How many items were measured."""
        self._recent = 0.0
        self._seconds = 0.0

    @property
    def knows_enough(self) -> bool:
        """Whether enough was measured to judge by it."""
        return self._seconds >= ENOUGH_S

    def measured(self, items: int, seconds: float) -> None:
        """`items` took `seconds` in the caller."""
        self.items += items
        self._recent += items
        self._seconds += seconds
        if self._seconds > RECENT_S:  # what comes is like what came last: dear items may stand at the end
            self._recent /= 2
            self._seconds /= 2

    def report(self, span: int | None, decision: str) -> Report:
        """What was measured, of a run of `span` units about which that was decided."""
        return Report(span, self.items, self._seconds / (self._recent or 1), decision)

    def pays(self, remaining: float, item_s: float | None = None) -> bool:
        """Whether `remaining` items, of the time measured or of `item_s` each, should go to other processes."""
        start = WARM_START_S if self._crew.is_warm else COLD_START_S
        return self._saved(remaining, item_s, self._per_item_s) > start

    def pays_nearby(self, remaining: float, item_s: float | None = None) -> bool:
        """Whether threads should take some of them."""
        return self._saved(remaining, item_s, 0.0) > CALL_S

    def _saved(self, remaining: float, item_s: float | None, per_item_s: float) -> float:
        """How many seconds sharing would save, if each item took `per_item_s` more."""
        if item_s is None:
            if not self.knows_enough:
                return 0.0
            item_s = self._seconds / self._recent
        return remaining * (item_s * (1 - 1 / max(2, len(self._crew.slots))) - per_item_s)
