"""The same sums by whatever is installed: pariter against the loop and the libraries people use instead.

Each gets its usual call and a chunk size that suits it, and a pool that is already warm. Install the peers with
`pip install --group bench`.
"""

from __future__ import annotations

import importlib
import importlib.util
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

import measure

from pariter import par_iter

WORKERS = os.cpu_count() or 1
PRIMES_BELOW = 200_000
CHEAP_ITEMS = 500_000


def is_prime(n: int) -> bool:
    if n < 2:
        return False
    return all(n % d for d in range(2, int(n**0.5) + 1))


def triple(x: int) -> int:
    return x * 3


def burn(x: int) -> int:
    total = x
    for i in range(100):
        total += i
    return total


Peer = Callable[[Callable[[int], int], Any], int]


def has(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that it is in
        return False


def chunk(items: Any) -> int:
    return max(1, len(items) // (WORKERS * 8))


def in_loop(fn: Callable[[int], int], items: Any) -> int:
    return sum(map(fn, items))


def peers(stack: ExitStack) -> dict[str, Peer]:
    """Those that are installed, each as a function that sums `fn` over items."""
    found: dict[str, Peer] = {"pariter, default": lambda fn, items: par_iter(items).map(fn).sum()}
    threads = stack.enter_context(ThreadPoolExecutor(WORKERS))
    processes = stack.enter_context(ProcessPoolExecutor(WORKERS))
    workers = stack.enter_context(multiprocessing.Pool(WORKERS))
    found["ThreadPoolExecutor"] = lambda fn, items: sum(
        threads.map(lambda low: sum(map(fn, items[low : low + chunk(items)])), range(0, len(items), chunk(items)))
    )
    found["ProcessPoolExecutor"] = lambda fn, items: sum(processes.map(fn, items, chunksize=chunk(items)))
    found["multiprocessing.Pool"] = lambda fn, items: sum(workers.map(fn, items))
    if has("loky"):
        loky_module: Any = importlib.import_module("loky")

        loky = loky_module.ProcessPoolExecutor(WORKERS)
        stack.callback(loky.shutdown)
        found["loky"] = lambda fn, items: sum(loky.map(fn, items, chunksize=chunk(items)))
    if has("joblib"):
        joblib: Any = importlib.import_module("joblib")

        found["joblib"] = lambda fn, items: sum(joblib.Parallel(WORKERS)(joblib.delayed(fn)(x) for x in items))
    if has("mpire"):
        mpire: Any = importlib.import_module("mpire")

        pool = stack.enter_context(mpire.WorkerPool(WORKERS, keep_alive=True))
        found["mpire"] = lambda fn, items: sum(pool.imap(fn, items, chunk_size=chunk(items)))
    if has("dask.bag"):
        bag: Any = importlib.import_module("dask.bag")

        found["dask.bag"] = lambda fn, items: int(
            bag.from_sequence(items, npartitions=WORKERS * 4).map(fn).sum().compute(scheduler="processes")
        )
    if has("functional"):
        functional: Any = importlib.import_module("functional")

        found["PyFunctional"] = lambda fn, items: int(functional.pseq(items, processes=WORKERS).map(fn).sum())
    return found


def main() -> None:
    measure.headline("sum of a map, against sum(map(f, xs)): median ratio of 3 rounds, pools warm")
    jobs: list[tuple[str, Callable[[int], int], Any]] = [
        (f"primes below {PRIMES_BELOW:,}", is_prime, range(PRIMES_BELOW)),
        ("cheap function, list of 500,000", triple, list(range(CHEAP_ITEMS))),
        ("cheap function, range of 500,000", triple, range(CHEAP_ITEMS)),
        ("3 us an item, list of 200,000", burn, list(range(200_000))),
    ]
    table = measure.Table(*(name for name, _, _ in jobs))
    with ExitStack() as stack:
        found = peers(stack)
        rows: dict[str, list[str]] = {name: [] for name in ("loop", *found)}
        for _, fn, items in jobs:
            contenders = {name: partial(peer, fn, items) for name, peer in {"loop": in_loop, **found}.items()}
            measured = measure.rounds(contenders, count=3, quiet=False)
            rows["loop"].append(measure.milliseconds(measure.best(measured, "loop")))
            for name in found:
                rows[name].append(measure.times(measure.ratio(measured, "loop", name)))
        for name, cells in rows.items():
            table.row(name, *cells)
    table.end()


if __name__ == "__main__":
    main()
