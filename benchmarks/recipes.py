"""What people write: quicksort by join, scoring of documents, counting by key with fold and reduce.

Each against the same work in a loop; on processes `join` runs its calls in threads, so quicksort is for interpreters
without a GIL.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import measure

from pariter import join, par_iter

CUTOFF = 5_000
WORDS = ["alpha", "beta", "gamma", "delta", "omega", "kappa"]


def plain_quicksort(items: list[int]) -> list[int]:
    if len(items) <= CUTOFF:
        return insertion_by_bisection(items)
    pivot = items[len(items) // 2]
    return (
        plain_quicksort([each for each in items if each < pivot])
        + [each for each in items if each == pivot]
        + plain_quicksort([each for each in items if each > pivot])
    )


def joined_quicksort(items: list[int]) -> list[int]:
    if len(items) <= CUTOFF:
        return insertion_by_bisection(items)
    pivot = items[len(items) // 2]
    low = [each for each in items if each < pivot]
    high = [each for each in items if each > pivot]
    left, right = join(lambda: joined_quicksort(low), lambda: joined_quicksort(high))
    found: list[int] = left + [each for each in items if each == pivot] + right
    return found


def insertion_by_bisection(items: list[int]) -> list[int]:
    """A sort in Python: the C sort would leave nothing to measure."""
    if len(items) <= 1:
        return items
    pivot = items[len(items) // 2]
    return (
        insertion_by_bisection([each for each in items if each < pivot])
        + [each for each in items if each == pivot]
        + insertion_by_bisection([each for each in items if each > pivot])
    )


def score(document: str) -> float:
    counts: dict[str, int] = {}
    for word in document.split():
        counts[word] = counts.get(word, 0) + 1
    return sum(n * n for n in counts.values()) / (1 + len(counts))


def count(found: dict[int, int], record: int) -> dict[int, int]:
    key = record % 10_000
    found[key] = found.get(key, 0) + 1
    return found


def added(left: dict[int, int], right: dict[int, int]) -> dict[int, int]:
    for key, many in right.items():
        left[key] = left.get(key, 0) + many
    return left


def counted(records: list[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for record in records:
        count(found, record)
    return found


def jobs() -> dict[str, tuple[Callable[[], Any], Callable[[], Any]]]:
    """The loop and the plan, by name."""
    dice = random.Random(1)
    numbers = [dice.randrange(10**9) for _ in range(200_000)]
    documents = [" ".join(dice.choices(WORDS, k=60)) for _ in range(20_000)]
    records = [dice.randrange(10**6) for _ in range(1_000_000)]
    found: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "20,000 documents scored": (
            lambda: list(map(score, documents)),
            lambda: par_iter(documents).map(score).collect(),
        ),
        "1,000,000 records, 10,000 keys": (
            partial(counted, records),
            lambda: par_iter(records).fold(dict[int, int], count).reduce(dict[int, int], added),
        ),
    }
    if measure.has_no_gil():
        found["quicksort of 200,000 by join"] = (partial(plain_quicksort, numbers), partial(joined_quicksort, numbers))
    return found


def main() -> None:
    measure.headline("recipes: ratio to the loop, median of 5 rounds")
    table = measure.Table("loop", "pariter, default engine")
    for name, (loop, plan) in jobs().items():
        measured = measure.rounds({"loop": loop, "plan": plan}, count=5, quiet=measure.has_no_gil())
        table.row(
            name,
            measure.milliseconds(measure.best(measured, "loop")),
            measure.times(measure.ratio(measured, "loop", "plan")),
        )
    table.end()


if __name__ == "__main__":
    main()
