"""Cheap items on processes, where shipping them costs as much as computing them.

Two million integers and a lambda, from a list and from a range; and the default engine on the same, which measures
what shipping costs and stays in the caller where that is more.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from functools import partial
from typing import Any

import measure

from pariter import ProcessPool, par_iter

ITEMS = 2_000_000


def triple(x: int) -> int:
    return x * 3


def microsecond(x: int) -> int:
    total = x
    for i in range(20):
        total += i
    return total


def main() -> None:
    measure.headline("processes: ratio to the loop, median of 5 rounds, two workers, pools warm")
    table = measure.Table("loop, ns an item", "multiprocessing.Pool", "ProcessPool(2)", "default engine")
    items, numbers = list(range(ITEMS)), range(ITEMS)
    few = items[: ITEMS // 4]
    pool = ProcessPool(2)  # not its `with` block, in which it would be the default
    with multiprocessing.Pool(2) as peer:
        cheap = lambda x: x * 3  # noqa: E731 - what is measured
        jobs: dict[str, tuple[Any, dict[str, Callable[[], object]]]] = {
            "collect, a list": (
                items,
                {
                    "loop": lambda: list(map(cheap, items)),
                    "peer": lambda: peer.map(triple, items),
                    "pool": lambda: par_iter(items).map(cheap).on(pool).collect(),
                    "default": lambda: par_iter(items).map(cheap).collect(),
                },
            ),
            "sum, a list": (items, sums(items, cheap, pool, peer, triple)),
            "sum, a range": (items, sums(numbers, cheap, pool, peer, triple)),
            "sum, a list, 1 us an item": (few, sums(few, microsecond, pool, peer, microsecond)),
        }
        for name, (data, contenders) in jobs.items():
            measured = measure.rounds(contenders, count=5, quiet=False)
            ratios = [measure.times(measure.ratio(measured, "loop", each)) for each in ("peer", "pool", "default")]
            table.row(name, f"{measure.best(measured, 'loop') / len(data) * 1e9:.0f}", *ratios)
    pool.close()
    table.end()


def sums(data: Any, fn: Any, pool: ProcessPool, peer: Any, named: Any) -> dict[str, Callable[[], object]]:
    """The contenders for a sum; the peer needs a function it can import."""
    return {
        "loop": lambda: sum(map(fn, data)),
        "peer": lambda: sum(peer.map(named, data)),
        "pool": partial(summed, data, fn, pool),
        "default": partial(summed, data, fn, None),
    }


def summed(data: Any, fn: Any, pool: ProcessPool | None) -> Any:
    plan = par_iter(data).map(fn)
    return (plan if pool is None else plan.on(pool)).sum()


if __name__ == "__main__":
    main()
