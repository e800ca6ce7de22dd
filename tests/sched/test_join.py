"""join: results, errors, depth, and who runs what."""

from __future__ import annotations

import contextvars
import sys
import threading
import time
import weakref
from collections.abc import Callable

import pytest

from pariter.sched.broadcast import broadcast
from pariter.sched.join import join
from pariter.sched.pool import WorkerPool
from pariter.sched.spawn import install, spawn
from pariter.sched.worker import current_worker
from tests.sched.helpers import MEETING_S, Thing, a_pool, dies, in_threads, index, meet, sizes

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


@sizes
def test_results_come_in_the_order_of_the_calls(size: int) -> None:
    with a_pool(size) as pool:
        assert join(pool, lambda: 1, lambda: 2) == (1, 2)
        assert join(pool, *(lambda k=k: k for k in range(9))) == tuple(range(9))
        assert install(pool, join, pool, lambda: 1, lambda: 2) == (1, 2)


def quicksort(pool: WorkerPool, items: list[int]) -> list[int]:
    if len(items) < 2:
        return items
    pivot, *rest = items
    low, high = join(
        pool,
        lambda: quicksort(pool, [x for x in rest if x < pivot]),
        lambda: quicksort(pool, [x for x in rest if x >= pivot]),
    )
    return [*low, pivot, *high]


@sizes
def test_quicksort_by_join_sorts_thousands(size: int) -> None:
    items = [k * 7919 % 6151 for k in range(6144)]
    with a_pool(size) as pool:
        assert quicksort(pool, items) == sorted(items)


@sizes
def test_every_call_runs_as_a_worker_and_the_caller_is_none_afterwards(size: int) -> None:
    with a_pool(size) as pool:
        for position in join(pool, index, index, index):
            assert 0 <= position < size

        assert current_worker() is None


def test_slow_calls_run_at_once_on_as_many_threads_as_there_are() -> None:
    barrier = threading.Barrier(3)
    with a_pool(3) as pool:
        assert sorted(join(pool, *[lambda: meet(barrier)] * 3)) == [0, 1, 2]


def test_halves_of_halves_reach_all_threads() -> None:
    barrier = threading.Barrier(4)
    with a_pool(4) as pool:

        def half() -> tuple[int, ...]:
            return join(pool, lambda: meet(barrier), lambda: meet(barrier))

        left, right = join(pool, half, half)

        assert sorted(left + right) == [0, 1, 2, 3]


def test_who_waits_for_a_stolen_call_helps_with_its_parts_when_they_appear() -> None:
    """The stolen call has nothing to give at first; the waiter is asleep by the time it has."""
    with a_pool(2) as pool:
        started = threading.Event()
        barrier = threading.Barrier(2)

        def big() -> tuple[int, ...]:
            started.set()
            time.sleep(0.02)  # so that the other has nothing left to do but to wait
            return join(pool, lambda: meet(barrier), lambda: meet(barrier))

        _, parts = join(pool, lambda: started.wait(MEETING_S), big)

        assert sorted(parts) == [0, 1]


def nested_left(pool: WorkerPool, depth: int) -> int:
    if not depth:
        return 0
    deeper, _ = join(pool, lambda: nested_left(pool, depth - 1), lambda: None)
    return int(deeper) + 1


def nested_right(pool: WorkerPool, depth: int) -> int:
    if not depth:
        return 0
    _, deeper = join(pool, lambda: None, lambda: nested_right(pool, depth - 1))
    return int(deeper) + 1


def nested_last_of_three(pool: WorkerPool, depth: int) -> int:
    if not depth:
        return 0
    *_, deeper = join(pool, lambda: None, lambda: None, lambda: nested_last_of_three(pool, depth - 1))
    return int(deeper) + 1


@sizes
@pytest.mark.parametrize("nested", [nested_left, nested_right, nested_last_of_three])
def test_150_nested_joins_fit_the_default_recursion_limit(size: int, nested: Callable[[WorkerPool, int], int]) -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    try:
        with a_pool(size) as pool:
            assert nested(pool, 150) == 150
            assert install(pool, nested, pool, 150) == 150
    finally:
        sys.setrecursionlimit(before)


@sizes
def test_when_the_first_raises_the_others_have_run_before_it_comes_out(size: int) -> None:
    ran = []
    with a_pool(size) as pool:
        with pytest.raises(ZeroDivisionError):
            join(pool, lambda: 1 / 0, lambda: ran.append(1), lambda: ran.append(2))

        assert sorted(ran) == [1, 2]
        assert join(pool, lambda: 1, lambda: 2) == (1, 2)


@sizes
def test_the_leftmost_error_wins_and_the_others_are_its_notes(size: int) -> None:
    def fail(error: Exception) -> None:
        raise error

    with a_pool(size) as pool, pytest.raises(KeyError) as caught:
        join(
            pool,
            lambda: 1,
            lambda: fail(KeyError("left")),
            lambda: 2,
            lambda: fail(IndexError("right")),
        )

    (note,) = caught.value.__notes__
    assert "IndexError('right')" in note
    assert "in fail" in note


@sizes
def test_an_interrupt_drops_what_has_not_begun_and_is_raised_as_itself(size: int) -> None:
    ran = []

    def interrupt() -> None:
        raise KeyboardInterrupt

    with a_pool(size) as pool:
        with pytest.raises(KeyboardInterrupt):
            join(pool, lambda: join(pool, interrupt, lambda: ran.append(1)), lambda: ran.append(2))

        assert ran == []
        assert join(pool, lambda: 1, lambda: 2) == (1, 2)


def test_an_interrupt_waits_for_what_has_begun_elsewhere() -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), []

    def slow() -> None:
        begun.set()
        may_end.wait(MEETING_S)
        ended.append(True)

    def interrupt() -> None:
        begun.wait(MEETING_S)
        threading.Timer(0.02, may_end.set).start()
        raise KeyboardInterrupt

    with a_pool(2) as pool:
        with pytest.raises(KeyboardInterrupt):
            join(pool, interrupt, slow)

        assert ended == [True]


def test_an_interrupt_goes_before_an_error_further_left() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with a_pool(1) as pool, pytest.raises(KeyboardInterrupt) as caught:
        join(pool, lambda: 1 / 0, interrupt)

    assert "ZeroDivisionError" in caught.value.__notes__[0]


@sizes
def test_calls_see_the_context_of_the_caller_and_leave_nothing_in_it(size: int) -> None:
    def change(value: str) -> str:
        seen = variable.get()
        variable.set(value)
        return seen

    token = variable.set("outside")
    try:
        with a_pool(size) as pool:
            seen = join(pool, lambda: variable.get(), lambda: change("inside"))

            assert seen == ("outside", "outside")
            assert variable.get() == "outside"
            assert broadcast(pool, lambda: variable.get()) == ["outside"] * size
    finally:
        variable.reset(token)
    assert variable.get() == "unset"


def test_stolen_calls_run_in_the_context_of_their_pusher() -> None:
    stolen = threading.Event()

    def thief() -> str:
        stolen.set()
        seen = variable.get()
        variable.set("thief")
        return seen

    def pusher() -> str:
        variable.set("pusher")
        stolen_value = join(pool, lambda: stolen.wait(MEETING_S), thief)[1]
        assert variable.get() == "pusher"
        return str(stolen_value)

    with a_pool(2) as pool:
        assert install(pool, pusher) == "pusher"
        assert broadcast(pool, lambda: variable.get()) == ["unset"] * 2


def test_a_lock_held_around_a_join_is_not_met_again_on_the_same_stack() -> None:
    with a_pool(2) as pool:
        lock = threading.Lock()
        stolen = threading.Event()

        def locked() -> None:
            with lock:
                pass

        def holder() -> None:
            with lock:
                futures.append(spawn(pool, locked))
                join(pool, lambda: stolen.wait(0.05), stolen.set)

        futures = [spawn(pool, locked)]
        install(pool, holder)
        for future in futures:
            future.result(MEETING_S)


@sizes
def test_many_threads_join_on_one_pool(size: int) -> None:
    def caller(place: int) -> None:
        for k in range(50):
            assert join(pool, lambda k=k: k, lambda: join(pool, lambda: place, int)) == (k, (place, 0))

    with a_pool(size) as pool:
        in_threads(8, caller)


@sizes
def test_nothing_of_a_join_is_kept_alive(size: int) -> None:
    with a_pool(size) as pool:
        barrier = threading.Barrier(min(size, 2))

        def make(kept: list[weakref.ref[object]]) -> Thing:
            barrier.wait(MEETING_S)
            thing = Thing()
            kept.append(weakref.ref(thing))
            return thing

        def fail(kept: list[weakref.ref[object]]) -> None:
            barrier.wait(MEETING_S)
            error = Failure()
            kept.append(weakref.ref(error))
            try:
                raise error
            finally:
                del error

        class Failure(Exception):
            pass

        refs: list[weakref.ref[object]] = []
        join(pool, lambda: make(refs), lambda: make(refs))
        try:
            join(pool, lambda: make(refs), lambda: fail(refs))
        except Failure:
            pass

        assert len(refs) == 4
        assert all(dies(ref) for ref in refs)


def test_with_an_initializer_calls_run_on_the_pools_own_threads_only() -> None:
    with a_pool(2, initializer=lambda: None) as pool:
        names = join(pool, lambda: threading.current_thread().name, lambda: threading.current_thread().name)

    assert set(names) <= {"pariter-0", "pariter-1"}


def test_a_pool_used_from_a_worker_of_another_gives_a_seat_in_each() -> None:
    with a_pool(1) as first, a_pool(2) as second:

        def both() -> tuple[int, ...]:
            inner = join(second, index, lambda: join(first, index, index))
            assert index() == 0
            return inner

        position, (left, right) = install(first, both)

        assert position < 2
        assert (left, right) == (0, 0)
