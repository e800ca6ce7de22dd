"""Four items of a quarter of a second each: a slow first item must not hold up the rest.

The best two workers can do is half a second. The first row begins with no pool, the others with a warm one.
"""

from __future__ import annotations

import time

import measure

from pariter import par_iter

ITEM_S = 0.25


def burn(n: int) -> int:
    end = time.thread_time() + ITEM_S
    while time.thread_time() < end:
        n += 1
    return n


def main() -> None:
    measure.headline(f"4 items of {ITEM_S} s of CPU: seconds")
    table = measure.Table("seconds")
    for name in ("first run, pool to be started", "second run", "third run"):
        began = time.perf_counter()
        par_iter([1, 2, 3, 4]).map(burn).collect()
        table.row(name, f"{time.perf_counter() - began:.3f}")
    table.end()


if __name__ == "__main__":
    main()
