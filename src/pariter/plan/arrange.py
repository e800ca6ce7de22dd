"""More steps that work on positions: folds of chunks, batches, prefix results, plans in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pariter.plan.chunked import Blocked, Chunked
from pariter.plan.compound import total
from pariter.plan.piped import Piped
from pariter.plan.reshape import Chunks, Enumerate, Joined, Reshape
from pariter.plan.sources import Source
from pariter.plan.stages import FoldEach, Function, GatherBatches, Indexed, MapBatches
from pariter.plan.values import MISSING
from pariter.plan.weaving import interleaved, interspersed

if TYPE_CHECKING:
    from pariter.plan.pipeline import Binder


class Positions(Reshape):
    """The positions of the items for which `keep(item)` is true."""

    keep: Function
    name: ClassVar[str] = "positions"
    functions: ClassVar[tuple[str, ...]] = ("keep",)
    keeps_positions: ClassVar[bool] = False

    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        return Piped(Enumerate().apply(source, binder), (Indexed(self.keep),))

    def length(self, length: int) -> int | None:
        return None

    def demand(self, wanted: int | None) -> int | None:
        return None


class FoldChunks(Chunks):
    """One accumulator for each run of `size` neighbours."""

    make: Function
    op: Function
    name: ClassVar[str] = "fold_chunks"
    functions: ClassVar[tuple[str, ...]] = ("make", "op")

    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        return Piped(Chunked(source, self.size, lazily=True), (FoldEach(self.make, self.op),))


class Batches(Reshape):
    """The items of `f(batch)`, for batches of `size` neighbours, or of as many as take a moment."""

    f: Function
    size: int | None = None
    name: ClassVar[str] = "map_batches"
    functions: ClassVar[tuple[str, ...]] = ("f",)
    keeps_positions: ClassVar[bool] = False
    runs_before: ClassVar[bool] = True

    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        if not source.exact and self.size is None:
            assert isinstance(source, Piped)
            return Piped(source.source, (*source.stages, GatherBatches(self.f)))
        if not source.exact:
            source = binder.hold(Piped(source, ()), None)
        batches = Blocked(source) if self.size is None else Chunked(source, self.size, views=True)
        return Piped(batches, (MapBatches(self.f),))

    def length(self, length: int) -> int | None:
        return None

    def demand(self, wanted: int | None) -> int | None:
        return None


class ScanStep(Reshape):
    """The prefix results of an associative `op`."""

    op: Function
    initial: Any = MISSING
    name: ClassVar[str] = "scan"
    functions: ClassVar[tuple[str, ...]] = ("op",)
    runs_before: ClassVar[bool] = True

    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        return binder.scan(Piped(source, ()), self.op, self.initial)

    def length(self, length: int) -> int:
        return length + (self.initial is not MISSING)


class Interleave(Joined):
    """Items of two plans in turn, then what is left of the longer."""

    name: ClassVar[str] = "interleave"
    shortest: ClassVar[bool] = False

    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        return interleaved(source, binder.exact(self.others[0]), shortest=self.shortest)

    def length(self, length: int) -> int | None:
        other = self.others[0].length()
        if other is None or not self.shortest:
            return total((length, other))
        return 2 * length if length <= other else 2 * other + 1


class InterleaveShortest(Interleave):
    """Items of two plans in turn, until one has no next."""

    name: ClassVar[str] = "interleave_shortest"
    shortest: ClassVar[bool] = True


class Intersperse(Reshape):
    """A value between any two items."""

    value: Any
    name: ClassVar[str] = "intersperse"

    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        return interspersed(source, self.value)

    def length(self, length: int) -> int:
        return max(0, 2 * length - 1)
