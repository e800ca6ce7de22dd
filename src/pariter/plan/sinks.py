"""One frozen class for each way to turn leaves into an answer, with its merge law.

`consume` turns the items of one leaf into a partial result, `merge` two neighbouring partials into
one, `finish` the last of them into the answer. The law that every sink obeys, wherever the cut falls:

    consume(xs + ys) == merge(consume(xs), consume(ys))

A sink may leave its items before they end; then nothing to the right of that leaf is wanted.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, Iterator
from functools import reduce
from itertools import count, tee
from operator import itemgetter
from typing import Any, ClassVar

from pariter.plan.stages import Function, Step
from pariter.plan.values import MISSING, Break


class Sink(Step):
    """How a leaf becomes a partial result, and how neighbours merge."""

    anywhere: ClassVar[bool] = False
    """Whether a leaf that needs no more settles the answer wherever it is."""
    returns_items: ClassVar[bool] = False
    """Whether partial results grow with the items, so that sending them back costs as much."""

    def consume(self, items: Iterator[Any]) -> Any:
        """The partial result of one leaf."""
        raise TypeError(f"{type(self).__name__} consumes nothing")

    def at(self, begin: int) -> Callable[[Iterator[Any]], Any]:
        """The `consume` of the leaf that begins at position `begin`."""
        return self.consume

    def merge(self, left: Any, right: Any) -> Any:
        """The partial result of two neighbours."""
        raise TypeError(f"{type(self).__name__} merges nothing")

    def finish(self, partial: Any) -> Any:
        """The answer."""
        return partial

    def settled(self, partial: Any) -> bool:
        """Whether `consume` may have left items behind because it needed no more of them."""
        return False

    def error_of(self, partial: Any) -> BaseException | None:
        """The exception that `consume` kept in its partial result, if that is what it does."""
        return None

    def failed(self, partial: Any, error: BaseException) -> Any:
        """The partial result of a leaf that turned out to have failed after `partial`."""
        raise error


class Drain(Sink):
    """Run everything, keep nothing."""

    name: ClassVar[str] = "for_each"
    is_passive: ClassVar[bool] = True

    def consume(self, items: Iterator[Any]) -> None:
        deque(items, maxlen=0)

    def merge(self, left: None, right: None) -> None:
        return None


class Count(Sink):
    """How many items there are."""

    name: ClassVar[str] = "count"
    is_passive: ClassVar[bool] = True

    def consume(self, items: Iterator[Any]) -> int:
        counter = count()
        deque(zip(items, counter, strict=False), maxlen=0)
        return next(counter)

    def merge(self, left: int, right: int) -> int:
        return left + right


class Sum(Sink):
    """`start` plus all items."""

    start: Any = 0
    name: ClassVar[str] = "sum"
    _plus: ClassVar[Callable[[Any, Any], Any]] = operator.add

    def consume(self, items: Iterator[Any]) -> Any:
        for first in items:
            if not isinstance(first, (str, bytes, bytearray)):
                return sum(items, first)
            operator.add(self.start, first)  # raises what the loop raises, unless `start` takes texts
            return reduce(operator.add, items, first)  # which sum() refuses to begin with
        return MISSING

    def merge(self, left: Any, right: Any) -> Any:
        if left is MISSING or right is MISSING:
            return right if left is MISSING else left
        return operator.add(left, right)

    def finish(self, partial: Any) -> Any:
        return self.start if partial is MISSING else self.start + partial


class Product(Sink):
    """`start` times all items."""

    start: Any = 1
    name: ClassVar[str] = "product"

    def consume(self, items: Iterator[Any]) -> Any:
        for first in items:
            return reduce(operator.mul, items, first)
        return MISSING

    def merge(self, left: Any, right: Any) -> Any:
        if left is MISSING or right is MISSING:
            return right if left is MISSING else left
        return left * right

    def finish(self, partial: Any) -> Any:
        return self.start if partial is MISSING else self.start * partial


class Extreme(Sink):
    """The first of the least items; its key travels with it, so that `key` is called once an item."""

    key: Function | None
    default: Any
    functions: ClassVar[tuple[str, ...]] = ("key",)
    pick: ClassVar[Function]

    def consume(self, items: Iterator[Any]) -> Any:
        if self.key is None:
            found = self.pick(items, default=MISSING)
            return found if found is MISSING else (found, found)
        for_key, items = tee(items)
        return self.pick(zip(map(self.key, for_key), items, strict=False), key=itemgetter(0), default=MISSING)

    def merge(self, left: Any, right: Any) -> Any:
        if left is MISSING or right is MISSING:
            return right if left is MISSING else left
        return self.pick(left, right, key=itemgetter(0))

    def finish(self, partial: Any) -> Any:
        if partial is not MISSING:
            return partial[1]
        if self.default is MISSING:
            raise ValueError(f"{self.name}() of no items; give default= for that case")
        return self.default


class Min(Extreme):
    """The first of the least items."""

    name: ClassVar[str] = "min"
    pick: ClassVar[Function] = min


class Max(Extreme):
    """The first of the greatest items."""

    name: ClassVar[str] = "max"
    pick: ClassVar[Function] = max


class Reduce(Sink):
    """`op` over all items, each leaf beginning with a neutral `make()`."""

    make: Function
    op: Function
    name: ClassVar[str] = "reduce"
    functions: ClassVar[tuple[str, ...]] = ("make", "op")

    def consume(self, items: Iterator[Any]) -> Any:
        return reduce(self.op, items, self.make())

    def merge(self, left: Any, right: Any) -> Any:
        return self.op(left, right)


class ReduceWith(Sink):
    """`op` over all items, of which there must be one."""

    op: Function
    default: Any = MISSING
    name: ClassVar[str] = "reduce_with"
    functions: ClassVar[tuple[str, ...]] = ("op",)

    def consume(self, items: Iterator[Any]) -> Any:
        for first in items:
            return reduce(self.op, items, first)
        return MISSING

    def merge(self, left: Any, right: Any) -> Any:
        if left is MISSING or right is MISSING:
            return right if left is MISSING else left
        return self.op(left, right)

    def finish(self, partial: Any) -> Any:
        if partial is not MISSING:
            return partial
        if self.default is MISSING:
            raise ValueError("reduce_with() of no items; give default= for that case")
        return self.default


class TryReduce(Sink):
    """As `Reduce`, until an item or a result is a `Break`, which then is the answer."""

    make: Function
    op: Function
    name: ClassVar[str] = "try_reduce"
    functions: ClassVar[tuple[str, ...]] = ("make", "op")

    def consume(self, items: Iterator[Any]) -> Any:
        op, result = self.op, self.make()
        for item in items:
            result = item if isinstance(item, Break) else op(result, item)
            if isinstance(result, Break):
                break
        return result

    def settled(self, partial: Any) -> bool:
        return isinstance(partial, Break)

    def merge(self, left: Any, right: Any) -> Any:
        if isinstance(left, Break) or isinstance(right, Break):
            return left if isinstance(left, Break) else right
        return self.op(left, right)


class TryForEach(Sink):
    """`f(item)` for its effect, until one returns a `Break`, which then is the answer."""

    f: Function
    name: ClassVar[str] = "try_for_each"
    functions: ClassVar[tuple[str, ...]] = ("f",)

    def consume(self, items: Iterator[Any]) -> Break[Any] | None:
        return next((result for result in map(self.f, items) if isinstance(result, Break)), None)

    def settled(self, partial: Break[Any] | None) -> bool:
        return partial is not None

    def merge(self, left: Break[Any] | None, right: Break[Any] | None) -> Break[Any] | None:
        return right if left is None else left
