"""Sorting: `par_sorted` against `sorted`, at every size, for values in any order and for cheap and dear keys.

It shall never lose more than a tenth: what the C sort does as well by itself is left to it. A ratio above 1 is a gain.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from operator import itemgetter, neg
from typing import Any

import measure

from pariter import par_sorted

SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
SLOW_SIZES = SIZES[:4]
Key = Callable[[Any], Any] | None


def digits(n: int) -> int:
    return sum(map(int, str(n)))


def slow(n: int) -> int:
    found = n
    for _ in range(300):
        found = found * 31 % 1_000_003
    return found


def jobs(size: int) -> list[tuple[str, list[Any], Key]]:
    """What is sorted, by name."""
    numbers = [random.Random(size).randrange(10**9) for _ in range(size)]
    found: list[tuple[str, list[Any], Key]] = [
        ("random integers", numbers, None),
        ("sorted already", sorted(numbers), None),
        ("random strings", list(map(str, numbers)), None),
        ("pairs by itemgetter", list(enumerate(numbers)), itemgetter(1)),
        ("by a C function", numbers, neg),
        ("by a lambda", numbers, lambda n: -n),
        ("by the sum of digits", numbers, digits),
    ]
    return [*found, ("by a slow key", numbers, slow)] if size in SLOW_SIZES else found


def main() -> None:
    measure.headline("par_sorted against sorted: median ratio of 7 rounds")
    table = measure.Table(*(f"{size:,}" for size in SIZES))
    cells: dict[str, list[str]] = {}
    for size in SIZES:
        for name, items, key in jobs(size):
            contenders: dict[str, Callable[[], object]] = {
                "sorted": partial(sorted, items, key=key),
                "par_sorted": partial(par_sorted, items, key=key),
            }
            measured = table.noted(measure.rounds(contenders, count=7, repeat=max(1, 20_000 // size)))
            cells.setdefault(name, []).append(measure.times(measure.ratio(measured, "sorted", "par_sorted")))
    for name, row in cells.items():
        table.row(name, *row, *[""] * (len(SIZES) - len(row)))
    table.end()


if __name__ == "__main__":
    main()
