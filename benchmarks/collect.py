"""Results in a list: `collect()` against `[f(x) for x in xs]`, `list(map(f, xs))` and a `ThreadPoolExecutor`.

Each thread of pariter writes its results where they belong in one list; joining lists of parts that other threads
made costs more than it saves (the column `parts`). The column `gc.disable()` is `threads` without the garbage
collector, and so is the loop that it is compared with: a difference would be work that pariter makes for it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Any

import measure

from pariter import par_iter

ITEMS = 2_000_000


def triple(x: int) -> int:
    return x * 3


def root(x: int) -> float:
    total = 0.0
    for _ in range(20):
        total += x**0.5
    return total


def in_loop(fn: Callable[[int], Any], items: list[int]) -> list[Any]:
    return [fn(x) for x in items]


def by_map(fn: Callable[[int], Any], items: list[int]) -> list[Any]:
    return list(map(fn, items))


def on_threads(fn: Callable[[int], Any], items: list[int]) -> list[Any]:
    return par_iter(items).on("threads").map(fn).collect()


def by_default(fn: Callable[[int], Any], items: list[int]) -> list[Any]:
    return par_iter(items).map(fn).collect()


def in_parts(pool: ThreadPoolExecutor, fn: Callable[[int], Any], items: list[int]) -> list[Any]:
    half = len(items) // 2
    parts = pool.map(lambda part: list(map(fn, part)), (items[:half], items[half:]))
    return list(chain.from_iterable(parts))


def uncollected(make: Callable[[Callable[[int], Any], list[int]], Any], fn: Callable[[int], Any], xs: list[int]) -> Any:
    gc.disable()
    try:
        return make(fn, xs)
    finally:
        gc.enable()


def main() -> None:
    measure.headline("collect(), against [f(x) for x in xs]: median ratio of 5 rounds")
    columns = ("list(map)", "parts", "pariter, threads", "gc.disable()", "pariter, default")
    table = measure.Table("items", "loop, ns an item", *columns)
    with ThreadPoolExecutor(2) as pool:
        jobs: list[tuple[str, Callable[[int], Any], int]] = [
            ("x * 3", triple, ITEMS),
            ("20 square roots", root, ITEMS // 20),
        ]
        for name, fn, count in jobs:
            items = list(range(count))
            contenders: dict[str, Callable[[], object]] = {
                "loop": partial(in_loop, fn, items),
                "map": partial(by_map, fn, items),
                "parts": partial(in_parts, pool, fn, items),
                "threads": partial(on_threads, fn, items),
                "loop uncollected": partial(uncollected, in_loop, fn, items),
                "uncollected": partial(uncollected, on_threads, fn, items),
                "default": partial(by_default, fn, items),
            }
            measured = table.noted(measure.rounds(contenders, count=5, quiet=measure.has_no_gil()))
            ratios = {name: measure.ratio(measured, "loop", name) for name in contenders}
            ratios["uncollected"] = measure.ratio(measured, "loop uncollected", "uncollected")
            shown = [measure.times(ratios[name]) for name in ("map", "parts", "threads", "uncollected", "default")]
            table.row(name, f"{count:,}", f"{measure.best(measured, 'loop') / count * 1e9:.0f}", *shown)
    table.end()


if __name__ == "__main__":
    main()
