"""Sources whose items are made of neighbours: chunks, windows, and the blocks of the feed itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, compress, islice, repeat, tee
from operator import length_hint
from typing import Any, TypeVar

from pariter._caught import Caught
from pariter.plan.compound import Compound, total
from pariter.plan.place import Block, ItemSpot, RunSpot, Site
from pariter.plan.ranges import compose, highest, length
from pariter.plan.sources import Iterated, Puller, Slices, Source, units

T = TypeVar("T")


class Arranged(Compound[T]):
    """Base of the sources that make item `i` of a known place in their parts.

    `indices` are the places this view hands out, `labels` what they were called before any cut.
    """

    __slots__ = ("indices", "labels")

    def __init__(self, parts: tuple[Source[Any], ...], indices: range, labels: range | None = None) -> None:
        super().__init__(parts)
        self.indices = indices
        self.labels = indices if labels is None else labels

    @property
    def span(self) -> int | None:
        return None if total(part.span for part in self.parts) is None else length(self.indices)

    def _named(self, block: Block) -> Iterator[tuple[int, int]]:
        low, high = block
        return zip(self.indices[low:high], self.labels[low:high], strict=True)

    def _picked(self, indices: range) -> tuple[range, range]:
        return compose(self.indices, indices), compose(self.labels, indices)

    def _reach(self) -> tuple[int, range]:
        """The leftmost index, and all of them counted from there: what a piece needs to travel."""
        if not self.indices:
            return 0, range(0)
        first = min(self.indices[0], self.indices[-1])
        return first, range(self.indices.start - first, self.indices.stop - first, self.indices.step)


class Chunked(Arranged[list[Any]]):
    """Lists of `size` neighbouring items; the last may be shorter.

    With `lazily` they are iterators, each to be consumed before the next; with `views`, of an array, arrays.
    """

    __slots__ = ("_lazily", "_size", "_views")

    @property
    def error(self) -> Caught | None:
        error = self.parts[0].error
        return error if error is not None and (units(self.parts[0]) - 1) // self._size in self.indices else None

    def __init__(
        self,
        inner: Source[Any],
        size: int,
        indices: range | None = None,
        labels: range | None = None,
        *,
        lazily: bool = False,
        views: bool = False,
    ) -> None:
        if indices is None:
            indices = range(0 if inner.span is None else -(-inner.span // size))
        super().__init__((inner,), indices, labels)
        self._size = size
        self._lazily = lazily
        self._views = views

    def open(self, blocks: Iterable[Block], site: Site) -> Iterator[list[Any]]:
        (inner,), size = self.parts, self._size
        end = units(inner)
        deeper = site.descend()
        spot = site.spot = RunSpot(deeper) if self._lazily else ItemSpot()
        here, below = tee(chain.from_iterable(map(self._named, blocks)))
        bounds = ((i * size, min(i * size + size, end)) for i, _ in below)
        view = array_view(inner) if self._views else None
        items = inner.open(bounds, deeper) if view is None else iter(())

        def chunks() -> Iterator[Any]:
            for i, spot.index in here:
                low, high = i * size, min(i * size + size, end)
                if view is not None:
                    spot.item = chunk = view(low, high)
                    yield chunk
                    continue
                left = repeat(True, high - low)
                taken = compress(islice(items, high - low), left)
                spot.item = chunk = taken if self._lazily else list(taken)
                if self._lazily or chunk:
                    yield chunk
                if length_hint(left):
                    return

        return chunks()

    def view(self, indices: range) -> Chunked:
        picked, labels = self._picked(indices)
        return self.like(self.parts[0], picked, labels)

    def like(self, inner: Source[Any], indices: range | None = None, labels: range | None = None) -> Chunked:
        """Another source in such chunks."""
        return Chunked(inner, self._size, indices, labels, lazily=self._lazily, views=self._views)

    def puller(self) -> Puller[list[Any]]:
        if self.span is not None:
            return super().puller()
        return _ChunkPuller(self.parts[0].puller(), self._size, self)

    def __reduce__(self) -> tuple[Any, ...]:
        (inner,), size = self.parts, self._size
        first, indices = self._reach()
        last = first + highest(indices, -1)
        piece = inner.cut(first * size, max(first * size, min((last + 1) * size, units(inner))))
        return _chunked, (piece, size, indices, self.labels, self._lazily, self._views)


def _chunked(inner: Source[Any], size: int, indices: range, labels: range, lazily: bool, views: bool) -> Chunked:
    return Chunked(inner, size, indices, labels, lazily=lazily, views=views)


class _ChunkPuller(Puller[list[Any]]):
    def __init__(self, inner: Puller[Any], size: int, like: Chunked) -> None:
        self._inner = inner
        self._size = size
        self._like = like
        self._pulled = 0

    def pull(self, most: int) -> Source[list[Any]]:
        piece = self._inner.pull(most * self._size)
        first, self._pulled = self._pulled, self._pulled + -(-units(piece) // self._size)
        return self._like.like(piece, range(self._pulled - first), range(first, self._pulled))

    def close(self) -> None:
        self._inner.close()


class Windowed(Arranged[tuple[Any, ...]]):
    """Tuples of `size` neighbouring items, one for each position that has so many."""

    __slots__ = ("_size",)

    def __init__(
        self,
        inner: Source[Any],
        size: int,
        indices: range | None = None,
        labels: range | None = None,
    ) -> None:
        if indices is None:
            indices = range(0 if inner.span is None else max(0, inner.span - size + 1))
        super().__init__((inner,), indices, labels)
        self._size = size

    @property
    def error(self) -> Caught | None:
        error = self.parts[0].error
        return error if error is not None and units(self.parts[0]) - self._size in self.indices else None

    def open(self, blocks: Iterable[Block], site: Site) -> Iterator[tuple[Any, ...]]:
        spot = site.spot = ItemSpot()

        def windows() -> Iterator[tuple[Any, ...]]:
            for block in blocks:
                low, high = block
                found = self._neighbours if self.indices.step == 1 else self._singles
                names = self.labels[low:high]
                for spot.index, spot.item in zip(names, found(self.indices[low:high]), strict=True):
                    yield spot.item

        return windows()

    def _neighbours(self, indices: range) -> Iterator[tuple[Any, ...]]:
        items = self.parts[0].open(((indices.start, indices.stop + self._size - 1),), Site())
        window = deque(islice(items, self._size - 1), maxlen=self._size)
        for item in items:
            window.append(item)
            yield tuple(window)

    def _singles(self, indices: range) -> Iterator[tuple[Any, ...]]:
        for i in indices:
            yield tuple(self.parts[0].open(((i, i + self._size),), Site()))

    def view(self, indices: range) -> Windowed:
        return Windowed(self.parts[0], self._size, *self._picked(indices))

    def puller(self) -> Puller[tuple[Any, ...]]:
        if self.span is not None:
            return super().puller()
        return Iterated(self._sliding()).puller()

    def _sliding(self) -> Iterator[tuple[Any, ...]]:
        """Windows of a stream, which is pulled one item at a time, here and in order."""
        window: deque[Any] = deque(maxlen=self._size)
        puller = self.parts[0].puller()
        while units(piece := puller.pull(1)):
            window.extend(piece.open(((0, 1),), Site()))
            if len(window) == self._size:
                yield tuple(window)

    def __reduce__(self) -> tuple[Any, ...]:
        first, indices = self._reach()
        reach = highest(indices, -self._size) + self._size
        return Windowed, (self.parts[0].cut(first, first + reach), self._size, indices, self.labels)


class Blocked(Compound[Any]):
    """Each block the feed hands out as one item: a list, or a view of an array."""

    __slots__ = ("_first",)

    def __init__(self, inner: Source[Any], first: int = 0) -> None:
        super().__init__((inner,))
        self.exact = False
        self._first = first  # what its first unit was called before any cut

    @property
    def span(self) -> int | None:
        return self.parts[0].span

    @property
    def error(self) -> Caught | None:
        return self.parts[0].error

    def open(self, blocks: Iterable[Block], site: Site) -> Iterator[Any]:
        spot = site.spot = ItemSpot()
        here, below = tee(blocks)
        (inner,) = self.parts
        view = array_view(inner)
        items = inner.open(below, site.descend()) if view is None else iter(())

        def batches() -> Iterator[Any]:
            for low, high in here:
                spot.index = self._first + low
                spot.item = batch = list(islice(items, high - low)) if view is None else view(low, high)
                if len(batch):
                    yield batch
                if len(batch) < high - low:
                    return

        return batches()

    def view(self, indices: range) -> Blocked:
        return Blocked(self.parts[0].view(indices), self._first + indices.start)

    def puller(self) -> Puller[Any]:
        return _BlockPuller(self.parts[0].puller())


class _BlockPuller(Puller[Any]):
    def __init__(self, inner: Puller[Any]) -> None:
        self._inner = inner
        self._pulled = 0

    def pull(self, most: int) -> Source[Any]:
        piece = self._inner.pull(most)
        first, self._pulled = self._pulled, self._pulled + units(piece)
        return Blocked(piece, first)

    def close(self) -> None:
        self._inner.close()


def array_view(source: Source[Any]) -> Callable[[int, int], Any] | None:
    """What cuts views out of an array, if that is what `source` reads."""
    if not isinstance(source, Slices) or not hasattr(source.data, "__array_interface__"):
        return None
    return lambda low, high: source.read(source.indices[low:high])
