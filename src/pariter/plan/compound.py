"""Sources over sources: walked in step, one after another, in chunks, in windows, woven.

Each works on cut sources and on pulled ones: a piece of a stream is a cut source again, so pulling
wraps what the inner pullers hand out in the same class.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice, tee
from typing import Any, TypeVar

from pariter._caught import Caught
from pariter.plan.place import Block, GroupSpot, ItemSpot, Site
from pariter.plan.sources import (
    ENDLESS,
    Held,
    Iterated,
    Puller,
    Source,
    compose,
    length,
)

T = TypeVar("T")


def total(spans: Iterable[int | None]) -> int | None:
    """The sum of spans, None if one is not known."""
    found = 0
    for span in spans:
        if span is None:
            return None
        found += span
    return min(found, ENDLESS)


def highest(indices: range, default: int) -> int:
    """The largest of `indices`, at once however many there are."""
    return max(indices[0], indices[-1]) if indices else default


class Compound(Source[T]):
    """Base of the sources over sources."""

    __slots__ = ("carries_data", "exact", "parts", "pure")

    def __init__(self, parts: tuple[Source[Any], ...]) -> None:
        self.parts = parts
        self.exact = all(part.exact for part in parts)
        self.pure = all(part.pure for part in parts)
        self.carries_data = any(part.carries_data for part in parts)


class Zipped(Compound[Any]):
    """Tuples of the items at the same position; as long as the shortest."""

    __slots__ = ("_primary",)

    @property
    def error(self) -> Caught | None:
        span = self.span
        return next((part.error for part in self.parts if part.error and part.span == span), None)

    def __init__(self, parts: tuple[Source[Any], ...], primary: int = 0) -> None:
        super().__init__(parts)
        self._primary = primary

    @property
    def span(self) -> int | None:
        spans = [part.span for part in self.parts]
        known = [span for span in spans if span is not None]
        return min(known) if len(known) == len(spans) else None

    def open(self, blocks: Iterable[Block], site: Site) -> Iterator[Any]:
        sites = [site.descend() for _ in self.parts]
        site.spot = GroupSpot(sites, self._primary)
        copies = tee(blocks, len(self.parts))
        return zip(*map(_open, self.parts, copies, sites), strict=False)

    def view(self, indices: range) -> Zipped:
        return Zipped(tuple(part.view(indices) for part in self.parts), self._primary)

    def puller(self) -> Puller[Any]:
        return _ZipPuller(self.parts, self._primary, strict=False)


def _open(part: Source[T], blocks: Iterable[Block], site: Site) -> Iterator[T]:
    return part.open(blocks, site)


class StrictlyZipped(Zipped):
    """Zipped streams, whose lengths must turn out to be the same."""

    __slots__ = ()

    def puller(self) -> Puller[Any]:
        return _ZipPuller(self.parts, self._primary, strict=True)


class _ZipPuller(Puller[Any]):
    def __init__(self, parts: tuple[Source[Any], ...], primary: int, *, strict: bool) -> None:
        self._pullers = [part.puller() for part in parts]
        self._primary = primary
        self._strict = strict
        self._ended = False

    def pull(self, most: int) -> Source[Any]:
        if self._ended:
            most = 0
        pieces: list[Source[Any]] = []
        shortest = most
        for puller in self._pullers:
            # The streams further right are not read beyond what the ones before them can meet.
            pieces.append(puller.pull(most if self._strict else shortest))
            shortest = min(shortest, _span(pieces[-1]))
        self._ended = shortest < most
        zipped = Zipped(tuple(piece.cut(0, shortest) for piece in pieces), self._primary)
        if self._strict and any(_span(piece) != shortest for piece in pieces):
            return Chained((zipped, Held([], Caught(unequal_lengths()))))
        return zipped

    def close(self) -> None:
        for puller in self._pullers:
            puller.close()


def unequal_lengths() -> ValueError:
    """What `zip(strict=True)` raises at the place where one source ends before another."""
    return ValueError("zip(strict=True) needs sources of equal length, and one ended before another")


def _span(source: Source[Any]) -> int:
    span = source.span
    assert span is not None
    return span


class Chained(Compound[T]):
    """The items of one source after those of another; a part need not be exact."""

    __slots__ = ()

    @property
    def error(self) -> Caught | None:
        return self.parts[-1].error if self.parts else None

    @property
    def span(self) -> int | None:
        return total(part.span for part in self.parts)

    def open(self, blocks: Iterable[Block], site: Site) -> Iterator[T]:
        return chain.from_iterable(self._runs(blocks, site))

    def _runs(self, blocks: Iterable[Block], site: Site) -> Iterator[Iterator[T]]:
        feed = iter(blocks)
        block = next(feed, None)
        offset = 0

        def within(end: int) -> Iterator[Block]:
            nonlocal block
            while block is not None and block[0] < end:
                low, high = block
                if high > end:
                    block = (end, high)
                    yield low - offset, end - offset
                else:
                    yield low - offset, high - offset
                    block = next(feed, None)

        for part in self.parts:
            end = offset + _span(part)
            if block is not None and block[0] < end:
                site.inner.clear()
                yield part.open(within(end), site.descend())
                if block is not None and block[0] < end:
                    raise RuntimeError("a function of the plan raised StopIteration")
            offset = end

    def view(self, indices: range) -> Source[T]:
        found: list[Source[T]] = []
        offset = 0
        for part in self.parts:
            end = offset + _span(part)
            if inside := _within(indices, offset, end):
                found.append(part.view(inside))
            offset = end
        if not found:
            return Held([])
        return Chained(tuple(found if indices.step > 0 else reversed(found)))

    def cut(self, low: int, high: int) -> Source[T]:
        found: list[Source[T]] = []
        offset = 0
        for part in self.parts:
            end = offset + _span(part)
            if low < end and high > offset:
                found.append(part.cut(max(low - offset, 0), min(high, end) - offset))
            offset = end
        return Chained(tuple(found)) if found else Held([])

    def puller(self) -> Puller[T]:
        return _ChainPuller(self.parts)


def _within(indices: range, low: int, high: int) -> range:
    """The part of `indices` that lies in `low <= i < high`, counted from `low`."""
    start, step = indices.start, indices.step
    if step > 0:
        first = max(0, -((start - low) // step))
        last = max(0, -((start - high) // step))
    else:
        first = max(0, -((high - 1 - start) // -step))
        last = max(0, -((low - 1 - start) // -step))
    found = compose(indices, range(first, min(last, length(indices))))
    return range(found.start - low, found.stop - low, step)


class _ChainPuller(Puller[T]):
    def __init__(self, parts: tuple[Source[T], ...]) -> None:
        self._pullers = deque(part.puller() for part in parts)

    def pull(self, most: int) -> Source[T]:
        pieces: list[Source[T]] = []
        while self._pullers and most > 0:
            piece = self._pullers[0].pull(most)
            if _span(piece) < most:
                self._pullers.popleft()
            if _span(piece):
                pieces.append(piece)
                most -= _span(piece)
        return pieces[0] if len(pieces) == 1 else Chained(tuple(pieces))

    def close(self) -> None:
        for puller in self._pullers:
            puller.close()


class Arranged(Compound[T]):
    """Base of the sources that make item `i` of a known place in their parts.

    `indices` are the places this view hands out, `labels` what they were called before any cut.
    """

    __slots__ = ("indices", "labels")

    def __init__(
        self, parts: tuple[Source[Any], ...], indices: range, labels: range | None = None
    ) -> None:
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
        return first, range(
            self.indices.start - first, self.indices.stop - first, self.indices.step
        )


class Chunked(Arranged[list[Any]]):
    """Lists of `size` neighbouring items; the last may be shorter."""

    __slots__ = ("_size",)

    @property
    def error(self) -> Caught | None:
        return self.parts[0].error

    def __init__(
        self,
        inner: Source[Any],
        size: int,
        indices: range | None = None,
        labels: range | None = None,
    ) -> None:
        if indices is None:
            indices = range(0 if inner.span is None else -(-inner.span // size))
        super().__init__((inner,), indices, labels)
        self._size = size

    def open(self, blocks: Iterable[Block], site: Site) -> Iterator[list[Any]]:
        spot = site.spot = ItemSpot()
        (inner,), size = self.parts, self._size
        end = _span(inner)
        here, below = tee(chain.from_iterable(map(self._named, blocks)))
        bounds = ((i * size, min(i * size + size, end)) for i, _ in below)
        items = inner.open(bounds, site.descend())

        def chunks() -> Iterator[list[Any]]:
            for i, spot.index in here:
                wanted = min(size, end - i * size)
                spot.item = chunk = list(islice(items, wanted))
                if chunk:
                    yield chunk
                if len(chunk) < wanted:
                    return

        return chunks()

    def view(self, indices: range) -> Chunked:
        return Chunked(self.parts[0], self._size, *self._picked(indices))

    def puller(self) -> Puller[list[Any]]:
        return _ChunkPuller(self.parts[0].puller(), self._size)

    def __reduce__(self) -> tuple[Any, ...]:
        (inner,), size = self.parts, self._size
        first, indices = self._reach()
        last = first + highest(indices, -1)
        piece = inner.cut(first * size, max(first * size, min((last + 1) * size, _span(inner))))
        return Chunked, (piece, size, indices, self.labels)


class _ChunkPuller(Puller[list[Any]]):
    def __init__(self, inner: Puller[Any], size: int) -> None:
        self._inner = inner
        self._size = size

    def pull(self, most: int) -> Source[list[Any]]:
        return Chunked(self._inner.pull(most * self._size), self._size)

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
        return Iterated(self._sliding()).puller()

    def _sliding(self) -> Iterator[tuple[Any, ...]]:
        """Windows of a stream, which is pulled one item at a time, here and in order."""
        window: deque[Any] = deque(maxlen=self._size)
        puller = self.parts[0].puller()
        while _span(piece := puller.pull(1)):
            window.extend(piece.open(((0, 1),), Site()))
            if len(window) == self._size:
                yield tuple(window)

    def __reduce__(self) -> tuple[Any, ...]:
        first, indices = self._reach()
        reach = highest(indices, -self._size) + self._size
        return Windowed, (self.parts[0].cut(first, first + reach), self._size, indices, self.labels)


class Sliced(Compound[T]):
    """Every `step`-th item of a stream from `start` up to `stop`."""

    __slots__ = ("_bounds",)

    def __init__(self, inner: Source[T], start: int, stop: int | None, step: int = 1) -> None:
        super().__init__((inner,))
        self._bounds = start, stop, step

    @property
    def span(self) -> None:
        return None

    def open(self, blocks: Iterable[Block], site: Site) -> Iterator[T]:
        raise TypeError("a stream is pulled, not cut")

    def view(self, indices: range) -> Source[T]:
        raise TypeError("a stream is pulled, not cut")

    def puller(self) -> Puller[T]:
        return _SlicePuller(self.parts[0].puller(), *self._bounds)


class _SlicePuller(Puller[T]):
    def __init__(self, inner: Puller[T], start: int, stop: int | None, step: int) -> None:
        self._inner = inner
        self._to_skip = start
        self._left = ENDLESS if stop is None else max(0, stop - start)
        self._step = step

    def pull(self, most: int) -> Source[T]:
        while self._to_skip:
            wanted = min(self._to_skip, max(most, 1) * 64)
            skipped = self._inner.pull(wanted)
            self._to_skip -= _span(skipped)
            if skipped.error is not None:
                self._left = 0
                return Held([], skipped.error)
            if _span(skipped) < wanted:
                self._to_skip = self._left = 0
        wanted = min(most * self._step, self._left)
        self._left -= wanted
        piece = self._inner.pull(wanted) if wanted else Held([])
        return piece if self._step == 1 else every(piece, self._step)

    def close(self) -> None:
        self._inner.close()


def every(source: Source[T], step: int) -> Source[T]:
    """Every `step`-th item of a cut source; an exception held among the others is not passed over."""
    span = _span(source)
    found = source.view(range(0, span, step))
    if source.error is None or (span - 1) % step == 0:
        return found
    return Chained((found, Held([], source.error)))


def pulled(source: Source[T]) -> Source[T]:
    """All of a stream, cut: its items are read now, its functions are not called."""
    puller = source.puller()
    pieces: list[Source[T]] = []
    while _span(piece := puller.pull(1024)):
        pieces.append(piece)
    return Chained(tuple(pieces))


class Woven(Arranged[Any]):
    """Items of equally long parts in turn: the first of each, then the second of each, and so on."""

    __slots__ = ()

    def __init__(
        self,
        parts: tuple[Source[Any], ...],
        indices: range | None = None,
        labels: range | None = None,
    ) -> None:
        if indices is None:
            indices = range(len(parts) * _span(parts[0]))
        super().__init__(parts, indices, labels)

    def open(self, blocks: Iterable[Block], site: Site) -> Iterator[Any]:
        spot = site.spot = ItemSpot()
        wanted: list[deque[Block]] = [deque() for _ in self.parts]
        # A part asks for its next block only when its next item is wanted, so there is always one.
        opened = [
            part.open(iter(queue.popleft, None), site.descend())
            for part, queue in zip(self.parts, wanted, strict=True)
        ]

        def woven() -> Iterator[Any]:
            for i, spot.index in chain.from_iterable(map(self._named, blocks)):
                at, which = divmod(i, len(self.parts))
                wanted[which].append((at, at + 1))
                spot.item = next(opened[which])
                yield spot.item

        return woven()

    def view(self, indices: range) -> Woven:
        return Woven(self.parts, *self._picked(indices))

    def __reduce__(self) -> tuple[Any, ...]:
        first, indices = self._reach()
        many = len(self.parts)
        low, high = first // many, (first + highest(indices, -1)) // many + 1
        parts = tuple(part.cut(low, max(low, high)) for part in self.parts)
        shift = first - low * many
        own = range(indices.start + shift, indices.stop + shift, indices.step)
        return Woven, (parts, own, self.labels)
