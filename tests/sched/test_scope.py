"""scope: everything spawned ends before the block does, and how errors come out."""

from __future__ import annotations

import queue
import signal
import sys
import threading
import weakref
from _thread import start_new_thread
from typing import Any

import pytest

from pariter.sched.broadcast import broadcast
from pariter.sched.join import join
from pariter.sched.scope import Scope, scope
from pariter.sched.spawn import install
from pariter.sched.worker import current_worker
from tests.sched.helpers import MEETING_S, Thing, a_pool, dies, index, sizes


@sizes
def test_two_tasks_have_run_when_the_block_ends(size: int) -> None:
    total = []
    with a_pool(size) as pool:
        with scope(pool) as s:
            assert current_worker() is None
            s.spawn(total.append, 1)
            s.spawn(total.append, 10)

        assert sum(total) == 11


@sizes
@pytest.mark.parametrize("inside", [False, True])
def test_tasks_that_spawn_tasks_are_all_counted(size: int, inside: bool) -> None:
    leaves = []

    def grow(s: Scope, depth: int) -> None:
        if not depth:
            leaves.append(index())
            return
        s.spawn(grow, s, depth - 1)
        s.spawn(grow, s, depth - 1)

    def root() -> None:
        with scope(pool) as s:
            s.spawn(grow, s, 10)
        assert len(leaves) == 1024

    with a_pool(size) as pool:
        if inside:
            install(pool, root)
        else:
            root()

        assert all(0 <= position < size for position in leaves)


@sizes
def test_futures_of_a_scope_have_their_results_when_it_ends(size: int) -> None:
    with a_pool(size) as pool, scope(pool) as s:
        futures = [s.spawn(pow, 2, k) for k in range(20)]

    assert [future.result(0) for future in futures] == [2**k for k in range(20)]


@sizes
def test_the_body_may_block_on_what_a_task_sends(size: int) -> None:
    messages: queue.Queue[str] = queue.Queue()
    with a_pool(size) as pool, scope(pool) as s:
        s.spawn(messages.put, "hello")

        assert messages.get(timeout=MEETING_S) == "hello"


@sizes
def test_all_tasks_run_and_all_errors_come_as_one_group_the_bodys_first(size: int) -> None:
    ran = []

    def fail(k: int) -> None:
        ran.append(k)
        raise ValueError(k)

    with a_pool(size) as pool:
        with pytest.raises(ExceptionGroup) as caught, scope(pool) as s:
            for k in range(5):
                s.spawn(fail, k)
            raise KeyError("body")

        assert sorted(ran) == [0, 1, 2, 3, 4]
        kinds = [repr(error) for error in caught.value.exceptions]
        assert kinds == ["KeyError('body')", *(f"ValueError({k})" for k in range(5))]


@sizes
def test_an_error_alone_comes_in_a_group_as_from_a_task_group(size: int) -> None:
    with a_pool(size) as pool:
        with pytest.raises(ExceptionGroup) as caught, scope(pool):
            raise KeyError("body")

        assert [repr(error) for error in caught.value.exceptions] == ["KeyError('body')"]


@sizes
def test_an_error_of_an_inner_scope_goes_through_the_task_to_the_outer_one(size: int) -> None:
    def fail() -> None:
        raise ValueError("inner")

    def inner() -> None:
        with scope(pool) as s:
            s.spawn(fail)

    with a_pool(size) as pool:
        with pytest.raises(ExceptionGroup) as caught, scope(pool) as s:
            s.spawn(lambda: s.spawn(inner))

        (group,) = caught.value.exceptions
        assert isinstance(group, ExceptionGroup)
        assert repr(group.exceptions[0]) == "ValueError('inner')"


class Odd(BaseException):
    """Not an Exception, and not one of those that come as themselves."""


@sizes
def test_other_base_exceptions_make_a_base_exception_group(size: int) -> None:
    def fail() -> None:
        raise Odd

    with a_pool(size) as pool:
        with pytest.raises(BaseExceptionGroup) as caught, scope(pool) as s:
            s.spawn(fail)

        assert not isinstance(caught.value, ExceptionGroup)


@sizes
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_interrupts_and_exits_come_as_themselves(size: int, kind: type[BaseException]) -> None:
    def fail(error: BaseException) -> None:
        raise error

    with a_pool(size) as pool:
        with pytest.raises(kind) as caught, scope(pool) as s:
            s.spawn(fail, ValueError(1))
            s.spawn(fail, kind())
        if kind is SystemExit:  # An interrupt may have dropped the other task.
            assert "ValueError" in caught.value.__notes__[0]

        with pytest.raises(kind), scope(pool):
            raise kind


def test_an_interrupt_in_the_body_drops_the_tasks_that_have_not_begun() -> None:
    begun, may_end = threading.Event(), threading.Event()
    ran = []

    def slow() -> None:
        begun.set()
        may_end.wait(MEETING_S)
        ran.append("slow")

    with a_pool(1) as pool:
        with pytest.raises(KeyboardInterrupt), scope(pool) as s:
            s.spawn(slow)
            begun.wait(MEETING_S)
            late = s.spawn(ran.append, "late")
            threading.Timer(0.02, may_end.set).start()
            raise KeyboardInterrupt

        assert ran == ["slow"]
        assert late.cancelled()


@pytest.mark.skipif(sys.platform == "win32", reason="raises the signal in this process")
@sizes
def test_ctrl_c_while_the_block_waits_drops_the_rest_and_leaves_the_pool_usable(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    main, held = threading.get_ident(), threading.Lock()
    held.acquire()

    def task() -> None:
        held.acquire(timeout=0.001)  # an event may make a RuntimeError of an interrupt

    def stop() -> None:
        while threading.get_ident() != main and sys._current_frames()[main].f_code.co_name not in ("acquire", "task"):
            pass
        signal.pthread_kill(main, signal.SIGINT)

    def again(unraisable: Any) -> None:  # An interrupt within a weak reference's callback is swallowed.
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            start_new_thread(stop, ())

    monkeypatch.setattr(sys, "unraisablehook", again)
    ran: list[Any] = []
    with a_pool(size) as pool:
        with pytest.raises(KeyboardInterrupt), scope(pool) as s:
            s.spawn(stop)
            for _ in range(100):
                s.spawn(task)

        with scope(pool) as s:
            s.spawn(ran.append, 1)
        assert ran == [1]


@sizes
def test_a_chain_of_500_spawns_needs_no_more_stack_than_one_of_5(size: int) -> None:
    depths = []

    def chain(s: Scope, left: int) -> None:
        frame, depth = sys._getframe(), 0
        while frame.f_back is not None:
            frame, depth = frame.f_back, depth + 1
        depths.append(depth)
        if left:
            s.spawn(chain, s, left - 1)

    with a_pool(size) as pool, scope(pool) as s:
        s.spawn(chain, s, 500)

    assert len(depths) == 501
    assert max(depths) < min(depths) + 60


@sizes
def test_scopes_joins_and_broadcasts_nest_freely(size: int) -> None:
    total = []

    def leaf(k: int) -> None:
        total.append(k)

    def inner() -> None:
        with scope(pool) as s:
            s.spawn(leaf, 1)
            join(pool, lambda: s.spawn(leaf, 10), lambda: leaf(100))
        broadcast(pool, lambda: leaf(1000))

    with a_pool(size) as pool, scope(pool) as s:
        s.spawn(inner)
        s.spawn(inner)

    assert sum(total) == 2 * (111 + 1000 * size)


def test_spawning_into_a_scope_that_has_ended_is_an_error() -> None:
    with a_pool(1) as pool:
        with scope(pool) as s:
            pass

        with pytest.raises(RuntimeError, match="scope has ended"):
            s.spawn(int)


def test_a_task_can_be_cancelled_while_nobody_has_begun_it() -> None:
    may_end = threading.Event()
    with a_pool(1) as pool:
        with scope(pool) as s:
            first = s.spawn(may_end.wait, MEETING_S)
            second = s.spawn(int)
            while not first.running():
                pass
            assert second.cancel()
            assert not first.cancel()
            may_end.set()

        assert second.cancelled()
        assert first.result(0) is True


@sizes
def test_nothing_of_a_scope_is_kept_alive(size: int) -> None:
    refs: list[weakref.ref[object]] = []

    def take(thing: Thing) -> Thing:
        refs.append(weakref.ref(thing))
        return thing

    class Failure(Exception):
        pass

    def fail() -> None:
        error = Failure()
        refs.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    with a_pool(size) as pool:
        with scope(pool) as s:
            for _ in range(5):
                s.spawn(take, Thing())
        try:
            with scope(pool) as s:
                s.spawn(fail)
        except* Failure:
            pass
        del s

        assert len(refs) == 6
        assert all(dies(ref) for ref in refs)
