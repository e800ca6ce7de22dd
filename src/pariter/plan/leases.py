"""State that a worker keeps for a whole run: made when first needed, leased to one leaf at a time.

Guards   `_free` and `_made` are only touched by atomic list methods (by the GIL, or by the list's own
         lock on a free-threaded build).
Promise  No state is ever leased to two leaves at once, so there are never more than leaves that run
         at the same time. `close` is called once for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, ClassVar

from pariter.plan.stages import Function, Stage


class Leases:
    """The states of one step in one run, in one process."""

    __slots__ = ("_free", "_made")

    def __init__(self) -> None:
        self._free: list[Any] = []
        self._made: list[Any] = []

    def take(self, make: Function) -> Any:
        """A state that nobody has, made if there is none."""
        try:
            return self._free.pop()
        except IndexError:
            state = make()
            self._made.append(state)
            return state

    def give_back(self, state: Any) -> None:
        """Let the next leaf have it."""
        self._free.append(state)

    def close(self, close: Function | None) -> None:
        """Call `close` for each state; all of them, whatever raises, and then the first exception."""
        errors: list[Exception] = []
        while self._made:
            state = self._made.pop(0)
            try:
                if close is not None:
                    close(state)
            except Exception as error:
                errors.append(error)
        self._free.clear()
        if errors:
            raise errors[0]

    def __reduce__(self) -> tuple[Any, ...]:
        return Leases, ()


class MapLocal(Stage):
    """`f(state, item)`, with one state per worker."""

    make: Function
    f: Function
    close: Function | None = None
    leases: Leases | None = None
    name: ClassVar[str] = "map_local"
    functions: ClassVar[tuple[str, ...]] = ("make", "f", "close")
    one_to_one: ClassVar[bool] = True
    by_item: ClassVar[bool] = False

    def for_one_run(self) -> MapLocal:
        """The same step with states of its own."""
        return self.replace(leases=Leases())

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        assert self.leases is not None
        return self._leased(items, self.leases)

    def _leased(self, items: Iterator[Any], leases: Leases) -> Iterator[Any]:
        state = leases.take(self.make)
        try:
            yield from map(partial(self.f, state), items)
        finally:
            leases.give_back(state)

    def end(self) -> None:
        """The run is over."""
        if self.leases is not None:
            self.leases.close(self.close)


def local_steps(stages: Iterable[Stage]) -> Iterator[MapLocal]:
    """The steps that keep state, also those inside another."""
    for stage in stages:
        if isinstance(stage, MapLocal):
            yield stage
        inner = getattr(stage, "inner", ())
        yield from local_steps(inner if isinstance(inner, tuple) else (inner,))
