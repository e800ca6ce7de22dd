"""Memory that one run shares with its worker processes: parts of arrays, captured arrays, results, shared values.

The owner *lends*. A part of a source is written into a slab, travels as the slab's name and is opened as a
read-only view; when the last view of it is gone, wherever, the slab takes another part. So what is shared at a
time is what is under way, not a second copy of the data. Arrays that functions captured, and the places for
results, stay until the run is over. A memory map of a file travels as the name of the file.

States   A slab is lent, and its first byte is 0, until its worker has dropped every view, and sets it to 1.
Guards   `_lock` guards `_slabs`, `_segments` and `_made`; no user code runs under it. `_lent` belongs to the one
         thread at a time that packs the functions of a run or cuts its pieces.
Promise  A view that somebody keeps keeps its values. Every name is unlinked when the run is over, by the
         lender's finalizer if by nobody else, and by multiprocessing's resource tracker if the process is killed.
Tests    tests/engines/test_memory.py, tests/engines/test_shared.py
"""

from __future__ import annotations

import array
import mmap
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from pariter import _pickle
from pariter.engines.borrowing import (
    Fill,
    made_of,
    open_cutouts,
    open_file,
    open_lent,
    open_slices,
    open_transposed,
    places_of,
    read_only,
    unpack,
    unpack_lent,
)
from pariter.engines.segments import Segment
from pariter.plan.collecting import CollectInto
from pariter.plan.piped import Piped
from pariter.plan.ranges import as_slice
from pariter.plan.sinks import Sink
from pariter.plan.slices import Cutouts
from pariter.plan.sources import Slices
from pariter.plan.values import Shared

LENT_FROM = 1 << 20
"""How many bytes data must have before it is worth lending: more than these."""
_INLINE = 1 << 16
"""A part of fewer bytes travels in its pickle."""
_LARGEST_PART = 32 << 20
_PARTS_AT_ONCE = 16
"""Into how many parts for each worker the data is cut, at least: a few of them are under way at a time."""

Reduced = tuple[Callable[..., Any], tuple[Any, ...]]


def is_array(data: Any) -> bool:
    """Whether this is an array of NumPy's own kinds, of plain data."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(data) in (numpy.ndarray, numpy.memmap) and not data.dtype.hasobject


def size_of(data: Any) -> int:
    """The bytes of data that can be lent; 0 of any other."""
    if is_array(data):
        return int(data.nbytes) if data.ndim else 0
    if type(data) in (bytes, bytearray):
        return len(data)
    if type(data) is array.array:
        return len(data) * data.itemsize
    if type(data) is memoryview:
        return data.nbytes if data.ndim == 1 and data.format[-1:] in "bBhHiIlLqQfdc?" else 0
    return 0


def takes_results(out: Any) -> bool:
    """Whether this is an array that worker processes may write numbers for."""
    return size_of(out) > LENT_FROM and is_array(out) and out.dtype.kind in "biuf"


class Loan:
    """A part of the data, on its way into the pickle of a piece."""

    __slots__ = ("part",)

    def __init__(self, part: Any) -> None:
        self.part = part


def _free(segments: list[Segment], owner: int) -> None:
    if os.getpid() == owner:  # a forked child owns nothing of it
        while segments:
            segments.pop().unlink()


class Lender:
    """Lends to the workers of one run, and takes everything back at its end."""

    def __init__(self, workers: int) -> None:
        self.token = f"{os.getpid():x}-{os.urandom(4).hex()}"
        self._workers = workers
        self._lock = threading.Lock()
        self._segments: list[Segment] = []
        self._slabs: list[Segment] = []
        self._lent: dict[int, tuple[Any, Reduced]] = {}
        self._made = 0
        self._part = LENT_FROM
        self.is_used = False
        """Whether workers have something to forget."""
        self.close = weakref.finalize(self, _free, self._segments, os.getpid())

    def reducers(self) -> dict[type, Callable[[Any], Any]]:
        """How the sources of a piece, and what they lend, are pickled."""
        return {Slices: self._slices, Cutouts: self._cutouts, Loan: self._loan}

    def _new(self, size: int, fill: Callable[[Segment], None]) -> Segment | None:
        """A segment of the run, filled; None if there is no room."""
        with self._lock:
            if not self.close.alive:
                return None  # for a thread that has not heard that the run is over
            self._made += 1
            segment = Segment(f"pariter-{self.token}-{self._made:x}", size)
            self._segments.append(segment)
        self.is_used = True
        try:
            segment.create()
            fill(segment)
        except OSError:
            segment.unlink()  # what was written before the memory was full
            return None
        return segment

    def _slab(self, content: memoryview) -> Segment | None:
        size = len(content)
        with self._lock:
            slab = next((slab for slab in self._slabs if slab.size >= size and slab.take_back()), None)
        if slab is None:
            slab = self._new(max(size, self._part), lambda made: made.write(content))
            if slab is not None:  # its head is 0, as all of it was when it was made
                with self._lock:
                    self._slabs.append(slab)
            return slab
        try:
            slab.write(content)
        except OSError:
            slab.give_back()
            return None
        return slab

    def most_items(self, piped: Piped) -> int:
        """The most items of a piece, so that what is under way stays small beside the data."""
        total, span = 0, piped.span
        waiting: list[Any] = [piped]
        while waiting:
            here = waiting.pop()
            if isinstance(here, Slices | Cutouts):
                total += self._bytes_of(here)
            elif isinstance(here, Piped):
                waiting.append(here.source)
            else:
                waiting.extend(getattr(here, "parts", ()))
        if not total or not span:
            return sys.maxsize
        self._part = max(LENT_FROM, min(_LARGEST_PART, total // (_PARTS_AT_ONCE * self._workers)))
        return max(1, self._part * span // total)

    def _bytes_of(self, source: Slices[Any] | Cutouts) -> int:
        size = size_of(source.data)
        if size <= LENT_FROM or self._file(source.data) is not None:
            return 0
        return size * len(source.indices) // len(source.data) if isinstance(source, Slices) else size

    # Parts of sources.

    def _slices(self, source: Slices[Any]) -> Any:
        data = source.data
        if size_of(data) <= LENT_FROM:
            return source.__reduce__()
        if (file := self._file(data)) is not None:
            return open_slices, (*file[1], source.indices, source.labels)
        return Slices, (Loan(data[as_slice(source.indices)]), None, source.labels)

    def _cutouts(self, source: Cutouts) -> Any:
        data = source.data
        if size_of(data) <= LENT_FROM or not source.labels:
            return source.__reduce__()
        if (file := self._file(data)) is not None:
            return open_cutouts, (*file[1], source.lows, source.highs, source.labels)
        arrived, (part, *rest) = source.__reduce__()
        return arrived, (Loan(part), *rest)

    def _loan(self, loan: Loan) -> Reduced:
        part = loan.part
        size = size_of(part)
        if size >= _INLINE and (slab := self._slab(_bytes_in(part))) is not None:
            return open_lent, (self.token, slab.name, slab.size, size, *_kind_of(part))
        if is_array(part):
            return read_only, (part, type(part))
        return made_of, (bytes(part), *_kind_of(part))

    def _file(self, data: Any) -> Reduced | None:
        """How to open a memory map of a file over there; None if this is none."""
        if not is_array(data):
            return None
        known = self._lent.get(-id(data))
        if known is None:
            found = _file_under(data)
            known = data, (open_file, () if found is None else (self.token, *found))
            self._lent[-id(data)] = known
            self.is_used = self.is_used or found is not None
        return known[1] if known[1][1] else None

    # What functions captured.

    def dumps(self, value: object) -> bytes:
        """`value` pickled by cloudpickle, but for large arrays, which are lent, and shared values, packed once."""
        buffer = BytesIO()
        with _pickle.by_value:
            _pickler()(buffer, self).dump(value)
        return buffer.getvalue()

    def reduced(self, value: Any) -> Any:
        """How the pickler shall send `value`; NotImplemented if as always."""
        is_shared = type(value) is Shared
        if not is_shared and (size_of(value) <= LENT_FROM or not is_array(value)):
            return NotImplemented
        if id(value) not in self._lent:
            reduced = self._packed(value) if is_shared else self._whole(value)
            if reduced is None:
                return NotImplemented
            self._lent[id(value)] = value, reduced
        return self._lent[id(value)][1]

    def _packed(self, value: Shared[Any]) -> Reduced:
        self.is_used = True
        content = self.dumps(value.value)
        key = len(self._lent)
        if len(content) > LENT_FROM:
            segment = self._new(len(content), lambda segment: segment.write(memoryview(content)))
            if segment is not None:
                return unpack_lent, (self.token, key, segment.name, segment.size, len(content), bytes, None)
        return unpack, (self.token, key, content)

    def _whole(self, data: Any) -> Reduced | None:
        if (file := self._file(data)) is not None:
            return file
        is_fortran = data.flags.f_contiguous and not data.flags.c_contiguous
        rows = data.T if is_fortran else data
        segment = self._new(data.nbytes, lambda segment: segment.write(_bytes_in(rows)))
        if segment is None:
            return None
        opened = self.token, segment.name, segment.size, data.nbytes, *_kind_of(rows)
        return (open_transposed if is_fortran else open_lent), opened

    # Results.

    def sink_for(self, sink: Sink, piped: Piped) -> Sink:
        """The sink that workers shall use: one that writes into shared memory if the results have places there."""
        if type(sink) is not CollectInto or not piped.exact or piped.span != sink.shape[0]:
            return sink
        size = sink.nbytes
        segment = self._new(size, Segment.reserve)
        if segment is None:
            return sink
        sink.lend(places_of(segment.mapping(), sink))
        return Fill(sink.dtype, sink.shape, self.token, segment.name, segment.size)


def _bytes_in(part: Any) -> memoryview:
    if not is_array(part):
        view = memoryview(part)
        return memoryview(view if view.c_contiguous else view.tobytes()).cast("B")
    numpy = sys.modules["numpy"]
    return memoryview(numpy.ascontiguousarray(part).reshape(-1).view(numpy.uint8))


def _kind_of(part: Any) -> tuple[Any, Any]:
    if is_array(part):
        return (type(part), part.shape), part.dtype
    return type(part), getattr(part, "typecode", getattr(part, "format", None))


def _pickler() -> Any:
    global _lending
    if _lending is None:

        class LendingPickler(_pickle.cloud().Pickler):  # type: ignore[misc,unused-ignore]
            def __init__(self, file: BytesIO, lender: Lender) -> None:
                super().__init__(file)
                self._lender = lender

            def reducer_override(self, obj: Any) -> Any:
                reduced = self._lender.reduced(obj)
                return super().reducer_override(obj) if reduced is NotImplemented else reduced

        _lending = LendingPickler
    return _lending


_lending: Any = None


def _file_under(data: Any) -> tuple[Any, ...] | None:
    """The file of a memory map that others may map as well: path, offset, kind, dtype, shape and strides."""
    numpy = sys.modules["numpy"]
    memmap, base = None, data
    while isinstance(base, numpy.ndarray):
        if memmap is None and isinstance(base, numpy.memmap) and base.filename is not None:
            memmap = base
        base = base.base
    if memmap is None or not isinstance(base, mmap.mmap) or memmap.mode == "c" or min(data.strides) < 0:
        return None
    path, start = os.fspath(memmap.filename), numpy.frombuffer(base, numpy.uint8).__array_interface__["data"][0]
    first = memmap.offset - memmap.offset % mmap.ALLOCATIONGRANULARITY
    if not _is_mapped_at(start, path):
        return None
    offset = first + data.__array_interface__["data"][0] - start
    return path, offset, type(data), data.dtype, data.shape, data.strides


def _is_mapped_at(address: int, path: str) -> bool:
    """Whether the file that is mapped at `address` is still the one at `path`; believed where nobody tells."""
    if not os.path.isfile(path):
        return False
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
            return _mapped_at(address, maps) == [f"{os.path.realpath(path)}\n"]
    except OSError:
        return True


def _mapped_at(address: int, maps: Iterable[str]) -> list[str]:
    """What the line about `address` ends in: the name of a file, if one is mapped there."""
    for line in maps:
        bounds, _, rest = line.partition(" ")
        low, high = (int(bound, 16) for bound in bounds.split("-"))
        if low <= address < high:
            return rest.split(maxsplit=4)[4:]
    return []
