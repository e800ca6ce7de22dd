"""What a worker process has opened of the memory that was lent to it: once a run, until the run is over.

Views are read-only. What is mapped is unmapped when the last view of it is gone: a view that somebody keeps is
never one of memory that was taken away.
"""

from __future__ import annotations

import array
import pickle
import sys
import weakref
from collections.abc import Callable
from itertools import islice
from typing import Any

from pariter.engines.segments import Mapping
from pariter.plan.collecting import CollectInto
from pariter.plan.slices import Cutouts
from pariter.plan.sources import Slices, Source
from pariter.plan.values import Shared


class _Borrowed:
    """What this process has opened for one run."""

    def __init__(self) -> None:
        self.mappings: dict[str, Mapping] = {}
        self.files: dict[str, Any] = {}
        self.values: dict[int, Shared[Any]] = {}


_borrowed: dict[str, _Borrowed] = {}


def forget(token: str) -> None:
    """The run is over. Memory is unmapped when its last view is gone, which may be later."""
    _borrowed.pop(token, None)


def _of_run(token: str) -> _Borrowed:
    return _borrowed.setdefault(token, _Borrowed())


def _mapping(token: str, name: str, size: int) -> Mapping:
    mappings = _of_run(token).mappings
    if name not in mappings:
        mappings[name] = Mapping(name, size)
    return mappings[name]


def open_lent(token: str, name: str, slab: int, size: int, kind: type, details: Any) -> Any:
    """What was lent, opened: a view of an array, or the bytes as they were."""
    mapping = _mapping(token, name, slab)
    if not isinstance(kind, tuple):
        part = made_of(mapping.body[:size], kind, details)
        mapping.give_back()
        return part
    numpy = sys.modules["numpy"]  # imported for the dtype
    root = numpy.frombuffer(mapping.body, numpy.uint8, size)
    weakref.finalize(root, mapping.give_back).atexit = False  # views of views hold the root
    return _as(kind[0], root.view(details).reshape(kind[1]), mapping.body.obj)


def _as(kind: type, data: Any, mapped: Any) -> Any:
    made: Any = data if type(data) is kind else data.view(kind)
    if kind is not sys.modules["numpy"].ndarray:  # a memmap, whose parts are memmaps only if it says what it maps
        made._mmap = mapped
    return made


def open_transposed(*arguments: Any) -> Any:
    """An array that was lent by columns."""
    return open_lent(*arguments).T


def made_of(content: Any, kind: Any, details: Any) -> Any:
    """The bytes as the kind they were."""
    if kind is memoryview:
        return memoryview(bytes(content)).cast(details)
    if kind is array.array:
        made = array.array(details)  # pyright: ignore[reportDeprecated] - that of "u" is
        made.frombytes(content)
        return made
    return kind(content)


def read_only(data: Any, kind: type) -> Any:
    """A part that came by the pipe, as if it were lent."""
    data.flags.writeable = False
    return _as(kind, data, data)


def open_file(
    token: str, path: str, offset: int, kind: type, dtype: Any, shape: tuple[int, ...], strides: tuple[int, ...]
) -> Any:
    """A memory map of the same file."""
    numpy = sys.modules["numpy"]
    files = _of_run(token).files
    if path not in files:
        files[path] = numpy.memmap(path, numpy.uint8, "r")
    return _as(kind, numpy.ndarray(shape, dtype, files[path], offset, strides), files[path]._mmap)


def open_slices(*arguments: Any) -> Source[Any]:
    """A source over a memory map."""
    *file, indices, labels = arguments
    return Slices(open_file(*file), indices, labels)


def open_cutouts(*arguments: Any) -> Source[Any]:
    """A source of slices of a memory map."""
    *file, lows, highs, labels = arguments
    return Cutouts(open_file(*file), lows, highs, labels)


def unpack_lent(token: str, key: int, *lent: Any) -> Shared[Any]:
    """As `unpack`, of what was lent."""
    values = _of_run(token).values
    return values[key] if key in values else unpack(token, key, open_lent(token, *lent))


def unpack(token: str, key: int, content: bytes) -> Shared[Any]:
    """The copy of a shared value in this process."""
    values = _of_run(token).values
    if key not in values:
        values[key] = Shared(pickle.loads(content))
    return values[key]


def places_of(mapping: Mapping, sink: CollectInto) -> Any:
    """The elements for the results of `sink`."""
    numpy = sys.modules["numpy"]
    return numpy.frombuffer(mapping.places, sink.dtype, sink.nbytes // sink.dtype.itemsize).reshape(sink.shape)


_AT_ONCE = 8192


class Fill(CollectInto):
    """Results written into their places in shared memory; from the first that does not fit on, in a list."""

    token: str
    segment: str
    size: int

    def at(self, begin: int) -> Callable[[Any], list[Any]]:
        """The `consume` of the leaf that begins at position `begin`."""

        def consume(items: Any) -> list[Any]:
            places = places_of(_mapping(self.token, self.segment, self.size), self)
            written = begin
            while block := list(islice(items, _AT_ONCE)):
                if not self._write(places, written, block):
                    block.extend(items)
                    return [(begin, written), block]
                written += len(block)
            return [(begin, written)]

        return consume

    def _write(self, places: Any, low: int, block: list[Any]) -> bool:
        high = low + len(block)
        if high > len(places) or not self.takes(block):
            return False
        try:
            places[low:high] = block
        except (OverflowError, TypeError, ValueError):
            return False
        return True
