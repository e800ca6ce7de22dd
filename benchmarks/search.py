"""Semantic search: score embeddings against a query, keep those above a threshold, and of them the ten best.

In pure Python 20,000 embeddings of 64 floats; with NumPy, where it is installed, 200,000 rows of 256, in batches,
against one vectorised call over all of them.
"""

from __future__ import annotations

import heapq
import importlib
import importlib.util
import random
from typing import Any

import measure

from pariter import par_iter

DIMENSIONS = 64
EMBEDDINGS = 20_000
THRESHOLD = 0.1


def main() -> None:
    measure.headline("semantic search: ratio to the loop or the vectorised call, median of 5 rounds")
    table = measure.Table("by itself", "pariter, default engine")
    dice = random.Random(1)
    query = [dice.uniform(-1, 1) for _ in range(DIMENSIONS)]
    rows = [[dice.uniform(-1, 1) for _ in range(DIMENSIONS)] for _ in range(EMBEDDINGS)]

    def score(row: list[float]) -> float:
        total = 0.0
        for a, b in zip(row, query, strict=True):
            total += a * b
        return total

    measured = measure.rounds(
        {
            "loop": lambda: heapq.nlargest(10, filter(lambda s: s > THRESHOLD, map(score, rows))),
            "plan": lambda: par_iter(rows).map(score).filter(lambda s: s > THRESHOLD).nlargest(10),
        },
        count=5,
        quiet=measure.has_no_gil(),
    )
    report(table, "pure Python", measured)
    if importlib.util.find_spec("numpy"):
        with_numpy(table)
    table.end()


def with_numpy(table: measure.Table) -> None:
    np: Any = importlib.import_module("numpy")
    rng = np.random.default_rng(1)
    matrix = rng.standard_normal((200_000, 256), dtype=np.float32)
    query = rng.standard_normal(256, dtype=np.float32)

    def best(block: Any) -> list[float]:
        scores = np.einsum("ij,j->i", block, query)
        kept = scores[scores > THRESHOLD]
        return heapq.nlargest(10, kept.tolist())

    measured = measure.rounds(
        {
            "loop": lambda: best(matrix),
            "plan": lambda: par_iter(matrix).map_batches(best, 10_000).nlargest(10),
        },
        count=5,
        quiet=measure.has_no_gil(),
    )
    report(table, "NumPy, 200,000 rows of 256", measured)


def report(table: measure.Table, name: str, measured: list[measure.Round]) -> None:
    table.row(
        name,
        measure.milliseconds(measure.best(measured, "loop")),
        measure.times(measure.ratio(measured, "loop", "plan")),
    )


if __name__ == "__main__":
    main()
