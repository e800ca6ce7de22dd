"""What can be done to a plan: each method returns a new plan and runs nothing."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from pariter.engines.report import Report
from pariter.fluent import checks
from pariter.plan import arrange, stages
from pariter.plan.leases import MapLocal
from pariter.plan.origins import origin_of
from pariter.plan.pipeline import Plan
from pariter.plan.stages import Step
from pariter.plan.values import Break

if TYPE_CHECKING:
    from random import Random

    from numpy.random import Generator

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
    if hasattr(type(source), "__par_source__"):
        given = source.__par_source__()
        if given is source:
            raise TypeError(f"{method}() got a {type(source).__name__} whose __par_source__() returned itself")
        return plan_of(given, method)
    return Plan(origin_of(source, method))


class Adapters(Generic[T_co]):
    """The lazy half of `ParIter`."""

    __slots__ = ("_plan", "_report")

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._report: Report | None = None
        """What was measured when this plan last ran: this very one, no copy of it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._plan,)

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

    @overload
    def map_rng(self, f: Callable[[Random, T_co], U], *, seed: int, numpy: Literal[False] = False) -> ParIter[U]: ...
    @overload
    def map_rng(self, f: Callable[[Generator, T_co], U], *, seed: int, numpy: Literal[True]) -> ParIter[U]: ...
    def map_rng(self, f: Callable[[Any, T_co], U], *, seed: int, numpy: bool = False) -> ParIter[U]:
        """Call `f(rng, item)`, with a generator of random numbers made for the item's position.

        The results are those of `[f(random.Random(f"{seed}:{i}"), x) for i, x in enumerate(items)]`: what an
        item gets depends on `seed` and its position alone, not on engine, workers, cuts, or what else is asked.
        With `numpy=True`, `rng` is `numpy.random.Generator(PCG64(SeedSequence(seed, spawn_key=(i,))))`.
        Two such steps of a plan need two seeds, or an item gets the same numbers twice.

        To make a generator takes as long as some 200 calls of `rng.random()`. Where an item needs few, let
        neighbours share one: `chunks(100).map_rng(f, seed=seed)`, with an `f` that goes through a list.

        Needs positions, as `enumerate` does. At the call, raises TypeError if `seed` is not an integer; with
        `numpy=True`, ValueError if it is negative, and ImportError where NumPy is not installed.

        >>> par_iter("abc").map_rng(lambda rng, s: s * rng.randint(1, 3), seed=7).collect()
        ['aaa', 'b', 'cc']
        """
        from pariter.plan.randomness import MapRng

        f = checks.function("map_rng", f)
        seed = checks.integer("map_rng", "seed", seed)
        if numpy and importlib.util.find_spec("numpy") is None:
            raise ImportError('map_rng(numpy=True) needs NumPy, which is not installed: pip install "pariter[numpy]"')
        if numpy and seed < 0:
            raise ValueError(f"map_rng(numpy=True) needs a seed of at least 0, got {seed}")
        return self._then(MapRng(f, seed, bool(numpy)))

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
