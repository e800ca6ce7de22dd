"""What fixed plans cost in blocks, locks, steals, wake-ups and bytes: a clock would not tell on a busy machine."""

from __future__ import annotations

import importlib.util
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pariter import ThreadPool, par_iter
from pariter.engines import threads
from pariter.engines.driver import Phases
from pariter.engines.shipping import Parcel
from pariter.plan.piped import Piped
from pariter.plan.sinks import Sum
from pariter.pools import SerialPool
from pariter.sched import _platform
from pariter.sched.lanes import Lane
from pariter.sched.pool import WorkerPool

ROOT = Path(__file__).parents[2]


class Counts(Counter[str]):
    """Blocks taken, leaves begun and locks acquired, while a clock goes on only when items are made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, item_s: float) -> None:
        super().__init__()
        self._now = 0.0
        self._item_s = item_s
        counts = self

        class CountedLock:
            def __init__(self) -> None:
                self._lock = threading.Lock()

            def __enter__(self) -> bool:
                counts["locks"] += 1
                return self._lock.acquire()

            def __exit__(self, *error: object) -> None:
                self._lock.release()

        def take(lane: Lane, most: int, take: Any = Lane.take) -> Any:
            block = take(lane, most)
            self["blocks"] += block is not None
            return block

        def next_leaf(lane: Lane, next_leaf: Any = Lane.next_leaf) -> Any:
            begin = next_leaf(lane)
            self["leaves"] += begin is not None
            return begin

        monkeypatch.setattr(_platform, "new_lock", CountedLock)
        monkeypatch.setattr(Lane, "take", take)
        monkeypatch.setattr(Lane, "next_leaf", next_leaf)
        monkeypatch.setattr(time, "perf_counter", lambda: self._now)

    def item(self, item: int) -> int:
        """The function of the plan."""
        self._now += self._item_s
        return item


@pytest.mark.parametrize(
    ("items", "item_s", "blocks"), [(1_000_000, 1e-7, 500), (20_000, 1e-5, 1260), (500, 1e-3, 500)]
)
def test_a_block_takes_its_time_and_one_lock(
    monkeypatch: pytest.MonkeyPatch, items: int, item_s: float, blocks: int
) -> None:
    counts = Counts(monkeypatch, item_s)

    assert par_iter(range(items)).map(counts.item).on("serial").count() == items

    assert counts["leaves"] == 1
    assert counts["blocks"] <= blocks
    assert counts["locks"] <= counts["blocks"] + 8


def test_a_plan_that_is_over_in_no_time_is_looked_after_and_wakes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Counter[str] = Counter()

    class Ticker:
        def __getattr__(self, name: str) -> Any:
            return lambda it: calls.update([name])

    monkeypatch.setattr(threads, "ticker", Ticker())
    for name in ("offer", "withdraw", "announce", "start_threads"):
        monkeypatch.setattr(WorkerPool, name, lambda *args, name=name: calls.update([name]))

    with ThreadPool(4) as pool:
        assert pool.par_iter(range(10_000)).map(abs).sum() == 49_995_000

    assert calls == {"watch": 1, "unwatch": 1}


def simulate() -> Any:
    """The module that runs lanes in simulated time."""
    folder = str(ROOT / "benchmarks")
    spec = importlib.util.spec_from_file_location("simulate", ROOT / "benchmarks" / "simulate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
    return module


LOADS = ("all the same", "item i costs i squared", "the dear ones first", "one in 1,000 costs 1,000 times")


@pytest.mark.parametrize("load", LOADS)
def test_few_steals_keep_simulated_workers_busy(load: str) -> None:
    simulation = simulate()

    for workers, share in ((2, 0.97), (16, 0.92), (64, 0.85)):
        efficiency, steals = simulation.efficiency(load, workers, blocks=300)
        assert efficiency >= share
        assert steals <= 40 * workers


def triple(item: int) -> int:
    return item * 3


def parcel_and_piece(source: Any, low: int, high: int) -> tuple[int, int]:
    """The bytes of a plan's functions, and of one piece of its source."""
    plan = par_iter(source).map(triple)._plan
    piped = Phases(SerialPool().engine(), plan).bind(plan)
    assert isinstance(piped, Piped)
    parcel = Parcel(piped, Sum(0))
    return len(parcel.content), len(parcel.piece(piped.cut(low, high)))


def test_functions_travel_by_name_and_ranges_as_bounds() -> None:
    functions, piece = parcel_and_piece(range(10**9), 123_456_789, 987_654_321)

    assert functions <= 400
    assert piece <= 200


def test_pieces_of_lists_are_as_long_as_their_items() -> None:
    _, piece = parcel_and_piece(list(range(100_000)), 40_000, 50_000)

    assert piece <= 3 * 10_000 + 200
