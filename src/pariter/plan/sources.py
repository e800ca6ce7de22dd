"""Data that can be cut: sequences, ranges, arrays, held results and one-shot iterators.

A source has a `span`, the number of places at which it can be cut; None means that it can only be
pulled from the left. It is *exact* when each unit of its span is one item, so that positions are
known. `open` turns blocks of positions into one iterator, `view` picks positions without reading
anything, and a pickled source carries only what it would hand out.
"""

from __future__ import annotations

import array
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, repeat, starmap
from typing import Any, Generic, TypeVar

from pariter._caught import Caught
from pariter.plan.place import Block, BlockSpot, Site, WalkSpot
from pariter.plan.ranges import as_slice, compose, length

T = TypeVar("T")

ENDLESS = 1 << 200
"""The span of a source that never ends: positions are plain integers, so this one is far away.
What is left of it after `skip`, `chunks` or `step_by` is still far beyond 2**128."""


class Source(ABC, Generic[T]):
    """Items that can be cut, or at least pulled."""

    __slots__ = ()
    exact: bool = True
    """Whether each unit of the span is one item."""
    pure: bool = True
    """Whether handing out an item calls no user function, so that it may be done twice."""
    carries_data: bool = True
    """Whether sending a piece to another process costs in proportion to its items."""

    @property
    def error(self) -> Caught | None:
        """The exception that was held at its last position, if any."""
        return None

    @property
    @abstractmethod
    def span(self) -> int | None:
        """How many units there are to cut, or None where only pulling tells."""

    @abstractmethod
    def open(self, blocks: Iterable[Block], site: Site) -> Iterator[T]:
        """The items of `blocks`, one block after another in any order; `site` learns where the leaf is."""

    @abstractmethod
    def view(self, indices: range) -> Source[T]:
        """The items at `indices`, in their order; only where the span is known and exact."""

    def cut(self, low: int, high: int) -> Source[T]:
        """The piece from unit `low` up to `high`, exact or not."""
        return self.view(range(low, high))

    def puller(self) -> Puller[T]:
        """Something that hands out pieces from the left; called once a run."""
        return SpanPuller(self)

    @property
    def endless(self) -> bool:
        """Whether this is known never to end."""
        return self.span is not None and self.span >= 1 << 128


def units(source: Source[Any]) -> int:
    """The span of a source that is known to have one."""
    span = source.span
    assert span is not None
    return span


def end_of(source: Source[T]) -> Source[T]:
    """The last unit of a source that ends in an exception: that, or what a fold raises on its way there."""
    span = units(source)
    return source.view(range(span - 1, span))


class Puller(ABC, Generic[T]):
    """Pulls pieces of a source from the left, one caller at a time."""

    @abstractmethod
    def pull(self, most: int) -> Source[T]:
        """The next piece; it has `most` units, fewer only at the end, none after it."""

    def close(self) -> None:
        """Give up what is left."""


class SpanPuller(Puller[T]):
    """Pulls pieces of a source whose span is known."""

    def __init__(self, source: Source[T]) -> None:
        assert source.span is not None
        self._source = source
        self._next = 0
        self._end = source.span

    def pull(self, most: int) -> Source[T]:
        low, self._next = self._next, min(self._next + most, self._end)
        return self._source.cut(low, self._next)


class Cuttable(Source[T]):
    """Base of sources that read one sequence a block."""

    __slots__ = ("indices", "labels")

    def __init__(self, indices: range, labels: range) -> None:
        self.indices = indices
        self.labels = labels

    @property
    def span(self) -> int:
        return length(self.indices)

    @abstractmethod
    def read(self, indices: range) -> Sequence[T]:
        """The items at `indices` of the data, as a sequence whose iterator knows how far it is."""

    @property
    def walked(self) -> Any:
        """The data, where that is a list or a tuple and nothing but its items is to be handed out; else None."""
        return None

    def open(self, blocks: Iterable[Block], site: Site) -> Iterator[T]:
        data = self.walked
        if data is not None and self.indices.step == 1:
            walk = site.spot = WalkSpot(data, self.indices.start, self.labels)
            return chain.from_iterable(starmap(walk.enter, blocks))
        spot = site.spot = BlockSpot(self.labels)
        return chain.from_iterable(spot.enter(low, self.read(self.indices[low:high])) for low, high in blocks)


class Slices(Cuttable[T]):
    """A sequence of a built-in kind, a range or a NumPy array, read by slicing it."""

    __slots__ = ("carries_data", "data")

    def __init__(self, data: Any, indices: range | None = None, labels: range | None = None) -> None:
        if indices is None:
            indices = range(length(data)) if isinstance(data, range) else range(len(data))
        super().__init__(indices, indices if labels is None else labels)
        self.data = data
        self.carries_data = not isinstance(data, range)

    @property
    def walked(self) -> Any:
        return self.data if type(self.data) in (list, tuple) else None

    def view(self, indices: range) -> Slices[T]:
        return Slices(self.data, compose(self.indices, indices), compose(self.labels, indices))

    def read(self, indices: range) -> Sequence[T]:
        if isinstance(self.data, memoryview):
            # Not by slicing: two threads that slice one view at once spoil its count of slices on
            # a free-threaded 3.13, and it says that it was released.
            return list(map(self.data.__getitem__, indices))
        part: Any = self.data[as_slice(indices)]
        return list(part) if isinstance(part, array.array) else part  # whose iterator keeps no count

    def __reduce__(self) -> tuple[Any, ...]:
        part = self.read(self.indices) if isinstance(self.data, memoryview) else self.data[as_slice(self.indices)]
        return Slices, (part, None, self.labels)


class Same(Slices[Any]):
    """A value at each of `span` positions, carried once."""

    __slots__ = ("_value",)

    def __init__(self, value: Any, span: int, labels: range | None = None) -> None:
        super().__init__(range(span), None, labels)
        self._value = value

    def view(self, indices: range) -> Same:
        return Same(self._value, length(indices), compose(self.labels, indices))

    def read(self, indices: range) -> Any:
        return _Copies(self._value, len(indices))

    def __reduce__(self) -> tuple[Any, ...]:
        return Same, (self._value, self.span, self.labels)


class _Copies:
    """The block of a repeated value: `itertools.repeat` that can be subscripted."""

    __slots__ = ("_times", "_value")

    def __init__(self, value: Any, times: int) -> None:
        self._value = value
        self._times = times

    def __len__(self) -> int:
        return self._times

    def __iter__(self) -> Iterator[Any]:
        return repeat(self._value, self._times)

    def __getitem__(self, at: int) -> Any:
        return self._value


class Fetched(Sequence[Any]):
    """A block whose items are fetched when their turn comes, so that an error stands at its place."""

    __slots__ = ("_indices", "_last")

    def __init__(self, indices: range) -> None:
        self._indices = indices
        self._last: Any = None

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, at: Any) -> Any:
        return self._last  # asked for by a spot only, and only for the item handed out last

    def __iter__(self) -> Iterator[Any]:
        return _FetchingIterator(self)

    def fetch_at(self, at: int) -> Any:
        """Fetch item `at` of this block and remember it."""
        self._last = None
        self._last = item = self.fetch(self._indices[at])
        return item

    @abstractmethod
    def fetch(self, index: int) -> Any:
        """The item at `index` of the data."""


class _FetchingIterator(Iterator[Any]):
    __slots__ = ("_at", "_block")

    def __init__(self, block: Fetched) -> None:
        self._block = block
        self._at = 0

    def __next__(self) -> Any:
        at = self._at
        if at >= len(self._block):
            raise StopIteration
        self._at = at + 1
        return self._block.fetch_at(at)

    def __length_hint__(self) -> int:
        return len(self._block) - self._at


class Held(Cuttable[T]):
    """Results that were held, or items that were pulled, and the exception they ended in, if any."""

    __slots__ = ("_error", "items")

    @property
    def error(self) -> Caught | None:
        return self._error if len(self.items) in self.indices else None

    def __init__(
        self,
        items: list[T],
        error: Caught | None = None,
        indices: range | None = None,
        labels: range | None = None,
    ) -> None:
        if indices is None:
            indices = range(len(items) + (error is not None))
        super().__init__(indices, indices if labels is None else labels)
        self.items = items
        self._error = error

    @property
    def walked(self) -> Any:
        return self.items if self._error is None else None

    def view(self, indices: range) -> Held[T]:
        picked, labels = compose(self.indices, indices), compose(self.labels, indices)
        return Held(self.items, self._error, picked, labels)

    def read(self, indices: range) -> Sequence[T]:
        if self._error is None or len(self.items) not in indices:
            return self.items[as_slice(indices)]
        return _Failing(self.items, indices, self._error)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.error is None:
            return Held, (self.items[as_slice(self.indices)], None, None, self.labels)
        before = self.indices.index(len(self.items))
        items = self.items[as_slice(self.indices[:before])]
        return Held, (items, self.error, None, self.labels[: before + 1])


class _Failing(Fetched):
    """A block in which one position stands for an exception."""

    __slots__ = ("_error", "_items")

    def __init__(self, items: list[Any], indices: range, error: Caught) -> None:
        super().__init__(indices)
        self._items = items
        self._error = error

    def fetch(self, index: int) -> Any:
        return self._items[index] if index < len(self._items) else self._raise_held()

    def _raise_held(self) -> None:
        error = self._error.error
        if isinstance(error, StopIteration):  # would end the leaf instead of failing it
            raise RuntimeError("a function of the plan raised StopIteration") from error
        raise error


class Iterated(Source[T]):
    """Any iterator: pulled in batches, in order, by one caller at a time."""

    __slots__ = ("_iterator",)

    def __init__(self, iterator: Iterator[T]) -> None:
        self._iterator = iterator

    @property
    def span(self) -> None:
        return None

    def open(self, blocks: Iterable[Block], site: Site) -> Iterator[T]:
        raise TypeError("an iterator is pulled, not cut")

    def view(self, indices: range) -> Source[T]:
        raise TypeError("an iterator is pulled, not cut")

    def puller(self) -> Puller[T]:
        return _IteratorPuller(self._iterator)


class _IteratorPuller(Puller[T]):
    def __init__(self, iterator: Iterator[T]) -> None:
        self._iterator: Iterator[T] | None = iterator
        self._pulled = 0

    def pull(self, most: int) -> Source[T]:
        items: list[T] = []
        error: Caught | None = None
        if self._iterator is not None:
            try:
                items.extend(islice(self._iterator, most))  # keeps what came before an exception
            except KeyboardInterrupt:
                raise
            except BaseException as raised:
                error = Caught(raised)
            if len(items) < most:
                self._iterator = None
        first, self._pulled = self._pulled, self._pulled + len(items)
        return Held(items, error, None, range(first, self._pulled + (error is not None)))

    def close(self) -> None:
        close = getattr(self._iterator, "close", None)
        self._iterator = None
        if close is not None:
            close()
