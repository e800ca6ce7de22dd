"""Order, laziness, and plans that run again."""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Callable
from operator import add
from typing import Any

import pytest

from pariter import ParIter, Pool, ThreadPool, empty, once, par_iter, par_zip, repeat
from tests.acceptance.functions import FAR, count_one, increment, is_even, push

Plan = ParIter[Any]

PLANS: dict[str, Callable[[Plan], Plan]] = {
    "map": lambda p: p.map(increment),
    "starmap": lambda p: p.zip(range(100)).starmap(add),
    "filter": lambda p: p.filter(is_even),
    "filter_map": lambda p: p.filter_map(lambda n: n if n % 3 else None),
    "flat_map": lambda p: p.flat_map(lambda n: range(n % 4)),
    "flatten": lambda p: p.map(lambda n: [n] * (n % 3)).flatten(),
    "inspect": lambda p: p.inspect(increment),
    "map_init": lambda p: p.map_init(list, lambda _state, n: n),
    "map_local": lambda p: p.map_local(list, lambda _state, n: n),
    "map_batches": lambda p: p.map_batches(lambda batch: [n + 1 for n in batch]),
    "enumerate": lambda p: p.enumerate(3),
    "zip": lambda p: p.zip("abc" * 20),
    "chain": lambda p: p.chain("abc"),
    "take": lambda p: p.take(17),
    "skip": lambda p: p.skip(17),
    "take_while": lambda p: p.take_while(lambda n: n < 31),
    "skip_while": lambda p: p.skip_while(lambda n: n < 31),
    "step_by": lambda p: p.step_by(7),
    "rev": lambda p: p.rev(),
    "chunks": lambda p: p.chunks(7),
    "windows": lambda p: p.windows(3),
    "fold_chunks": lambda p: p.fold_chunks(7, int, add),
    "interleave": lambda p: p.interleave("abc"),
    "interleave_shortest": lambda p: p.interleave_shortest("abc"),
    "intersperse": lambda p: p.intersperse(-1),
    "positions": lambda p: p.positions(is_even),
    "scan": lambda p: p.scan(add),
    "while_some": lambda p: p.map(lambda n: None if n == 40 else n).while_some(),
}


def test_map_gives_results_in_the_order_of_the_source(pool: Pool) -> None:
    assert pool.par_iter(range(1024)).map(increment).collect() == list(range(1, 1025))


def test_flat_map_and_filter_give_what_the_nested_loops_give(pool: Pool) -> None:
    expected = [x for n in range(200) for x in range(n) if x % 2 == 0]

    assert pool.par_iter(range(200)).flat_map(range).filter(is_even).collect() == expected


def test_a_plan_that_no_terminal_runs_calls_nothing() -> None:
    calls: list[int] = []

    plan = par_iter(list(range(100))).map(calls.append).filter(calls.append).rev()

    assert calls == []
    assert isinstance(plan, ParIter)


@pytest.mark.parametrize("build", PLANS.values(), ids=PLANS)
def test_a_plan_gives_the_same_again(build: Callable[[Plan], Plan], thread_pool: ThreadPool) -> None:
    plan = build(thread_pool.par_iter(range(50)))
    expected = build(par_iter(range(50)).on("serial")).collect()

    assert plan.collect() == expected
    assert plan.collect() == expected


@pytest.mark.parametrize("name", ["take_any", "skip_any"])
def test_a_plan_that_chooses_freely_gives_as_many_again(name: str, pool: Pool) -> None:
    plan = getattr(pool.par_iter(range(50)), name)(20)

    assert plan.count() == plan.count() == {"take_any": 20, "skip_any": 30}[name]


@pytest.mark.parametrize("build", PLANS.values(), ids=PLANS)
def test_repr_of_a_plan_is_text_and_runs_nothing(build: Callable[[Plan], Plan]) -> None:
    calls: list[int] = []

    text = repr(build(par_iter(range(10)).inspect(calls.append)))

    assert text.startswith("par_iter(range(0, 10)).inspect(")
    assert calls == []


@pytest.mark.parametrize("source", [empty(), once(1), repeat(1), repeat(1, 2), par_zip("a", "b")], ids=repr)
def test_repr_of_a_source_is_text(source: Plan) -> None:
    assert repr(source).isprintable()


def test_one_thread_calls_in_the_order_of_the_source(one: ThreadPool) -> None:
    out: list[int] = []

    one.install(lambda: par_iter(range(100)).for_each(out.append))

    assert out == list(range(100))


@pytest.mark.parametrize("n", [*range(20), 1000])
def test_folded_lists_concatenate_to_the_source(n: int, pool: Pool) -> None:
    assert pool.par_iter(range(n)).fold(list, push).reduce(list, add) == list(range(n))


@pytest.mark.parametrize("n", [*range(20), 1000])
def test_reduce_meets_operands_from_left_to_right(n: int, thread_pool: ThreadPool) -> None:
    assert thread_pool.par_iter(range(n)).map(str).reduce(str, add) == "".join(map(str, range(n)))


def test_of_equal_keys_a_dictionary_keeps_the_last(pool: Pool) -> None:
    assert pool.par_iter([("a", 1), ("b", 2), ("a", 3)]).collect(dict) == {"a": 3, "b": 2}


def test_a_dictionary_has_its_keys_in_the_order_of_the_source(pool: Pool) -> None:
    pairs = [(n * 37 % 101, n) for n in range(300)]

    assert list(pool.par_iter(pairs).collect(dict).items()) == list(dict(pairs).items())


def test_a_string_goes_through_by_characters_and_back(pool: Pool) -> None:
    text = "héllo, ünïcode 🙂" * 10

    assert pool.par_iter(text).collect(str) == text
    assert pool.par_iter(text).enumerate().collect() == list(enumerate(text))


@pytest.mark.parametrize("into", [list, tuple, set, frozenset, deque, Counter, bytes, bytearray, sorted])
def test_collect_into_anything_gives_what_it_makes_of_the_loop(into: Callable[[Any], Any], pool: Pool) -> None:
    numbers = [n * 31 % 256 for n in range(500)]

    result = pool.par_iter(numbers).map(increment).map(lambda n: n - 1).collect(into)

    assert result == into(numbers)
    assert type(result) is type(into(numbers))


SOURCES: dict[str, Callable[[], Any]] = {
    "list": lambda: [3, 1, 2] * 20,
    "tuple": lambda: (3, 1, 2) * 20,
    "range": lambda: range(9, -60, -2),
    "str": lambda: "abc" * 20,
    "bytes": lambda: bytes(range(60)),
    "bytearray": lambda: bytearray(range(60)),
    "memoryview": lambda: memoryview(bytes(range(60))),
    "deque": lambda: deque(range(60)),
    "dict": lambda: dict.fromkeys(range(60)),
    "items": lambda: dict(enumerate("abc" * 20)).items(),
    "set": lambda: set(range(60)),
    "frozenset": lambda: frozenset(range(60)),
    "iterator": lambda: iter(range(60)),
    "generator": lambda: (n for n in range(60)),
}


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_every_source_gives_what_a_loop_over_it_gives(make: Callable[[], Any], pool: Pool) -> None:
    assert pool.par_iter(make()).collect() == list(make())
    assert pool.par_iter(make()).enumerate().rev().collect() == list(enumerate(make()))[::-1]


def test_an_iterator_keeps_its_order(pool: Pool) -> None:
    assert pool.par_iter(iter(range(300))).map(increment).collect() == list(range(1, 301))


def test_a_plan_is_a_source_of_another(pool: Pool) -> None:
    inner = par_iter(range(10)).map(increment)

    assert par_iter(inner).on(pool).map(increment).collect() == list(range(2, 12))


class TestMoreItemsThanAnybodyCanGoThrough:
    def test_the_first_is_found(self, pool: Pool) -> None:
        assert pool.par_iter(range(FAR)).find_first(lambda _: True) == 0

    def test_the_last_is_found(self, pool: Pool) -> None:
        assert pool.par_iter(range(FAR)).find_last(lambda _: True) == FAR - 1

    def test_the_last_is_found_in_nested_ranges(self, pool: Pool) -> None:
        nested = pool.par_iter(range(FAR)).flat_map(lambda n: range(n, n + FAR))

        assert nested.find_first(lambda _: True) == 0
        assert nested.find_last(lambda _: True) == 2 * FAR - 2

    def test_any_is_found(self, pool: Pool) -> None:
        found = pool.par_iter(range(FAR)).find_any(lambda _: True)

        assert found in range(FAR)

    def test_any_is_found_behind_a_filter(self, pool: Pool) -> None:
        found = pool.par_iter(range(FAR)).filter(is_even).find_any(lambda n: n % 3 == 0)

        assert found is not None
        assert found % 6 == 0

    def test_any_is_found_behind_a_fold_of_short_runs(self, pool: Pool) -> None:
        found = pool.par_iter(range(FAR)).with_max_len(1000).fold(int, count_one).find_any(lambda n: n > 0)

        assert found is not None
        assert 1 <= found <= 1000
        assert pool.par_iter(range(FAR)).fold(int, count_one).any(lambda n: n > 0)

    def test_the_last_of_a_range_that_begins_below_zero_is_found(self, pool: Pool) -> None:
        assert pool.par_iter(range(-2, FAR)).find_last(lambda _: True) == FAR - 1

    def test_some_are_taken_from_either_end(self, pool: Pool) -> None:
        assert pool.par_iter(range(FAR)).map(increment).take(3).collect() == [1, 2, 3]
        assert pool.par_iter(range(FAR)).map(increment).rev().take(2).collect() == [FAR, FAR - 1]
        assert pool.par_iter(range(FAR)).skip(FAR - 2).collect() == [FAR - 2, FAR - 1]
        assert pool.par_iter(range(FAR)).step_by(FAR // 2).collect() == [0, FAR // 2]

    def test_an_iterator_without_end_is_searched_and_taken_from(self, pool: Pool) -> None:
        assert pool.par_iter(itertools.count()).find_first(lambda n: n > 50) == 51
        assert pool.par_iter(itertools.count()).map(increment).take(3).collect() == [1, 2, 3]
        assert pool.par_iter(itertools.count()).any(lambda n: n > 50)
