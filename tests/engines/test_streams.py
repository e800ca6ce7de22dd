"""Iterating plans and running sources without a length: ordered, bounded, cancelled when closed."""

from __future__ import annotations

import gc
import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pariter import ConsumedError, Pool, ProcessPool, ThreadPool, par_iter
from pariter.engines import leaving
from tests.eager import eager


class Counted:
    """An iterator that knows how many items were asked of it, and whether it was closed."""

    def __init__(self, items: Any) -> None:
        self.pulled = 0
        self.closed = False
        self._items = iter(items)

    def __iter__(self) -> Counted:
        return self

    def __next__(self) -> Any:
        item = next(self._items)
        self.pulled += 1
        return item

    def close(self) -> None:
        self.closed = True


def endless(closed: threading.Event | None = None) -> Iterator[int]:
    """All numbers from 0 on; sets `closed` when nobody wants more."""
    try:
        yield from itertools.count()
    finally:
        if closed is not None:
            closed.set()


@pytest.mark.parametrize("window", [1, 2, 7, 40])
def test_a_stream_is_never_pulled_further_ahead_than_the_window(window: int, every_engine: Pool) -> None:
    source = Counted(range(500))

    with eager():
        for consumed, n in enumerate(par_iter(source).map(abs).buffered(window).on(every_engine), 1):
            assert n == consumed - 1
            # The batch that `n` came in is the consumer's; what is ahead of it is within the window.
            assert source.pulled <= consumed + 2 * window

    assert source.pulled == 500


def test_an_endless_iterator_is_read_as_far_as_it_is_wanted(every_engine: Pool) -> None:
    source = Counted(endless())

    found = par_iter(source).map(abs).on(every_engine).find_first(lambda n: n == 100)

    assert found == 100
    assert source.pulled < 1_000_000
    assert par_iter(endless()).filter(lambda n: n % 7 == 0).take(3).on(every_engine).collect() == [0, 7, 14]
    assert par_iter(endless()).map(abs).take_while(lambda n: n < 50).on(every_engine).count() == 50


def test_iterating_gives_the_items_in_order(every_engine: Pool) -> None:
    with eager():
        assert list(par_iter(range(300)).map(str).on(every_engine)) == list(map(str, range(300)))
        assert list(par_iter(endless()).take(300).map(str).on(every_engine)) == list(map(str, range(300)))


def test_unordered_gives_all_items(every_engine: Pool) -> None:
    with eager():
        assert sorted(par_iter(range(300)).map(abs).unordered().on(every_engine)) == list(range(300))


def test_the_first_result_comes_before_the_last_item_is_read(every_engine: Pool) -> None:
    source = Counted(endless())
    items = iter(par_iter(source).map(abs).on(every_engine))

    assert next(items) == 0
    assert source.pulled < 1_000_000
    items.close()  # type: ignore[attr-defined]


def test_closing_stops_the_work_and_closes_the_generator(every_engine: Pool) -> None:
    closed = threading.Event()

    items = iter(par_iter(endless(closed)).map(abs).on(every_engine))
    found = [next(items) for _ in range(5)]
    items.close()  # type: ignore[attr-defined]

    assert found == [0, 1, 2, 3, 4]
    assert closed.is_set()
    assert list(items) == []


def test_no_function_runs_any_more_after_closing(threads: ThreadPool) -> None:
    running = [0]
    lock = threading.Lock()

    def f(n: int) -> int:
        with lock:
            running[0] += 1
        total = sum(range(500))
        with lock:
            running[0] -= 1
        return total

    for many in range(30):
        with eager():
            items = iter(par_iter(range(10_000)).map(f).on(threads))
            for _ in range(many):
                next(items)
            items.close()  # type: ignore[attr-defined]
        assert running[0] == 0


def test_a_stream_that_is_collected_as_garbage_keeps_nobody_waiting(threads: ThreadPool) -> None:
    caller, entered, closed = threading.get_ident(), threading.Event(), threading.Event()
    first, wanted = threading.Lock(), threading.Lock()

    def f(n: int) -> int:
        if threading.get_ident() != caller and first.acquire(blocking=False):
            entered.set()
            with wanted:
                return n
        return n

    with wanted, eager():
        items = iter(par_iter(endless(closed)).map(f).unordered().on(threads))
        while not entered.is_set():
            next(items)
        garbage: list[Any] = [items]
        garbage.append(garbage)
        del items, garbage
        gc.collect()  # in a thread that holds what a function in hand waits for

    assert closed.wait(60)


CODE_OF_OURS: dict[str, Any] = {"__name__": "pariter.sched.sleep"}
exec("def drop_all(them): them.clear()", CODE_OF_OURS)


@pytest.mark.parametrize("collected", [True, False])
def test_an_iterator_may_be_freed_whatever_is_locked(collected: bool, every_engine: Pool, threads: ThreadPool) -> None:
    closed = threading.Event()

    with eager():
        items = iter(par_iter(endless(closed)).map(abs).on(every_engine))
        for _ in range(100):
            next(items)
    garbage: list[Any] = [items]
    del items
    with threads.workers.seats.lock:  # as when whoever wakes a worker is interrupted
        if collected:
            garbage.append(garbage)
            del garbage
            gc.collect()
        else:
            CODE_OF_OURS["drop_all"](garbage)

    assert closed.wait(60)
    assert par_iter(endless()).take(10).on(every_engine).sum() == 45


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_while_an_iterator_is_freed_does_not_end_it_where_locks_are_held(
    threads: ThreadPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = leaving.start_new_thread
    interrupts = iter([KeyboardInterrupt])
    closed_by: list[int] = []
    closed = threading.Event()

    def interrupted_start(*call: Any) -> int:
        for interrupt in interrupts:
            raise interrupt
        return start(*call)

    class Source(Counted):
        def close(self) -> None:
            closed_by.append(threading.get_ident())
            closed.set()

    monkeypatch.setattr(leaving, "start_new_thread", interrupted_start)

    items = iter(par_iter(Source(itertools.count())).map(abs).on(threads))
    next(items)
    garbage: list[Any] = [items]
    del items
    CODE_OF_OURS["drop_all"](garbage)

    assert closed.wait(60)
    assert threading.get_ident() not in closed_by


def test_a_merge_that_raises_ends_the_source(every_engine: Pool) -> None:
    closed = threading.Event()

    def add(a: int, b: int) -> int:
        if b > 1:  # the result of several items
            raise LookupError
        return a + b

    with pytest.raises(LookupError) as caught:
        par_iter(endless(closed)).map(lambda n: 1).on(every_engine).reduce(lambda: 0, add)

    assert caught.traceback  # which keeps all frames
    assert closed.is_set()


def test_blocks_that_are_left_early_end_the_source(every_engine: Pool) -> None:
    closed = threading.Event()

    found = par_iter(endless(closed)).by_uniform_blocks(10).on(every_engine).find_first(lambda n: n == 35)

    assert found == 35
    assert closed.is_set()


def test_breaking_out_of_a_loop_over_nested_plans_leaves_the_pool_usable(every_engine: Pool) -> None:
    for outer in par_iter(range(20)).map(abs).on(every_engine):
        for inner in par_iter(range(20)).filter(lambda n: n % 2).chunks(2).on(every_engine):
            if inner[0] > 4:
                break
        if outer > 4:
            break

    assert par_iter(range(10)).on(every_engine).sum() == 45


def test_the_second_run_over_an_iterator_raises_consumed_error(every_engine: Pool) -> None:
    plan = par_iter(iter([1, 2, 3])).map(abs).on(every_engine)

    assert plan.sum() == 6
    for run in (plan.sum, plan.collect, lambda: list(plan), plan.rev().collect):
        with pytest.raises(ConsumedError, match="has run before"):
            run()


def test_an_exception_of_the_iterator_stands_at_its_place(every_engine: Pool) -> None:
    def numbers() -> Iterator[int]:
        yield from range(50)
        raise OSError("lost the connection")

    found: list[int] = []
    with pytest.raises(OSError, match="lost the connection") as caught:
        for n in par_iter(numbers()).map(abs).on(every_engine):
            found.append(n)

    assert found == list(range(50))
    assert any("raised by the source at item 50" in note for note in caught.value.__notes__)
    assert par_iter(numbers()).map(abs).take(50).on(every_engine).count() == 50


def test_an_iterator_is_pulled_by_one_thread_at_a_time(threads: ThreadPool) -> None:
    inside = threading.Lock()

    def numbers() -> Iterator[int]:
        for n in range(2000):
            assert inside.acquire(blocking=False)
            sum(range(50))
            inside.release()
            yield n

    with eager():
        assert par_iter(numbers()).map(abs).on(threads).sum() == sum(range(2000))


@settings(max_examples=settings.default.max_examples // 2)
@given(
    size=st.integers(0, 300),
    shortest=st.integers(1, 40),
    longest=st.none() | st.integers(1, 40),
    is_stream=st.booleans(),
)
def test_no_run_of_a_fold_is_shorter_or_longer_than_the_limits(
    pools: dict[str, Pool], size: int, shortest: int, longest: int | None, is_stream: bool
) -> None:
    def lengths(pool: Pool) -> list[int]:
        plan = par_iter(iter(range(size)) if is_stream else range(size)).with_min_len(shortest)
        plan = plan if longest is None else plan.with_max_len(longest)
        runs = plan.fold(list, lambda run, n: [*run, n]).on(pool).collect()
        assert sum(runs, []) == list(range(size))
        return [len(run) for run in runs]

    for pool in pools.values():
        with eager():
            found = lengths(pool)
        assert len(found) == 1 or min(found) >= shortest
        assert longest is None or max(found) <= max(longest, 2 * shortest - 1)


def test_an_unfinished_iterator_does_not_keep_a_process_busy(processes: ProcessPool) -> None:
    items = iter(par_iter(endless()).map(abs).on(processes))
    assert next(items) == 0

    assert par_iter(range(1000)).on(processes).sum() == 499_500
    items.close()  # type: ignore[attr-defined]


def test_an_interrupt_that_a_helper_meets_in_the_source_ends_the_loop(threads: ThreadPool) -> None:
    caller, met = threading.get_ident(), threading.Event()

    def numbers() -> Iterator[int]:
        yield 0
        while threading.get_ident() == caller:
            yield 1
        met.set()
        raise KeyboardInterrupt

    def waits(n: int) -> int:
        assert met.wait(60)
        return n

    with pytest.raises(KeyboardInterrupt):
        par_iter(numbers()).map(waits).on(threads).collect()
    assert par_iter(endless()).take(10).on(threads).sum() == 45
