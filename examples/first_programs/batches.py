"""The roughest of many readings: that of each batch on two threads, then that of the batches."""

from __future__ import annotations

import random
import time

from pariter import ThreadPool, par_iter

READINGS = 500_000
BATCH = 10_000


def roughness(reading: int) -> int:
    """How often neighbouring bits differ."""
    return (reading ^ (reading >> 1)).bit_count()


def roughest(batch: list[int]) -> int:
    return max(batch, key=roughness)


def main() -> None:
    readings = random.Random(7).choices(range(1_000_000_000), k=READINGS)

    began = time.perf_counter()
    expected = roughest(readings)
    loop_s = time.perf_counter() - began

    with ThreadPool(2):
        batches = par_iter(readings).chunks(BATCH)
        began = time.perf_counter()
        found = batches.map(roughest).max(key=roughness)
        plan_s = time.perf_counter() - began

    print(f"The roughest of {READINGS:,} readings in {len(batches)} batches is {found:,}.")
    print(f"    loop {loop_s:.3f} s, plan {plan_s:.3f} s")
    assert found == expected


if __name__ == "__main__":
    main()
