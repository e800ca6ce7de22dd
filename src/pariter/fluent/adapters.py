"""What can be done to a plan: each method returns a new plan and runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from pariter.fluent import checks
from pariter.plan import reshape, stages
from pariter.plan.origins import origin_of
from pariter.plan.pipeline import Plan
from pariter.plan.stages import Step

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from pariter.fluent.iter import ParIter
    from pariter.pools import Pool

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")
U = TypeVar("U")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
S = TypeVar("S")


def plan_of(source: Any, method: str = "par_iter") -> Plan:
    """The plan over any source: a plan's own, or a new one over data."""
    if isinstance(source, Adapters):
        return source._plan
    return Plan(origin_of(source, method))


class Adapters(Generic[T_co]):
    """The lazy half of `ParIter`."""

    __slots__ = ("_plan",)

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def _then(self, step: Step) -> ParIter[Any]:
        return type(self)(self._plan.then(step))  # type: ignore[return-value]

    def _with(self, **options: Any) -> ParIter[Any]:
        return type(self)(self._plan.with_options(**options))  # type: ignore[return-value]

    def _ends(self, method: str) -> None:
        checks.ends(method, self._plan.endless)

    # One item at a time.

    def map(self, f: Callable[[T_co], U]) -> ParIter[U]:
        """Call `f` on every item; the results stand where the items stood.

        `f` is called exactly once for each item that is still wanted, on any worker, in no
        promised order. An exception it raises is raised by the terminal method, the first in
        source order, with a note that names the item.

        >>> par_iter([1, 2, 3]).map(str).collect()
        ['1', '2', '3']
        """
        return self._then(stages.Map(checks.function("map", f)))

    def starmap(self: Adapters[Iterable[Any]], f: Callable[..., U]) -> ParIter[U]:
        """Call `f(*item)` on every item, as `itertools.starmap`.

        >>> par_iter([(2, 5), (3, 2)]).starmap(pow).collect()
        [32, 9]
        """
        return self._then(stages.Starmap(checks.function("starmap", f)))

    def filter(self, keep: Callable[[T_co], object] | None = None) -> ParIter[T_co]:
        """Keep the items for which `keep(item)` is true; without `keep`, those that are true.

        Order is kept. How many are left is not known before the plan runs, so a method that needs
        positions puts a barrier after this step (see `explain`).

        >>> par_iter(range(10)).filter(lambda n: n % 3 == 0).collect()
        [0, 3, 6, 9]
        """
        return self._then(stages.Filter(checks.optional_function("filter", keep)))

    def filter_map(self, f: Callable[[T_co], U | None]) -> ParIter[U]:
        """Call `f` on every item and keep the results that are not None.

        >>> par_iter(["1", "x", "3"]).filter_map(lambda s: int(s) if s.isdigit() else None).collect()
        [1, 3]
        """
        return self._then(stages.FilterMap(checks.function("filter_map", f)))

    def flat_map(self, f: Callable[[T_co], Iterable[U]]) -> ParIter[U]:
        """Call `f` on every item and go through each iterable it returns, in order.

        An inner iterable is consumed by the worker that got the item, so a generator is fine.

        >>> par_iter([1, 2, 3]).flat_map(range).collect()
        [0, 0, 1, 0, 1, 2]
        """
        return self._then(stages.FlatMap(checks.function("flat_map", f)))

    def flatten(self: Adapters[Iterable[U]]) -> ParIter[U]:
        """Go through each item, which must be iterable itself: one level, in order.

        >>> par_iter(["ab", "c"]).flatten().collect()
        ['a', 'b', 'c']
        """
        return self._then(stages.Flatten())

    def inspect(self, f: Callable[[T_co], object]) -> ParIter[T_co]:
        """Call `f` on every item for its effect and pass the item on.

        On processes the effect happens in a worker process and is lost there.

        >>> seen = []
        >>> par_iter([1, 2]).inspect(seen.append).on("serial").sum()
        3
        >>> seen
        [1, 2]
        """
        return self._then(stages.Inspect(checks.function("inspect", f)))

    def map_init(self, make: Callable[[], S], f: Callable[[S, T_co], U]) -> ParIter[U]:
        """Call `f(state, item)`, with a fresh `state = make()` for each uninterrupted run of items.

        For scratch space that is dear to make and cannot be shared: a run is what one worker
        handles without interruption, so `make` is called a few times, not once an item.

        >>> par_iter([3, 1, 2]).map_init(list, lambda seen, n: (seen.append(n), n)[1]).collect()
        [3, 1, 2]
        """
        make = checks.function("map_init", make, "make")
        return self._then(stages.MapInit(make, checks.function("map_init", f, "f")))

    # By position.

    def enumerate(self, start: int = 0) -> ParIter[tuple[int, T_co]]:
        """Pair every item with its position, counted from `start`.

        >>> par_iter("ab").enumerate(1).collect()
        [(1, 'a'), (2, 'b')]
        """
        return self._then(reshape.Enumerate(checks.integer("enumerate", "start", start)))

    @overload
    def zip(self, other: Iterable[A], /, *, strict: bool = False) -> ParIter[tuple[T_co, A]]: ...
    @overload
    def zip(
        self, a: Iterable[A], b: Iterable[B], /, *, strict: bool = False
    ) -> ParIter[tuple[T_co, A, B]]: ...
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
                raise ValueError(f"zip(strict=True) needs equal lengths, got {lengths}")
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

    # Accumulate.

    def fold(self, make: Callable[[], A], op: Callable[[A, T_co], A]) -> ParIter[A]:
        """One accumulator for each run of neighbouring items that one worker handles.

        Each run begins with its own `make()` and goes `op(op(make(), x0), x1)` and so on. There is at
        least one run, even over no items, and how many there are is not promised; they come in
        source order. Almost always followed by `reduce`.

        Raises TypeError if `op` returns None: it must return the accumulator.

        >>> def count(words, word):
        ...     words[word] = words.get(word, 0) + 1
        ...     return words
        >>> par_iter("abracadabra").fold(dict, count).reduce(dict, lambda a, b: {
        ...     key: a.get(key, 0) + b.get(key, 0) for key in [*a, *b]})
        {'a': 5, 'b': 2, 'r': 2, 'c': 1, 'd': 1}
        """
        make = checks.maker("fold", make, checks.fn_name(op))
        return self._then(stages.Fold(make, checks.function("fold", op, "op")))

    def fold_with(self, init: A, op: Callable[[A, T_co], A]) -> ParIter[A]:
        """As `fold`, where each run begins with a shallow copy (`copy.copy`) of `init`.

        >>> par_iter([1, 2, 3]).fold_with(0, int.__add__).sum()
        6
        """
        return self._then(stages.FoldWith(init, checks.function("fold_with", op, "op")))  # type: ignore[arg-type]

    # Options.

    def with_min_len(self, n: int) -> ParIter[T_co]:
        """Let no worker begin a run of fewer than `n` items, unless there are fewer in all.

        >>> par_iter(range(100)).with_min_len(60).fold(int, int.__add__).count()
        1
        """
        return self._with(min_len=max(1, checks.at_least(0, "with_min_len", "length", n)))

    def with_max_len(self, n: int) -> ParIter[T_co]:
        """Cut runs so that none is longer than `n` items, unless `with_min_len` forbids it.

        >>> par_iter(range(4)).with_max_len(1).fold(list, lambda run, n: [*run, n]).collect()
        [[0], [1], [2], [3]]
        """
        return self._with(max_len=max(1, checks.at_least(0, "with_max_len", "length", n)))

    def on(self, pool: Pool | Executor | str) -> ParIter[T_co]:
        """Run on `pool`, or on the engine named `"threads"`, `"processes"` or `"serial"`.

        Without it a plan runs on the pool of the enclosing `with pool:`, else on the engine that
        `PARITER_ENGINE` names, else on threads where there is no GIL and on processes where there is.

        >>> par_iter([1, 2]).on("serial").sum()
        3
        """
        from pariter import pools

        return self._with(pool=pools.check(pool))

    def buffered(self, n: int) -> ParIter[T_co]:
        """When the plan is iterated, run at most `n` items ahead of whoever iterates.

        >>> list(par_iter(range(5)).buffered(2))
        [0, 1, 2, 3, 4]
        """
        return self._with(buffered=checks.at_least(1, "buffered", "count", n))
