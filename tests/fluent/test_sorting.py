"""`par_sort`, `par_sorted` and `ParIter.sorted` against the builtins."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pariter import Pool, ThreadPool, par_iter, par_sort, par_sorted

ITEMS = st.one_of(
    st.lists(st.integers()),
    st.lists(st.text(max_size=3)),
    st.lists(st.floats()),
    st.lists(st.tuples(st.integers(0, 3), st.integers())),
)


def last_digit(n: int) -> int:
    return int(str(n)[-1])


def slow_key(n: int) -> int:
    return sum(range(n % 50 + 2000)) % 7


@given(ITEMS, st.booleans())
def test_par_sorted_gives_the_very_items_of_sorted(items: list[Any], reverse: bool) -> None:
    expected = sorted(items, reverse=reverse)

    assert list(map(id, par_sorted(items, reverse=reverse))) == list(map(id, expected))


@given(st.lists(st.integers(0, 10_000)), st.booleans())
def test_equal_keys_keep_their_order_whichever_way(items: list[int], reverse: bool) -> None:
    pairs = list(enumerate(items))

    assert par_sorted(pairs, key=lambda p: last_digit(p[1]), reverse=reverse) == sorted(
        pairs, key=lambda p: last_digit(p[1]), reverse=reverse
    )


@pytest.mark.parametrize("many", [*range(26), 500, 50_000])
def test_sizes_and_few_distinct_keys(many: int) -> None:
    items = [random.Random(many).randrange(10**9) for _ in range(many)]

    assert par_sorted(items, key=lambda n: n % 10) == sorted(items, key=lambda n: n % 10)


def test_long_runs_of_each_total_order_are_sorted_alike_on_threads() -> None:
    rng = random.Random(1)
    numbers = [rng.randrange(10**6) for _ in range(210_000)]
    lists: list[list[Any]] = [
        numbers,
        [n / 7 for n in numbers],
        [str(n) for n in numbers],
        [float("nan") if n % 1000 == 0 else n / 7 for n in numbers],
        [n if n % 2 else float(n) for n in numbers],
        sorted(numbers),
    ]
    with ThreadPool(2):
        for items in lists:
            for reverse in (False, True):
                expected = sorted(items, reverse=reverse)

                assert list(map(id, par_sorted(items, reverse=reverse))) == list(map(id, expected))


def test_the_sorted_terminal_sorts_what_a_plan_gives(every_engine: Pool) -> None:
    items = [random.Random(2).randrange(1000) for _ in range(5000)]
    plan = par_iter(items).on(every_engine).map(lambda n: n * 3)

    assert plan.sorted() == sorted(n * 3 for n in items)
    assert plan.sorted(key=slow_key, reverse=True) == sorted((n * 3 for n in items), key=slow_key, reverse=True)


@pytest.mark.parametrize("many", [1, 2, 3, 2000])
def test_key_is_called_once_for_each_item(many: int) -> None:
    for key in (lambda n: -n, lambda n: abs(n), lambda n: sum(range(2000)) - n):
        seen: Counter[int] = Counter()

        def counted(n: int, key: Any = key, seen: Counter[int] = seen) -> int:
            seen[n] += 1
            return int(key(n))

        with ThreadPool(2):
            par_sorted(list(range(many)), key=counted)

        assert seen == Counter(range(many))


def test_par_sort_sorts_in_place() -> None:
    items = [3, 1, 2]
    same = items

    par_sort(items, reverse=True)

    assert same == [3, 2, 1]


@pytest.mark.parametrize("at", [0, 1, 2, 500, 999])
def test_a_key_that_raises_leaves_the_list_as_it_was(at: int, every_engine: Pool) -> None:
    items = list(range(1000, 0, -1))
    before = list(items)

    def key(n: int) -> int:
        if 1000 - n >= at:
            raise LookupError(n)
        return sum(range(500)) * n

    with pytest.raises(LookupError) as caught:
        every_engine.install(par_sort, items, key=key)

    assert caught.value.args == (1000 - at,)
    assert items == before


def test_a_comparison_that_raises_leaves_the_list_as_it_was() -> None:
    items = [5, 4, 3, "a", 2]
    before = list(items)

    with pytest.raises(TypeError):
        par_sort(items)

    assert items == before


def test_a_list_changed_by_its_key_is_noticed() -> None:
    items = [3, 1, 2]

    def key(n: int) -> int:
        items.append(int(str(n)))
        return n

    with pytest.raises(ValueError, match="list modified during sort"):
        par_sort(items, key=key)


def test_what_is_no_list_is_refused() -> None:
    with pytest.raises(TypeError, match=r"par_sort\(\) needs a list, got \(1, 2\)"):
        par_sort((1, 2))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"par_sorted\(\) needs a callable as key, got 5"):
        par_sorted([1], key=5)  # type: ignore[arg-type]
