"""What both type checkers refuse. Nothing here runs: `make types` reads it, and an ignore too many is an error."""

from __future__ import annotations

from pariter import join, par_iter, spawn


def half(n: int) -> float:
    return n / 2


def add(a: int, b: int) -> int:
    return a + b


numbers = par_iter([1, 2, 3])
words = par_iter(["a", "b"])

words.map(half)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
numbers.map(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
numbers.map_rng(add)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
numbers.flatten()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
numbers.take("2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
numbers.fold(0, add)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
words.reduce(int, add).upper()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
spawn(half, "3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
join(half, half)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
numbers.append(4)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
