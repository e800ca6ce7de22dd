"""Functions of the facts, in a module, so that they travel to processes by name."""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")

FAR = 10**27
"""How many items nobody can go through."""


def push(items: list[T], item: T) -> list[T]:
    """Append, and return the list."""
    items.append(item)
    return items


def increment(n: int) -> int:
    """The next number."""
    return n + 1


def is_even(n: int) -> bool:
    """Whether it is."""
    return n % 2 == 0


def count_one(n: int, _item: object) -> int:
    """One more, whatever the item."""
    return n + 1


def seven() -> int:
    """As a start value that is easily recognised."""
    return 7


def ten() -> int:
    """As a start value that is not neutral."""
    return 10


def never(*items: Any) -> Any:
    """Must not be called."""
    raise AssertionError(f"called with {items!r}")
