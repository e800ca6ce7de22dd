"""A generator as source: a million items of 5 us each, in batches, and the memory that takes.

The peak is what `tracemalloc` sees in the calling process, in a run of a tenth of the items.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator

import measure

from pariter import par_iter

ITEMS = 1_000_000


def numbers(many: int) -> Iterator[int]:
    yield from range(many)


def five_microseconds(x: int) -> int:
    total = x
    for i in range(110):
        total += i
    return total


def peak(call: Callable[[], object]) -> int:
    tracemalloc.start()
    call()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def main() -> None:
    measure.headline(f"a generator of {ITEMS:,} items: ratio to the loop, median of 3 rounds")
    table = measure.Table("loop, us an item", "pariter, default engine", "peak of the caller's memory")
    measured = measure.rounds(
        {
            "loop": lambda: sum(map(five_microseconds, numbers(ITEMS))),
            "plan": lambda: par_iter(numbers(ITEMS)).map(five_microseconds).sum(),
        },
        count=3,
        quiet=measure.has_no_gil(),
    )
    memory = peak(lambda: par_iter(numbers(ITEMS // 10)).map(five_microseconds).sum())
    table.row(
        "sum",
        f"{measure.best(measured, 'loop') / ITEMS * 1e6:.1f}",
        measure.times(measure.ratio(measured, "loop", "plan")),
        f"{memory / 1e6:.1f} MB",
    )
    table.end()


if __name__ == "__main__":
    main()
