"""What a join costs: a binary tree of 100,000 joins of nothing, and a sum of a range by halves.

The peers are the same recursion without joins, and a future for each second half where it does not deadlock: a
pool of two threads cannot wait for its own tasks, so `ThreadPoolExecutor` gets flat tasks.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait

import measure

from pariter import ThreadPool, join

JOINS = 100_000
TASKS = 10_000


def nothing() -> None:
    return None


def serial_tree(joins: int) -> None:
    if joins:
        left = (joins - 1) // 2
        serial_tree(left)
        serial_tree(joins - 1 - left)


def tree(joins: int) -> None:
    if joins:
        left = (joins - 1) // 2
        join(lambda: tree(left), lambda: tree(joins - 1 - left))


def flat() -> None:
    for _ in range(JOINS):
        join(nothing, nothing)


def futures(pool: ThreadPoolExecutor) -> None:
    wait([pool.submit(nothing) for _ in range(TASKS)])


def main() -> None:
    measure.headline(f"{JOINS:,} joins: microseconds each, the median of 5 rounds")
    table = measure.Table("microseconds each")
    with ThreadPoolExecutor(2) as executor, ThreadPool(2) as pool:
        measured = table.noted(
            measure.rounds(
                {
                    "plain recursion": lambda: serial_tree(JOINS),
                    "join, a tree": lambda: pool.install(tree, JOINS),
                    "join, one after another": lambda: pool.install(flat),
                },
                count=5,
            )
        )
        for name in ("plain recursion", "join, a tree", "join, one after another"):
            table.row(name, f"{measure.median(measured, name) / JOINS * 1e6:.2f}")
        submitted = measure.rounds({"submit": lambda: futures(executor)}, count=5)
        table.row("ThreadPoolExecutor.submit", f"{measure.median(submitted, 'submit') / TASKS * 1e6:.2f}")
    table.end()


if __name__ == "__main__":
    main()
