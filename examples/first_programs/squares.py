"""Four tasks in a scope: the block ends when all of them have ended."""

from __future__ import annotations

from pariter import ThreadPool, scope

NUMBERS = [1, 2, 3, 4]


def main() -> None:
    squares = [0] * len(NUMBERS)

    def square(place: int) -> None:
        squares[place] = NUMBERS[place] ** 2

    with ThreadPool(), scope() as tasks:
        for place in range(len(NUMBERS)):
            tasks.spawn(square, place)

    print(f"The squares of {NUMBERS} are {squares}.")
    assert squares == [number**2 for number in NUMBERS]


if __name__ == "__main__":
    main()
