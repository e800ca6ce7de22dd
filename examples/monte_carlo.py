"""Pi, and the price of an option, from random numbers that are the same wherever they are drawn.

    python examples/monte_carlo.py [--batches N] [--seed S]

Each answer is found by a plain loop first, and every engine has to give the same, to the last bit: what a
batch draws depends on the seed and the number of the batch alone.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from random import Random
from typing import NamedTuple, TypeVar

from pariter import Pool, ProcessPool, SerialPool, ThreadPool, par_iter

T = TypeVar("T")

BATCHES = 1_000
MOST_BATCHES = 100_000
BATCH = 5_000
"""So many draws share a generator, since making one takes as long as some two hundred of them."""


class Option(NamedTuple):
    """A European call: the right to buy at `strike` in `years`."""

    price: float = 100.0
    strike: float = 105.0
    years: float = 1.0
    rate: float = 0.02
    volatility: float = 0.2


OPTION = Option()


def darts(rng: Random, throws: int) -> int:
    """How many of so many darts, thrown at a square, hit the circle in it."""
    draw = rng.random
    return sum(draw() ** 2 + draw() ** 2 < 1 for _ in range(throws))


def payoffs(rng: Random, paths: int) -> float:
    """What the option pays on so many paths, as worth today."""
    drift = (OPTION.rate - OPTION.volatility**2 / 2) * OPTION.years
    spread = OPTION.volatility * math.sqrt(OPTION.years)
    ends = (OPTION.price * math.exp(drift + spread * rng.gauss(0.0, 1.0)) for _ in range(paths))
    return math.exp(-OPTION.rate * OPTION.years) * math.fsum(max(0.0, end - OPTION.strike) for end in ends)


def price_by_formula() -> float:
    """What Black, Scholes and Merton say the option is worth."""
    spread = OPTION.volatility * math.sqrt(OPTION.years)
    growth = math.log(OPTION.price / OPTION.strike) + OPTION.rate * OPTION.years
    later = OPTION.strike * math.exp(-OPTION.rate * OPTION.years)
    return OPTION.price * _normal(growth / spread + spread / 2) - later * _normal(growth / spread - spread / 2)


def _normal(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


def by_loop(f: Callable[[Random, int], T], batches: int, seed: int) -> list[T]:
    """The plain loop: a generator for each batch, made from the seed and the number of the batch."""
    return [f(Random(f"{seed}:{number}"), BATCH) for number in range(batches)]


def by_plan(f: Callable[[Random, int], T], batches: int, seed: int, pool: Pool) -> list[T]:
    return par_iter([BATCH] * batches).map_rng(f, seed=seed).on(pool).collect()


def compare(f: Callable[[Random, int], float], batches: int, seed: int, pools: dict[str, Pool]) -> float:
    """The mean of what `f` gives for a draw; prints how long the loop took, and each engine."""
    expected, loop_s = timed(lambda: by_loop(f, batches, seed))
    print(f"    {'plain loop':12}{loop_s:8.2f} s")
    for name, pool in pools.items():
        found, seconds = timed(lambda pool=pool: by_plan(f, batches, seed, pool))  # type: ignore[misc]
        print(f"    {name:12}{seconds:8.2f} s   {loop_s / seconds:.2f} times as fast, the same to the last bit")
        assert found == expected
    return math.fsum(expected) / (batches * BATCH)


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What `work` returns, and the seconds that took."""
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Pi, and the price of an option, from random numbers.")
    parser.add_argument("--batches", type=int, default=BATCHES, help=f"of {BATCH:,} draws, {BATCHES:,} unless told")
    parser.add_argument("--seed", type=int, default=7, help="another one gives other numbers, 7 unless told")
    options = parser.parse_args(arguments)
    batches, seed = options.batches, options.seed
    if not 1 <= batches <= MOST_BATCHES:
        parser.error(f"--batches must be from 1 to {MOST_BATCHES:,}, got {batches:,}")

    with SerialPool() as serial, ThreadPool() as threads, ProcessPool() as processes:
        pools: dict[str, Pool] = {"serial": serial, "threads": threads, "processes": processes}
        processes.submit(len, "").result()  # starts the workers, which is not what is measured here
        print(f"{batches * BATCH:,} darts, seed {seed}:")
        pi = 4 * compare(darts, batches, seed, pools)
        print(f"pi is about {pi:.5f}, {abs(pi - math.pi):.5f} from it.")
        print(f"{batches * BATCH:,} paths, seed {seed}:")
        price = compare(payoffs, batches, seed, pools)
        print(f"The option is worth about {price:.4f}; {price_by_formula():.4f} by the formula.")


if __name__ == "__main__":
    main()
