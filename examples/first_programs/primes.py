"""Primes below 200,000: counted by a plan, added up by a function that joins its own two halves."""

from __future__ import annotations

import math
import time

from pariter import ThreadPool, join, par_iter

LIMIT = 200_000
SMALL = 1_000  # a range so short that halving it costs more than it saves


def is_prime(number: int) -> bool:
    if number < 4:
        return number > 1
    return number % 2 != 0 and all(number % d for d in range(3, math.isqrt(number) + 1, 2))


def sum_of_primes(low: int, high: int) -> int:
    """The sum of the primes from `low` up to `high`, the two halves side by side."""
    if high - low <= SMALL:
        return sum(filter(is_prime, range(low, high)))
    middle = (low + high) // 2
    left, right = join(lambda: sum_of_primes(low, middle), lambda: sum_of_primes(middle, high))
    return left + right


def main() -> None:
    began = time.perf_counter()
    primes = [number for number in range(LIMIT) if is_prime(number)]
    loop_s = time.perf_counter() - began

    with ThreadPool():
        began = time.perf_counter()
        count = par_iter(range(LIMIT)).filter(is_prime).count()
        plan_s = time.perf_counter() - began

        began = time.perf_counter()
        total = sum_of_primes(0, LIMIT)
        join_s = time.perf_counter() - began

    print(f"There are {count:,} primes below {LIMIT:,}, and they add up to {total:,}.")
    print(f"    loop {loop_s:.2f} s, plan {plan_s:.2f} s, join {join_s:.2f} s")
    assert count == len(primes)
    assert total == sum(primes)


if __name__ == "__main__":
    main()
