"""Items of very different cost: where they are must not matter.

2,000 items of which a tenth cost a hundred times as much as the others, the dear ones at the beginning, at the end
or all over; items that cost as much as the square of their place; and one in a thousand that costs a thousand times
the others. The peers cut the data into as many parts as there are workers,
or into chunks of 50.
"""

from __future__ import annotations

import os
import random
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import measure

from pariter import par_iter

ITEMS = 2000
CHEAP = 400


def spin(rounds: int) -> int:
    total = 0
    for i in range(rounds):
        total += i & 3
    return total


def layouts() -> dict[str, list[int]]:
    dear = [CHEAP * 100] * (ITEMS // 10)
    cheap = [CHEAP] * (ITEMS - len(dear))
    mixed = dear + cheap
    random.Random(1).shuffle(mixed)
    spikes = [200] * 20_000
    spikes[::1000] = [200_000] * 20
    return {
        "dear first": dear + cheap,
        "dear last": cheap + dear,
        "mixed": mixed,
        "item i costs i squared": [i * i // 200 for i in range(ITEMS)],
        "one in 1,000 costs 1,000 times": spikes,
    }


def main() -> None:
    workers = os.cpu_count() or 1
    free = measure.has_no_gil()
    kind = "ThreadPoolExecutor" if free else "ProcessPoolExecutor"
    measure.headline(f"skewed load, against sum(map(f, xs)): median ratio of 5 rounds; the executor is {kind}")
    table = measure.Table("loop", "executor, even parts", "executor, chunks of 50", "pariter")
    pool: Executor = ThreadPoolExecutor(workers) if free else ProcessPoolExecutor(workers)
    with pool:
        for name, items in layouts().items():
            contenders = {
                "loop": partial(sum_of, items),
                "parts": partial(in_chunks, pool, items, -(-ITEMS // workers)),
                "chunks": partial(in_chunks, pool, items, 50),
                "pariter": partial(on_pariter, items),
            }
            measured = table.noted(measure.rounds(contenders, count=5, quiet=free))
            ratios = [measure.times(measure.ratio(measured, "loop", each)) for each in ("parts", "chunks", "pariter")]
            table.row(name, measure.milliseconds(measure.best(measured, "loop")), *ratios)
    table.end()


def on_pariter(items: list[int]) -> int:
    return par_iter(items).map(spin).sum()


def in_chunks(pool: Executor, items: list[int], size: int) -> int:
    return sum(pool.map(sum_of, (items[low : low + size] for low in range(0, len(items), size))))


def sum_of(items: list[int]) -> int:
    return sum(map(spin, items))


if __name__ == "__main__":
    main()
