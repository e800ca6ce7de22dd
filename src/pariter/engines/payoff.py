"""Whether it pays to share the rest of a run: with threads here, or with other processes, where it must be sent."""

from __future__ import annotations

import pickle
import time
from collections import deque

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
RECENT_BLOCKS = 15
"""Of how many blocks the median is taken: some are long because the machine fetches memory, for example."""
TICK_S = 0.02
"""In less, a clock of processor time may stand still: some systems count that in ticks of 10 or 16 ms."""
SHIPPING_S = 40e-9
"""What it takes to pickle and unpickle one small item, once, on a machine that does nothing else."""
SAMPLE = list(range(1_000, 1_256))
SHIPPING_PER_SAMPLED = 1.4
"""How many times as long as an item of the sample takes to be pickled and unpickled one takes that is shipped."""

LEAST_GAIN = 0.2
"""What share of its time an item must save whose journey is a guess: a loop must not become slower for being shared."""


def clocks() -> tuple[float, float]:
    """Two clocks: what time it is, and how long this process has computed, in seconds."""
    return time.perf_counter(), time.process_time()


def shipping_s() -> float:
    """As `SHIPPING_S`, on this machine as it is now: whoever else keeps it busy makes the items look dear, too."""
    began = time.perf_counter()
    pickle.loads(pickle.dumps(SAMPLE, pickle.HIGHEST_PROTOCOL))
    return max(SHIPPING_S, SHIPPING_PER_SAMPLED * (time.perf_counter() - began) / len(SAMPLE))


class Payoff:
    """Whether sharing the rest of a run will pay, judged by what was measured so far.

    Waiting is shared with threads, so what counts for them is how long items took. With other processes computing is
    shared: for them only the time counts in which this process had a processor, whoever else wanted it.
    """

    def __init__(self, piped: Piped, sink: Sink, crew: AnyCrew) -> None:
        self._crew = crew
        self._journeys = piped.carries_data + sink.returns_items
        self.items = 0
        """How many items were measured."""
        self._recent = 0.0
        self._seconds = 0.0
        self._computed: deque[float] = deque(maxlen=RECENT_BLOCKS)
        self._untold = (0, 0.0)

    @property
    def knows_enough(self) -> bool:
        """Whether enough was measured to judge by it."""
        return self._seconds >= ENOUGH_S

    def measured(self, items: int, seconds: float, computed: float) -> None:
        """`items` took `seconds` in the caller, while this process computed for so many."""
        if not items:
            return  # An empty source makes one block, too.
        self.items += items
        self._recent += items
        self._seconds += seconds
        self._sample(items, seconds, computed)
        if self._seconds > RECENT_S:  # what comes is like what came last: dear items may stand at the end
            self._recent /= 2
            self._seconds /= 2

    def _sample(self, items: int, seconds: float, computed: float) -> None:
        """Keep how long an item computed; blocks during which the clock of that stood still count with the next."""
        items, seconds = items + self._untold[0], seconds + self._untold[1]
        if computed or seconds >= TICK_S:
            self._computed.append(min(seconds, computed) / items)
            items, seconds = 0, 0.0
        self._untold = items, seconds

    def report(self, span: int | None, decision: str) -> Report:
        """What was measured, of a run of `span` units about which that was decided."""
        return Report(span, self.items, self._seconds / (self._recent or 1), decision)

    def pays(self, remaining: float, computed_s: float | None = None) -> bool:
        """Whether `remaining` items, that compute as long as was measured, or `computed_s`, should go to processes."""
        if computed_s is None:
            if not (self.knows_enough and self._computed):
                return False
            computed_s = sorted(self._computed)[len(self._computed) // 2]
        start = WARM_START_S if self._crew.is_warm else COLD_START_S
        if not self._journeys:
            return self._saved(remaining, computed_s, 0.0) > start
        margin = LEAST_GAIN * computed_s
        if self._saved(remaining, computed_s, self._journeys * SHIPPING_S + margin) <= start:
            return False
        return self._saved(remaining, computed_s, self._journeys * shipping_s() + margin) > start

    def pays_nearby(self, remaining: float, item_s: float | None = None) -> bool:
        """Whether threads should take some of them, that take as long as was measured, or `item_s`."""
        if item_s is None:
            if not self.knows_enough:
                return False
            item_s = self._seconds / self._recent
        return self._saved(remaining, item_s, 0.0) > CALL_S

    def _saved(self, remaining: float, item_s: float, per_item_s: float) -> float:
        """How many seconds sharing would save, if each item took `per_item_s` more."""
        return remaining * (item_s * (1 - 1 / max(2, len(self._crew.slots))) - per_item_s)
