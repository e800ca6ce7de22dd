"""One frozen class for each step that works on positions: it turns a source into another source.

While positions are known such a step is index arithmetic on the source, and the functions before it
are called for what is left only. After a step that changes the number of items there is a barrier in
front of it: see `pipeline.bind`.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from pariter._caught import Caught
from pariter.plan.chunked import Chunked, Windowed
from pariter.plan.compound import Chained, StrictlyZipped, Zipped, chained, met_behind, total, unequal_lengths
from pariter.plan.piped import Piped
from pariter.plan.sliced import Sliced, every, pulled
from pariter.plan.sources import ENDLESS, Held, Slices, Source, end_of
from pariter.plan.stages import Function, Stage, Step

if TYPE_CHECKING:
    from pariter.plan.pipeline import Binder, Plan


class Reshape(Step):
    """A step that works on positions."""

    needs_positions: ClassVar[bool] = True
    """Whether each unit of what it works on must be one item."""
    runs_before: ClassVar[bool] = False
    """Whether it runs what comes before it by itself, whatever that is."""
    keeps_positions: ClassVar[bool] = True
    """Whether how many items it gives is known from how many it gets."""
    needs_pure: ClassVar[bool] = False
    """Whether it hands out items more than once, so that functions must have run before."""

    @abstractmethod
    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        """The reshaped source; positions of `source` are known."""

    def stages(self) -> tuple[Stage, ...]:
        """What happens to the items of the reshaped source, as if by steps of the plan."""
        return ()

    def length(self, length: int) -> int | None:
        """How many items it makes of `length`, if that is known."""
        return length

    def demand(self, wanted: int | None) -> int | None:
        """How many items from the left suffice for `wanted` results, None for all."""
        return wanted


class Enumerate(Reshape):
    """Pairs of a position and the item there."""

    start: int = 0
    name: ClassVar[str] = "enumerate"

    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        numbers: Source[int] = Slices(range(self.start, self.start + ENDLESS))
        if source.span is not None:
            numbers = numbers.cut(0, source.span)
        return Zipped((numbers, source), primary=1)


class Take(Reshape):
    """The first `n` items."""

    n: int
    name: ClassVar[str] = "take"

    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        if source.span is None:
            return Sliced(source, 0, self.n)
        return source.view(range(min(self.n, source.span)))

    def length(self, length: int) -> int:
        return min(self.n, length)

    def demand(self, wanted: int | None) -> int | None:
        return self.n if wanted is None else min(self.n, wanted)


class Skip(Reshape):
    """The items after the first `n`."""

    n: int
    name: ClassVar[str] = "skip"

    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        if source.span is None:
            return Sliced(source, self.n, None)
        if source.error is not None and self.n >= source.span:
            return end_of(source)
        return source.view(range(min(self.n, source.span), source.span))

    def length(self, length: int) -> int:
        return max(0, length - self.n)

    def demand(self, wanted: int | None) -> int | None:
        return None if wanted is None else wanted + self.n


class StepBy(Reshape):
    """The first of every `n` items."""

    n: int
    name: ClassVar[str] = "step_by"

    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        if source.span is None:
            return Sliced(source, 0, None, self.n)
        return every(source, self.n)

    def length(self, length: int) -> int:
        return -(-length // self.n)

    def demand(self, wanted: int | None) -> int | None:
        return None if wanted is None else max(0, (wanted - 1) * self.n + 1)


class Rev(Reshape):
    """The last item first."""

    name: ClassVar[str] = "rev"

    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        if source.span is None:
            source = pulled(source)
        assert source.span is not None
        if source.error is not None:  # the last item comes first, and it never came
            return end_of(source)
        return source.view(range(source.span - 1, -1, -1))

    def demand(self, wanted: int | None) -> int | None:
        return None


class Chunks(Reshape):
    """Lists of `size` neighbours; the last may be shorter."""

    size: int
    name: ClassVar[str] = "chunks"

    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        return Chunked(source, self.size)

    def length(self, length: int) -> int:
        return -(-length // self.size)

    def demand(self, wanted: int | None) -> int | None:
        return None if wanted is None else wanted * self.size


class Windows(Reshape):
    """Tuples of `size` neighbours, one for each position that has so many."""

    size: int
    name: ClassVar[str] = "windows"
    needs_pure: ClassVar[bool] = True

    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        if source.error is not None and source.span is not None and source.span < self.size:
            return Held([], source.error)
        return Windowed(source, self.size)

    def length(self, length: int) -> int:
        return max(0, length - self.size + 1)

    def demand(self, wanted: int | None) -> int | None:
        return None if wanted is None else wanted + self.size - 1


class Joined(Reshape):
    """Base of the steps that take other plans."""

    others: tuple[Plan, ...]

    def arguments(self) -> list[str]:
        return [repr(other) for other in self.others]


class Zip(Joined):
    """Tuples of the items at the same position in several plans."""

    strict: bool = False
    name: ClassVar[str] = "zip"

    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        parts = (source, *(binder.exact(other) for other in self.others))
        spans = [part.span for part in parts]
        known = [span for span in spans if span is not None]
        if len(known) < len(spans):
            return (StrictlyZipped if self.strict else Zipped)(parts)
        shortest = min(known)
        zipped = Zipped(tuple(part.view(range(shortest)) for part in parts))
        if zipped.error is None and (end := met_behind(parts, shortest)):
            return Chained((zipped, end))
        if self.strict and any(part.span != shortest for part in parts):
            return Chained((zipped, Held([], Caught(unequal_lengths()))))
        return zipped

    def length(self, length: int) -> int | None:
        lengths = [length, *(other.length() for other in self.others)]
        known = [each for each in lengths if each is not None]
        return min(known) if len(known) == len(lengths) else None

    def arguments(self) -> list[str]:
        return [repr(other) for other in self.others] + ["strict=True"] * self.strict


class Chain(Joined):
    """The items of several plans, one after another."""

    name: ClassVar[str] = "chain"
    needs_positions: ClassVar[bool] = False

    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        return chained(source, *(binder.lasting(other) for other in self.others))

    def length(self, length: int) -> int | None:
        return total((length, *(other.length() for other in self.others)))


class SkipWhile(Reshape):
    """The items from the first on for which `keep(item)` is false."""

    keep: Function
    name: ClassVar[str] = "skip_while"
    functions: ClassVar[tuple[str, ...]] = ("keep",)
    keeps_positions: ClassVar[bool] = False
    runs_before: ClassVar[bool] = True

    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        return binder.skip_while(Piped(source, ()), self.keep)

    def length(self, length: int) -> int | None:
        return None

    def demand(self, wanted: int | None) -> int | None:
        return None


class SkipAnyWhile(SkipWhile):
    """The items but for some for which `keep(item)` is true; here those are the first."""

    name: ClassVar[str] = "skip_any_while"


class TakeAny(Take):
    """Some `n` items, in source order; here the first."""

    name: ClassVar[str] = "take_any"


class SkipAny(Skip):
    """All but some `n` items, in source order; here all but the first."""

    name: ClassVar[str] = "skip_any"
