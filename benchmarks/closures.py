"""Cheap functions on threads: module-level ones, closures, closures over collections, methods, objects.

Without a GIL, what a function captures is counted by all threads that call it. `shared` is what that costs:
pariter without its copies. `pool.map` is `ThreadPoolExecutor.map` over chunks of the data, summed in the threads.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, cast

import measure

from pariter import par_iter
from pariter.engines import own

ITEMS = 2_000_000
ROW = list(range(ITEMS))
TABLE = dict.fromkeys(range(1000), 1)


def plain(x: int) -> int:
    return x * 3


def reads_global_table(x: int) -> int:
    return TABLE[x % 1000]


class Scale:
    def __init__(self) -> None:
        self.factor = 3

    def method(self, x: int) -> int:
        return x * self.factor

    def __call__(self, x: int) -> int:
        return x * self.factor

    def tripled(self, x: int) -> int:
        return self.method(x)


class Counter:
    def __init__(self) -> None:
        self.calls = 0

    def count(self, x: int) -> int:
        self.calls += 1
        return x


def logged(fn: Callable[[int], int]) -> Callable[[int], int]:
    @functools.wraps(fn)
    def wrapper(x: int) -> int:
        return fn(x)

    return wrapper


@logged
def decorated(x: int) -> int:
    return x * 3


def in_loop(fn: Callable[[int], Any], data: Any) -> Any:
    return sum(map(fn, data))


def on_pariter(fn: Callable[[int], Any], data: Any) -> Any:
    return par_iter(data).on("threads").map(fn).sum()


def without_copies(fn: Callable[[int], Any], data: Any) -> Any:
    pays, own.pays = own.pays, lambda: False
    try:
        return on_pariter(fn, data)
    finally:
        own.pays = pays


def on_executor(pool: ThreadPoolExecutor, fn: Callable[[int], Any], data: Any) -> Any:
    step = -(-len(data) // 8)
    parts = [data[low : low + step] for low in range(0, len(data), step)]
    return sum(pool.map(lambda part: sum(map(fn, part)), parts))


def functions() -> Iterable[tuple[str, Callable[[int], Any], Any]]:
    number, fraction, table, row, pair = 1_000_003, 2.5, dict(TABLE), list(range(1000)), (2.5, 1)
    large = dict.fromkeys(ROW, 1)

    def add(x: int) -> int:
        return x + number

    yield "module-level def", plain, ROW
    yield "module-level def, range", plain, range(ITEMS)
    yield "closure over an int", lambda x: x * number, ROW
    yield "closure over an int, range", lambda x: x * number, range(ITEMS)
    yield "closure over a float", lambda x: x * fraction, ROW
    yield "closure over a closure", lambda x: 2 * add(x), ROW
    yield "closure over a tuple", lambda x: pair[0] * x, ROW
    yield "closure over a dict of 1,000", lambda x: table[x % 1000], ROW
    yield "closure over a list of 1,000", lambda x: row[x % 1000], ROW
    yield "closure over a dict of 1,000,000", lambda x: large[x], ROW
    yield "global dict", reads_global_table, ROW
    yield "bound method", Scale().method, ROW
    yield "object with __call__", Scale(), ROW
    yield "method that calls a method", Scale().tripled, ROW
    yield "method that writes to self", Counter().count, ROW
    yield "partial(operator.mul, 3)", partial(operator.mul, 3), ROW
    yield "partial of a lambda", partial(lambda a, x: a * x, 3), ROW
    yield "decorated", decorated, ROW
    pairs: Any = list(zip(ROW, ROW, strict=True))
    yield "itemgetter", cast("Callable[[Any], Any]", operator.itemgetter(0)), pairs
    yield "abs", abs, ROW


def main() -> None:
    measure.headline(f"sum of a map over {ITEMS:,} ints, against sum(map(f, xs)): median ratio of 7 rounds")
    table = measure.Table("loop, ns an item", "pool.map", "pariter, shared", "pariter")
    with ThreadPoolExecutor() as pool:
        for name, fn, data in functions():
            contenders = {
                "loop": partial(in_loop, fn, data),
                "pool": partial(on_executor, pool, fn, data),
                "shared": partial(without_copies, fn, data),
                "pariter": partial(on_pariter, fn, data),
            }
            measured = table.noted(measure.rounds(contenders))
            ratios = [measure.times(measure.ratio(measured, "loop", each)) for each in ("pool", "shared", "pariter")]
            table.row(name, f"{measure.best(measured, 'loop') / ITEMS * 1e9:.0f}", *ratios)
    table.end()


if __name__ == "__main__":
    main()
