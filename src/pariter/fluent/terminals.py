"""What ends a plan: each method runs it and returns when all that is needed has been done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar, overload

from pariter import current
from pariter.engines import driver, memory, own
from pariter.engines.base import Engine
from pariter.fluent import checks
from pariter.fluent.options import Options
from pariter.plan import collecting, reshape, searching, sinks, stages
from pariter.plan.pipeline import Plan
from pariter.plan.sinks import Sink
from pariter.plan.values import MISSING, Left, Right

T_co = TypeVar("T_co", covariant=True)
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
K = TypeVar("K")
U = TypeVar("U")
V = TypeVar("V")

_IN_PARALLEL: dict[Any, Callable[[], Sink]] = {
    list: collecting.Collect,
    set: collecting.CollectSet,
    dict: collecting.CollectDict,
    str: collecting.CollectText,
    bytes: collecting.CollectBytes,
}


class Terminals(Options[T_co]):
    """The half of `ParIter` that runs."""

    __slots__ = ()

    def _run(self, sink: Sink, *, ends: bool = True, backwards: bool = False) -> Any:
        if ends:
            self._ends(sink.name)
        return self._drive(self._plan, sink, backwards=backwards)

    def _drive(self, plan: Plan, sink: Sink, *, effect: bool = False, backwards: bool = False) -> Any:
        run = partial(driver.run, plan, sink, backwards=backwards)
        return self._reported(run, current.engine_for(plan, effect=effect))

    def _reported(self, run: Callable[[Engine], A], engine: Engine) -> A:
        """`run(engine)`, after which `explain()` tells what was measured."""
        try:
            return run(engine)
        finally:
            self._report = engine.report

    # All items.

    @overload
    def collect(self) -> list[T_co]: ...
    @overload
    def collect(self, into: type[list[Any]]) -> list[T_co]: ...
    @overload
    def collect(self: Terminals[tuple[K, V]], into: type[dict[Any, Any]]) -> dict[K, V]: ...
    @overload
    def collect(self, into: Callable[[Iterable[T_co]], C]) -> C: ...
    def collect(self, into: Any = list) -> Any:
        """All items, in order, in a list or in whatever `into` makes of an iterable.

        `list`, `tuple`, `set`, `frozenset`, `dict`, `str` (joined), `bytes` and `deque` are built in
        parallel where that helps; anything else is called once with the list.

        >>> par_iter(range(3)).map(lambda n: n * n).collect()
        [0, 1, 4]
        >>> par_iter("abba").collect(set) == {"a", "b"}
        True
        >>> par_iter([("a", 1), ("b", 2), ("a", 3)]).collect(dict)
        {'a': 3, 'b': 2}
        """
        into = checks.function("collect", into, "into")
        if into in _IN_PARALLEL:
            return self._run(_IN_PARALLEL[into]())
        if into is frozenset:
            return frozenset(self._run(collecting.CollectSet()))
        return into(self._run(collecting.Collect()))

    def collect_into(self, out: Any) -> None:
        """Assign all items to the elements of `out`: a list, array or ndarray of the same length.

        `out` is changed only if the whole run succeeds. Worker processes write the numbers for a large ndarray
        into shared memory, from which they are copied once.

        Raises ValueError if the lengths differ, at the call if the plan's is known.

        >>> out = [0] * 3
        >>> par_iter("abc").collect_into(out)
        >>> out
        ['a', 'b', 'c']
        """
        checks.places("collect_into", out)
        self._fits(self._plan.length(), out)
        into = collecting.CollectInto(out.dtype, out.shape) if memory.takes_results(out) else collecting.Collect()
        items = self._run(into)
        self._fits(len(items), out)
        out[:] = items if not hasattr(out, "typecode") else type(out)(out.typecode, items)

    def _fits(self, length: int | None, out: Any) -> None:
        if length is not None and length != len(out):
            raise ValueError(f"collect_into() has {length} items for {len(out)} places")

    def for_each(self, f: Callable[[T_co], object]) -> None:
        """Call `f` on every item for its effect, in no promised order.

        Its default engine is `threads`, GIL or not, because an effect in a worker process is lost.

        >>> squares = {}
        >>> par_iter(range(3)).for_each(lambda n: squares.update({n: n * n}))
        >>> squares[2]
        4
        """
        self._ends("for_each")
        plan = self._plan.then(stages.ForEach(checks.function("for_each", f)))
        self._drive(plan, sinks.Drain(), effect=True)

    def count(self) -> int:
        """How many items there are. Runs the plan, functions and all.

        >>> par_iter("banana").filter("a".__eq__).count()
        3
        """
        return int(self._run(sinks.Count()))

    # Sums and reductions.

    @overload
    def sum(self: Terminals[int]) -> int: ...
    @overload
    def sum(self) -> T_co: ...
    @overload
    def sum(self, start: A) -> T_co | A: ...
    def sum(self, start: Any = 0) -> Any:
        """`start` plus all items, as the builtin `sum`.

        Floats are added in another association than the loop's, which may differ in the last bits.

        >>> par_iter([1, 2, 3]).sum()
        6
        """
        if isinstance(start, (str, bytes, bytearray)):
            raise TypeError(f"sum() cannot add {type(start).__name__} objects; use collect({type(start).__name__})")
        return self._run(sinks.Sum(start))

    @overload
    def product(self: Terminals[int]) -> int: ...
    @overload
    def product(self) -> T_co: ...
    @overload
    def product(self, start: A) -> T_co | A: ...
    def product(self, start: Any = 1) -> Any:
        """`start` times all items, as `math.prod`.

        >>> par_iter([2, 3, 4]).product()
        24
        """
        return self._run(sinks.Product(start))

    @overload
    def min(self, *, key: Callable[[T_co], Any] | None = None) -> T_co: ...
    @overload
    def min(self, *, key: Callable[[T_co], Any] | None = None, default: D) -> T_co | D: ...
    def min(self, *, key: Any = None, default: Any = MISSING) -> Any:
        """The first of the least items, as the builtin `min`; `key` is called once an item.

        Raises ValueError if there are no items and no `default`.

        >>> par_iter([-3, 34, 2]).min(key=abs)
        2
        """
        return self._run(sinks.Min(checks.optional_function("min", key, "key"), default))

    @overload
    def max(self, *, key: Callable[[T_co], Any] | None = None) -> T_co: ...
    @overload
    def max(self, *, key: Callable[[T_co], Any] | None = None, default: D) -> T_co | D: ...
    def max(self, *, key: Any = None, default: Any = MISSING) -> Any:
        """The first of the greatest items, as the builtin `max`; `key` is called once an item.

        Raises ValueError if there are no items and no `default`.

        >>> par_iter(["b", "aa", "cc"]).max(key=len)
        'aa'
        """
        return self._run(sinks.Max(checks.optional_function("max", key, "key"), default))

    def reduce(self, make: Callable[[], A], op: Callable[[A, A], A]) -> A:
        """Combine all items with `op`, which must be associative; `make()` must be neutral.

        The left operand always comes from further left. `make` is called once for each run of
        items that one worker handles, at least once, so a `make` that is not neutral counts as often.

        >>> par_iter(["a", "b", "c"]).reduce(str, str.__add__)
        'abc'
        """
        make = checks.maker("reduce", make, checks.fn_name(op))
        return self._run(sinks.Reduce(make, checks.function("reduce", op, "op")))  # type: ignore[no-any-return]

    @overload
    def reduce_with(self, op: Callable[[T_co, T_co], Any]) -> T_co: ...
    @overload
    def reduce_with(self, op: Callable[[T_co, T_co], Any], default: D) -> T_co | D: ...
    def reduce_with(self, op: Any, default: Any = MISSING) -> Any:
        """Combine all items with `op`, which must be associative, as `functools.reduce`.

        Raises ValueError if there are no items and no `default`.

        >>> par_iter([3, 1, 2]).reduce_with(max)
        3
        """
        return self._run(sinks.ReduceWith(checks.function("reduce_with", op, "op"), default))

    # Searches, which stop as soon as they know.

    def any(self, keep: Callable[[T_co], object] | None = None) -> bool:
        """Whether `keep(item)`, or the item itself, is true for one. False for no items.

        >>> par_iter(range(10**27)).any(lambda n: n > 5)
        True
        """
        keep = checks.optional_function("any", keep, "keep")
        return bool(self._run(searching.AnyTrue(keep), ends=False))

    def all(self, keep: Callable[[T_co], object] | None = None) -> bool:
        """Whether `keep(item)`, or the item itself, is true for each. True for no items.

        >>> par_iter([2, 4]).all(lambda n: n % 2 == 0)
        True
        """
        keep = checks.optional_function("all", keep, "keep")
        return bool(self._run(searching.AllTrue(keep), ends=False))

    @overload
    def find_any(self, keep: Callable[[T_co], object]) -> T_co | None: ...
    @overload
    def find_any(self, keep: Callable[[T_co], object], default: D) -> T_co | D: ...
    def find_any(self, keep: Any, default: Any = None) -> Any:
        """Some item for which `keep(item)` is true, else `default`; which one is not promised.

        >>> par_iter([1, 2, 3]).find_any(lambda n: n == 2)
        2
        """
        return self._run(searching.FindAny(checks.function("find_any", keep), default), ends=False)

    @overload
    def find_first(self, keep: Callable[[T_co], object]) -> T_co | None: ...
    @overload
    def find_first(self, keep: Callable[[T_co], object], default: D) -> T_co | D: ...
    def find_first(self, keep: Any, default: Any = None) -> Any:
        """The first item for which `keep(item)` is true, else `default`.

        >>> par_iter(range(10**27)).find_first(lambda n: n % 7 == 5)
        5
        """
        return self._run(searching.FindFirst(checks.function("find_first", keep), default), ends=False)

    @overload
    def find_last(self, keep: Callable[[T_co], object]) -> T_co | None: ...
    @overload
    def find_last(self, keep: Callable[[T_co], object], default: D) -> T_co | D: ...
    def find_last(self, keep: Any, default: Any = None) -> Any:
        """The last item for which `keep(item)` is true, else `default`. Searches from the right.

        >>> par_iter([1, 2, 3]).find_last(lambda n: n < 3)
        2
        """
        sink = searching.FindLast(checks.function("find_last", keep), default)
        return self._run(sink, backwards=True)

    def position_first(self, keep: Callable[[T_co], object]) -> int | None:
        """The index of the first item for which `keep(item)` is true, None if there is none.

        >>> par_iter("banana").position_first("n".__eq__)
        2
        """
        return self._position(searching.PositionFirst(checks.function("position_first", keep)))

    def position_any(self, keep: Callable[[T_co], object]) -> int | None:
        """The index of some item for which `keep(item)` is true, None if there is none.

        >>> par_iter("banana").position_any("b".__eq__)
        0
        """
        return self._position(searching.PositionAny(checks.function("position_any", keep)))

    def position_last(self, keep: Callable[[T_co], object]) -> int | None:
        """The index of the last item for which `keep(item)` is true, None if there is none.

        >>> par_iter("banana").position_last("n".__eq__)
        4
        """
        self._ends("position_last")
        sink = searching.PositionLast(checks.function("position_last", keep))
        return self._position(sink, backwards=True)

    def _position(self, sink: Sink, *, backwards: bool = False) -> int | None:
        plan = self._plan.then(reshape.Enumerate())
        found: int | None = self._drive(plan, sink, backwards=backwards)
        return found

    def find_map_any(self, f: Callable[[T_co], U | None]) -> U | None:
        """Some `f(item)` that is not None, else None.

        >>> par_iter(["x", "7"]).find_map_any(lambda s: int(s) if s.isdigit() else None)
        7
        """
        sink = searching.FindMapAny(checks.function("find_map_any", f))
        return self._run(sink, ends=False)  # type: ignore[no-any-return]

    def find_map_first(self, f: Callable[[T_co], U | None]) -> U | None:
        """The first `f(item)` that is not None, else None.

        >>> par_iter(["x", "7", "8"]).find_map_first(lambda s: int(s) if s.isdigit() else None)
        7
        """
        sink = searching.FindMapFirst(checks.function("find_map_first", f))
        return self._run(sink, ends=False)  # type: ignore[no-any-return]

    def find_map_last(self, f: Callable[[T_co], U | None]) -> U | None:
        """The last `f(item)` that is not None, else None. Searches from the right.

        >>> par_iter(["x", "7", "8"]).find_map_last(lambda s: int(s) if s.isdigit() else None)
        8
        """
        sink = searching.FindMapLast(checks.function("find_map_last", f))
        return self._run(sink, backwards=True)  # type: ignore[no-any-return]

    # Two results.

    def partition(self, keep: Callable[[T_co], object]) -> tuple[list[T_co], list[T_co]]:
        """The items for which `keep(item)` is true and the others, both in order.

        >>> par_iter(range(5)).partition(lambda n: n % 2)
        ([1, 3], [0, 2, 4])
        """
        return self._run(collecting.Partition(checks.function("partition", keep)))  # type: ignore[no-any-return]

    def unzip(self: Terminals[tuple[A, B]]) -> tuple[list[A], list[B]]:
        """The first and the second elements of all pairs.

        >>> par_iter([(1, "a"), (2, "b")]).unzip()
        ([1, 2], ['a', 'b'])
        """
        return self._run(collecting.Unzip())  # type: ignore[no-any-return]

    def partition_map(self, f: Callable[[T_co], Left[A] | Right[B]]) -> tuple[list[A], list[B]]:
        """The values of all `Left(x)` that `f` returns, and of all `Right(x)`, both in order.

        >>> par_iter(["1", "x"]).partition_map(lambda s: Left(int(s)) if s.isdigit() else Right(s))
        ([1], ['x'])
        """
        return self._run(collecting.PartitionMap(checks.function("partition_map", f)))  # type: ignore[no-any-return]

    # The plan itself.

    def __iter__(self) -> Iterator[T_co]:
        """The items in order, while workers run a bounded window ahead; closing it cancels."""
        self._report = None
        return driver.iterate(self._plan, current.engine_for(self._plan))

    def __len__(self) -> int:
        length = self._plan.length()
        if length is None:
            raise TypeError("the length of this plan is not known before it runs; count() runs it")
        return _index_sized(length, self._plan)

    def explain(self) -> str:
        """How the plan would run: its code, its barriers, what will not scale, the engine and why. Runs nothing.

        Once a terminal method has run this plan, a last line says what was measured in its last phase, and who did
        the work; not if the source was an iterator, or if the caller had no part in the work.

        >>> print(par_iter([1, 2]).map(str).on("serial").explain())
        par_iter([1, 2]).map(str).on('serial')
          source   list, 2 items
          map(str)
        engine: serial, because of .on('serial')
        """
        choice = current.choice_for(self._plan)
        from pariter.plan import explain

        text = explain.explain(self._plan, choice, counting=choice.startswith("threads") and own.pays())
        return text if self._report is None else f"{text}\nlast run: {self._report}"


def _index_sized(length: int, plan: Any) -> int:
    if plan.endless:
        raise OverflowError("this plan never ends")
    return len(range(length))  # OverflowError beyond sys.maxsize, as for a range
