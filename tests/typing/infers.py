"""What both type checkers infer. Nothing here runs: `make types` reads it."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future
from typing import Any, assert_type

from pariter import Break, Left, ParIter, Right, ThreadPool, join, par_iter, par_sorted, spawn

numbers = par_iter([1, 2, 3])
words = par_iter(["a", "b"])


def half(n: int) -> float:
    return n / 2


def maybe(n: int) -> str | None:
    return str(n) if n else None


def count(words: dict[str, int], word: str) -> dict[str, int]:
    return words | {word: 1}


def either(n: int) -> Left[int] | Right[str]:
    return Left(n) if n else Right("")


# Sources and chains.
assert_type(numbers, ParIter[int])
assert_type(par_iter("ab"), ParIter[str])
assert_type(par_iter(b"ab"), ParIter[int])
assert_type(par_iter({"a": 1}.items()), ParIter[tuple[str, int]])
assert_type(par_iter(numbers), ParIter[int])
assert_type(numbers.map(str), ParIter[str])
assert_type(numbers.map(half).filter(), ParIter[float])
assert_type(numbers.filter_map(maybe), ParIter[str])
assert_type(words.flat_map(list), ParIter[str])
assert_type(words.map(list).flatten(), ParIter[str])
assert_type(numbers.enumerate(), ParIter[tuple[int, int]])
assert_type(words.zip(numbers), ParIter[tuple[str, int]])
assert_type(words.zip(numbers, [1.5]), ParIter[tuple[str, int, float]])
assert_type(words.chain(numbers), ParIter[str | int])
assert_type(words.chunks(2), ParIter[list[str]])
assert_type(words.windows(2), ParIter[tuple[str, ...]])
assert_type(words.take(1).skip(1).step_by(2).rev(), ParIter[str])
assert_type(words.fold(dict[str, int], count), ParIter[dict[str, int]])
assert_type(words.map_init(list[str], lambda seen, word: len(seen) + len(word)), ParIter[int])
assert_type(words.map_rng(lambda rng, word: rng.random(), seed=1), ParIter[float])
assert_type(words.map_rng(lambda rng, word: rng.standard_normal(), seed=1, numpy=True), ParIter[float])
assert_type(words.on("threads").buffered(3).with_min_len(2), ParIter[str])
assert_type(words.positions(str.isupper), ParIter[int])

# Terminals.
assert_type(numbers.collect(), list[int])
assert_type(numbers.collect(list), list[int])
assert_type(numbers.collect(set), set[int])
assert_type(numbers.collect(tuple), tuple[int, ...])
assert_type(words.zip(numbers).collect(dict), dict[str, int])
assert_type(numbers.sum(), int)
assert_type(numbers.map(half).sum(), float)
assert_type(numbers.count(), int)
assert_type(words.min(key=len), str)
assert_type(words.max(default=None), str | None)
assert_type(numbers.reduce(int, int.__add__), int)
assert_type(words.find_first(str.isupper), str | None)
assert_type(words.find_any(str.isupper, ""), str)
assert_type(words.position_last(str.isupper), int | None)
assert_type(words.partition(str.isupper), tuple[list[str], list[str]])
assert_type(numbers.partition_map(either), tuple[list[int], list[str]])
assert_type(words.zip(numbers).unzip(), tuple[list[str], list[int]])
assert_type(words.group_by(len), dict[int, list[str]])
assert_type(words.count_by(), Counter[Any])
assert_type(words.nlargest(2), list[str])
assert_type(words.sorted(key=len), list[str])
assert_type(words.cmp(["a"]), int)
assert_type(words.try_for_each(print), Break[Any] | None)
assert_type(words.for_each(print), None)
for item in numbers.map(str):
    assert_type(item, str)

# Calls.
assert_type(join(lambda: 1, lambda: "b"), tuple[int, str])
assert_type(spawn(half, 3), Future[float])
assert_type(ThreadPool(2).install(half, 3), float)
assert_type(ThreadPool(2).par_iter([1]), ParIter[int])
assert_type(par_sorted(["b", "a"]), list[str])
