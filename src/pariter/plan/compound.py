"""Sources over sources: walked in step, or one after another.

They work on cut sources and on pulled ones: a piece of a stream is a cut source again, so pulling
wraps what the inner pullers hand out in the same class.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import accumulate, chain, tee
from typing import Any, TypeVar

from pariter._caught import Caught
from pariter.plan.place import Block, GroupSpot, Site
from pariter.plan.ranges import compose, length
from pariter.plan.sources import ENDLESS, Held, Puller, Source, units

T = TypeVar("T")


def total(spans: Iterable[int | None]) -> int | None:
    """The sum of spans, None if one is not known."""
    found = 0
    for span in spans:
        if span is None:
            return None
        found += span
    return min(found, ENDLESS)


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
            shortest = min(shortest, units(pieces[-1]))
        self._ended = shortest < most
        zipped = Zipped(tuple(piece.cut(0, shortest) for piece in pieces), self._primary)
        if self._ended and zipped.error is None and (end := met_behind(pieces, shortest)):
            return Chained((zipped, end))
        if self._strict and any(units(piece) != shortest for piece in pieces):
            return Chained((zipped, Held([], Caught(unequal_lengths()))))
        return zipped

    def close(self) -> None:
        for puller in self._pullers:
            puller.close()


def met_behind(parts: Iterable[Source[Any]], many: int) -> Source[Any] | None:
    """Where whoever asks each of `parts` in turn for item `many` meets an exception before one has ended."""
    for part in parts:
        if units(part) == many:
            return None
        if part.error is not None and units(part) == many + 1:
            return part.cut(many, many + 1)
    return None


def unequal_lengths() -> ValueError:
    """What `zip(strict=True)` raises at the place where one source ends before another."""
    return ValueError("zip(strict=True) needs sources of equal length, and one ended before another")


def chained(*parts: Source[Any]) -> Chained[Any]:
    """One part after another, up to the first that ends in an exception: nobody gets beyond that."""
    many = next((at for at, part in enumerate(parts, 1) if part.error is not None), len(parts))
    return Chained(parts[:many])


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
        """The items of one part after another, as blocks come to them: from the right, where `chunks` goes there."""
        feed = iter(blocks)
        block = next(feed, None)
        offsets = [0, *accumulate(map(units, self.parts))]

        def within(low_end: int, high_end: int) -> Iterator[Block]:
            nonlocal block
            while block is not None and low_end <= block[0] < high_end:
                low, high = block
                yield low - low_end, min(high, high_end) - low_end
                # Only now, when the part asks for more, is it done with this block.
                block = (high_end, high) if high > high_end else next(feed, None)

        at = 0
        while block is not None and block[0] < offsets[-1]:
            while block[0] < offsets[at]:
                at -= 1
            while block[0] >= offsets[at + 1]:
                at += 1
            site.inner.clear()
            yield self.parts[at].open(within(offsets[at], offsets[at + 1]), site.descend())
            if block is not None and offsets[at] <= block[0] < offsets[at + 1]:
                raise RuntimeError("a function of the plan raised StopIteration")

    def view(self, indices: range) -> Source[T]:
        found: list[Source[T]] = []
        offset = 0
        for part in self.parts:
            end = offset + units(part)
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
            end = offset + units(part)
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
        self._ended = False

    def pull(self, most: int) -> Source[T]:
        pieces: list[Source[T]] = []
        while self._pullers and most > 0 and not self._ended:
            piece = self._pullers[0].pull(most)
            if units(piece) < most:
                self._pullers.popleft()
            if units(piece):
                pieces.append(piece)
                most -= units(piece)
            self._ended = piece.error is not None
        return pieces[0] if len(pieces) == 1 else Chained(tuple(pieces))

    def close(self) -> None:
        for puller in self._pullers:
            puller.close()
