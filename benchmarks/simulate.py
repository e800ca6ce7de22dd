"""Work stealing beyond the cores at hand: the library's own lanes and block rule, in simulated time.

Each simulated worker takes blocks from its `Lane` and steals as a run's workers do; a block takes the sum of its
items' costs. What the bookkeeping costs was measured on one machine and is below; the run's lock is held by one at
a time. Efficiency is the work divided by workers times the time until the last is done: 1.00 is perfect balance.

    python benchmarks/simulate.py [--plot docs/images/simulated.svg]
"""

from __future__ import annotations

import heapq
import importlib
import itertools
import random
import sys
from collections.abc import Callable, Sequence
from typing import Any

import measure

from pariter.sched.blocks import BLOCK_S, next_size
from pariter.sched.lanes import Cuts, Lane

BLOCK_COST = 2e-6
"""Taking a block and looking around."""
CLAIM_COST = 3e-6
"""Getting a lane under the run's lock, one lane looked at."""
LOOK_COST = 0.3e-6
"""Looking at one more lane under that lock."""
WAKE_COST = 60e-6
"""Until a sleeping thread that was woken runs."""
CALL_COST = 10e-6
"""Waking one thread, for whoever does; it does so for one after another."""
OPEN_AFTER = 2e-3
"""When the ticker opens a run that is still going."""

WORKERS = (4, 8, 16, 32, 64, 128, 256, 512, 1024)
BLOCKS_A_WORKER = 1000


class Costs:
    """The cost of any range of items, from the running sums of all."""

    def __init__(self, items: Sequence[float], total: float) -> None:
        sums = list(itertools.accumulate(items, initial=0.0))
        scale = total / sums[-1]
        self._sums = [each * scale for each in sums]
        self.total = total

    def __len__(self) -> int:
        return len(self._sums) - 1

    def of(self, low: int, high: int) -> float:
        """The seconds that the items from `low` to `high` take."""
        return self._sums[high] - self._sums[low]


def even(n: int) -> list[float]:
    return [1.0] * n


def growing(n: int) -> list[float]:
    return [float(i) * i for i in range(1, n + 1)]


def shrinking(n: int) -> list[float]:
    return growing(n)[::-1]


def spiked(n: int) -> list[float]:
    """One item in a thousand costs a thousand times the others, anywhere."""
    dice = random.Random(1)
    return [1000.0 if dice.randrange(1000) == 0 else 1.0 for _ in range(n)]


LOADS: dict[str, Callable[[int], list[float]]] = {
    "all the same": even,
    "item i costs i squared": growing,
    "the dear ones first": shrinking,
    "one in 1,000 costs 1,000 times": spiked,
}


class Simulation:
    """One run on so many workers."""

    def __init__(self, costs: Costs, workers: int) -> None:
        self._costs = costs
        first = Lane(0, len(costs), Cuts())
        first.next_leaf()
        self._lanes = [first]
        self._mine: list[Lane | None] = [first] + [None] * (workers - 1)
        self._sizes = [1] * workers
        self._lock_free_at = 0.0
        self.steals = 0
        self.blocks = 0

    def seconds(self) -> float:
        """The time until nothing is left and nobody works."""
        workers = len(self._mine)
        awake = [0.0] + [OPEN_AFTER + CALL_COST * rank + WAKE_COST for rank in range(1, workers)]
        waiting = [(at, worker) for worker, at in enumerate(awake)]
        heapq.heapify(waiting)
        end = 0.0
        while waiting:
            now, worker = heapq.heappop(waiting)
            done = self._step(now, worker)
            if done is not None:
                heapq.heappush(waiting, (done, worker))
                end = max(end, done)
        return end

    def _step(self, now: float, worker: int) -> float | None:
        """When `worker`, which is free at `now`, has done its next block; None if there is nothing to do."""
        lane = self._mine[worker]
        block = lane.take(self._sizes[worker]) if lane is not None else None
        if block is None:
            began = max(now, self._lock_free_at)
            lane, looked = self._claim()
            now = self._lock_free_at = began + CLAIM_COST + LOOK_COST * looked
            if lane is None:
                return None
            lane.next_leaf()
            self._mine[worker], self._sizes[worker] = lane, 1
            block = lane.take(1)
            if block is None:
                return now
        took = self._costs.of(*block)
        self._sizes[worker] = next_size(self._sizes[worker], took)
        self.blocks += 1
        return now + BLOCK_COST + took

    def _claim(self) -> tuple[Lane | None, int]:
        looked = len(self._lanes)
        self._lanes = [lane for lane in self._lanes if lane.remaining > 0]
        for lane in sorted(self._lanes, key=lambda lane: -lane.remaining):
            if (stolen := lane.steal()) is not None:
                self.steals += 1
                self._lanes.append(stolen)
                return stolen, looked
        return None, looked


def efficiency(load: str, workers: int, blocks: int = BLOCKS_A_WORKER) -> tuple[float, int]:
    """The share of the time that all workers were at work, and the number of steals."""
    total = workers * blocks * BLOCK_S
    items = min(max(workers * blocks * 8, 100_000), 2_000_000)
    run = Simulation(Costs(LOADS[load](items), total), workers)
    return total / (workers * run.seconds()), run.steals


def main() -> None:
    measure.headline(f"efficiency in simulated time, {BLOCKS_A_WORKER:,} blocks of {BLOCK_S * 1e3:g} ms a worker")
    table = measure.Table(*(f"{workers:,}" for workers in WORKERS))
    found: dict[str, list[float]] = {}
    for load in LOADS:
        found[load] = [efficiency(load, workers)[0] for workers in WORKERS]
        table.row(load, *(f"{each:.2f}" for each in found[load]))
    table.end()
    if "--plot" in sys.argv:
        plot(found, sys.argv[sys.argv.index("--plot") + 1])


def plot(found: dict[str, list[float]], path: str) -> None:
    """Draw efficiency against workers."""
    plt: Any = importlib.import_module("matplotlib.pyplot")
    figure, axes = plt.subplots(figsize=(7, 4))
    for load, values in found.items():
        axes.plot(WORKERS, values, marker="o", label=load)
    axes.axhline(0.9, color="grey", linewidth=0.8, linestyle="--")
    axes.set(xscale="log", xticks=WORKERS, xticklabels=WORKERS, xlabel="workers", ylabel="efficiency", ylim=(0, 1.02))
    axes.minorticks_off()
    axes.legend()
    options: dict[str, Any] = {"format": "svg", "metadata": {"Date": None}}
    figure.tight_layout()
    figure.savefig(path, **options)


if __name__ == "__main__":
    main()
