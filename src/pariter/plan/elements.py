"""Objects of a user's own class that have a length and can be subscripted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pariter._caught import Caught
from pariter.plan.ranges import as_slice, compose
from pariter.plan.sources import Cuttable, Fetched, Slices

T = TypeVar("T")


class Elements(Cuttable[T]):
    """Any object with `__len__` and `__getitem__`: by slices where they work, else one by one."""

    __slots__ = ("_slices_work", "data")

    def __init__(self, data: Any, indices: range, labels: range, slices_work: bool) -> None:
        super().__init__(indices, labels)
        self.data = data
        self._slices_work = slices_work

    @classmethod
    def of(cls, data: Any) -> Elements[Any]:
        """A source over all of `data`."""
        indices = range(len(data))
        return cls(data, indices, indices, cls._probe(data))

    @staticmethod
    def _probe(data: Any) -> bool:
        # An item that happens to be a list would look like a slice; an empty slice cannot be
        # mistaken for an item that is made from the index it was asked for.
        try:
            nothing = data[0:0]
            return len(nothing) == 0 and not isinstance(nothing, (str, bytes, dict))
        except Exception:
            return False

    def view(self, indices: range) -> Elements[T]:
        picked, labels = compose(self.indices, indices), compose(self.labels, indices)
        return Elements(self.data, picked, labels, self._slices_work)

    def read(self, indices: range) -> list[T] | _Subscripted:
        if self._slices_work and indices.step == 1:
            try:
                part = list(self.data[as_slice(indices)])
            except Exception:
                part = []
            if len(part) == len(indices):
                return part
            self._slices_work = False
        return _Subscripted(self.data, indices)

    def __reduce__(self) -> tuple[Any, ...]:
        block = self.read(self.indices)
        if isinstance(block, list):
            return Slices, (block, None, self.labels)
        fetched = [_outcome(block, at) for at in range(len(block))]
        if not any(isinstance(outcome, Caught) for outcome in fetched):
            return Slices, (fetched, None, self.labels)
        return Outcomes, (fetched, range(len(fetched)), self.labels)


def _outcome(block: Fetched, at: int) -> Any:
    try:
        return block.fetch_at(at)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # raised again when its turn comes, which may be never
        return Caught(error)


class Outcomes(Cuttable[Any]):
    """What an object gave when it was asked for its items: each or, as `Caught`, what it raised."""

    __slots__ = ("data",)

    def __init__(self, data: list[Any], indices: range, labels: range) -> None:
        super().__init__(indices, labels)
        self.data = data

    def view(self, indices: range) -> Outcomes:
        return Outcomes(self.data, compose(self.indices, indices), compose(self.labels, indices))

    def read(self, indices: range) -> Sequence[Any]:
        return _Asked(self.data, indices)

    def __reduce__(self) -> tuple[Any, ...]:
        part = self.data[as_slice(self.indices)]
        return Outcomes, (part, range(len(part)), self.labels)


class _Subscripted(Fetched):
    """A block of an object that is asked for one item at a time."""

    __slots__ = ("_data",)

    def __init__(self, data: Any, indices: range) -> None:
        super().__init__(indices)
        self._data = data

    def fetch(self, index: int) -> Any:
        try:
            return self._data[index]
        except StopIteration as stop:  # would end the leaf instead of failing it
            raise RuntimeError("__getitem__ raised StopIteration") from stop


class _Asked(_Subscripted):
    """A block of what was fetched before."""

    __slots__ = ()

    def fetch(self, index: int) -> Any:
        outcome = super().fetch(index)
        if isinstance(outcome, Caught):
            raise outcome.error
        return outcome
