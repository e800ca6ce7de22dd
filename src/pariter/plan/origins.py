"""What a plan begins with: data as the user gave it, described but not read until the plan runs.

`origin_of` decides, by what iterating the data in a loop would do, how it can be cut.
"""

from __future__ import annotations

import array
import sys
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, cast

from pariter._describe import describe_value
from pariter._record import Record
from pariter.errors import ConsumedError
from pariter.plan.elements import Elements
from pariter.plan.ranges import length
from pariter.plan.sources import ENDLESS, Held, Iterated, Same, Slices, Source

_SLICED = (list, tuple, range, str, bytes, bytearray, array.array, memoryview)
_SNAPSHOT = (deque, dict, set, frozenset)
_SHORT = 60  # characters of data that `repr` of a plan shows


class Origin(Record, ABC):
    """Data as the user gave it."""

    endless: ClassVar[bool] = False
    knows_positions: ClassVar[bool] = True
    """Whether the positions of its items are known."""

    @abstractmethod
    def bind(self) -> Source[Any]:
        """The source over the data as it is now; called once a run."""

    def length(self) -> int | None:
        """How many items there are, if that is known without reading them."""
        return None

    def summary(self) -> str | None:
        """What it is, in words, where the type and the length do not say it."""
        return None


class Sliceable(Origin):
    """A sequence that can be sliced."""

    data: Any

    def bind(self) -> Source[Any]:
        return Slices(self.data)

    def length(self) -> int:
        return length(self.data) if isinstance(self.data, range) else len(self.data)

    def __repr__(self) -> str:
        return f"par_iter({_code(self.data)})"


class Snapshot(Origin):
    """A collection that cannot be sliced, copied into a list in one step when the plan runs."""

    data: Any

    def bind(self) -> Source[Any]:
        return Held(list(self.data))

    def length(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"par_iter({_code(self.data)})"


class Subscriptable(Origin):
    """An object with `__len__` and `__getitem__`."""

    data: Any

    def bind(self) -> Source[Any]:
        return Elements.of(self.data)

    def length(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"par_iter({_code(self.data)})"


class Reiterable(Origin):
    """An object that makes a new iterator each time."""

    data: Iterable[Any]

    def bind(self) -> Source[Any]:
        return Iterated(iter(self.data))

    def __repr__(self) -> str:
        return f"par_iter({_code(self.data)})"


class OneShot(Origin):
    """An iterator, which one run consumes."""

    description: str
    left: list[Iterator[Any]]
    """Holds the iterator until a run takes it. (`list.pop` is atomic: by the GIL, or by the list's
    own lock on a free-threaded build.)"""

    def bind(self) -> Source[Any]:
        try:
            return Iterated(self.left.pop())
        except IndexError:
            raise ConsumedError(
                f"this plan over {self.description} has run before, and an iterator gives its items "
                f"only once; make the plan anew, or keep the items in a list"
            ) from None

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"par_iter({self.description})"


class Repeated(Origin):
    """One value, `times` times or for ever."""

    value: Any
    times: int | None

    @property
    def endless(self) -> bool:  # type: ignore[override]
        return self.times is None

    def bind(self) -> Source[Any]:
        return Same(self.value, self.length() if self.times is not None else ENDLESS)

    def length(self) -> int:
        return ENDLESS if self.times is None else max(0, self.times)

    def __repr__(self) -> str:
        times = "" if self.times is None else f", {self.times}"
        return f"repeat({describe_value(self.value)}{times})"


def origin_of(data: Any, method: str = "par_iter") -> Origin:
    """Describe `data` for a plan; TypeError if it has no items."""
    kind = type(data)
    if kind in _SLICED or _is_array(data):
        if getattr(data, "ndim", 1) == 0:
            raise TypeError(f"{method}() cannot iterate over an array of no dimensions: {data!r}")
        return Sliceable(data)
    if kind in _SNAPSHOT:
        return Snapshot(data)
    for builtin in (list, tuple, str, bytes):
        if isinstance(data, builtin):
            if _keeps(kind, builtin, "__iter__", "__getitem__", "__len__"):
                return Sliceable(data)
            if _keeps(kind, builtin, "__iter__") or _keeps(kind, builtin, "__getitem__"):
                return Reiterable(data)  # a loop asks `__iter__` alone, and the other is not about the same items
    if hasattr(kind, "__next__") and hasattr(kind, "__iter__"):
        return OneShot(describe_value(data), [cast("Iterator[Any]", data)])
    if isinstance(data, (Mapping, AbstractSet, deque, dict, set)):
        return Snapshot(data) if hasattr(kind, "__len__") else Reiterable(data)
    if hasattr(kind, "__getitem__") and hasattr(kind, "__len__"):
        return Subscriptable(data)
    if hasattr(kind, "__iter__") or hasattr(kind, "__getitem__"):
        try:
            iter(data)
        except TypeError:
            pass
        else:
            return Reiterable(data)
    raise TypeError(
        f"{method}() takes a sequence, a collection, an array, an iterable, an iterator or another "
        f"plan, got {describe_value(data)} of type {kind.__name__}"
    )


def _keeps(kind: type, builtin: type, *methods: str) -> bool:
    return all(getattr(kind, method) is getattr(builtin, method) for method in methods)


def _is_array(data: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(data, numpy.ndarray)


def _code(data: Any) -> str:
    if isinstance(data, range):
        return repr(data)
    return describe_value(data)
