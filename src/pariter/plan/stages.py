"""One frozen class for each thing that can happen to items inside a leaf.

A stage turns one iterator into another, once a leaf, and what it returns runs in C wherever that
is possible, so that no frame of ours runs per item. A field that holds a user's function is named in
`functions`; `repr`, equality, pickling and error notes follow from the declaration.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial, reduce
from itertools import chain, filterfalse, islice, starmap, takewhile
from typing import Any, ClassVar

from pariter._describe import describe_callable
from pariter._record import Record
from pariter.plan.place import Site
from pariter.plan.values import Break

Function = Callable[..., Any]


class Step(Record):
    """Anything between the source and the sink of a plan, or a sink: a name and what it holds."""

    name: ClassVar[str]
    functions: ClassVar[tuple[str, ...]] = ()
    iterates: ClassVar[bool] = False
    """Whether it goes through what its function returns, or through its items."""
    is_passive: ClassVar[bool] = False
    """Whether it calls nothing, so that what is raised while it works comes from a step before it."""

    def calls(self) -> dict[str, Function]:
        """The user's functions, by the field that holds them."""
        values, found = self.__dict__, {}
        for field in self.functions:
            if (fn := values[field]) is not None:
                found[field] = fn
        return found

    def with_calls(self, calls: Mapping[str, Function]) -> Any:
        """The same step with other functions in the fields named."""
        return self.replace(**calls)

    def __repr__(self) -> str:
        """The method call that adds this step, as code."""
        return f".{self.name}({', '.join(self.arguments())})"

    def arguments(self) -> list[str]:
        """The arguments of that call, as code; those that have their default value are left out."""
        shown = []
        by_name = False
        for field in self.fields:
            value, default = getattr(self, field), self.defaults.get(field, ...)
            if value is default or (type(value) is int and value == default):
                by_name = True
                continue
            text = describe_callable(value) if field in self.functions else repr(value)
            shown.append(f"{field}={text}" if by_name else text)
        return shown

    def describe(self) -> str:
        """The step as an error note names it: `map(parse)`."""
        return f"{self.name}({', '.join(map(describe_callable, self.calls().values()))})"


class Stage(Step):
    """A step that happens to items inside a leaf."""

    one_to_one: ClassVar[bool] = False
    """Whether every item gives exactly one, so that positions stay known."""
    stops: ClassVar[bool] = False
    """Whether it may end before its items do, so that nothing to its right is wanted."""
    guards: ClassVar[bool] = False
    """Whether it must know where it is, because it keeps exceptions."""
    by_item: ClassVar[bool] = True
    """Whether each item is handled alone, so that items may as well come from the right."""

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        """The iterator that does it; called once a leaf."""
        raise TypeError(f"{type(self).__name__} attaches to nothing")

    def attach_at(self, items: Iterator[Any], site: Site) -> Iterator[Any]:
        """As `attach`, for a stage that `guards`, in the leaf at `site`."""
        return self.attach(items)

    def reversed(self) -> Stage:
        """The stage for items that come from the right, whose results do so too."""
        return self


class Map(Stage):
    """`f(item)`."""

    f: Function
    name: ClassVar[str] = "map"
    functions: ClassVar[tuple[str, ...]] = ("f",)
    one_to_one: ClassVar[bool] = True

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        return map(self.f, items)


class Continued(Map):
    """What comes before a run of prefix results, combined with each of them."""

    name: ClassVar[str] = "scan"


class ForEach(Map):
    """`f(item)` for its effect."""

    name: ClassVar[str] = "for_each"


class Starmap(Map):
    """`f(*item)`."""

    name: ClassVar[str] = "starmap"
    iterates: ClassVar[bool] = True

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        return starmap(self.f, items)


class Filter(Stage):
    """Items for which `keep(item)` is true, or which are true themselves."""

    keep: Function | None = None
    name: ClassVar[str] = "filter"
    functions: ClassVar[tuple[str, ...]] = ("keep",)

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        return filter(self.keep, items)


class FilterMap(Stage):
    """`f(item)` where that is not None."""

    f: Function
    name: ClassVar[str] = "filter_map"
    functions: ClassVar[tuple[str, ...]] = ("f",)

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        return filterfalse(partial(operator.is_, None), map(self.f, items))


class FlatMap(Stage):
    """The items of `f(item)`."""

    f: Function
    name: ClassVar[str] = "flat_map"
    functions: ClassVar[tuple[str, ...]] = ("f",)
    iterates: ClassVar[bool] = True

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        return chain.from_iterable(map(self.f, items))

    def reversed(self) -> Stage:
        return _FlatMapReversed(self.f)


class _FlatMapReversed(FlatMap):
    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        return chain.from_iterable(map(_from_the_right, map(self.f, items)))


class Flatten(Stage):
    """The items of each item."""

    name: ClassVar[str] = "flatten"
    iterates: ClassVar[bool] = True

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        return chain.from_iterable(items)

    def reversed(self) -> Stage:
        return _FlattenReversed()


class _FlattenReversed(Flatten):
    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        return chain.from_iterable(map(_from_the_right, items))


def _from_the_right(items: Iterable[Any]) -> Iterator[Any]:
    try:
        backwards: Iterator[Any] = iter(reversed(items))  # type: ignore[call-overload]
    except TypeError:
        backwards = reversed(list(items))
    return backwards


class Inspect(Stage):
    """The item itself, after `f(item)` was called for its effect."""

    f: Function
    name: ClassVar[str] = "inspect"
    functions: ClassVar[tuple[str, ...]] = ("f",)
    one_to_one: ClassVar[bool] = True

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        return self._seen(items)

    def _seen(self, items: Iterator[Any]) -> Iterator[Any]:
        f = self.f
        for item in items:
            f(item)
            yield item


class MapInit(Stage):
    """`f(state, item)` with `state = make()` once an uninterrupted run of items."""

    make: Function
    f: Function
    name: ClassVar[str] = "map_init"
    functions: ClassVar[tuple[str, ...]] = ("make", "f")
    one_to_one: ClassVar[bool] = True
    by_item: ClassVar[bool] = False

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        return map(partial(self.f, self.make()), items)


class TakeWhile(Stage):
    """Items before the first for which `keep(item)` is false."""

    keep: Function
    name: ClassVar[str] = "take_while"
    functions: ClassVar[tuple[str, ...]] = ("keep",)
    stops: ClassVar[bool] = True
    by_item: ClassVar[bool] = False

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        return takewhile(self.keep, items)


class Fold(Stage):
    """One accumulator per uninterrupted run of items: `op(...op(op(make(), x0), x1)..., xn)`."""

    make: Function
    op: Function
    name: ClassVar[str] = "fold"
    functions: ClassVar[tuple[str, ...]] = ("make", "op")
    by_item: ClassVar[bool] = False

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        return self._folded(items)

    def _folded(self, items: Iterator[Any]) -> Iterator[Any]:
        accumulator = self.make()
        for item in items:
            accumulator = self._accumulated(self.op(accumulator, item))
            break
        yield self._accumulated(reduce(self.op, items, accumulator), accumulator)

    def _accumulated(self, accumulator: Any, before: Any = ...) -> Any:
        if accumulator is None and before is not None:
            raise TypeError(
                f"{self.name}() needs an op that returns the accumulator, "
                f"and {describe_callable(self.op)} returned None"
            )
        return accumulator


class FoldWith(Fold):
    """As `Fold`, beginning each run with a shallow copy of `make`, which is a value here."""

    name: ClassVar[str] = "fold_with"
    functions: ClassVar[tuple[str, ...]] = ("op",)

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        return Fold(partial(copy.copy, self.make), self.op)._folded(items)


class TakeAnyWhile(TakeWhile):
    """Items until some item for which `keep(item)` is false; here that is the first."""

    name: ClassVar[str] = "take_any_while"


class WhileSome(Stage):
    """Items until one is None."""

    name: ClassVar[str] = "while_some"
    stops: ClassVar[bool] = True
    by_item: ClassVar[bool] = False

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        return takewhile(partial(operator.is_not, None), items)


class TryFold(Stage):
    """As `Fold`, until `op` returns a `Break`, which ends the run and everything to its right."""

    make: Function
    op: Function
    name: ClassVar[str] = "try_fold"
    functions: ClassVar[tuple[str, ...]] = ("make", "op")
    stops: ClassVar[bool] = True
    by_item: ClassVar[bool] = False

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        return self._folded(items)

    def _folded(self, items: Iterator[Any]) -> Iterator[Any]:
        op, accumulator = self.op, self.make()
        for item in items:
            accumulator = op(accumulator, item)
            if isinstance(accumulator, Break):
                break
        yield accumulator


class Indexed(Stage):
    """The positions of the items for which `keep(item)` is true, from `(position, item)` pairs."""

    keep: Function
    name: ClassVar[str] = "positions"
    functions: ClassVar[tuple[str, ...]] = ("keep",)

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        keep = self.keep
        return (position for position, item in items if keep(item))


class FoldEach(Fold):
    """One accumulator for each item, which is an iterable itself and is consumed whole."""

    name: ClassVar[str] = "fold_chunks"
    one_to_one: ClassVar[bool] = True

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        return chain.from_iterable(map(self._folded, map(iter, items)))


class MapBatches(FlatMap):
    """The items of `f(batch)`, for batches of neighbouring items."""

    name: ClassVar[str] = "map_batches"
    by_item: ClassVar[bool] = False


class GatherBatches(MapBatches):
    """As `MapBatches`, making the batches itself where positions are not known."""

    _BATCH: ClassVar[int] = 256

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        batches = iter(lambda: list(islice(items, self._BATCH)), [])
        return chain.from_iterable(map(self.f, batches))
