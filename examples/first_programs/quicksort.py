"""Quicksort in place: the two sides of a pivot are sorted side by side, by `join`."""

from __future__ import annotations

import random
import time

from pariter import ThreadPool, join

LENGTH = 200_000
SMALL = 10_000  # a slice so short that another task for it costs more than it saves


def split(numbers: list[int], low: int, high: int) -> tuple[int, int]:
    """Move what is less than a pivot to the left of it, and what is greater to the right."""
    pivot = numbers[(low + high) // 2]
    high -= 1
    while low <= high:
        while numbers[low] < pivot:
            low += 1
        while numbers[high] > pivot:
            high -= 1
        if low <= high:
            numbers[low], numbers[high] = numbers[high], numbers[low]
            low += 1
            high -= 1
    return high + 1, low


def quicksort(numbers: list[int], low: int, high: int) -> None:
    """Sort `numbers[low:high]`, the way that everybody knows."""
    if high - low > 1:
        middle, after = split(numbers, low, high)
        quicksort(numbers, low, middle)
        quicksort(numbers, after, high)


def par_quicksort(numbers: list[int], low: int, high: int) -> None:
    """The same, both sides side by side."""
    if high - low <= SMALL:
        own = numbers[low:high]  # threads that write to one list all the time wait for one another
        quicksort(own, 0, len(own))
        numbers[low:high] = own
        return
    middle, after = split(numbers, low, high)
    join(lambda: par_quicksort(numbers, low, middle), lambda: par_quicksort(numbers, after, high))


def main() -> None:
    numbers = random.Random(7).choices(range(1_000_000), k=LENGTH)
    serially = numbers.copy()
    joined = numbers.copy()

    began = time.perf_counter()
    quicksort(serially, 0, LENGTH)
    serial_s = time.perf_counter() - began

    with ThreadPool():
        began = time.perf_counter()
        par_quicksort(joined, 0, LENGTH)
        join_s = time.perf_counter() - began

    print(f"{LENGTH:,} numbers are sorted, from {joined[0]:,} to {joined[-1]:,}.")
    print(f"    without join {serial_s:.2f} s, with join {join_s:.2f} s")
    assert joined == serially == sorted(numbers)


if __name__ == "__main__":
    main()
