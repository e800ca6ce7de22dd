"""Sinks that keep the items: in lists, sets, dicts, text, apart in two lists, or held at a barrier."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import accumulate, chain, islice
from math import prod
from typing import Any, ClassVar

from pariter._caught import Caught
from pariter._describe import describe_value
from pariter._record import Record
from pariter.plan.sinks import Sink
from pariter.plan.stages import Function
from pariter.plan.values import MISSING, Left, Right


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

    _out: list[Any]
    _BLOCK: ClassVar[int] = 1024

    def __init__(self, out: list[Any]) -> None:
        self.__dict__["_out"] = out

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


class CollectInto(Collect):
    """All items, for the elements of an array: in runs of neighbours, each a list or, in shared memory, two bounds."""

    dtype: Any
    shape: tuple[int, ...]
    name: ClassVar[str] = "collect_into"

    @property
    def nbytes(self) -> int:
        """The bytes of all elements."""
        return prod(self.shape) * int(self.dtype.itemsize)

    def takes(self, items: list[Any]) -> bool:
        """Whether the items are numbers, or rows of numbers, each of which is assigned to its place as by itself."""
        numpy = sys.modules["numpy"]
        wanted = "biu" if self.dtype.kind in "biu" else "biuf"
        row = self.shape[1:]
        if row:
            return all(
                type(item) is numpy.ndarray and item.shape == row and item.dtype.kind in wanted for item in items
            )
        plain = {int, bool} if wanted == "biu" else {int, bool, float}
        kinds = set(map(type, items)) - plain
        return all(issubclass(kind, numpy.generic) and numpy.dtype(kind).kind in wanted for kind in kinds)

    def lend(self, places: Any) -> None:
        """From now on, bounds mean elements of `places`."""
        self.__dict__["_places"] = places

    def consume(self, items: Iterator[Any]) -> list[Any]:
        return [list(items)]

    def finish(self, partial: list[Any]) -> Any:
        """What can be assigned to all of the array: places that are all filled, or a list."""
        places: Any = self.__dict__.pop("_places", ())
        bounds = [run for run in partial if type(run) is tuple]
        filled = sum(high - low for low, high in bounds)
        if bounds and len(bounds) == len(partial) and filled == len(places):
            return places
        return list(chain.from_iterable(places[slice(*run)] if type(run) is tuple else run for run in partial))


class CollectSet(Collect):
    """All items, in a set; of equal items the first is kept."""

    def consume(self, items: Iterator[Any]) -> set[Any]:
        return set(items)

    def merge(self, left: set[Any], right: set[Any]) -> set[Any]:
        left |= right
        return left


class CollectDict(Collect):
    """All pairs, in a dict; of equal keys the first has the place and the last the value."""

    def consume(self, items: Iterator[Any]) -> dict[Any, Any]:
        return dict(items)

    def merge(self, left: dict[Any, Any], right: dict[Any, Any]) -> dict[Any, Any]:
        left.update(right)
        return left


class CollectText(Collect):
    """All strings, joined a leaf at a time."""

    def consume(self, items: Iterator[Any]) -> list[str]:
        return ["".join(items)]

    def finish(self, partial: list[str]) -> str:
        return "".join(partial)


class CollectBytes(Collect):
    """All bytes, given as integers or as bytes-like pieces."""

    def consume(self, items: Iterator[Any]) -> list[bytes]:
        for first in items:
            items = chain((first,), items)
            return [bytes(items) if hasattr(first, "__index__") else b"".join(items)]
        return []

    def finish(self, partial: list[bytes]) -> bytes:
        return b"".join(partial)


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


class Part(Record):
    """Results in order, and the exception they ended in, if any."""

    items: list[Any]
    error: Caught | None = None


class Hold(Sink):
    """All items up to the first exception, which is kept at its place: a barrier, or a batch."""

    name: ClassVar[str] = "hold"
    is_passive: ClassVar[bool] = True
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


class PartitionMap(Partition):
    """The values of those items for which `f(item)` is a `Left`, and of those for which it is a `Right`."""

    name: ClassVar[str] = "partition_map"

    def consume(self, items: Iterator[Any]) -> tuple[list[Any], list[Any]]:
        left: list[Any] = []
        right: list[Any] = []
        for result in map(self.keep, items):
            if isinstance(result, Left):
                left.append(result.value)
            elif isinstance(result, Right):
                right.append(result.value)
            else:
                self._refuse(result)
        return left, right

    def _refuse(self, result: Any) -> None:
        raise TypeError(
            "partition_map() needs a function that returns Left(x) or Right(x), "
            f"and it returned {describe_value(result)}"
        )


class Prefixes(Record):
    """The prefix results of one leaf, and the exception they ended in, if any."""

    results: list[Any]
    error: Caught | None


class Scan(Sink):
    """The prefix results of each leaf by itself; what comes before it is added later, unless it is known."""

    op: Function
    before: Any = MISSING
    name: ClassVar[str] = "scan"
    functions: ClassVar[tuple[str, ...]] = ("op",)
    returns_items: ClassVar[bool] = True

    def consume(self, items: Iterator[Any]) -> list[Prefixes]:
        results: Iterator[Any] = accumulate(items, self.op)
        if self.before is not MISSING:
            results = islice(accumulate(items, self.op, initial=self.before), 1, None)
        part = Hold().consume(results)
        return [Prefixes(part.items, part.error)]

    def settled(self, partial: list[Prefixes]) -> bool:
        return partial[-1].error is not None

    def error_of(self, partial: list[Prefixes]) -> BaseException | None:
        error = partial[-1].error
        return None if error is None else error.error

    def failed(self, partial: list[Prefixes], error: BaseException) -> list[Prefixes]:
        return [Prefixes(partial[-1].results, Caught(error))]

    def merge(self, left: list[Prefixes], right: list[Prefixes]) -> list[Prefixes]:
        return left if self.settled(left) else left + right
