"""What can be done to a plan by the positions of its items: each method returns a new plan and runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from pariter.fluent import checks
from pariter.fluent.adapters import Adapters, plan_of
from pariter.plan import arrange, reshape, stages
from pariter.plan.values import MISSING

if TYPE_CHECKING:
    from pariter.fluent.iter import ParIter

T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


class Positional(Adapters[T_co]):
    """The lazy half of `ParIter`, by position."""

    __slots__ = ()

    def enumerate(self, start: int = 0) -> ParIter[tuple[int, T_co]]:
        """Pair every item with its position, counted from `start`.

        >>> par_iter("ab").enumerate(1).collect()
        [(1, 'a'), (2, 'b')]
        """
        return self._then(reshape.Enumerate(checks.integer("enumerate", "start", start)))

    @overload
    def zip(self, other: Iterable[A], /, *, strict: bool = False) -> ParIter[tuple[T_co, A]]: ...
    @overload
    def zip(self, a: Iterable[A], b: Iterable[B], /, *, strict: bool = False) -> ParIter[tuple[T_co, A, B]]: ...
    @overload
    def zip(
        self, a: Iterable[A], b: Iterable[B], c: Iterable[C], /, *, strict: bool = False
    ) -> ParIter[tuple[T_co, A, B, C]]: ...
    @overload
    def zip(self, *others: Iterable[Any], strict: bool = False) -> ParIter[tuple[Any, ...]]: ...
    def zip(self, *others: Iterable[Any], strict: bool = False) -> ParIter[Any]:
        """Tuples of the items at the same position, as the builtin `zip`.

        Stops at the shortest; with `strict=True` unequal lengths are a ValueError, at the call if
        both are known then. What stands beyond the shortest is not computed.

        >>> par_iter([1, 2, 3]).zip("ab").collect()
        [(1, 'a'), (2, 'b')]
        """
        step = reshape.Zip(tuple(plan_of(other, "zip") for other in others), bool(strict))
        if strict:
            lengths = [self._plan.length(), *(other.length() for other in step.others)]
            if None not in lengths and len(set(lengths)) > 1:
                raise ValueError(f"zip(strict=True) needs equal lengths, got {' and '.join(map(str, lengths))}")
        return self._then(step)

    def chain(self, *others: Iterable[U]) -> ParIter[T_co | U]:
        """The items of this plan, then those of the others.

        >>> par_iter([1, 2]).chain([3], range(4, 6)).collect()
        [1, 2, 3, 4, 5]
        """
        return self._then(reshape.Chain(tuple(plan_of(other, "chain") for other in others)))

    def take(self, n: int) -> ParIter[T_co]:
        """The first `n` items, or all if there are fewer. Nothing is called for the others.

        >>> par_iter(range(10**27)).map(str).take(2).collect()
        ['0', '1']
        """
        return self._then(reshape.Take(checks.at_least(0, "take", "count", n)))

    def skip(self, n: int) -> ParIter[T_co]:
        """All but the first `n` items. Nothing is called for those that are skipped.

        >>> par_iter("abcd").skip(2).collect()
        ['c', 'd']
        """
        return self._then(reshape.Skip(checks.at_least(0, "skip", "count", n)))

    def take_while(self, keep: Callable[[T_co], object]) -> ParIter[T_co]:
        """The items before the first for which `keep(item)` is false.

        Workers further right may have begun; what they found or raised is dropped.

        >>> par_iter([1, 2, 9, 3]).take_while(lambda n: n < 5).collect()
        [1, 2]
        """
        return self._then(stages.TakeWhile(checks.function("take_while", keep)))

    def skip_while(self, keep: Callable[[T_co], object]) -> ParIter[T_co]:
        """The items from the first on for which `keep(item)` is false.

        >>> par_iter([1, 2, 9, 3]).skip_while(lambda n: n < 5).collect()
        [9, 3]
        """
        return self._then(reshape.SkipWhile(checks.function("skip_while", keep)))

    def step_by(self, n: int) -> ParIter[T_co]:
        """The first of every `n` items. Nothing is called for the others.

        >>> par_iter(range(10)).step_by(4).collect()
        [0, 4, 8]
        """
        return self._then(reshape.StepBy(checks.at_least(1, "step_by", "step", n)))

    def rev(self) -> ParIter[T_co]:
        """The last item first. Functions before it are called on the last item as the first.

        An iterator is read to its end before anything else happens.

        >>> par_iter("abc").rev().collect()
        ['c', 'b', 'a']
        """
        self._ends("rev")
        return self._then(reshape.Rev())

    def __reversed__(self) -> ParIter[T_co]:
        return self.rev()

    def chunks(self, size: int) -> ParIter[list[T_co]]:
        """Group neighbouring items into lists of `size`; the last may be shorter.

        Result k holds items k*size up to (k+1)*size, however many workers run.

        Raises ValueError at the call if `size` is less than 1.

        >>> par_iter(range(7)).chunks(3).collect()
        [[0, 1, 2], [3, 4, 5], [6]]
        """
        return self._then(reshape.Chunks(checks.at_least(1, "chunks", "size", size)))

    def windows(self, size: int) -> ParIter[tuple[T_co, ...]]:
        """Tuples of `size` neighbouring items, one for each position that has so many.

        After a function there is a barrier, because nothing is computed twice.

        >>> par_iter([1, 2, 3, 4]).windows(3).collect()
        [(1, 2, 3), (2, 3, 4)]
        """
        return self._then(reshape.Windows(checks.at_least(1, "windows", "size", size)))

    def fold_chunks(self, size: int, make: Callable[[], A], op: Callable[[A, T_co], A]) -> ParIter[A]:
        """One accumulator for each `size` neighbouring items: `chunks(size)`, folded.

        The cuts depend on `size` alone, so float results are the same on every engine and run.

        Raises ValueError at the call if `size` is less than 1.

        >>> par_iter("bishbashbosh!").fold_chunks(4, str, str.__add__).collect()
        ['bish', 'bash', 'bosh', '!']
        """
        size = checks.at_least(1, "fold_chunks", "size", size)
        make = checks.maker("fold_chunks", make, checks.fn_name(op))
        return self._then(arrange.FoldChunks(size, make, checks.function("fold_chunks", op, "op")))

    def interleave(self, other: Iterable[U]) -> ParIter[T_co | U]:
        """Items of this plan and of `other` in turn, then what is left of the longer.

        >>> par_iter([1, 2, 3]).interleave("ab").collect()
        [1, 'a', 2, 'b', 3]
        """
        return self._then(arrange.Interleave((plan_of(other, "interleave"),)))

    def interleave_shortest(self, other: Iterable[U]) -> ParIter[T_co | U]:
        """Items of this plan and of `other` in turn, until the one whose turn it is has none.

        >>> par_iter([1, 2, 3, 4]).interleave_shortest([5, 6]).collect()
        [1, 5, 2, 6, 3]
        """
        return self._then(arrange.InterleaveShortest((plan_of(other, "interleave_shortest"),)))

    def intersperse(self, value: U) -> ParIter[T_co | U]:
        """`value` between any two items.

        >>> par_iter("abc").intersperse("-").collect(str)
        'a-b-c'
        """
        return self._then(arrange.Intersperse(value))

    def positions(self, keep: Callable[[T_co], object]) -> ParIter[int]:
        """The positions of all items for which `keep(item)` is true, ascending.

        >>> par_iter("banana").positions("a".__eq__).collect()
        [1, 3, 5]
        """
        return self._then(arrange.Positions(checks.function("positions", keep)))

    def scan(self, op: Callable[[T_co, T_co], T_co], initial: Any = MISSING) -> ParIter[T_co]:
        """The prefix results of an associative `op`, as `itertools.accumulate`.

        With `initial`, which is the leftmost operand, there is one result more. Runs what comes before it
        in parallel, combining within runs of items; what comes before a run is added when results are
        wanted, in parallel again: twice the calls of `op`, on every core.

        >>> par_iter([1, 2, 3, 4]).scan(int.__add__).collect()
        [1, 3, 6, 10]
        """
        return self._then(arrange.ScanStep(checks.function("scan", op, "op"), initial))

    # Some items, no matter which.

    def take_any(self, n: int) -> ParIter[T_co]:
        """Some `n` items, or all if there are fewer, in source order.

        >>> len(par_iter(range(10)).filter().take_any(3).collect())
        3
        """
        return self._then(reshape.TakeAny(checks.at_least(0, "take_any", "count", n)))

    def skip_any(self, n: int) -> ParIter[T_co]:
        """All items but some `n`, in source order.

        >>> len(par_iter(range(10)).skip_any(3).collect())
        7
        """
        return self._then(reshape.SkipAny(checks.at_least(0, "skip_any", "count", n)))

    def take_any_while(self, keep: Callable[[T_co], object]) -> ParIter[T_co]:
        """Items until `keep(item)` is false for some item, in source order.

        >>> par_iter([1, 2, 9]).take_any_while(lambda n: n < 5).collect()
        [1, 2]
        """
        return self._then(stages.TakeAnyWhile(checks.function("take_any_while", keep)))

    def skip_any_while(self, keep: Callable[[T_co], object]) -> ParIter[T_co]:
        """The items left when, until it is false for some item, those with true `keep(item)` are dropped.

        >>> par_iter([1, 2, 9, 3]).skip_any_while(lambda n: n < 5).collect()
        [9, 3]
        """
        return self._then(reshape.SkipAnyWhile(checks.function("skip_any_while", keep)))
