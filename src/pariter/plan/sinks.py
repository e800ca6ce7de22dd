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
from dataclasses import dataclass
from functools import reduce
from itertools import chain, count, islice, tee
from operator import itemgetter
from typing import Any, ClassVar, Final

from pariter._caught import Caught
from pariter.plan.stages import Function, Step


class Missing:
    """The one value that stands for no value, in this process and after any journey."""

    def __repr__(self) -> str:
        return "MISSING"

    def __reduce__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


@dataclass(frozen=True, slots=True, repr=False)
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


@dataclass(frozen=True, slots=True, repr=False)
class Drain(Sink):
    """Run everything, keep nothing."""

    name: ClassVar[str] = "for_each"

    def consume(self, items: Iterator[Any]) -> None:
        deque(items, maxlen=0)

    def merge(self, left: None, right: None) -> None:
        return None


@dataclass(frozen=True, slots=True, repr=False)
class Count(Sink):
    """How many items there are."""

    name: ClassVar[str] = "count"

    def consume(self, items: Iterator[Any]) -> int:
        counter = count()
        deque(zip(items, counter, strict=False), maxlen=0)
        return next(counter)

    def merge(self, left: int, right: int) -> int:
        return left + right


@dataclass(frozen=True, slots=True, repr=False)
class Sum(Sink):
    """`start` plus all items."""

    start: Any = 0
    name: ClassVar[str] = "sum"
    _plus: ClassVar[Callable[[Any, Any], Any]] = operator.add

    def consume(self, items: Iterator[Any]) -> Any:
        for first in items:
            return sum(items, first)
        return MISSING

    def merge(self, left: Any, right: Any) -> Any:
        if left is MISSING or right is MISSING:
            return right if left is MISSING else left
        return operator.add(left, right)

    def finish(self, partial: Any) -> Any:
        return self.start if partial is MISSING else self.start + partial


@dataclass(frozen=True, slots=True, repr=False)
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


@dataclass(frozen=True, slots=True, repr=False)
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
        return self.pick(
            zip(map(self.key, for_key), items, strict=False), key=itemgetter(0), default=MISSING
        )

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


@dataclass(frozen=True, slots=True, repr=False)
class Min(Extreme):
    """The first of the least items."""

    name: ClassVar[str] = "min"
    pick: ClassVar[Function] = min


@dataclass(frozen=True, slots=True, repr=False)
class Max(Extreme):
    """The first of the greatest items."""

    name: ClassVar[str] = "max"
    pick: ClassVar[Function] = max


@dataclass(frozen=True, slots=True, repr=False)
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


@dataclass(frozen=True, slots=True, repr=False)
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


@dataclass(frozen=True, slots=True, repr=False)
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


@dataclass(frozen=True, slots=True, repr=False)
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


@dataclass(frozen=True, slots=True, repr=False)
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


@dataclass(frozen=True, slots=True, repr=False)
class FindAny(FindFirst):
    """Some item for which `keep(item)` is true, else `default`."""

    name: ClassVar[str] = "find_any"
    anywhere: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, repr=False)
class FindLast(FindFirst):
    """As `FindFirst`, over a plan that is run from the right."""

    name: ClassVar[str] = "find_last"


@dataclass(frozen=True, slots=True, repr=False)
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


@dataclass(frozen=True, slots=True, repr=False)
class FirstNot(PositionFirst):
    """The index of the first item for which `keep(item)` is false, over `(index, item)` pairs."""

    name: ClassVar[str] = "skip_while"

    def consume(self, items: Iterator[tuple[int, Any]]) -> int | None:
        keep = self.keep
        return next((index for index, item in items if not keep(item)), None)


@dataclass(frozen=True, slots=True, repr=False)
class Partition(Sink):
    """Items for which `keep(item)` is true, and the others."""

    keep: Function
    name: ClassVar[str] = "partition"
    functions: ClassVar[tuple[str, ...]] = ("keep",)
    returns_items: ClassVar[bool] = True

    def consume(self, items: Iterator[Any]) -> tuple[list[Any], list[Any]]:
        yes: list[Any] = []
        no: list[Any] = []
        keep = self.keep
        for item in items:
            (yes if keep(item) else no).append(item)
        return yes, no

    def merge(
        self, left: tuple[list[Any], list[Any]], right: tuple[list[Any], list[Any]]
    ) -> tuple[list[Any], list[Any]]:
        left[0].extend(right[0])
        left[1].extend(right[1])
        return left


@dataclass(frozen=True, slots=True, repr=False)
class Unzip(Sink):
    """The firsts and the seconds of pairs."""

    name: ClassVar[str] = "unzip"
    returns_items: ClassVar[bool] = True

    def consume(self, items: Iterator[Any]) -> tuple[list[Any], list[Any]]:
        firsts: list[Any] = []
        seconds: list[Any] = []
        for first, second in items:
            firsts.append(first)
            seconds.append(second)
        return firsts, seconds

    merge = Partition.merge


@dataclass(frozen=True, slots=True, repr=False)
class Collect(Sink):
    """All items, in a list."""

    name: ClassVar[str] = "collect"
    returns_items: ClassVar[bool] = True

    def consume(self, items: Iterator[Any]) -> Any:
        return list(items)

    def merge(self, left: Any, right: Any) -> Any:
        left.extend(right)
        return left

    def in_place(self, span: int) -> Sink:
        """The sink for leaves that share memory and give one item for each of `span` positions."""
        return Scatter([None] * span)


class Scatter(Collect):
    """Items written where they belong, a block at a time; partials are runs of written places.

    Objects made by a thread are cheap only to that thread, so nobody else should move them.
    """

    __slots__ = ("_out",)
    _out: list[Any]
    _BLOCK: ClassVar[int] = 1024

    def __init__(self, out: list[Any]) -> None:
        object.__setattr__(self, "_out", out)

    def at(self, begin: int) -> Callable[[Iterator[Any]], list[tuple[int, int]]]:
        """The `consume` of the leaf that begins at `begin`."""

        def consume(items: Iterator[Any]) -> list[tuple[int, int]]:
            out, size = self._out, self._BLOCK
            written = begin
            while block := list(islice(items, size)):
                out[written : written + len(block)] = block
                written += len(block)
                if len(block) < size:
                    break
            return [(begin, written)]

        return consume

    def finish(self, partial: list[tuple[int, int]]) -> list[Any]:
        out = self._out
        if sum(high - low for low, high in partial) == len(out):
            return out
        # The source lost items while the plan ran: keep what was there.
        return list(chain.from_iterable(out[low:high] for low, high in partial))


@dataclass(frozen=True, slots=True, repr=False)
class CollectSet(Collect):
    """All items, in a set; of equal items the first is kept."""

    def consume(self, items: Iterator[Any]) -> set[Any]:
        return set(items)

    def merge(self, left: set[Any], right: set[Any]) -> set[Any]:
        left |= right
        return left


@dataclass(frozen=True, slots=True, repr=False)
class CollectDict(Collect):
    """All pairs, in a dict; of equal keys the first has the place and the last the value."""

    def consume(self, items: Iterator[Any]) -> dict[Any, Any]:
        return dict(items)

    def merge(self, left: dict[Any, Any], right: dict[Any, Any]) -> dict[Any, Any]:
        left.update(right)
        return left


@dataclass(frozen=True, slots=True, repr=False)
class CollectText(Collect):
    """All strings, joined a leaf at a time."""

    def consume(self, items: Iterator[Any]) -> list[str]:
        return ["".join(items)]

    def finish(self, partial: list[str]) -> str:
        return "".join(partial)


@dataclass(frozen=True, slots=True, repr=False)
class CollectBytes(Collect):
    """All bytes, given as integers or as bytes-like pieces."""

    def consume(self, items: Iterator[Any]) -> list[bytes]:
        for first in items:
            items = chain((first,), items)
            return [bytes(items) if hasattr(first, "__index__") else b"".join(items)]
        return []

    def finish(self, partial: list[bytes]) -> bytes:
        return b"".join(partial)


@dataclass(frozen=True, slots=True)
class Part:
    """Results in order, and the exception they ended in, if any."""

    items: list[Any]
    error: Caught | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Hold(Sink):
    """All items up to the first exception, which is kept at its place: a barrier, or a batch."""

    name: ClassVar[str] = "hold"
    returns_items: ClassVar[bool] = True

    def consume(self, items: Iterator[Any]) -> Part:
        held: list[Any] = []
        try:
            held.extend(items)  # keeps what came before an exception
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return Part(held, Caught(error))
        return Part(held)

    def merge(self, left: Part, right: Part) -> Part:
        if left.error is not None:
            return left
        left.items.extend(right.items)
        return Part(left.items, right.error)

    def error_of(self, partial: Part) -> BaseException | None:
        return None if partial.error is None else partial.error.error

    def settled(self, partial: Part) -> bool:
        return partial.error is not None

    def failed(self, partial: Part, error: BaseException) -> Part:
        return Part(partial.items, Caught(error))
