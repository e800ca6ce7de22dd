"""One example for every class of steps, sinks, sources and origins: what the laws are tried on.

A class without a row here fails the suite with "Inspect has no example". Steps that a method adds are
given as the code of a plan of one step, and what it gives; others, and sources, as they are made.
"""

from __future__ import annotations

import importlib
import inspect
import operator
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from operator import add  # noqa: F401 - for the code of the examples
from os import devnull  # noqa: F401 - for the code of the examples
from random import Random
from typing import Any, NamedTuple

import numpy
from hypothesis import strategies as st

import pariter.plan
from pariter import (  # noqa: F401 - for the code of the examples
    Break,
    Left,
    Right,
    par_chunk_by,
    par_chunks,
    par_iter,
    par_lines,
    par_rchunks,
    par_split,
    par_windows,
    repeat,
    sorting,
    split,
    walk_tree,
)
from pariter.engines import borrowing
from pariter.plan import (
    arrange,
    chunked,
    collecting,
    compound,
    elements,
    files,
    grouping,
    guard,
    leases,
    origins,
    piped,
    randomness,
    reshape,
    searching,
    sinks,
    sliced,
    slices,
    sources,
    stages,
    trees,
    weaving,
)
from pariter.plan.values import MISSING

for _module in pkgutil.iter_modules(pariter.plan.__path__, "pariter.plan."):
    importlib.import_module(_module.name)


def subclasses(base: type) -> list[type]:
    """All classes below `base`, private ones too, that something can be made of."""
    found: list[type] = []
    for below in base.__subclasses__():
        named = not issubclass(below, stages.Step) or hasattr(below, "name")
        if named and not inspect.isabstract(below) and below.__module__.startswith("pariter."):
            found.append(below)
        found += subclasses(below)
    return list(dict.fromkeys(found))


# -- Functions with names that can be imported ------------------------------------------------------


def inc(n: int) -> int:
    return n + 1


def odd(n: int) -> bool:
    return n % 2 == 1


def small(n: int) -> bool:
    return n < 4


def spread(n: int) -> range:
    return range(n)


def odd_or_none(n: int) -> int | None:
    return n if n % 2 else None


def with_state(state: list[int], n: int) -> int:
    state.append(n)
    return n * 10


def appended(found: list[int], n: int) -> list[int]:
    found.append(n)
    return found


def until_big(found: int, n: int) -> Any:
    return Break(n) if n > 7 else found + n


def doubled(batch: Any) -> list[int]:
    return [n * 2 for n in batch]


def big_ends(n: int) -> Any:
    return Break(n) if n > 7 else None


def sided(n: int) -> Any:
    return Left(n) if n % 2 else Right(n)


def remainder(n: int) -> int:
    return n % 3


def plus_die(rng: Random, n: int) -> int:
    return n + rng.randint(1, 6)


def nothing(n: int) -> None:
    return None


def rising(before: int, after: int) -> bool:
    return before < after


def below(n: int) -> range:
    return range(n)


def halves(data: str) -> Any:
    return (data[:1], data[1:]) if len(data) > 1 else None


# -- Steps that a method adds: code, and what it gives ----------------------------------------------

CODE: dict[type, tuple[str, list[Any]]] = {
    stages.Map: ("par_iter([3, 1, 2]).map(inc)", [4, 2, 3]),
    stages.Starmap: ("par_iter([(2, 5), (3, 2)]).starmap(pow)", [32, 9]),
    stages.Filter: ("par_iter(range(6)).filter(odd)", [1, 3, 5]),
    stages.FilterMap: ("par_iter(range(6)).filter_map(odd_or_none)", [1, 3, 5]),
    stages.FlatMap: ("par_iter([3, 0, 2]).flat_map(spread)", [0, 1, 2, 0, 1]),
    stages.Flatten: ("par_iter(['ab', '', 'c']).flatten()", ["a", "b", "c"]),
    stages.Inspect: ("par_iter([3, 1]).inspect(nothing)", [3, 1]),
    stages.MapInit: ("par_iter([3, 1]).map_init(list, with_state)", [30, 10]),
    leases.MapLocal: ("par_iter([3, 1]).map_local(list, with_state)", [30, 10]),
    stages.TakeWhile: ("par_iter([1, 3, 9, 2]).take_while(small)", [1, 3]),
    stages.TakeAnyWhile: ("par_iter([1, 3, 9, 2]).take_any_while(small)", [1, 3]),
    stages.WhileSome: ("par_iter([1, 0, None, 2]).while_some()", [1, 0]),
    stages.Fold: ("par_iter([1, 2, 3]).fold(list, appended)", [[1, 2, 3]]),
    stages.FoldWith: ("par_iter([1, 2, 3]).fold_with(5, operator.add)", [11]),
    stages.TryFold: ("par_iter([1, 2, 8, 3]).try_fold(int, until_big)", [Break(8)]),
    reshape.Enumerate: ("par_iter(['a', 'b', 'c']).enumerate(2)", [(2, "a"), (3, "b"), (4, "c")]),
    reshape.TakeAny: ("par_iter(range(9)).take_any(4)", [0, 1, 2, 3]),
    reshape.SkipAny: ("par_iter(range(7)).skip_any(3)", [3, 4, 5, 6]),
    reshape.SkipAnyWhile: ("par_iter([1, 3, 9, 2]).skip_any_while(small)", [9, 2]),
    reshape.Take: ("par_iter(range(9)).take(4)", [0, 1, 2, 3]),
    reshape.Skip: ("par_iter(range(7)).skip(3)", [3, 4, 5, 6]),
    reshape.StepBy: ("par_iter(range(8)).step_by(3)", [0, 3, 6]),
    reshape.Rev: ("par_iter([1, 2, 3]).rev()", [3, 2, 1]),
    reshape.Chunks: ("par_iter(range(7)).chunks(3)", [[0, 1, 2], [3, 4, 5], [6]]),
    reshape.Windows: ("par_iter(range(5)).windows(3)", [(0, 1, 2), (1, 2, 3), (2, 3, 4)]),
    reshape.Zip: ("par_iter([1, 2, 3]).zip(par_iter('ab'), par_iter(range(5)))", [(1, "a", 0), (2, "b", 1)]),
    reshape.Chain: ("par_iter([1, 2]).chain(par_iter('ab'), par_iter([]))", [1, 2, "a", "b"]),
    reshape.SkipWhile: ("par_iter([1, 3, 9, 2]).skip_while(small)", [9, 2]),
    arrange.Positions: ("par_iter([3, 4, 5]).positions(odd)", [0, 2]),
    arrange.FoldChunks: ("par_iter(range(5)).fold_chunks(2, list, appended)", [[0, 1], [2, 3], [4]]),
    arrange.Batches: ("par_iter(range(5)).map_batches(doubled, 2)", [0, 2, 4, 6, 8]),
    arrange.ScanStep: ("par_iter([1, 2, 3]).scan(operator.add)", [1, 3, 6]),
    arrange.Interleave: ("par_iter([1, 2, 3]).interleave(par_iter('a'))", [1, "a", 2, 3]),
    arrange.InterleaveShortest: ("par_iter([1, 2, 3]).interleave_shortest(par_iter('a'))", [1, "a", 2]),
    arrange.Intersperse: ("par_iter([1, 2, 3]).intersperse(0)", [1, 0, 2, 0, 3]),
    randomness.MapRng: ("par_iter([10, 20, 30]).map_rng(plus_die, seed=7)", [16, 21, 33]),
    slices.Separated: ("par_split([2, 4, 1, 3], odd)", [[2, 4], [], []]),
    slices.Alike: ("par_chunk_by([1, 2, 2, 1], rising)", [[1, 2], [2], [1]]),
    trees.WalkTree: ("walk_tree(3, below, order='post')", [0, 0, 1, 0, 0, 1, 2, 3]),
    trees.Split: ("split('abc', halves)", ["a", "b", "c"]),
}

# -- Stages that no method adds by that name: the stage, items, and what it makes of them ------------


FAILED = guard.Failed(ValueError("lost"))


def leased() -> leases.MapLocal:
    return leases.MapLocal(list, with_state).for_one_run()


STAGES: dict[type, tuple[stages.Stage, list[Any], list[Any]]] = {
    stages.Continued: (stages.Continued(inc), [1, 2], [2, 3]),
    stages.ForEach: (stages.ForEach(nothing), [1, 2], [None, None]),
    stages._FlatMapReversed: (stages._FlatMapReversed(spread), [3, 0, 2], [2, 1, 0, 1, 0]),
    stages._FlattenReversed: (stages._FlattenReversed(), ["ab", "c"], ["b", "a", "c"]),
    stages.Indexed: (stages.Indexed(odd), [(0, 3), (1, 4), (2, 5)], [0, 2]),
    stages.FoldEach: (stages.FoldEach(list, appended), [[1, 2], [3]], [[1, 2], [3]]),
    stages.MapBatches: (stages.MapBatches(doubled), [[1, 2], [3]], [2, 4, 6]),
    stages.GatherBatches: (stages.GatherBatches(doubled), [1, 2, 3], [2, 4, 6]),
    leases.MapLocal: (leased(), [3, 1], [30, 10]),
    randomness.Drawn: (randomness.Drawn(plus_die, 7, False), [(20, 1), (10, 0)], [21, 16]),
    sorting.SortKey: (sorting.SortKey(inc), [3, 1], [4, 2]),
    slices._Separators: (slices._Separators(odd), [(0, 3), (1, 4), (2, 5)], [0, 2]),
    slices._Differences: (slices._Differences(rising), [(1, (1, 2)), (2, (2, 2)), (3, (2, 1))], [2, 3]),
    guard.PassedBy: (guard.PassedBy(stages.TakeWhile(small)), [1, FAILED, 2, 9], [1, 2, FAILED]),
    guard.Returned: (guard.Returned(), [1, FAILED], [1, FAILED.error]),
}

# -- Sinks: the sink and the items it takes ---------------------------------------------------------


class SinkRow(NamedTuple):
    """A sink, the items it takes, and how to see two answers as equal."""

    sink: sinks.Sink
    item: st.SearchStrategy[Any]
    seen: Callable[[Any], Any] = lambda answer: answer


numbers = st.integers(0, 9)
pairs = st.tuples(numbers, numbers)


text = st.text("ab", max_size=2)
octets = st.binary(max_size=2)
ended = st.one_of(numbers, st.builds(Break, numbers))


def prefixes(partial: list[Any]) -> list[Any]:
    """What a scan gives, from its partial results."""
    from pariter.engines.driver import continued

    return opened(continued(partial, operator.add, MISSING))


SINKS: dict[type, SinkRow] = {
    sinks.Drain: SinkRow(sinks.Drain(), numbers),
    sinks.Count: SinkRow(sinks.Count(), numbers),
    sinks.Sum: SinkRow(sinks.Sum(3), numbers),
    sinks.Product: SinkRow(sinks.Product(3), numbers),
    sinks.Min: SinkRow(sinks.Min(remainder, "none"), numbers),
    sinks.Max: SinkRow(sinks.Max(remainder, "none"), numbers),
    sinks.Reduce: SinkRow(sinks.Reduce(str, operator.add), text),
    sinks.ReduceWith: SinkRow(sinks.ReduceWith(operator.add, "none"), text),
    sinks.TryReduce: SinkRow(sinks.TryReduce(int, operator.add), ended),
    sinks.TryForEach: SinkRow(sinks.TryForEach(big_ends), numbers),
    collecting.Collect: SinkRow(collecting.Collect(), numbers),
    collecting.CollectInto: SinkRow(collecting.CollectInto(numpy.dtype(int), (7,)), numbers),
    collecting.CollectSet: SinkRow(collecting.CollectSet(), numbers),
    collecting.CollectDict: SinkRow(collecting.CollectDict(), pairs, lambda found: list(found.items())),
    collecting.CollectText: SinkRow(collecting.CollectText(), text),
    collecting.CollectBytes: SinkRow(collecting.CollectBytes(), octets),
    collecting.Partition: SinkRow(collecting.Partition(odd), numbers),
    collecting.PartitionMap: SinkRow(collecting.PartitionMap(sided), numbers),
    collecting.Unzip: SinkRow(collecting.Unzip(), pairs),
    collecting.Hold: SinkRow(collecting.Hold(), numbers, lambda part: part.items),
    collecting.Scan: SinkRow(collecting.Scan(operator.add), numbers, prefixes),
    searching.AnyTrue: SinkRow(searching.AnyTrue(odd), numbers),
    searching.AllTrue: SinkRow(searching.AllTrue(small), numbers),
    searching.FindFirst: SinkRow(searching.FindFirst(odd, "none"), numbers),
    searching.FindAny: SinkRow(searching.FindAny(odd, "none"), numbers),
    searching.FindLast: SinkRow(searching.FindLast(odd, "none"), numbers),
    searching.PositionFirst: SinkRow(searching.PositionFirst(odd), pairs),
    searching.PositionAny: SinkRow(searching.PositionAny(odd), pairs),
    searching.PositionLast: SinkRow(searching.PositionLast(odd), pairs),
    searching.FirstNot: SinkRow(searching.FirstNot(small), pairs),
    searching.FindMapFirst: SinkRow(searching.FindMapFirst(odd_or_none), numbers),
    searching.FindMapAny: SinkRow(searching.FindMapAny(odd_or_none), numbers),
    searching.FindMapLast: SinkRow(searching.FindMapLast(odd_or_none), numbers),
    searching.Compare: SinkRow(searching.Compare(), pairs),
    searching.Equal: SinkRow(searching.Equal(), pairs),
    grouping.GroupBy: SinkRow(grouping.GroupBy(remainder), numbers, lambda found: list(found.items())),
    grouping.CountBy: SinkRow(grouping.CountBy(remainder), numbers, lambda found: list(found.items())),
    grouping.FoldByKey: SinkRow(
        grouping.FoldByKey(remainder, int, operator.add, operator.add), numbers, lambda found: list(found.items())
    ),
    guard.Sifting: SinkRow(guard.Sifting(collecting.Collect()), numbers, lambda answer: answer[0]),
    grouping.NLargest: SinkRow(grouping.NLargest(3, remainder), numbers),
    grouping.NSmallest: SinkRow(grouping.NSmallest(3, remainder), numbers),
}

# -- Sources: how one is made and the items it has --------------------------------------------------


class Tens:
    """A user's class with a length and items, that cannot be sliced."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __repr__(self) -> str:
        return f"Tens({self.size})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tens) and other.size == self.size

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        if not 0 <= index < self.size:
            raise IndexError(index)
        return index * 10


class Anew:
    """A user's class that makes a new iterator each time."""

    def __repr__(self) -> str:
        return "Anew()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Anew)

    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Iterator[int]:
        return iter((7, 8, 9))


def opened(source: sources.Source[Any]) -> list[Any]:
    """All items of a cut source."""
    span = source.span
    assert span is not None
    return list(source.open([(0, span)] if span else [], sources.Site()))


def row(*items: Any) -> sources.Source[Any]:
    return sources.Slices(items)


Row = tuple[Callable[[], sources.Source[Any]], list[Any]]

CUT: dict[type, Row] = {
    sources.Slices: (lambda: sources.Slices(range(10, 17)), [10, 11, 12, 13, 14, 15, 16]),
    sources.Same: (lambda: sources.Same("x", 4), ["x"] * 4),
    sources.Held: (lambda: sources.Held([4, 5, 6, 7]), [4, 5, 6, 7]),
    elements.Elements: (lambda: elements.Elements.of(Tens(5)), [0, 10, 20, 30, 40]),
    elements.Outcomes: (lambda: elements.Outcomes([1, 2, 3], range(3), range(3)), [1, 2, 3]),
    compound.Zipped: (lambda: compound.Zipped((row(1, 2, 3), row(*"abc"))), [(1, "a"), (2, "b"), (3, "c")]),
    compound.Chained: (lambda: compound.Chained((row(1, 2), row(), row(3, 4, 5))), [1, 2, 3, 4, 5]),
    chunked.Chunked: (lambda: chunked.Chunked(row(*range(7)), 3), [[0, 1, 2], [3, 4, 5], [6]]),
    chunked.Windowed: (lambda: chunked.Windowed(row(*range(5)), 2), [(0, 1), (1, 2), (2, 3), (3, 4)]),
    weaving.Woven: (lambda: weaving.Woven((row(1, 2, 3), row(*"abc"))), [1, "a", 2, "b", 3, "c"]),
    piped.Piped: (lambda: piped.Piped(row(3, 1, 2), (stages.Map(inc),)), [4, 2, 3]),
    slices.Cutouts: (lambda: slices.Cutouts([1, 2, 3, 4], [0, 2, 2, 3], [1, 2, 4, 4]), [[1], [], [3, 4], [4]]),
    randomness.Placed: (lambda: randomness.Placed(row(*"abc")), [("a", 0), ("b", 1), ("c", 2)]),
    slices._Numbered: (lambda: slices._Numbered((row(5, 6), row("a", "b"))), [(5, "a"), (6, "b")]),
}

PULLED: dict[type, Row] = {
    randomness.Placed: (
        lambda: randomness.Placed(sources.Iterated(iter("abcde"))),
        [("a", 0), ("b", 1), ("c", 2), ("d", 3), ("e", 4)],
    ),
    sources.Iterated: (lambda: sources.Iterated(iter(range(7))), list(range(7))),
    sliced.Sliced: (lambda: sliced.Sliced(sources.Iterated(iter(range(20))), 3, 15, 4), [3, 7, 11]),
    compound.StrictlyZipped: (
        lambda: compound.StrictlyZipped((sources.Iterated(iter("abc")), row(1, 2, 3))),
        [("a", 1), ("b", 2), ("c", 3)],
    ),
    weaving.Streamed: (
        lambda: weaving.interleaved(sources.Iterated(iter("abc")), row(1, 2), shortest=False),
        ["a", 1, "b", 2, "c"],
    ),
}

# What the items of these are depends on where the feed cuts, on the sink they are made by or on the site.
BY_BLOCK: dict[type, Callable[[], Any]] = {
    chunked.Blocked: lambda: chunked.Blocked(row(*range(7))),
    guard.Guarded: lambda: guard.Guarded((stages.Filter(odd), stages.Map(inc)), True),
    borrowing.Fill: lambda: borrowing.Fill(numpy.dtype(int), (7,), "run", "segment", 56),
    collecting.Scatter: lambda: collecting.Collect().in_place(7),
    trees.PreOrder: lambda: trees.PreOrder(below),
    trees.PostOrder: lambda: trees.PostOrder(below),
    trees.Halving: lambda: trees.Halving(halves),
    trees.Grove: lambda: trees.Grove.of([(True, 3)], None, trees.PreOrder(below)),
    files.Lines: lambda: files.Lines((), files.text_form("utf-8", "strict", False), 1),
}

# -- Origins: what is given to par_iter, and the items ----------------------------------------------

ORIGINS: dict[type, tuple[Callable[[], Any], list[Any]]] = {
    origins.Sliceable: (lambda: [1, 2, 3], [1, 2, 3]),
    origins.Snapshot: (lambda: {1: "a", 2: "b"}, [1, 2]),
    origins.Subscriptable: (lambda: Tens(3), [0, 10, 20]),
    origins.Reiterable: (lambda: Anew(), [7, 8, 9]),
    origins.OneShot: (lambda: iter([1, 2]), [1, 2]),
}

# Those that only a function of their own makes: code, and the items.
MADE: dict[type, tuple[str, list[Any]]] = {
    origins.Repeated: ("repeat('x', 3)", ["x", "x", "x"]),
    slices.ChunkSlices: ("par_chunks('abcde', 2, exact=True)", ["ab", "cd"]),
    slices.ReverseChunkSlices: ("par_rchunks('abcde', 2)", ["de", "bc", "a"]),
    slices.WindowSlices: ("par_windows('abcd', 3)", ["abc", "bcd"]),
    slices.Whole: ("par_split([2, 1, 4], odd)", [[2], [4]]),
    trees.Start: ("walk_tree(2, below)", [2, 0, 1, 0]),
    files.TextFiles: ("par_lines(devnull)", []),
}


def known(*tables: Iterable[type]) -> set[type]:
    """All classes that have an example in one of the tables."""
    return {kind for table in tables for kind in table}
