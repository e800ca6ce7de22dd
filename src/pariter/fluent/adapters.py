"""What can be done to a plan: each method returns a new plan and runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from pariter.fluent import checks
from pariter.plan import arrange, reshape, stages
from pariter.plan.leases import MapLocal
from pariter.plan.origins import origin_of
from pariter.plan.pipeline import Plan
from pariter.plan.stages import Step
from pariter.plan.values import MISSING, Break

if TYPE_CHECKING:
    from pariter.fluent.iter import ParIter

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

    def map_local(
        self, make: Callable[[], S], f: Callable[[S, T_co], U], *, close: Callable[[S], object] | None = None
    ) -> ParIter[U]:
        """Call `f(state, item)`, with one `state = make()` per worker, kept for the whole run.

        For connections, parsers, models. There are at most as many states as workers; none is used by
        two at once. `close(state)` is called for each before the terminal method returns.

        >>> par_iter(["b", "a"]).map_local(dict, lambda seen, s: seen.setdefault(s, s.upper())).collect()
        ['B', 'A']
        """
        make = checks.function("map_local", make, "make")
        close = checks.optional_function("map_local", close, "close")
        return self._then(MapLocal(make, checks.function("map_local", f, "f"), close))

    def map_batches(self, f: Callable[[Any], Iterable[U]], size: int | None = None) -> ParIter[U]:
        """Call `f` on batches of neighbouring items and go through what it returns, in order.

        A batch is a list, or a view where the source is an array. With a `size`, every batch has exactly
        that many items but the last; without, as many as take a moment.

        >>> par_iter(range(5)).map_batches(lambda batch: [sum(batch)], size=2).collect()
        [1, 5, 4]
        """
        if size is not None:
            size = checks.at_least(1, "map_batches", "size", size)
        return self._then(arrange.Batches(checks.function("map_batches", f), size))

    def while_some(self: Adapters[U | None]) -> ParIter[U]:
        """The items before the first None.

        >>> par_iter([1, 2, None, 3]).while_some().collect()
        [1, 2]
        """
        return self._then(stages.WhileSome())

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

    def try_fold(self, make: Callable[[], A], op: Callable[[A, T_co], A | Break[Any]]) -> ParIter[A | Break[Any]]:
        """As `fold`, where `op` may return `Break(value)`: it ends the run, and nothing right of it is wanted.

        Usually followed by `try_reduce`, which then returns that `Break`.

        >>> par_iter([1, 2, 0, 4]).try_fold(int, lambda total, n: total + n if n else Break("zero")).collect()
        [Break(value='zero')]
        """
        make = checks.maker("try_fold", make, checks.fn_name(op))
        return self._then(stages.TryFold(make, checks.function("try_fold", op, "op")))
