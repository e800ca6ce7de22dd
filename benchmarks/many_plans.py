"""Plan after plan: 1,000 plans of a millisecond each, one after another and by eight threads at once.

A hand-over to workers that cost much would show as a loss against the loop; callers that wait for one another, as
a loss of the eight against the one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import measure

from pariter import par_iter

PLANS = 1_000
ITEMS = 200


def five_microseconds(x: int) -> int:
    total = x
    for i in range(110):
        total += i
    return total


def in_loop(items: list[int]) -> int:
    return sum(map(five_microseconds, items))


def on_pariter(items: list[int]) -> int:
    return par_iter(items).map(five_microseconds).sum()


def by_callers(callers: int, call: Callable[[], object]) -> None:
    """All plans, shared out among so many threads."""

    def some() -> None:
        for _ in range(PLANS // callers):
            call()

    threads = [threading.Thread(target=some) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    measure.headline(f"{PLANS:,} plans of {ITEMS} items of 5 us: milliseconds a plan, median of 3 rounds")
    table = measure.Table("loop", "pariter")
    items = list(range(ITEMS))
    for callers in (1, 8):
        measured = measure.rounds(
            {
                "loop": partial(by_callers, callers, partial(in_loop, items)),
                "plan": partial(by_callers, callers, partial(on_pariter, items)),
            },
            count=3,
        )
        cells = [f"{measure.median(measured, name) / PLANS * 1e3:.3f}" for name in ("loop", "plan")]
        table.row(f"{callers} at once", *cells)
    table.end()


if __name__ == "__main__":
    main()
