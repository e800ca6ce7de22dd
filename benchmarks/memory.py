"""Row sums of one large array on worker processes: what all processes together hold at most, and the time.

What is held is the sum of the proportional set sizes (`Pss`) of this process and all below it, and what lies in
shared memory and is mapped by nobody, read every few milliseconds, less what was held before the array was there.
joblib is measured beside if it is installed. Linux only.

    python benchmarks/memory.py [GIGABYTES]
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import measure
import numpy

from pariter import ProcessPool

LOOK_S = 0.005
WORKERS = 2


def descendants() -> list[int]:
    """This process and all below it."""
    found, waiting = [], [os.getpid()]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            waiting += map(int, path.read_text().split())
    return found


def held() -> int:
    """The bytes of memory that this process and all below it hold, shared ones counted once."""
    total = mapped = 0
    for pid in descendants():
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines[1:]}
        total += sizes["Pss"]
        mapped += sizes.get("Pss_Shmem", 0)
    usage = os.statvfs("/dev/shm")
    return total + max(0, (usage.f_blocks - usage.f_bfree) * usage.f_frsize - mapped)


class Watch:
    """The most that was held while it was open."""

    def __enter__(self) -> Self:
        self.peak = held()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def _look(self) -> None:
        while not self._is_over.wait(LOOK_S):
            self.peak = max(self.peak, held())

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join()


def row_sums(rows: Any) -> Any:
    return rows.sum(axis=1)


def by_joblib(data: Any) -> None:
    joblib = import_module("joblib")
    edges = numpy.linspace(0, len(data), 4 * WORKERS + 1).astype(int).tolist()
    bounds = pairwise(edges)
    joblib.Parallel(WORKERS)(joblib.delayed(_part)(data, low, high) for low, high in bounds)


def _part(data: Any, low: int, high: int) -> Any:
    return row_sums(data[low:high])


def main() -> None:
    if not Path("/dev/shm").is_dir():
        print("what a process holds can be read on Linux only")
        return
    gigabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    measure.headline(
        f"Row sums of {gigabytes:g} GB of float64 on {WORKERS} processes: time of 5, and the peak of memory"
    )
    with ProcessPool(WORKERS) as pool:
        pool.broadcast(_warm)
        before = held()
        data = numpy.ones((int(gigabytes * 1e9 / 8 / 1000), 1000))
        runs: dict[str, Callable[[], object]] = {
            "the caller alone": lambda: row_sums(data),
            "pariter, map_batches": lambda: pool.par_iter(data).map_batches(row_sums).collect(),
        }
        if find_spec("joblib") is not None:
            runs["joblib, memory mapping"] = lambda: by_joblib(data)
        table = measure.Table("best time", "peak over the interpreters'")
        for name, run in runs.items():
            with Watch() as watch:
                run()
            seconds = [_timed(run) for _ in range(5)]
            table.row(name, measure.milliseconds(min(seconds)), f"{(watch.peak - before) / 1e9:.2f} GB")
        table.end()


def _warm() -> float:
    return float(numpy.ones(10).sum())


def _timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
