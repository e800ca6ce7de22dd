"""A plan inside `pool.install`: it runs on that pool, wherever the plan was built."""

from __future__ import annotations

from pariter import ThreadPool, par_iter

MILLION = 1_000_000


def total() -> int:
    """The sum of the numbers to a million, on the current pool."""
    return par_iter(range(1, MILLION + 1)).sum()


def main() -> None:
    with ThreadPool(2) as pool:
        result = pool.install(total)

    print(f"The numbers to {MILLION:,} add up to {result:,}.")
    assert result == sum(range(1, MILLION + 1)) == MILLION * (MILLION + 1) // 2


if __name__ == "__main__":
    main()
