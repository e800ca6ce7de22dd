"""par_chunks, par_rchunks, par_windows, par_chunk_by and par_split: slices of a sequence as items."""

from __future__ import annotations

import array
import pickle
import re
from collections import Counter, deque
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pariter import (
    ParIter,
    Pool,
    ProcessPool,
    ThreadPool,
    par_chunk_by,
    par_chunks,
    par_rchunks,
    par_split,
    par_windows,
)
from pariter.plan.place import Site
from pariter.plan.slices import Cutouts
from tests.eager import eager


def chunks(seq: Any, size: int) -> list[Any]:
    return [seq[at : at + size] for at in range(0, len(seq), size)]


def exact_chunks(seq: Any, size: int) -> list[Any]:
    return [chunk for chunk in chunks(seq, size) if len(chunk) == size]


def rchunks(seq: Any, size: int) -> list[Any]:
    return [seq[max(0, end - size) : end] for end in range(len(seq), 0, -size)]


def windows(seq: Any, size: int) -> list[Any]:
    return [seq[at : at + size] for at in range(len(seq) - size + 1)]


def chunk_by(seq: Any, same: Any) -> list[Any]:
    found: list[Any] = []
    low = 0
    for at in range(1, len(seq) + 1):
        if at == len(seq) or not same(seq[at - 1], seq[at]):
            found.append(seq[low:at])
            low = at
    return found


def split(seq: Any, is_separator: Any) -> list[Any]:
    found: list[Any] = []
    low = 0
    for at, item in enumerate(seq):
        if is_separator(item):
            found.append(seq[low:at])
            low = at + 1
    return [*found, seq[low:]]


def exactly(seq: Any, size: int) -> ParIter[Any]:
    return par_chunks(seq, size, exact=True)


def number(item: Any) -> int:
    return ord(item) if isinstance(item, str) else item


def alike(a: Any, b: Any) -> bool:
    return number(a) // 3 == number(b) // 3


def separates(item: Any) -> bool:
    return number(item) % 3 == 0


BY_SIZE = [(par_chunks, chunks), (exactly, exact_chunks), (par_rchunks, rchunks), (par_windows, windows)]
BY_FUNCTION = [(par_chunk_by, chunk_by, alike), (par_split, split, separates)]
KINDS: list[Any] = [list, tuple, bytes, bytearray, lambda ns: range(len(ns)), lambda ns: "".join(map(chr, ns))]
numbers = st.lists(st.integers(0, 255), max_size=40)


def cuts(draw: Any, many: int) -> range:
    low = draw(st.integers(0, many))
    indices = range(low, draw(st.integers(low, many)), draw(st.integers(1, 4)))
    return indices[::-1] if draw(st.booleans()) else indices


def every_plan(draw: Any) -> tuple[ParIter[Any], list[Any]]:
    data = draw(st.sampled_from(KINDS))(draw(numbers))
    if draw(st.booleans()):
        plan, model = draw(st.sampled_from(BY_SIZE))
        argument: Any = draw(st.integers(1, 45))
    else:
        plan, model, argument = draw(st.sampled_from(BY_FUNCTION))
    return plan(data, argument), model(data, argument)


@given(st.data())
def test_every_engine_gives_the_slices_of_the_plain_loop(pools: dict[str, Pool], data: st.DataObject) -> None:
    plan, expected = every_plan(data.draw)

    with eager():
        for name, pool in pools.items():
            on = plan.on(pool)
            assert on.collect() == expected, name
            assert list(on) == expected, name


@given(st.data())
def test_slices_are_taken_skipped_turned_around_and_zipped_like_any_items(
    pools: dict[str, Pool], data: st.DataObject
) -> None:
    plan, expected = every_plan(data.draw)
    n = data.draw(st.integers(0, 9))

    with eager():
        for pool in pools.values():
            on = plan.on(pool)
            assert on.skip(n).collect() == expected[n:]
            assert on.take(n).rev().collect() == expected[:n][::-1]
            assert on.step_by(n + 1).enumerate().collect() == list(enumerate(expected[:: n + 1]))
            assert on.map(len).zip(range(n)).collect() == list(zip(map(len, expected), range(n), strict=False))


@given(numbers, st.integers(1, 12), st.data())
def test_a_piece_that_travels_gives_its_slices_and_carries_no_other_items(
    numbers: list[int], size: int, data: st.DataObject
) -> None:
    plan, model = data.draw(st.sampled_from(BY_SIZE))
    items = [(0xABC, n) for n in numbers]
    source = plan(items, size)._plan.origin.bind()
    indices = cuts(data.draw, len(model(items, size)))

    piece = pickle.loads(pickle.dumps(source.view(indices)))
    expected = [model(items, size)[i] for i in indices]

    assert list(piece.open(((0, len(indices)),), Site())) == expected
    assert isinstance(piece, Cutouts)
    if abs(indices.step) == 1:
        assert {*piece.data} == {item for part in expected for item in part}
        assert len(piece.data) <= sum(map(len, expected))


@pytest.mark.parametrize(("plan", "model"), BY_SIZE)
def test_lengths_are_known_before_anything_runs(plan: Any, model: Any) -> None:
    for many in range(12):
        for size in range(1, 14):
            assert len(plan(range(many), size)) == len(model(range(many), size))


def test_slices_of_ranges_of_any_size_are_ranges() -> None:
    big = 10**30

    assert par_chunks(range(big), 10**29).map(len).take(0).collect() == []
    assert par_chunks(range(big), 10**12).take(2).collect() == [range(10**12), range(10**12, 2 * 10**12)]
    assert par_windows(range(big), 2).find_first(lambda pair: pair[0] == 3) == range(3, 5)
    assert par_rchunks(range(big), 5).take(1).collect() == [range(big - 5, big)]


def test_slices_of_arrays_and_memoryviews_are_views(every_engine: Pool) -> None:
    numbers = array.array("i", range(10))
    view = memoryview(bytearray(b"abcdefg"))
    wide = memoryview(numbers)

    assert par_chunks(numbers, 4).on(every_engine).map(sum).collect() == [6, 22, 17]
    assert par_chunks(view, 3).on(every_engine).map(bytes).collect() == [b"abc", b"def", b"g"]
    assert par_rchunks(wide, 4).on(every_engine).map(sum).collect() == [30, 14, 1]


def test_slices_of_numpy_arrays_are_views_of_the_array(every_shared: Pool) -> None:
    numpy = pytest.importorskip("numpy")
    rows = numpy.arange(12).reshape(6, 2)

    def double(part: Any) -> int:
        part *= 2
        return int(part.sum())

    sums = par_chunks(rows, 4).on(every_shared).map(double).collect()

    assert sums == [56, 76]
    assert rows.sum() == 132


def test_numpy_slices_travel_to_processes(processes: ProcessPool) -> None:
    numpy = pytest.importorskip("numpy")
    rows = numpy.arange(20).reshape(10, 2)

    assert par_windows(rows, 3).on(processes).map(lambda w: int(w.sum())).collect() == [
        int(rows[at : at + 3].sum()) for at in range(8)
    ]


def test_a_class_of_the_users_is_cut_by_its_own_slices(every_engine: Pool) -> None:
    assert par_chunks(Squares(7), 3).on(every_engine).map(list).collect() == [[0, 1, 4], [9, 16, 25], [36]]
    assert par_split(Squares(7), separates_sixteen).on(every_engine).map(list).collect() == [[0, 1, 4, 9], [25, 36]]


class Squares:
    """A sequence whose slices are of its own class."""

    def __init__(self, end: int, start: int = 0) -> None:
        self.at = range(start, end)

    def __len__(self) -> int:
        return len(self.at)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            part = self.at[at]
            return Squares(part.stop, part.start)
        return self.at[at] ** 2


def separates_sixteen(n: int) -> bool:
    return n == 16


def test_same_and_is_separator_are_called_once_for_each_pair_and_item(every_shared: Pool) -> None:
    pairs: list[tuple[int, int]] = []
    seen: list[int] = []

    def same(a: int, b: int) -> bool:
        pairs.append((a, b))
        return a // 7 == b // 7

    def separates(n: int) -> bool:
        seen.append(n)
        return n % 50 == 49

    with eager():
        runs = par_chunk_by(range(200), same).on(every_shared).map(len).collect()
        parts = par_split(range(200), separates).on(every_shared).map(len).collect()

    assert runs == [7] * 28 + [4]
    assert parts == [49, 49, 49, 49, 0]
    assert Counter(pairs) == Counter(zip(range(199), range(1, 200), strict=True))
    assert sorted(seen) == list(range(200))


def bad_pair(a: int, b: int) -> bool:
    if a >= 5:
        raise ValueError(a, b)
    return a % 2 == 0


def bad_item(n: int) -> bool:
    if n >= 5:
        raise ValueError(n)
    return n == 2


def test_an_exception_stands_where_the_end_of_its_slice_was_looked_for(every_engine: Pool) -> None:
    def passed(part: Any) -> None:
        if part == range(2, 4):
            raise KeyError("before it")

    with eager():
        assert par_chunk_by(range(9), bad_pair).on(every_engine).take(2).collect() == [range(2), range(2, 4)]
        with pytest.raises(ValueError) as in_pair:
            par_chunk_by(range(9), bad_pair).on(every_engine).collect()
        with pytest.raises(ValueError) as in_item:
            list(par_split(range(9), bad_item).on(every_engine))
        with pytest.raises(KeyError, match="before it"):
            par_chunk_by(range(9), bad_pair).on(every_engine).map(passed).collect()

    assert in_pair.value.args == (5, 6)
    assert in_item.value.args == (5,)
    (note,) = in_pair.value.__notes__
    assert re.fullmatch(r"pariter: raised by par_chunk_by\(bad_pair\) at item 5 \(\(5, 6\)\), on .+", note)
    (note,) = in_item.value.__notes__
    assert re.fullmatch(r"pariter: raised by par_split\(bad_item\) at item 5 \(5\), on .+", note)


def test_iterating_gives_the_slices_before_an_exception(every_engine: Pool) -> None:
    items = iter(par_chunk_by(range(9), bad_pair).on(every_engine))

    assert [next(items), next(items)] == [range(2), range(2, 4)]
    with pytest.raises(ValueError):
        next(items)


def test_a_note_names_a_slice_by_its_number(threads: ThreadPool) -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        par_chunks([1, 2, 0, 4, 5], 2).map(lambda part: 1 // part[0]).on(threads).collect()

    assert "raised by map(<lambda>) at item 1 ([0, 4])" in raised.value.__notes__[0]


def test_data_is_read_when_the_plan_runs() -> None:
    data = [1, 2, 3]
    plan, runs = par_chunks(data, 2), par_chunk_by(data, alike)
    data.append(4)

    assert plan.collect() == [[1, 2], [3, 4]]
    assert [n for run in runs.collect() for n in run] == data


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (par_chunks([1, 2], 2), "par_chunks([1, 2], 2)"),
        (par_chunks("ab", 2, exact=True), "par_chunks('ab', 2, exact=True)"),
        (par_rchunks(range(3), 2).map(list), "par_rchunks(range(0, 3), 2).map(list)"),
        (par_windows((1, 2), 1).take(1), "par_windows((1, 2), 1).take(1)"),
        (par_chunk_by([1], alike), "par_chunk_by([1], alike)"),
        (par_split([1], separates).rev(), "par_split([1], separates).rev()"),
    ],
)
def test_repr_is_the_code_that_builds_the_plan(plan: ParIter[Any], code: str) -> None:
    assert repr(plan) == code
    assert code.partition(")")[0] in plan.explain()


@pytest.mark.parametrize("plan", [par_chunks, par_rchunks, par_windows])
def test_bad_sizes_and_data_raise_at_the_call(plan: Any) -> None:
    with pytest.raises(ValueError, match=rf"{plan.__name__}\(\) needs a size of at least 1, got 0"):
        plan([1], 0)
    with pytest.raises(TypeError, match=rf"{plan.__name__}\(\) needs an integer size, got 1.5"):
        plan([1], 1.5)
    for data in ({1: 2}, {1}, deque([1]), iter([1]), 5):
        with pytest.raises(TypeError, match=rf"{plan.__name__}\(\) needs a sequence that can be sliced"):
            plan(data, 1)


@pytest.mark.parametrize("plan", [par_chunk_by, par_split])
def test_bad_functions_raise_at_the_call(plan: Any) -> None:
    with pytest.raises(TypeError, match=rf"{plan.__name__}\(\) needs a callable, got 3"):
        plan([1], 3)
    with pytest.raises(TypeError, match=rf"{plan.__name__}\(\) needs a sequence that can be sliced"):
        plan({1}, print)
