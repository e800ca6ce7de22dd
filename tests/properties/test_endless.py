"""Sources without an end: what needs a part of them only returns, and calls a bounded number of functions."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from pariter import Break, ParIter, Pool, cancelled, par_iter, repeat, yield_now
from tests.properties.cases import ENGINES, Tallies, same

pytestmark = pytest.mark.timeout(60)


def seventh(item: Any) -> bool:
    return bool(item == 7)


SEARCHES: dict[str, tuple[Callable[[ParIter[Any]], Any], Any]] = {
    "find_any": (lambda plan: plan.find_any(seventh), 7),
    "find_first": (lambda plan: plan.find_first(seventh), 7),
    "find_map_any": (lambda plan: plan.find_map_any(lambda item: "hit" if item == 7 else None), "hit"),
    "find_map_first": (lambda plan: plan.find_map_first(lambda item: "hit" if item == 7 else None), "hit"),
    "position_any": (lambda plan: plan.position_any(seventh), 7),
    "position_first": (lambda plan: plan.position_first(seventh), 7),
    "any": (lambda plan: plan.any(seventh), True),
    "all": (lambda plan: plan.all(lambda item: item != 7), False),
    "try_for_each": (lambda plan: plan.try_for_each(lambda item: Break("hit") if item == 7 else None), Break("hit")),
    "try_fold": (
        lambda plan: plan.try_fold(int, lambda sum, item: Break("hit") if item == 7 else item).try_reduce(int, max),
        Break("hit"),
    ),
    "try_reduce": (
        lambda plan: plan.map(lambda item: Break("hit") if item == 7 else item).try_reduce(int, max),
        Break("hit"),
    ),
    "take": (lambda plan: plan.take(8).collect(), list(range(8))),
    "take_any": (lambda plan: len(plan.take_any(8).collect()), 8),
    "take_while": (lambda plan: plan.take_while(lambda item: item < 7).collect(), list(range(7))),
    "take_any_while": (lambda plan: max(plan.take_any_while(lambda item: item < 7).collect()) < 7, True),
    "while_some": (lambda plan: plan.map(lambda item: item if item < 7 else None).while_some().sum(), 21),
    "filter.take": (lambda plan: plan.filter(lambda item: item % 2).take(3).collect(), [1, 3, 5]),
    "flat_map.take": (lambda plan: plan.flat_map(range).take(4).collect(), [0, 0, 1, 0]),
    "filter.find_first": (lambda plan: plan.filter(lambda item: item > 3).find_first(lambda item: True), 4),
    "filter.position_first": (lambda plan: plan.filter(lambda item: item > 3).position_first(seventh), 3),
    "filter.enumerate": (
        lambda plan: plan.filter(lambda item: item > 3).enumerate().find_first(lambda pair: pair[1] == 7),
        (3, 7),
    ),
    "filter.take_while": (
        lambda plan: plan.filter(lambda item: item % 2).enumerate().take_while(lambda pair: pair[1] < 5).collect(),
        [(0, 1), (1, 3)],
    ),
    "filter.chunks": (
        lambda plan: plan.filter(lambda item: item % 2).chunks(2).find_first(lambda chunk: chunk[0] == 5),
        [5, 7],
    ),
    "filter.zip": (
        lambda plan: plan.filter(lambda item: item % 2).zip("abc").collect(),
        [(1, "a"), (3, "b"), (5, "c")],
    ),
    "zip filter": (
        lambda plan: par_iter("abc").zip(par_iter(itertools.count()).filter(lambda item: item % 2)).collect(),
        [("a", 1), ("b", 3), ("c", 5)],
    ),
    "scan.take": (lambda plan: plan.scan(max).take(5).collect(), [0, 1, 2, 3, 4]),
    "scan.find_first": (lambda plan: plan.scan(max).find_first(seventh), 7),
    "scan.take_while": (lambda plan: plan.scan(max, 0).take_while(lambda item: item < 2).collect(), [0, 0, 1]),
    "chunks": (lambda plan: plan.chunks(3).take(2).collect(), [[0, 1, 2], [3, 4, 5]]),
    "fold_chunks": (lambda plan: plan.fold_chunks(3, int, max).take(2).collect(), [2, 5]),
    "windows": (lambda plan: plan.windows(2).take(2).collect(), [(0, 1), (1, 2)]),
    "map.windows": (lambda plan: plan.map(same).windows(2).find_first(lambda pair: pair[1] == 7), (6, 7)),
    "zip": (lambda plan: plan.zip("ab").collect(), [(0, "a"), (1, "b")]),
    "zip endless": (lambda plan: plan.zip(itertools.count(5)).take(2).collect(), [(0, 5), (1, 6)]),
    "interleave": (lambda plan: plan.interleave(itertools.repeat("x")).take(4).collect(), [0, "x", 1, "x"]),
    "interleave_shortest": (lambda plan: plan.interleave_shortest("ab").collect(), [0, "a", 1, "b", 2]),
    "intersperse": (lambda plan: plan.intersperse("-").take(4).collect(), [0, "-", 1, "-"]),
    "enumerate": (lambda plan: plan.enumerate(1).take(2).collect(), [(1, 0), (2, 1)]),
    "chain": (lambda plan: plan.chain("ab").take(2).collect(), [0, 1]),
    "chained": (lambda plan: par_iter("ab").chain(plan).take(3).collect(), ["a", "b", 0]),
    "skip": (lambda plan: plan.skip(5).take(2).collect(), [5, 6]),
    "skip_while": (lambda plan: plan.skip_while(lambda item: item < 7).take(2).collect(), [7, 8]),
    "skip_while.find": (lambda plan: plan.map(same).skip_while(lambda item: item < 7).find_first(bool), 7),
    "step_by": (lambda plan: plan.step_by(5).take(3).collect(), [0, 5, 10]),
    "positions": (lambda plan: plan.positions(lambda item: item % 2).take(2).collect(), [1, 3]),
    "map_batches": (lambda plan: plan.map_batches(same, 4).take(3).collect(), [0, 1, 2]),
    "map_batches unsized": (lambda plan: plan.map_batches(same).find_first(seventh), 7),
    "filter.map_batches": (
        lambda plan: plan.filter(lambda item: item % 2).map_batches(same, 2).find_first(seventh),
        7,
    ),
    "map_local": (lambda plan: plan.map_local(int, lambda state, item: item).find_first(seventh), 7),
    "cmp": (lambda plan: plan.cmp([0, 1, 3]), -1),
    "equals": (lambda plan: plan.map(same).equals(itertools.chain([0, 2], itertools.count())), False),
    "iteration": (lambda plan: list(itertools.islice(plan, 5)), [0, 1, 2, 3, 4]),
    "filter.iteration": (
        lambda plan: list(itertools.islice(plan.filter(lambda item: item % 2).enumerate(), 2)),
        [(0, 1), (1, 3)],
    ),
    "scan.iteration": (lambda plan: list(itertools.islice(plan.scan(max), 3)), [0, 1, 2]),
    "skip_while.iteration": (
        lambda plan: list(itertools.islice(plan.skip_while(lambda item: item < 7), 2)),
        [7, 8],
    ),
    "blocks": (lambda plan: plan.by_uniform_blocks(5).find_first(seventh), 7),
    "doubling blocks": (lambda plan: plan.by_exponential_blocks().find_any(seventh), 7),
    "reproducible": (lambda plan: plan.reproducible().find_first(seventh), 7),
    "unordered": (lambda plan: plan.unordered().find_any(seventh), 7),
    "unordered.take": (lambda plan: len(list(itertools.islice(plan.unordered(), 3))), 3),
}
SOURCES: dict[str, Callable[[], Any]] = {
    "count": itertools.count,
    "range": lambda: range(10**27),
    "repeat": lambda: repeat(0).enumerate().map(lambda pair: pair[0]),
}


def on(pools: dict[str, Pool], engine: str, plan: ParIter[Any]) -> ParIter[Any]:
    return plan if engine == "default" else plan.on(pools[engine])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", SEARCHES)
def test_what_needs_a_part_of_an_endless_source_returns(
    pools: dict[str, Pool], name: str, source: str, engine: str
) -> None:
    run, wanted = SEARCHES[name]

    found = run(on(pools, engine, par_iter(SOURCES[source]())))

    assert found == wanted


class Patient:
    """Looks at items, and beyond `most` of them goes on only when the run no longer wants what it does."""

    def __init__(self, most: int, hit: Callable[[Any], Any]) -> None:
        self.calls: list[Any] = []
        self.most = most
        self.hit = hit

    def __call__(self, item: Any) -> Any:
        self.calls.append(item)
        if item > self.most:
            while not cancelled():
                yield_now()
        return self.hit(item)


@pytest.mark.parametrize("engine", ["serial", "threads-1", "threads-2", "threads-3", "threads-7"])
@pytest.mark.parametrize("name", ["find_first", "find_any", "position_first", "position_any", "any"])
def test_a_search_stops_the_workers_that_are_further_right(pools: dict[str, Pool], name: str, engine: str) -> None:
    # Were they not told, those right of item 1000 would never return.
    keep = Patient(1000, lambda item: item == 700)
    getattr(par_iter(range(10**27)).on(pools[engine]), name)(keep)

    assert set(range(701)) <= set(keep.calls)
    assert len(keep.calls) == len(set(keep.calls))


def test_the_calls_over_an_endless_iterator_are_bounded_by_what_was_pulled(
    pools: dict[str, Pool], tallies: Tallies
) -> None:
    for engine in ("serial", "threads-1", "threads-7", "processes-2"):
        pulled = itertools.count()
        tally = tallies.of(seventh)
        found = par_iter(pulled).on(pools[engine]).find_first(tally)
        read = next(pulled)

        assert found == 7
        assert 8 <= len(tally.items) <= read <= 7 * 4 * 4096


@pytest.mark.parametrize("engine", ENGINES)
def test_closing_an_endless_iteration_closes_the_iterator_beneath(pools: dict[str, Pool], engine: str) -> None:
    closed: list[bool] = []

    def numbers() -> Any:
        try:
            yield from itertools.count()
        finally:
            closed.append(True)

    items = iter(on(pools, engine, par_iter(numbers())).map(same))
    found = next(items), next(items)
    items.close()  # type: ignore[attr-defined]

    assert found == (0, 1)
    assert closed == [True]


@pytest.mark.parametrize(
    "method", ["rev", "collect", "sum", "count", "sorted", "find_last", "for_each", "min", "partition", "group_by"]
)
def test_what_could_never_end_is_a_value_error_at_the_call(method: str) -> None:
    arguments = [same] if method in ("find_last", "for_each", "partition", "group_by") else []

    with pytest.raises(ValueError, match=method):
        getattr(repeat(4).map(same), method)(*arguments)


def test_repeat_ends_where_it_is_told_to() -> None:
    assert repeat(4).take(4).collect() == [4, 4, 4, 4]
    assert repeat("x").zip(range(3)).sum(()) == ("x", 0, "x", 1, "x", 2)
    assert repeat(2).take_while(bool).take(2).product() == 4
