"""Sinks that look for something, and stop when they know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from pariter.plan.sinks import Sink
from pariter.plan.stages import Function
from pariter.plan.values import MISSING


class AnyTrue(Sink):
    """Whether `keep(item)` is true for one."""

    keep: Function | None = None
    name: ClassVar[str] = "any"
    functions: ClassVar[tuple[str, ...]] = ("keep",)
    anywhere: ClassVar[bool] = True

    def consume(self, items: Iterator[Any]) -> bool:
        return any(items if self.keep is None else map(self.keep, items))

    def settled(self, partial: bool) -> bool:
        return partial

    def merge(self, left: bool, right: bool) -> bool:
        return left or right


class AllTrue(Sink):
    """Whether `keep(item)` is true for each."""

    keep: Function | None = None
    name: ClassVar[str] = "all"
    functions: ClassVar[tuple[str, ...]] = ("keep",)
    anywhere: ClassVar[bool] = True

    def consume(self, items: Iterator[Any]) -> bool:
        return all(items if self.keep is None else map(self.keep, items))

    def settled(self, partial: bool) -> bool:
        return not partial

    def merge(self, left: bool, right: bool) -> bool:
        return left and right


class FindFirst(Sink):
    """The first item for which `keep(item)` is true, else `default`."""

    keep: Function
    default: Any = None
    name: ClassVar[str] = "find_first"
    functions: ClassVar[tuple[str, ...]] = ("keep",)

    def consume(self, items: Iterator[Any]) -> Any:
        return next(filter(self.keep, items), MISSING)

    def settled(self, partial: Any) -> bool:
        return partial is not MISSING

    def merge(self, left: Any, right: Any) -> Any:
        return right if left is MISSING else left

    def finish(self, partial: Any) -> Any:
        return self.default if partial is MISSING else partial


class FindAny(FindFirst):
    """Some item for which `keep(item)` is true, else `default`."""

    name: ClassVar[str] = "find_any"
    anywhere: ClassVar[bool] = True


class FindLast(FindFirst):
    """As `FindFirst`, over a plan that is run from the right."""

    name: ClassVar[str] = "find_last"


class PositionFirst(Sink):
    """The index of the first item for which `keep(item)` is true, over `(index, item)` pairs."""

    keep: Function
    name: ClassVar[str] = "position_first"
    functions: ClassVar[tuple[str, ...]] = ("keep",)

    def consume(self, items: Iterator[tuple[int, Any]]) -> int | None:
        keep = self.keep
        return next((index for index, item in items if keep(item)), None)

    def settled(self, partial: int | None) -> bool:
        return partial is not None

    def merge(self, left: int | None, right: int | None) -> int | None:
        return right if left is None else left


class FirstNot(PositionFirst):
    """The index of the first item for which `keep(item)` is false, over `(index, item)` pairs."""

    name: ClassVar[str] = "skip_while"

    def consume(self, items: Iterator[tuple[int, Any]]) -> int | None:
        keep = self.keep
        return next((index for index, item in items if not keep(item)), None)


class PositionAny(PositionFirst):
    """The index of some item for which `keep(item)` is true, over `(index, item)` pairs."""

    name: ClassVar[str] = "position_any"
    anywhere: ClassVar[bool] = True


class PositionLast(PositionFirst):
    """As `PositionFirst`, over a plan that is run from the right."""

    name: ClassVar[str] = "position_last"


class FindMapFirst(Sink):
    """The first `f(item)` that is not None."""

    f: Function
    name: ClassVar[str] = "find_map_first"
    functions: ClassVar[tuple[str, ...]] = ("f",)

    def consume(self, items: Iterator[Any]) -> Any:
        return next((result for result in map(self.f, items) if result is not None), None)

    def settled(self, partial: Any) -> bool:
        return partial is not None

    def merge(self, left: Any, right: Any) -> Any:
        return right if left is None else left


class FindMapAny(FindMapFirst):
    """Some `f(item)` that is not None."""

    name: ClassVar[str] = "find_map_any"
    anywhere: ClassVar[bool] = True


class FindMapLast(FindMapFirst):
    """As `FindMapFirst`, over a plan that is run from the right."""

    name: ClassVar[str] = "find_map_last"


class Compare(Sink):
    """How the first unequal pair compares: -1 or 1; 0 if there is none."""

    name: ClassVar[str] = "cmp"

    def consume(self, items: Iterator[tuple[Any, Any]]) -> int:
        unequal = (pair for pair in items if not (pair[0] is pair[1] or pair[0] == pair[1]))
        return next((-1 if left < right else 1 for left, right in unequal), 0)

    def settled(self, partial: int) -> bool:
        return partial != 0

    def merge(self, left: int, right: int) -> int:
        return left or right

    def by_length(self, order: int) -> int:
        """The answer if no pair differs and the lengths compare like `order`."""
        return order


class Equal(Sink):
    """Whether all pairs are of equal items."""

    name: ClassVar[str] = "equals"
    anywhere: ClassVar[bool] = True

    def consume(self, items: Iterator[tuple[Any, Any]]) -> bool:
        return all(left is right or left == right for left, right in items)

    def settled(self, partial: bool) -> bool:
        return not partial

    def merge(self, left: bool, right: bool) -> bool:
        return left and right

    def by_length(self, order: int) -> bool:
        """The answer if no pair differs and the lengths compare like `order`."""
        return order == 0
