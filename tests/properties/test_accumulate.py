"""Sums, reductions, folds and prefix results, against `functools`, `math` and `itertools`."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from fractions import Fraction
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from pariter import Break, Pool, par_iter
from tests.properties.cases import Case, Failed, Fn, assert_same, cases, fns, outcome, sevenths, thirds, triple

WORDS = st.sampled_from(("", "x", "start"))


def text(item: Any) -> str:
    return f"{item},"


@given(case=cases(), f=fns(triple), start=st.integers() | st.fractions())
def test_sum_is_that_of_the_builtin(pools: dict[str, Pool], case: Case, f: Fn, start: Any) -> None:
    assert_same(
        case,
        lambda: sum(map(f, map(int, case.values)), start),
        lambda: case.plan(pools).map(int).map(f).sum(start),
        "map",
    )


@given(case=cases(), f=fns(lambda item: [item]))
def test_sum_adds_from_left_to_right(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    assert_same(
        case, lambda: sum(map(f, case.values), ["start"]), lambda: case.plan(pools).map(f).sum(["start"]), "map"
    )


@given(case=cases())
def test_sum_of_what_cannot_be_added_raises_as_the_builtin(pools: dict[str, Pool], case: Case) -> None:
    wanted = outcome(lambda: sum(map(text, case.values)))
    with case.running():
        found = outcome(lambda: case.plan(pools).map(text).sum())

    assert (found.kind if isinstance(found, Failed) else found) == (
        wanted.kind if isinstance(wanted, Failed) else wanted
    )


@given(case=cases(), f=fns(lambda item: Fraction(int(item) + 1, 7)), start=st.integers(-3, 3))
def test_product_is_that_of_math(pools: dict[str, Pool], case: Case, f: Fn, start: int) -> None:
    assert_same(
        case,
        lambda: math.prod(map(f, case.values), start=start),
        lambda: case.plan(pools).map(f).product(start),
        "map",
    )


@given(case=cases(), keep=fns(thirds))
def test_count_counts_what_is_left(pools: dict[str, Pool], case: Case, keep: Fn) -> None:
    assert_same(
        case, lambda: len(list(filter(keep, case.values))), lambda: case.plan(pools).filter(keep).count(), "filter"
    )


@given(case=cases(), f=fns(text))
def test_reduce_keeps_the_order_of_operands(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    assert_same(
        case,
        lambda: functools.reduce(operator.add, map(f, case.values), ""),
        lambda: case.plan(pools).map(f).reduce(str, operator.add),
        "map",
    )


@given(case=cases(), f=fns(text))
def test_reduce_with_is_functools_reduce(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    assert_same(
        case,
        lambda: functools.reduce(operator.add, map(f, case.values)) if case.values else "none",
        lambda: case.plan(pools).map(f).reduce_with(operator.add, "none"),
        "map",
    )


@given(case=cases(), f=fns(triple))
def test_fold_covers_every_item_once_and_in_order(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    def op(found: list[Any], item: Any) -> list[Any]:
        found.append(f(item))
        return found

    with_runs = case.shortest, case.longest

    def run() -> Any:
        runs = case.plan(pools).fold(list, op).collect()
        assert runs
        assert with_runs != (1, 1) or not case.is_exact or max(map(len, runs)) <= 1
        return sum(runs, [])

    assert_same(case, lambda: list(map(f, case.values)), run, "fold")


@given(case=cases(), f=fns(text), start=WORDS)
def test_fold_with_begins_every_run_with_a_copy(pools: dict[str, Pool], case: Case, f: Fn, start: str) -> None:
    init = [start]

    def op(found: list[Any], item: Any) -> list[Any]:
        found.append(f(item))
        return found

    def run() -> Any:
        runs = case.plan(pools).fold_with(init, op).collect()
        assert all(found[0] == start for found in runs)
        return sum((found[1:] for found in runs), [])

    assert_same(case, lambda: list(map(f, case.values)), run, "fold_with")
    assert init == [start]


# -- Prefix results -------------------------------------------------------------------------------


@given(case=cases(), f=fns(text), keep=fns(lambda text: True, range(0)))
def test_scan_is_accumulate(pools: dict[str, Pool], case: Case, f: Fn, keep: Fn) -> None:
    assert_same(
        case,
        lambda: list(itertools.accumulate(map(f, case.values), operator.add)),
        lambda: case.plan(pools).map(f).scan(operator.add).collect(),
        "map",
    )


@given(case=cases(), f=fns(text), initial=WORDS)
def test_scan_with_initial_has_one_result_more(pools: dict[str, Pool], case: Case, f: Fn, initial: str) -> None:
    assert_same(
        case,
        lambda: list(itertools.accumulate(map(f, case.values), operator.add, initial=initial)),
        lambda: case.plan(pools).map(f).scan(operator.add, initial).collect(),
        "map",
    )


def joined_unless(bad: int, left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
    """Associative in what it raises, too: the pair that must not meet does so in whatever way items are combined."""
    if left[-1] % 5 == right[0] % 5 == bad:
        raise ArithmeticError(left[-1], right[0])
    return left + right


@given(case=cases(), bad=st.integers(0, 4), n=st.integers(0, 60))
def test_scan_whose_op_raises_gives_the_results_before(pools: dict[str, Pool], case: Case, bad: int, n: int) -> None:
    op = functools.partial(joined_unless, bad)

    def single(item: Any) -> tuple[int, ...]:
        return (int(item),)

    def firsts(items: Any) -> Any:
        found = []
        try:
            for item in itertools.islice(items, n):
                found.append(item)
        except ArithmeticError as error:
            return found, error.args
        return found

    def model() -> Any:
        return itertools.accumulate(map(single, case.values), op)

    def run() -> Any:
        return case.plan(pools).map(single).scan(op)

    assert_same(case, lambda: firsts(model()), lambda: firsts(run()))
    assert_same(case, lambda: list(itertools.islice(model(), n)), lambda: run().take(n).collect(), "scan")


@given(case=cases(), f=fns(text), n=st.integers(0, 60), m=st.integers(0, 5))
def test_scan_can_be_picked_by_position(pools: dict[str, Pool], case: Case, f: Fn, n: int, m: int) -> None:
    def model() -> Any:
        return itertools.accumulate(map(f, case.values), operator.add)

    assert_same(
        case,
        lambda: list(itertools.islice(itertools.islice(model(), m, None), n)),
        lambda: case.plan(pools).map(f).scan(operator.add).skip(m).take(n).collect(),
        "map",
    )


@given(case=cases(), f=fns(text))
def test_scan_backwards_and_scan_of_scan(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    def model() -> Any:
        once = list(itertools.accumulate(map(f, case.values), operator.add))
        return list(itertools.accumulate(reversed(once), max))

    assert_same(case, model, lambda: case.plan(pools).map(f).scan(operator.add).rev().scan(max).collect(), "map")


# -- Early ends -----------------------------------------------------------------------------------


def until(n: int) -> Any:
    def op(found: Any, item: Any) -> Any:
        return Break(("fold", int(item))) if item == n else [*found, int(item)]

    return op


@given(case=cases(), n=st.integers(0, 60))
@example(case=Case([1, 5, 2, 5], "list", "serial", False, 1, 1), n=5)
def test_try_fold_ends_with_the_first_break(pools: dict[str, Pool], case: Case, n: int) -> None:
    with case.running():
        runs = case.plan(pools).try_fold(list, until(n)).collect()

    before = case.values[: case.values.index(n)] if n in case.values else case.values
    is_broken = n in case.values
    assert isinstance(runs[-1], Break) == is_broken
    found = sum(runs[:-1] if is_broken else runs, [])
    assert found == before[: len(found)]  # the run that broke does not tell what it had
    assert is_broken or found == before


@given(case=cases(), n=st.integers(0, 60), f=fns(triple))
def test_try_reduce_after_try_fold_returns_the_leftmost_break(
    pools: dict[str, Pool], case: Case, n: int, f: Fn
) -> None:
    op = until(n)

    def fold(found: Any, item: Any) -> Any:
        f(item)
        return op(found, item)

    def model() -> Any:
        found: Any = []
        for item in case.values:
            found = fold(found, item)
            if isinstance(found, Break):
                return found
        return found

    assert_same(case, model, lambda: case.plan(pools).try_fold(list, fold).try_reduce(list, operator.add), "try_fold")


@given(case=cases(), bad=st.frozensets(st.integers(0, 49), max_size=3), f=fns(lambda item: [item]))
def test_try_reduce_returns_an_item_that_is_a_break(
    pools: dict[str, Pool], case: Case, bad: frozenset[int], f: Fn
) -> None:
    def broken(item: Any) -> Any:
        found = f(item)
        return Break(int(item)) if item in bad else found

    def model() -> Any:
        total: list[Any] = []
        for item in map(broken, case.values):
            if isinstance(item, Break):
                return item
            total += item
        return total

    assert_same(case, model, lambda: case.plan(pools).map(broken).try_reduce(list, operator.add), "map")


@given(case=cases(), most=st.integers(0, 40))
def test_try_reduce_whose_op_breaks_returns_a_break_if_the_loop_does(
    pools: dict[str, Pool], case: Case, most: int
) -> None:
    def op(left: int, right: int) -> Any:
        return Break("more") if max(left, right) > most else max(left, right)

    with case.running():
        found = case.plan(pools).map(int).try_reduce(int, op)

    assert found == (Break("more") if max(case.values, default=0) > most else max(case.values, default=0))


# -- Keys -----------------------------------------------------------------------------------------


@given(case=cases(), key=fns(sevenths), f=fns(text))
def test_fold_by_key_folds_each_group_in_order(pools: dict[str, Pool], case: Case, key: Fn, f: Fn) -> None:
    def op(found: str, item: Any) -> str:
        return found + f(item)

    def model() -> Any:
        groups: dict[int, str] = {}
        for item in case.values:
            groups[group] = op(groups.get(group := key(item), ""), item)
        return list(groups.items())

    assert_same(
        case,
        model,
        lambda: list(case.plan(pools).fold_by_key(key, str, op, operator.add).items()),
        "fold_by_key",
    )


@given(values=st.lists(st.floats(allow_nan=False), max_size=80))
def test_serial_float_sums_are_those_of_a_loop(values: list[float]) -> None:
    # An uninterrupted run adds as the loop does (from 3.12 on the builtin adds more exactly than either).
    found = par_iter(values).on("serial").reduce_with(operator.add, 0.0)

    assert repr(found) == repr(functools.reduce(operator.add, values) if values else 0.0)
