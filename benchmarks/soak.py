"""A long life: thousands of runs one after another leave nothing behind, and neither does a run of ten million items.

After the first hundred runs resident memory, threads, descriptors, entries of shared memory and worker processes
are counted; at the end they must be what they were. Exits with 1 if they are not.

    python benchmarks/soak.py [--runs 10000] [--items 10000000]
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, fields
from itertools import islice
from pathlib import Path

from pariter import ProcessPool, ThreadPool, par_sorted

WARM_UP = 100
GROWTH_MB = 16.0
"""What memory may grow by, all processes together: an allocator breathes. A leak of 2 kB a run shows."""
ITEMS = list(range(200))
LARGE = bytes(3 << 20)


def half(n: int) -> float:
    return n / 2


def ones(n: int) -> Iterator[int]:
    yield from range(n)


def refuse(n: int) -> int:
    if n == 150:
        raise LookupError(n)
    return n


def expect_refusal(run: Callable[[], object]) -> None:
    try:
        run()
    except LookupError:
        return
    raise AssertionError("no exception came")


def programs(pool: ThreadPool | ProcessPool) -> list[Callable[[], object]]:
    """Small runs of every kind."""
    return [
        lambda: pool.par_iter(ITEMS).map(half).collect(),
        lambda: pool.par_iter(range(200)).map(lambda n: n + len(ITEMS)).filter().sum(),
        lambda: pool.par_iter(ones(200)).map(half).sum(),
        lambda: list(pool.par_iter(ITEMS).map(half)),
        lambda: list(islice(pool.par_iter(ones(10_000)).map(half), 5)),
        lambda: expect_refusal(pool.par_iter(ITEMS).map(refuse).collect),
        lambda: expect_refusal(lambda: list(pool.par_iter(ones(200)).map(refuse))),
        lambda: pool.par_iter(ITEMS).find_any(lambda n: n == 50),
        lambda: pool.par_iter(ITEMS).filter(lambda n: n % 3).take(10).collect(),
        lambda: pool.par_iter(ITEMS).group_by(lambda n: n % 7),
        lambda: pool.par_iter(ITEMS).map_local(list, lambda kept, n: n, close=list.clear).count(),
        lambda: pool.par_iter(ITEMS).map(half).timeout(60).sum(),
        lambda: pool.join(lambda: 1, lambda: 2),
        lambda: pool.spawn(half, 3).result(),
        lambda: spawn_in_scope(pool),
        lambda: pool.install(par_sorted, ITEMS, key=half),
        lambda: pool.par_iter(LARGE).map_batches(lambda part: [len(part)]).sum(),
    ]


def spawn_in_scope(pool: ThreadPool | ProcessPool) -> None:
    with pool.scope() as s:
        for n in range(4):
            s.spawn(half, n)


@dataclass(frozen=True)
class Counts:
    """What this process and its children hold."""

    memory_mb: float
    threads: int
    descriptors: int
    shared: int
    processes: int


def counts() -> Counts:
    gc.collect()
    pids = [os.getpid(), *children()]
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    shared = [name for name in os.listdir("/dev/shm") if name.startswith(f"pariter-{os.getpid():x}-")]
    return Counts(
        round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1),
        sum(len(os.listdir(f"/proc/{pid}/task")) for pid in pids),
        sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids),
        len(shared),
        len(pids),
    )


def children() -> list[int]:
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


def grown(now: Counts, first: Counts) -> list[str]:
    """What is more than it was."""
    bounds = Counts(GROWTH_MB, 0, 0, 0, 0)
    names = [field.name for field in fields(Counts)]
    return [
        f"{name}: {before} before, {after} now"
        for name, before, after, bound in zip(names, astuple(first), astuple(now), astuple(bounds), strict=True)
        if after > before + bound
    ]


def at_rest() -> Counts:
    """The counts when they have stopped changing, or after five seconds: workers answer before they let go."""
    deadline = time.monotonic() + 5
    before, now = None, counts()
    while astuple(now)[1:] != before and time.monotonic() < deadline:
        before = astuple(now)[1:]
        threading.Event().wait(0.3)
        now = counts()
    return now


def after_rounds(runs: list[Callable[[], object]], first: Counts) -> Counts:
    """The counts; where something has grown, after more runs: what an allocator keeps comes and goes, a leak stays."""
    for _ in range(10):
        now = at_rest()
        if not grown(now, first):
            break
        for run in runs:
            run()
    return now


def show(what: str, now: Counts, began: float) -> None:
    cells = [f"{value:>11,}" for value in astuple(now)]
    print(f"{what:<38}", *cells, f"{time.monotonic() - began:>8.0f} s", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--items", type=int, default=10_000_000)
    wanted = parser.parse_args()
    if not os.path.isdir("/proc/self/task"):
        print("soak.py counts what Linux shows under /proc")
        return 2
    build = "" if getattr(sys, "_is_gil_enabled", lambda: True)() else ", no GIL"
    print(f"Python {sys.version.split()[0]}{build}, {os.cpu_count()} CPUs, threads and processes: 2 each\n")
    print(f"{'after':<38}", *(f"{field.name:>11}" for field in fields(Counts)), f"{'time':>10}")
    began = time.monotonic()
    with ThreadPool(2) as threads, ProcessPool(2) as processes:
        runs = [*programs(threads), *programs(processes)]
        for number in range(WARM_UP):
            runs[number % len(runs)]()
        first = at_rest()
        show(f"{WARM_UP} runs", first, began)
        for number in range(WARM_UP, wanted.runs):
            runs[number % len(runs)]()
            if (number + 1) % max(1, wanted.runs // 5) == 0:
                show(f"{number + 1:,} runs", after_rounds(runs, first), began)
        left = grown(after_rounds(runs, first), first)
        for pool in threads, processes:
            name = "threads" if pool is threads else "processes"
            assert pool.par_iter(range(wanted.items)).map(half).count() == wanted.items
            now = after_rounds(runs, first)
            show(f"{wanted.items:,} items, {name}", now, began)
            left += grown(now, first)
            assert pool.par_iter(ones(wanted.items)).map(half).count() == wanted.items
            now = after_rounds(runs, first)
            show(f"{wanted.items:,} of a generator, {name}", now, began)
            left += grown(now, first)
    for line in left:
        print("LEFT", line)
    return 1 if left else 0


if __name__ == "__main__":
    raise SystemExit(main())
