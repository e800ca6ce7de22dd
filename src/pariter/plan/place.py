"""Where a leaf is: which items its sources handed out last, so that an error can name one.

Nothing here runs per item. A spot holds the block in hand and the iterator over it; how far the
iterator has come is asked of the iterator itself (PEP 424), and only when something went wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from itertools import chain, islice
from operator import length_hint
from typing import Any, Protocol

from pariter._record import Record

Block = tuple[int, int]
"""Positions `low` up to `high`: what a feed hands out and a source turns into items."""


class Dropped:
    """Tells whether what the caller works on is no longer wanted: of a leaf, and of those around it."""

    __slots__ = ("_around", "_own")

    def __init__(self, own: Callable[[], bool]) -> None:
        self._own = own
        self._around = dropped.get(None)

    def __call__(self) -> bool:
        """Whether nobody wants this leaf any more: the run it is part of has no use for it, whatever it gives."""
        return self._own()

    def anywhere(self) -> bool:
        """Whether nobody wants this leaf, or a leaf that it is run by, any more."""
        here: Dropped | None = self
        while here is not None:
            if here._own():
                return True
            here = here._around
        return False


dropped: ContextVar[Dropped] = ContextVar("pariter_dropped")
"""What the caller works on; set while a leaf runs."""


class Place(Record):
    """The item a source handed out last and its index in the user's data, or in words where it has none."""

    index: int
    item: object
    words: str = ""


class Spot(Protocol):
    """Anything that can tell its `Place`."""

    def place(self) -> Place | None: ...


class BlockSpot:
    """The place of a source that hands out one sequence a block."""

    __slots__ = ("_items", "_labels", "_low", "_sequence")

    def __init__(self, labels: Sequence[int]) -> None:
        self._labels = labels
        self._low = 0
        self._sequence: Sequence[Any] = ()
        self._items: Iterator[Any] = iter(())

    def enter(self, low: int, sequence: Sequence[Any]) -> Iterator[Any]:
        """Begin the block at position `low`, whose items are `sequence`."""
        self._low = low
        self._sequence = sequence
        self._items = iter(sequence)
        return self._items

    def place(self) -> Place | None:
        at = len(self._sequence) - length_hint(self._items) - 1
        if at < 0:
            return None
        return Place(self._labels[self._low + at], self._sequence[at])


class WalkSpot:
    """The place of a source that walks over a list or a tuple itself, and so copies and counts no item twice."""

    __slots__ = ("_begin", "_data", "_first", "_items", "_labels", "_next")

    def __init__(self, data: list[Any] | tuple[Any, ...], first: int, labels: Sequence[int]) -> None:
        self._data = data
        self._first = first
        self._labels = labels
        self._items: Any = iter(data)
        self._begin = self._next = -1

    def enter(self, low: int, high: int) -> Iterator[Any]:
        """The items from position `low` up to `high`."""
        if low != self._next:
            self._items.__setstate__(self._first + low)  # where it goes on, as for a pickled iterator
            self._begin = low
        self._next = high
        return islice(self._items, high - low)

    def place(self) -> Place | None:
        where = self._items.__reduce__()[2:]  # asked of the iterator: the list may be longer or shorter by now
        at = where[0] - self._first - 1 if where else -1
        if not at >= self._begin >= 0:
            return None
        try:
            return Place(self._labels[at], self._data[self._first + at])
        except IndexError:
            return Place(self._labels[at], _Gone())


class _Gone:
    """Stands for an item that was handed out and then removed from its list."""

    def __repr__(self) -> str:
        return "no longer there"


class GroupSpot:
    """The place of several sources walked in step: the index of one, the items of all."""

    __slots__ = ("_primary", "_sites")

    def __init__(self, sites: list[Site], primary: int) -> None:
        self._sites = sites
        self._primary = primary

    def place(self) -> Place | None:
        places = [site.place() for site in self._sites]
        primary = places[self._primary]
        if primary is None:
            return None
        return Place(primary.index, tuple(place and place.item for place in places))


class ItemSpot:
    """The place of a source that makes its items one by one in Python: chunks, windows."""

    __slots__ = ("index", "item")

    def __init__(self) -> None:
        self.index = -1
        self.item: object = None

    def follow(self, items: Iterable[Any], first: Iterable[int]) -> Iterator[Any]:
        """Hand out `items`, remembering each with its index."""
        for self.index, self.item in zip(first, items, strict=False):
            yield self.item

    def place(self) -> Place | None:
        return Place(self.index, self.item) if self.index >= 0 else None


class RunSpot(ItemSpot):
    """The place of a source whose items are iterators: the index of one, and the item it has come to."""

    __slots__ = ("_below",)

    def __init__(self, below: Site) -> None:
        super().__init__()
        self._below = below

    def place(self) -> Place | None:
        reached = self._below.place()
        return None if self.index < 0 or reached is None else Place(self.index, reached.item)


class TurnSpot:
    """The place of a source that takes items of several others in turn: that of the item itself."""

    __slots__ = ("site",)

    def __init__(self) -> None:
        self.site: Site | None = None

    def place(self) -> Place | None:
        return None if self.site is None else self.site.place()


class Copier(Protocol):
    """Gives the worker that runs a leaf its own copies of functions."""

    def stages(self, stages: tuple[Any, ...]) -> tuple[Any, ...]: ...

    def step(self, step: Any) -> Any: ...

    def refresh(self) -> None: ...


class _AtEnd:
    """What a whole leaf has to do when it ends, whichever of its sources said so."""

    __slots__ = ("closers", "unended")

    def __init__(self) -> None:
        self.unended = 0
        self.closers: tuple[Callable[[], object], ...] = ()


class Site:
    """One opened source within a leaf: its spot, the steps that run over it, copies of their functions, the worker."""

    __slots__ = ("_leaf", "copies", "inner", "spot", "steps", "worker")

    def __init__(self, copies: Copier | None = None, worker: str = "", leaf: _AtEnd | None = None) -> None:
        self.copies = copies
        self.worker = worker
        self.spot: Spot | None = None
        self.steps: tuple[Any, ...] = ()
        self.inner: list[Site] = []
        self._leaf = leaf or _AtEnd()

    @property
    def was_left(self) -> bool:
        """Whether a stage that stops has ended before its items did."""
        return self._leaf.unended > 0

    def at_end(self, close: Callable[[], object]) -> None:
        """Have `close` called when the leaf is over, however it ends."""
        self._leaf.closers += (close,)

    def close(self) -> None:
        """Call what is to be called at the end of the leaf."""
        for closer in self._leaf.closers:
            closer()

    def watched(self, items: Iterator[Any]) -> Iterator[Any]:
        """`items`, counted as unended until somebody has asked for one more than there are."""
        self._leaf.unended += 1
        return chain(items, _EndOf(self._leaf))

    def descend(self) -> Site:
        """The site of a source below this one."""
        site = Site(self.copies, self.worker, self._leaf)
        self.inner.append(site)
        return site

    def place(self) -> Place | None:
        """The place of this source, or of the nearest one below it that knows."""
        if self.spot is not None:
            return self.spot.place()
        for site in self.inner:
            if (place := site.place()) is not None:
                return place
        return None

    def walk(self) -> Iterator[Site]:
        """This site and all below it."""
        yield self
        for site in self.inner:
            yield from site.walk()


class _EndOf:
    """No items, for a leaf that wants to know when they are asked for."""

    __slots__ = ("_leaf",)

    def __init__(self, leaf: _AtEnd) -> None:
        self._leaf = leaf

    def __iter__(self) -> Iterator[Any]:
        self._leaf.unended -= 1
        return iter(())
