"""Progress bars, `cancelled`, and what options refuse."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import pariter
from pariter import Pool, ThreadPool, par_iter


class Bar:
    """Stands in for tqdm: remembers what it was told."""

    made: list[Bar] = []

    def __init__(self, desc: str | None, total: int | None) -> None:
        self.desc, self.total, self.n, self.closed = desc, total, 0, False
        Bar.made.append(self)

    def update(self, n: int) -> None:
        self.n += n

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> list[Bar]:
    auto: Any = pytest.importorskip("tqdm.auto")
    monkeypatch.setattr(auto, "tqdm", Bar)
    monkeypatch.setattr(Bar, "made", [])
    return Bar.made


def test_progress_counts_every_item_on_every_engine(every_engine: Pool, bars: list[Bar]) -> None:
    par_iter(range(1000)).on(every_engine).map(str).progress("words").count()

    assert [(bar.desc, bar.total, bar.n, bar.closed) for bar in bars] == [("words", 1000, 1000, True)]


def test_progress_counts_while_a_generator_is_iterated(every_engine: Pool, bars: list[Bar]) -> None:
    found = list(par_iter(iter(range(500))).on(every_engine).map(str).progress(total=600))

    assert len(found) == 500
    assert [(bar.desc, bar.total, bar.n, bar.closed) for bar in bars] == [(None, 600, 500, True)]


def test_progress_bar_is_closed_when_the_run_fails(every_engine: Pool, bars: list[Bar]) -> None:
    with pytest.raises(ZeroDivisionError):
        par_iter([1, 0]).on(every_engine).map(lambda n: 1 // n).progress().collect()

    assert bars[0].closed


def test_cancelled_is_true_in_a_long_function_once_nobody_wants_its_result() -> None:
    others_run = threading.Event()
    gave_up = threading.Event()

    def f(n: int) -> int:
        if n == 0:
            others_run.wait(60)
            raise ValueError(n)
        others_run.set()
        while not pariter.cancelled():
            pariter.yield_now()
        gave_up.set()
        return n

    with ThreadPool(2) as pool, pytest.raises(ValueError, match="0"):
        par_iter(range(2)).on(pool).with_max_len(1).map(f).collect()

    assert gave_up.is_set()


def test_cancelled_is_false_while_a_result_is_wanted(every_engine: Pool) -> None:
    assert par_iter(range(100)).on(every_engine).map(lambda _: pariter.cancelled()).any() is False


def test_cancelled_is_false_to_the_end_of_a_stream(every_engine: Pool) -> None:
    told = par_iter(iter(range(100))).on(every_engine).map(lambda _: pariter.cancelled())

    assert list(told) == [False] * 100


def test_cancelled_is_false_to_the_left_of_an_exception_in_a_stream() -> None:
    began, free = threading.Event(), threading.Event()
    told: list[bool] = []

    def f(n: int) -> int:
        if n == 1:
            began.wait(60)
            pool.spawn(free.set)  # by whoever runs this, once the exception is kept
            raise ValueError(n)
        began.set()
        free.wait(60)
        told.append(pariter.cancelled())
        return n

    with ThreadPool(2) as pool, pytest.raises(ValueError, match="1"):
        par_iter(iter(range(2))).on(pool).with_max_len(1).map(f).sum()

    assert told == [False]


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_timeout_refuses_what_is_not_positive(seconds: float) -> None:
    with pytest.raises(ValueError, match="positive number of seconds"):
        par_iter([1]).timeout(seconds)


def test_timeout_refuses_what_is_no_number() -> None:
    with pytest.raises(TypeError, match="'soon'"):
        par_iter([1]).timeout("soon")  # type: ignore[arg-type]
