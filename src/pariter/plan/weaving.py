"""Sources that take items of several others in turn: interleaved, or with a value between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from pariter._caught import Caught
from pariter.plan.chunked import Arranged
from pariter.plan.compound import Chained
from pariter.plan.place import Block, Site, TurnSpot
from pariter.plan.ranges import highest
from pariter.plan.sources import ENDLESS, Puller, Same, Source, units


def interleaved(a: Source[Any], b: Source[Any], *, shortest: bool) -> Source[Any]:
    """Items of `a` and `b` in turn; then what is left of the longer, unless `shortest`."""
    if a.span is None or b.span is None:
        return Streamed(_Interleaving(a.puller(), b.puller(), shortest), (a, b))
    many = min(a.span, b.span)
    if a.error is not None and a.span == many:  # nothing comes after its exception
        pairs = range(many - 1)
        return Chained((Woven((a.view(pairs), b.view(pairs))), a.view(range(many - 1, many))))
    parts: list[Source[Any]] = [Woven((a.view(range(many)), b.view(range(many))))]
    if parts[0].error is not None:
        return parts[0]
    longer = a if a.span > many else b
    end = units(longer)
    if shortest:
        end = many + 1 if longer is a and end > many else many
    parts.append(longer.view(range(many, end)))
    return Chained(tuple(parts))


def interspersed(source: Source[Any], value: Any) -> Source[Any]:
    """`value` between any two items of `source`."""
    if source.span is None:
        return Streamed(_Interspersing(source.puller(), value), (source,))
    many = max(0, source.span - 1)
    first = source.view(range(many))
    return Chained((Woven((first, Same(value, many))), source.view(range(many, source.span))))


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
            indices = range(len(parts) * units(parts[0]))
        super().__init__(parts, indices, labels)

    @property
    def error(self) -> Caught | None:
        error = self.parts[-1].error
        last = len(self.parts) * units(self.parts[-1]) - 1
        return error if error is not None and last in self.indices else None

    def open(self, blocks: Iterable[Block], site: Site) -> Iterator[Any]:
        spot = site.spot = TurnSpot()
        wanted: list[deque[Block]] = [deque() for _ in self.parts]
        # A part asks for its next block only when its next item is wanted, so there is always one.
        sites = [site.descend() for _ in self.parts]
        opened = [
            part.open(iter(queue.popleft, None), below)
            for part, queue, below in zip(self.parts, wanted, sites, strict=True)
        ]

        def woven() -> Iterator[Any]:
            for low, high in blocks:
                for i in self.indices[low:high]:
                    at, which = divmod(i, len(self.parts))
                    wanted[which].append((at, at + 1))
                    spot.site = sites[which]
                    yield next(opened[which])

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


class Streamed(Source[Any]):
    """What a puller made of other pullers hands out."""

    __slots__ = ("_puller", "carries_data", "exact", "parts", "pure")

    def __init__(self, puller: Puller[Any], parts: tuple[Source[Any], ...]) -> None:
        self._puller = puller
        self.parts = parts
        self.exact = all(part.exact for part in parts)
        self.pure = all(part.pure for part in parts)
        self.carries_data = any(part.carries_data for part in parts)

    @property
    def span(self) -> None:
        return None

    def open(self, blocks: Iterable[Block], site: Site) -> Iterator[Any]:
        raise TypeError("a stream is pulled, not cut")

    def view(self, indices: range) -> Source[Any]:
        raise TypeError("a stream is pulled, not cut")

    def puller(self) -> Puller[Any]:
        return self._puller


class _Buffered(Puller[Any]):
    """A puller that gets pieces of any size and hands out pieces of the size that is asked for."""

    def __init__(self) -> None:
        self._pieces: deque[Source[Any]] = deque()
        self._ended = False

    def pull(self, most: int) -> Source[Any]:
        have = sum(map(units, self._pieces))
        while have < most and not self._ended:
            piece = self.more(most - have)
            have += units(piece)
            self._pieces.append(piece)
        whole: Chained[Any] = Chained(tuple(self._pieces))
        self._pieces.clear()
        if have > most:
            self._pieces.append(whole.cut(most, have))
        return whole.cut(0, min(most, have))

    def more(self, wanted: int) -> Source[Any]:
        """Another piece, of about `wanted` items; sets `_ended` when it is the last."""
        raise TypeError(f"{type(self).__name__} hands out nothing")


class _Interleaving(_Buffered):
    def __init__(self, a: Puller[Any], b: Puller[Any], shortest: bool) -> None:
        super().__init__()
        self._a = a
        self._b = b
        self._shortest = shortest
        self._single: Puller[Any] | None = None

    def more(self, wanted: int) -> Source[Any]:
        if self._single is not None:
            piece = self._single.pull(wanted)
            self._ended = units(piece) < wanted or piece.error is not None
            return piece
        half = -(-wanted // 2)
        first = self._a.pull(half)
        second = self._b.pull(half)
        piece = interleaved(first, second, shortest=self._shortest)
        if piece.error is not None:
            self._ended = True
        elif units(first) < half or units(second) < half:
            self._single = self._a if units(first) == half else self._b
            self._ended = self._shortest or max(units(first), units(second)) < half
        return piece

    def close(self) -> None:
        self._a.close()
        self._b.close()


class _Interspersing(_Buffered):
    def __init__(self, inner: Puller[Any], value: Any) -> None:
        super().__init__()
        self._inner = inner
        self._values = Same(value, ENDLESS)
        self._gaps = 0
        self._begun = False

    def more(self, wanted: int) -> Source[Any]:
        if not self._begun:
            self._begun = True
            piece = self._inner.pull(1)
            self._ended = not units(piece) or piece.error is not None
            return piece
        half = -(-wanted // 2)
        piece = self._inner.pull(half)
        self._ended = units(piece) < half or piece.error is not None
        first, self._gaps = self._gaps, self._gaps + units(piece)
        return Woven((self._values.view(range(first, self._gaps)), piece))

    def close(self) -> None:
        self._inner.close()
