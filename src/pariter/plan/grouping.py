"""Sinks that bring items together by a key or by rank."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from itertools import tee
from operator import itemgetter
from typing import Any, ClassVar

from pariter._describe import describe_callable
from pariter.plan.sinks import Sink
from pariter.plan.stages import Function


class GroupBy(Sink):
    """Items in lists by `key(item)`; keys in the order in which they first come up."""

    key: Function
    name: ClassVar[str] = "group_by"
    functions: ClassVar[tuple[str, ...]] = ("key",)
    returns_items: ClassVar[bool] = True

    def consume(self, items: Iterator[Any]) -> dict[Any, list[Any]]:
        groups: dict[Any, list[Any]] = {}
        key = self.key
        for item in items:
            groups.setdefault(key(item), []).append(item)
        return groups

    def merge(self, left: dict[Any, list[Any]], right: dict[Any, list[Any]]) -> dict[Any, list[Any]]:
        for key, items in right.items():
            left.setdefault(key, []).extend(items)
        return left


class CountBy(Sink):
    """How often each `key(item)`, or each item, comes up."""

    key: Function | None = None
    name: ClassVar[str] = "count_by"
    functions: ClassVar[tuple[str, ...]] = ("key",)

    def consume(self, items: Iterator[Any]) -> Counter[Any]:
        return Counter(items if self.key is None else map(self.key, items))

    def merge(self, left: Counter[Any], right: Counter[Any]) -> Counter[Any]:
        for key, count in right.items():
            left[key] += count
        return left


class FoldByKey(Sink):
    """One accumulator for each `key(item)`; those of neighbouring leaves are combined by `merge_op`."""

    key: Function
    make: Function
    op: Function
    merge_op: Function
    name: ClassVar[str] = "fold_by_key"
    functions: ClassVar[tuple[str, ...]] = ("key", "make", "op", "merge_op")

    def consume(self, items: Iterator[Any]) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        key, op = self.key, self.op
        for item in items:
            group = key(item)
            result = op(found[group] if group in found else self.make(), item)
            if result is None:
                raise TypeError(
                    f"fold_by_key() needs an op that returns the accumulator, and {describe_callable(op)} returned None"
                )
            found[group] = result
        return found

    def merge(self, left: dict[Any, Any], right: dict[Any, Any]) -> dict[Any, Any]:
        for key, value in right.items():
            left[key] = self.merge_op(left[key], value) if key in left else value
        return left


class NLargest(Sink):
    """The `n` greatest items, greatest first, of equal ones the first first; with their keys until the end."""

    n: int
    key: Function | None
    functions: ClassVar[tuple[str, ...]] = ("key",)
    name: ClassVar[str] = "nlargest"
    pick: ClassVar[Function] = heapq.nlargest

    def consume(self, items: Iterator[Any]) -> list[tuple[Any, Any]]:
        for_key, items = tee(items)
        keys = for_key if self.key is None else map(self.key, for_key)
        return self._picked(zip(keys, items, strict=False))

    def _picked(self, pairs: Any) -> list[tuple[Any, Any]]:
        found: list[tuple[Any, Any]] = type(self).pick(self.n, pairs, key=itemgetter(0))
        return found

    def merge(self, left: list[tuple[Any, Any]], right: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
        return self._picked(iter(left + right))

    def finish(self, partial: list[tuple[Any, Any]]) -> list[Any]:
        return [item for _, item in partial]


class NSmallest(NLargest):
    """The `n` least items, least first, of equal ones the first first."""

    name: ClassVar[str] = "nsmallest"
    pick: ClassVar[Function] = heapq.nsmallest
