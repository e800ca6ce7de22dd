"""Parts of streams by position, and streams read to their end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from pariter.plan.compound import Chained, Compound
from pariter.plan.place import Block, Site
from pariter.plan.sources import ENDLESS, Held, Puller, Source, end_of, units

T = TypeVar("T")


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
        self._owed: Source[T] | None = None  # the exception for which the last piece had no room

    def pull(self, most: int) -> Source[T]:
        if self._owed is not None and most:
            owed, self._owed = self._owed, None
            return owed
        while self._to_skip:
            wanted = min(self._to_skip, max(most, 1) * 64)
            skipped = self._inner.pull(wanted)
            self._to_skip -= units(skipped)
            if skipped.error is not None:
                self._left = 0
                return end_of(skipped)
            if units(skipped) < wanted:
                self._to_skip = self._left = 0
        wanted = min(most * self._step, self._left)
        self._left -= wanted
        piece = self._inner.pull(wanted) if wanted else Held([])
        found = piece if self._step == 1 else every(piece, self._step)
        if units(found) > most:
            self._left = 0
            self._owed = end_of(found)
            return found.cut(0, most)
        return found

    def close(self) -> None:
        self._inner.close()


def every(source: Source[T], step: int) -> Source[T]:
    """Every `step`-th item of a cut source; an exception held among the others is not passed over."""
    span = units(source)
    found = source.view(range(0, span, step))
    if source.error is None or (span - 1) % step == 0:
        return found
    return Chained((found, end_of(source)))


def pulled(source: Source[T]) -> Source[T]:
    """All of a stream, cut: its items are read now, its functions are not called."""
    puller = source.puller()
    pieces: list[Source[T]] = []
    while units(piece := puller.pull(1024)):
        pieces.append(piece)
    return Chained(tuple(pieces))
