"""`on_error`: an exception ends one item and not the run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pariter import Pool, par_iter

WORDS = [str(n) for n in range(300)]
WORDS[7], WORDS[200] = "seven", "two hundred"


def test_skip_drops_the_items_for_which_a_function_raised(every_engine: Pool) -> None:
    plan = par_iter(WORDS).on(every_engine).map(int).on_error("skip")

    assert plan.collect() == [n for n in range(300) if n not in (7, 200)]


def test_return_puts_the_exception_into_the_place_of_the_item(every_engine: Pool) -> None:
    results = par_iter(WORDS).on(every_engine).map(int).map(lambda n: n + 1).on_error("return").collect()

    assert len(results) == 300
    assert results[6] == 7
    assert isinstance(results[7], ValueError)
    assert results[7].__notes__[0].startswith("pariter: raised by map(int) at item 7 ('seven'), on ")


def test_group_raises_all_exceptions_in_source_order_after_the_run(every_engine: Pool) -> None:
    plan = par_iter(WORDS).on(every_engine).map(int).on_error("group")

    with pytest.raises(ExceptionGroup) as caught:
        plan.sum()

    assert [error.__notes__[0].split("'")[1] for error in caught.value.exceptions] == ["seven", "two hundred"]


def test_group_gathers_what_was_raised_before_and_after_a_barrier(every_engine: Pool) -> None:
    plan = par_iter(WORDS).on(every_engine).map(int).enumerate().map(lambda pair: 1 // (pair[0] - 3))

    with pytest.raises(ExceptionGroup) as caught:
        plan.on_error("group").collect()

    assert [type(error) for error in caught.value.exceptions] == [ValueError, ValueError, ZeroDivisionError]


def test_group_yields_every_good_item_before_it_raises(every_engine: Pool) -> None:
    found = []

    with pytest.raises(ExceptionGroup):
        for n in par_iter(WORDS).on(every_engine).map(int).on_error("group"):
            found.append(n)

    assert found == [n for n in range(300) if n not in (7, 200)]


def test_fold_sees_only_what_did_not_fail(every_engine: Pool) -> None:
    plan = par_iter(WORDS).on(every_engine).map(int).fold(int, int.__add__)

    assert plan.on_error("skip").sum() == sum(range(300)) - 207
    with pytest.raises(ExceptionGroup) as caught:
        plan.on_error("group").sum()
    assert len(caught.value.exceptions) == 2


def test_an_exception_of_the_terminal_method_ends_the_run_all_the_same(every_engine: Pool) -> None:
    plan = par_iter(["a", 1]).on(every_engine).map(lambda item: item).on_error("skip")

    with pytest.raises(TypeError):
        plan.sum()


def test_a_generator_counts_as_an_item_that_failed(every_engine: Pool) -> None:
    plan = par_iter([1, 0, 2]).on(every_engine).flat_map(lambda n: (6 // n for _ in range(2)))

    assert plan.on_error("skip").collect() == [6, 6, 3, 3]


@given(st.lists(st.integers(0, 5)), st.integers(1, 4))
def test_each_policy_agrees_with_a_loop_that_catches(pools: dict[str, Pool], items: list[int], size: int) -> None:
    def f(n: int) -> int:
        return 60 // (n - 2)

    expected = [f(n) for n in items if n != 2]
    for name in ("serial", "threads-2", "threads-7"):
        plan = par_iter(items).on(pools[name]).map(f)

        assert plan.on_error("skip").collect() == expected
        assert plan.on_error("skip").chunks(size).flatten().collect() == expected
        assert [type(r) for r in plan.on_error("return").collect()] == [
            ZeroDivisionError if n == 2 else int for n in items
        ]


def test_an_unknown_policy_is_refused_at_the_call() -> None:
    with pytest.raises(
        ValueError, match="on_error\\(\\) needs one of 'raise', 'skip', 'return', 'group', got 'ignore'"
    ):
        par_iter([1]).on_error("ignore")


def test_repr_shows_the_policy() -> None:
    assert repr(par_iter([1]).on_error("skip")) == "par_iter([1]).on_error('skip')"
