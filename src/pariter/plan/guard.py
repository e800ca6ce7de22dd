"""What becomes of an item for which a function raised, where that is not to end the run.

Stages that handle each item alone run one item at a time inside a `Guarded`, which turns an exception into
a `Failed` in the item's place. Failed items pass by everything that follows, and are dropped, put back as
exceptions, or gathered into one group at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

from pariter._caught import Caught
from pariter.plan.blame import annotate
from pariter.plan.leases import MapLocal
from pariter.plan.place import Site
from pariter.plan.sinks import Sink
from pariter.plan.stages import Function, Map, MapInit, Stage

POLICIES = ("raise", "skip", "return", "group")


class Failed(Caught):
    """Stands for an item for which a function raised."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, (Caught(self.error),)


def _arrived(caught: Caught) -> Failed:
    return Failed(caught.error)


def guarded(stages: tuple[Stage, ...], policy: str) -> tuple[Stage, ...]:
    """The same stages, so that an exception ends one item and not the run."""
    result: list[Stage] = []
    together: list[Stage] = []
    for stage in (*stages, None):
        if stage is not None and (stage.by_item or isinstance(stage, (MapInit, MapLocal))):
            together.append(stage)
            continue
        if together:
            result.append(Guarded(tuple(together), policy != "skip"))
            together = []
        if stage is not None:
            result.append(PassedBy(stage))
    return tuple(result)


class Guarded(Stage):
    """Stages that handle each item alone, one item at a time."""

    inner: tuple[Stage, ...]
    keeps: bool
    """Whether an item that failed leaves a trace."""
    name: ClassVar[str] = "on_error"
    is_passive: ClassVar[bool] = True
    guards: ClassVar[bool] = True

    def calls(self) -> dict[str, Function]:
        return {
            f"{number}.{field}": fn for number, stage in enumerate(self.inner) for field, fn in stage.calls().items()
        }

    def with_calls(self, calls: Mapping[str, Function]) -> Guarded:
        inner = list(self.inner)
        for name, fn in calls.items():
            number, _, field = name.partition(".")
            inner[int(number)] = inner[int(number)].with_calls({field: fn})
        return Guarded(tuple(inner), self.keeps)

    def reversed(self) -> Guarded:
        return Guarded(tuple(stage.reversed() for stage in self.inner), self.keeps)

    def attach_at(self, items: Iterator[Any], site: Site) -> Iterator[Any]:
        site.steps = tuple(
            part for step in site.steps for part in (step.inner if isinstance(step, Guarded) else (step,))
        )
        return self._one_by_one(items, site)

    def _one_by_one(self, items: Iterator[Any], site: Site) -> Iterator[Any]:
        leased: list[Callable[[], None]] = []
        try:
            stages = [_for_leaf(stage, leased) for stage in self.inner]
            for item in items:
                if isinstance(item, Failed):
                    yield item
                    continue
                results: list[Any] = []
                try:
                    through = iter((item,))
                    for stage in stages:
                        through = stage.attach(through)
                    results.extend(through)
                except Exception as error:
                    if self.keeps:
                        annotate(error, site, self, site.worker)
                        yield Failed(error)
                    continue
                yield from results
        finally:
            for give_back in leased:
                give_back()


def _for_leaf(stage: Stage, leased: list[Callable[[], None]]) -> Stage:
    """The stage with its state for this leaf, if it has one."""
    if isinstance(stage, MapInit):
        return Map(partial(stage.f, stage.make()))
    if isinstance(stage, MapLocal) and stage.leases is not None:
        state = stage.leases.take(stage.make)
        leased.append(partial(stage.leases.give_back, state))
        return Map(partial(stage.f, state))
    return stage


class PassedBy(Stage):
    """A stage that sees only what did not fail; failed items come after what it makes of the others."""

    inner: Stage
    name: ClassVar[str] = "on_error"
    by_item: ClassVar[bool] = False

    @property
    def stops(self) -> bool:  # type: ignore[override]
        return self.inner.stops

    def calls(self) -> dict[str, Function]:
        return self.inner.calls()

    def with_calls(self, calls: Mapping[str, Function]) -> PassedBy:
        return PassedBy(self.inner.with_calls(calls))

    def describe(self) -> str:
        return self.inner.describe()

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        failed: list[Any] = []
        yield from self.inner.attach(sifted(items, failed))
        yield from failed


class Returned(Stage):
    """The exceptions themselves in the places of failed items."""

    name: ClassVar[str] = "on_error"
    one_to_one: ClassVar[bool] = True

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        return map(returned, items)


def returned(item: Any) -> Any:
    """The exception that a failed item stands for; any other item itself."""
    return item.error if isinstance(item, Failed) else item


def sifted(items: Iterator[Any], failed: list[Any]) -> Iterator[Any]:
    """The items that did not fail; the others are added to `failed`."""
    for item in items:
        if isinstance(item, Failed):
            failed.append(item)
        else:
            yield item


class Sifting(Sink):
    """Another sink for what did not fail, and the failed items beside it."""

    inner: Sink
    name: ClassVar[str] = "on_error"
    returns_items: ClassVar[bool] = True

    @property
    def anywhere(self) -> bool:  # type: ignore[override]
        return self.inner.anywhere

    def calls(self) -> dict[str, Function]:
        return self.inner.calls()

    def with_calls(self, calls: Mapping[str, Function]) -> Sifting:
        return Sifting(self.inner.with_calls(calls))

    def describe(self) -> str:
        return self.inner.describe()

    def consume(self, items: Iterator[Any]) -> tuple[Any, list[Failed]]:
        failed: list[Failed] = []
        return self.inner.consume(sifted(items, failed)), failed

    def merge(self, left: tuple[Any, list[Failed]], right: tuple[Any, list[Failed]]) -> tuple[Any, list[Failed]]:
        return self.inner.merge(left[0], right[0]), left[1] + right[1]

    def settled(self, partial: tuple[Any, list[Failed]]) -> bool:
        return self.inner.settled(partial[0])


def raise_together(failed: list[Failed]) -> None:
    """Raise what failed items stand for as one group, in the order of the items."""
    if failed:
        errors = [item.error for item in failed]
        failed.clear()
        many = f"{len(errors)} item{'s' * (len(errors) != 1)}"
        try:
            raise BaseExceptionGroup(f"functions raised for {many}", errors)
        finally:
            del errors
