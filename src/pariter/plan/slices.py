"""Slices of a sequence as items: chunks, windows, runs of like neighbours, what stands between separators.

The items are cut where they are wanted, by the worker that handles them: nothing is copied before, and a
piece that travels carries only the part of the sequence that its slices cover.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain, tee
from typing import TYPE_CHECKING, Any, ClassVar

from pariter._describe import describe_value
from pariter.plan.compound import Chained, Zipped
from pariter.plan.origins import Origin, origin_of
from pariter.plan.piped import Piped
from pariter.plan.place import Block, BlockSpot, Site
from pariter.plan.ranges import as_slice, length
from pariter.plan.reshape import Reshape
from pariter.plan.sources import Held, Iterated, Puller, Slices, Source, SpanPuller, units
from pariter.plan.stages import Function, Indexed

if TYPE_CHECKING:
    from pariter.plan.pipeline import Binder

_AT_ONCE = 64
"""How many slices are cut before the first of them is handed out: they may be large."""


class Cutouts(Source[Any]):
    """The slices `data[low:high]`, one for each pair of bounds; where `lows` fall below 0, 0 is meant."""

    __slots__ = ("carries_data", "data", "highs", "labels", "lows")

    def __init__(self, data: Any, lows: Sequence[int], highs: Sequence[int], labels: range | None = None) -> None:
        self.data = data
        self.lows = lows
        self.highs = highs
        self.labels = range(_many(lows)) if labels is None else labels
        self.carries_data = not isinstance(data, range)

    @property
    def span(self) -> int:
        return length(self.labels)

    def open(self, blocks: Iterable[Block], site: Site) -> Iterator[Any]:
        spot = site.spot = BlockSpot(self.labels)
        return chain.from_iterable(
            spot.enter(at, self._read(at, min(at + _AT_ONCE, high)))
            for low, high in blocks
            for at in range(low, high, _AT_ONCE)
        )

    def _read(self, low: int, high: int) -> list[Any]:
        data = self.data
        bounds = zip(self.lows[low:high], self.highs[low:high], strict=True)
        return [data[max(start, 0) : stop] for start, stop in bounds]

    def view(self, indices: range) -> Cutouts:
        picked = as_slice(indices)
        return Cutouts(self.data, self.lows[picked], self.highs[picked], self.labels[picked])

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.labels:
            return Cutouts, ((), (), (), self.labels)
        first = max(0, min(self.lows[0], self.lows[-1]))
        part: Any = self.data[first : max(self.highs[0], self.highs[-1])]
        kind = None
        if isinstance(part, memoryview):
            part, kind = part.tobytes(), part.format
        return _arrived, (part, kind, _shifted(self.lows, first), _shifted(self.highs, first), self.labels)


def _arrived(part: Any, kind: Any, lows: Sequence[int], highs: Sequence[int], labels: range) -> Cutouts:
    return Cutouts(part if kind is None else memoryview(part).cast(kind), lows, highs, labels)


def _many(bounds: Sequence[int]) -> int:
    return length(bounds) if isinstance(bounds, range) else len(bounds)


def _shifted(bounds: Sequence[int], by: int) -> Sequence[int]:
    if isinstance(bounds, range):
        return range(bounds.start - by, bounds.stop - by, bounds.step)
    return [bound - by for bound in bounds]


# Slices whose bounds follow from the length.


class _EvenSlices(Origin):
    """Base of what cuts a sequence by a size."""

    data: Any
    size: int
    name: ClassVar[str]

    def bind(self) -> Source[Any]:
        return Cutouts(self.data, *self.bounds(_many(self.data)))

    def length(self) -> int:
        return length(self.bounds(_many(self.data))[0])

    @abstractmethod
    def bounds(self, many: int) -> tuple[range, range]:
        """Where the slices of a sequence of `many` items begin, and where they end."""

    def __repr__(self) -> str:
        return f"{self.name}({describe_value(self.data)}, {self.size})"


class ChunkSlices(_EvenSlices):
    """Slices of `size` items, the last of them shorter, or, if `exact`, left out."""

    exact: bool = False
    name: ClassVar[str] = "par_chunks"

    def bounds(self, many: int) -> tuple[range, range]:
        size = self.size
        lows = range(0, many - many % size if self.exact else many, size)
        return lows, range(size, size + length(lows) * size, size)

    def __repr__(self) -> str:
        return f"{super().__repr__().removesuffix(')')}{', exact=True' * self.exact})"


class ReverseChunkSlices(_EvenSlices):
    """Slices of `size` items from the right end on, the last of them shorter."""

    name: ClassVar[str] = "par_rchunks"

    def bounds(self, many: int) -> tuple[range, range]:
        highs = range(many, 0, -self.size)
        return range(many - self.size, many - self.size * (length(highs) + 1), -self.size), highs


class WindowSlices(_EvenSlices):
    """Slices of `size` items, one for each position that has so many."""

    name: ClassVar[str] = "par_windows"

    def bounds(self, many: int) -> tuple[range, range]:
        lows = range(max(0, many - self.size + 1))
        return lows, range(self.size, self.size + length(lows))


# Slices whose bounds a function finds.


class Whole(Origin):
    """A sequence that the step after it cuts; the code of that step is the code of both."""

    data: Any

    def bind(self) -> Source[Any]:
        return origin_of(self.data).bind()

    def summary(self) -> str:
        many = _many(self.data)
        return f"{type(self.data).__name__}, {many} item{'s' * (many != 1)}"

    def __repr__(self) -> str:
        return ""


class _FoundSlices(Reshape):
    """Base of the steps that look for the bounds of slices, in parallel, before the slices are cut."""

    data: Any
    f: Function
    functions: ClassVar[tuple[str, ...]] = ("f",)
    runs_before: ClassVar[bool] = True
    gap: ClassVar[int]
    """How many items after the end of a slice the next one begins."""

    def __repr__(self) -> str:
        return super().__repr__().removeprefix(".")

    def arguments(self) -> list[str]:
        return [describe_value(self.data), *super().arguments()[1:]]

    def length(self, length: int) -> int | None:
        return None

    def demand(self, wanted: int | None) -> int | None:
        return None

    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        many = units(source)
        if not many:
            return Held([self.data[:0]] * self.gap)
        found = binder.hold(Piped(self.looked_at(source, many), (self.search(),)), None)
        if found.span is None:
            return Iterated(self._in_turn(found, many))
        assert isinstance(found, Held)
        cuts: list[int] = found.items
        lows, highs = [0, *(cut + self.gap for cut in cuts)], [*cuts, many]
        if found.error is None:
            return Cutouts(self.data, lows, highs)
        # Where the next slice ends is not known any more: the exception stands in its place.
        return Chained((Cutouts(self.data, lows[:-1], highs[:-1]), Held([], found.error)))

    def _in_turn(self, found: Source[int], many: int) -> Iterator[Any]:
        low = 0
        puller = found.puller()
        try:
            while True:
                piece = puller.pull(1)
                if not units(piece):
                    break
                for cut in piece.open(((0, 1),), Site()):
                    yield self.data[low:cut]
                    low = cut + self.gap
            yield self.data[low:many]
        finally:
            puller.close()

    @abstractmethod
    def looked_at(self, source: Source[Any], many: int) -> Source[Any]:
        """What the function is called for, each after the end of the slice that may end there."""

    @abstractmethod
    def search(self) -> Indexed:
        """The stage that finds the ends of slices."""


class Separated(_FoundSlices):
    """The slices between the items for which `f(item)` is true."""

    name: ClassVar[str] = "par_split"
    gap: ClassVar[int] = 1

    def looked_at(self, source: Source[Any], many: int) -> Source[Any]:
        return _Numbered((Slices(range(many)), source))

    def search(self) -> Indexed:
        return _Separators(self.f)


class Alike(_FoundSlices):
    """The longest slices in which `f(previous, next)` is true for all neighbours."""

    name: ClassVar[str] = "par_chunk_by"
    gap: ClassVar[int] = 0

    def looked_at(self, source: Source[Any], many: int) -> Source[Any]:
        pairs = Zipped((source.view(range(many - 1)), source.view(range(1, many))))
        return _Numbered((Slices(range(1, many)), pairs))

    def search(self) -> Indexed:
        return _Differences(self.f)


class _Numbered(Zipped):
    """Numbers and items in step, where an error is to name the item alone."""

    __slots__ = ()

    def open(self, blocks: Iterable[Block], site: Site) -> Iterator[Any]:
        numbers, source = self.parts
        here, below = tee(blocks)
        return zip(numbers.open(here, Site()), source.open(below, site.descend()), strict=False)

    def view(self, indices: range) -> _Numbered:
        return _Numbered(tuple(part.view(indices) for part in self.parts))

    def puller(self) -> Puller[Any]:
        return SpanPuller(self)


class _Separators(Indexed):
    name: ClassVar[str] = "par_split"


class _Differences(Indexed):
    name: ClassVar[str] = "par_chunk_by"

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        same = self.keep
        return (position for position, (before, after) in items if not same(before, after))


def sliceable(method: str, data: Any) -> Any:
    """`data` if it is a sequence; TypeError if not."""
    kind = type(data)
    unordered = isinstance(data, (Mapping, AbstractSet, deque))  # a deque cannot be sliced
    if unordered or not (hasattr(kind, "__getitem__") and hasattr(kind, "__len__")):
        raise TypeError(f"{method}() needs a sequence that can be sliced, got {describe_value(data)}")
    return data
