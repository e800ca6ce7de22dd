"""What a plan over few items costs beyond the loop: parallelism must be free to ask for.

The plan is `par_iter(xs).map(f).sum()` with the default engine, the loop `sum(map(f, xs))`, the executor
`sum(executor.map(f, xs))` with two workers that are already there.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import measure

from pariter import par_iter

SIZES = (0, 1, 10, 100, 1_000, 10_000)


def double(x: int) -> int:
    return x * 2


def in_loop(items: list[int]) -> int:
    return sum(map(double, items))


def on_pariter(items: list[int]) -> int:
    return par_iter(items).map(double).sum()


def on_pariter_with_lambda(items: list[int]) -> int:
    return par_iter(items).map(lambda x: x * 2).sum()


def on_executor(pool: ThreadPoolExecutor, items: list[int]) -> int:
    return sum(pool.map(double, items))


def main() -> None:
    measure.headline("small plans: microseconds beyond the loop, the median of 7 rounds of many repetitions")
    table = measure.Table("loop", "ThreadPoolExecutor.map", "pariter", "pariter, of a lambda")
    with ThreadPoolExecutor(2) as pool:
        for size in SIZES:
            items = list(range(size))
            contenders = {
                "loop": partial(in_loop, items),
                "pariter": partial(on_pariter, items),
                "lambda": partial(on_pariter_with_lambda, items),
            }
            measured = table.noted(measure.rounds(contenders, repeat=max(20, 2000 // max(1, size // 100))))
            executor = measure.rounds(
                {"pool": partial(on_executor, pool, items)}, count=3, repeat=max(1, 2000 // (size + 100))
            )
            loop = measure.median(measured, "loop")
            beyond = {name: measure.median(measured, name) - loop for name in ("pariter", "lambda")}
            beyond["pool"] = measure.median(executor, "pool") - loop
            cells = [f"+{measure.microseconds(beyond[name])}" for name in ("pool", "pariter", "lambda")]
            table.row(f"{size:,} items", measure.microseconds(loop), *cells)
    table.end()


if __name__ == "__main__":
    main()
