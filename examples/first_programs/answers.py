"""Eight tasks that answer through a queue, in whatever order they come to their ends."""

from __future__ import annotations

import math
from queue import SimpleQueue

from pariter import ThreadPool, spawn

TASKS = 8


def main() -> None:
    answers: SimpleQueue[tuple[int, int]] = SimpleQueue()

    def work(number: int) -> None:
        answers.put((number, math.factorial(number)))

    with ThreadPool():
        for number in range(TASKS):
            spawn(work, number)
        received = [answers.get() for _ in range(TASKS)]

    print(f"{len(received)} answers came in the order {[number for number, _ in received]}.")
    for number, factorial in sorted(received):
        print(f"    {number}! = {factorial:,}")
    assert dict(received) == {number: math.factorial(number) for number in range(TASKS)}


if __name__ == "__main__":
    main()
