"""Functions that sort lists, as the builtins do it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pariter import current
from pariter._describe import describe_value
from pariter.fluent import checks
from pariter.fluent.iter import ParIter, par_iter

T = TypeVar("T")
SHORT = 1_000
"""A list that is no longer is sorted before anything about it is asked."""


def par_sorted(items: Iterable[T], *, key: Callable[[T], Any] | None = None, reverse: bool = False) -> list[T]:
    """A sorted list of all items, as the builtin `sorted`: stable, `key` called once an item.

    Keys are computed in parallel when that pays; without a GIL, runs of numbers, strings or keys of such
    are sorted in parallel too. Everything else is the C sort's, which also merges the runs.

    >>> par_sorted(["ccc", "a", "bb"], key=len)
    ['a', 'bb', 'ccc']
    """
    if key is None and type(items) is list and len(items) < SHORT:
        return sorted(items, reverse=bool(reverse))
    if isinstance(items, ParIter) or hasattr(type(items), "__par_source__"):
        return par_iter(items).sorted(key=key, reverse=reverse)
    checks.optional_function("par_sorted", key, "key")
    from pariter.sorting import sort_items

    return sort_items(items, key, bool(reverse), current.default_engine_here)


def par_sort(lst: list[T], *, key: Callable[[T], Any] | None = None, reverse: bool = False) -> None:
    """Sort a list in place, as `list.sort`: stable, `key` called once an item.

    After an exception the list is as it was. Raises ValueError if the list was changed meanwhile.

    >>> words = ["b", "A", "c"]
    >>> par_sort(words, key=str.lower)
    >>> words
    ['A', 'b', 'c']
    """
    if not isinstance(lst, list):
        raise TypeError(f"par_sort() needs a list, got {describe_value(lst)}; par_sorted() takes anything")
    checks.optional_function("par_sort", key, "key")
    many = len(lst)
    from pariter.sorting import sort_items

    result = sort_items(lst, key, bool(reverse), current.default_engine_here)
    if len(lst) != many:
        raise ValueError("list modified during sort")
    lst[:] = result
