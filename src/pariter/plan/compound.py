"""Sources over sources: walked in step, one after another, in chunks, in windows, woven.

Each works on cut sources and on pulled ones: a piece of a stream is a cut source again, so pulling
wraps what the inner pullers hand out in the same class.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, compress, islice, repeat, tee
from operator import length_hint
from typing import Any, TypeVar

from pariter._caught import Caught
from pariter.plan.place import Block, GroupSpot, ItemSpot, Site
from pariter.plan.sources import (
    ENDLESS,
    Held,
    Iterated,
    Puller,
    Slices,
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
    """Lists of `size` neighbouring items; the last may be shorter.

    With `lazily` they are iterators, each to be consumed before the next; with `views`, of an array, arrays.
    """

    __slots__ = ("_lazily", "_size", "_views")

    @property
    def error(self) -> Caught | None:
        return self.parts[0].error

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
        spot = site.spot = ItemSpot()
        (inner,), size = self.parts, self._size
        end = _span(inner)
        here, below = tee(chain.from_iterable(map(self._named, blocks)))
        bounds = ((i * size, min(i * size + size, end)) for i, _ in below)
        view = array_view(inner) if self._views else None
        items = inner.open(bounds, site.descend()) if view is None else iter(())

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

    def like(
        self, inner: Source[Any], indices: range | None = None, labels: range | None = None
    ) -> Chunked:
        """Another source in such chunks."""
        return Chunked(inner, self._size, indices, labels, lazily=self._lazily, views=self._views)

    def puller(self) -> Puller[list[Any]]:
        return _ChunkPuller(self.parts[0].puller(), self._size, self)

    def __reduce__(self) -> tuple[Any, ...]:
        (inner,), size = self.parts, self._size
        first, indices = self._reach()
        last = first + highest(indices, -1)
        piece = inner.cut(first * size, max(first * size, min((last + 1) * size, _span(inner))))
        return _chunked, (piece, size, indices, self.labels, self._lazily, self._views)


def _chunked(
    inner: Source[Any], size: int, indices: range, labels: range, lazily: bool, views: bool
) -> Chunked:
    return Chunked(inner, size, indices, labels, lazily=lazily, views=views)


class _ChunkPuller(Puller[list[Any]]):
    def __init__(self, inner: Puller[Any], size: int, like: Chunked) -> None:
        self._inner = inner
        self._size = size
        self._like = like

    def pull(self, most: int) -> Source[list[Any]]:
        return self._like.like(self._inner.pull(most * self._size))

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


class Blocked(Compound[Any]):
    """Each block the feed hands out as one item: a list, or a view of an array."""

    __slots__ = ()

    def __init__(self, inner: Source[Any]) -> None:
        super().__init__((inner,))
        self.exact = False

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
            for spot.index, high in here:
                low = spot.index
                spot.item = batch = list(islice(items, high - low)) if view is None else view(low, high)
                if len(batch):
                    yield batch
                if len(batch) < high - low:
                    return

        return batches()

    def view(self, indices: range) -> Blocked:
        return Blocked(self.parts[0].view(indices))

    def puller(self) -> Puller[Any]:
        return _BlockPuller(self.parts[0].puller())


class _BlockPuller(Puller[Any]):
    def __init__(self, inner: Puller[Any]) -> None:
        self._inner = inner

    def pull(self, most: int) -> Source[Any]:
        return Blocked(self._inner.pull(most))

    def close(self) -> None:
        self._inner.close()


def array_view(source: Source[Any]) -> Callable[[int, int], Any] | None:
    """What cuts views out of an array, if that is what `source` reads."""
    if not isinstance(source, Slices) or not hasattr(source.data, "__array_interface__"):
        return None
    return lambda low, high: source.read(source.indices[low:high])
