"""spawn, install, yield_now, and futures that help."""

from __future__ import annotations

import concurrent.futures
import contextvars
import signal
import sys
import threading
import traceback
import weakref

import pytest

from pariter.sched.join import join
from pariter.sched.spawn import install, spawn, yield_now
from tests.sched.helpers import MEETING_S, Thing, a_pool, dies, index, sizes

variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)


@sizes
def test_a_future_has_the_result(size: int) -> None:
    with a_pool(size) as pool:
        future = spawn(pool, pow, 2, 10)

        assert isinstance(future, concurrent.futures.Future)
        assert future.result() == 1024
        assert future.exception() is None
        assert spawn(pool, int, "ff", base=16).result() == 255


@sizes
def test_an_exception_waits_in_the_future_with_its_traceback(size: int) -> None:
    def fail() -> None:
        raise LookupError("lost")

    with a_pool(size) as pool:
        future = spawn(pool, fail)
        error = future.exception()

        assert isinstance(error, LookupError)
        assert [frame.name for frame in traceback.extract_tb(error.__traceback__)] == ["fail"]
        with pytest.raises(LookupError, match="lost"):
            future.result()
        assert install(pool, int) == 0


@sizes
def test_the_tools_of_concurrent_futures_work_from_outside(size: int) -> None:
    with a_pool(size) as pool:
        futures = [spawn(pool, abs, -k) for k in range(20)]
        done, pending = concurrent.futures.wait(futures, timeout=MEETING_S)

        assert not pending
        assert sorted(future.result() for future in done) == list(range(20))
        assert {f.result() for f in concurrent.futures.as_completed(futures)} == set(range(20))


@sizes
def test_waiting_on_a_worker_helps_so_that_a_tree_of_futures_ends_on_any_pool(size: int) -> None:
    def tree(depth: int) -> int:
        assert index() < size
        if not depth:
            return 1
        left, right = spawn(pool, tree, depth - 1), spawn(pool, tree, depth - 1)
        return left.result() + right.result()

    with a_pool(size) as pool:
        assert spawn(pool, tree, 7).result() == 128
        assert pool.seated(tree, 7) == 128


def test_waiting_on_a_worker_for_a_running_task_waits() -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        may_end.wait(MEETING_S)
        return "slow"

    with a_pool(2) as pool:
        future = spawn(pool, slow)
        begun.wait(MEETING_S)
        threading.Timer(0.01, may_end.set).start()

        assert install(pool, lambda: future.result()) == "slow"


@pytest.mark.parametrize("inside", [False, True])
def test_a_timeout_is_respected(inside: bool) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        may_end.wait(MEETING_S)
        return "slow"

    def impatient() -> None:
        with pytest.raises(TimeoutError):
            future.result(0.005)
        with pytest.raises(TimeoutError):
            future.exception(timeout=0.005)

    with a_pool(2) as pool:
        future = spawn(pool, slow)
        begun.wait(MEETING_S)
        if inside:
            install(pool, impatient)
        else:
            impatient()
        may_end.set()

        assert future.result() == "slow"


def test_waiting_on_a_worker_of_another_pool_waits_there() -> None:
    with a_pool(1) as first, a_pool(1) as second:

        def ask() -> int:
            return spawn(second, lambda: spawn(first, lambda: 5).result()).result()

        assert install(first, ask) == 5


@sizes
def test_an_unclaimed_task_can_be_cancelled_a_running_one_cannot(size: int) -> None:
    begun, may_end = threading.Semaphore(0), threading.Event()

    def slow() -> None:
        begun.release()
        may_end.wait(MEETING_S)

    with a_pool(size) as pool:
        running = [spawn(pool, slow) for _ in range(size)]
        for _ in running:
            assert begun.acquire(timeout=MEETING_S)
        queued = spawn(pool, int)

        assert queued.cancel()
        assert queued.cancelled()
        assert not any(future.cancel() for future in running)
        with pytest.raises(concurrent.futures.CancelledError):
            queued.result()
        may_end.set()


@sizes
def test_tasks_run_in_a_copy_of_the_spawners_context(size: int) -> None:
    def change() -> int:
        before = variable.get()
        variable.set(99)
        return before

    with a_pool(size) as pool:
        token = variable.set(7)
        try:
            futures = [spawn(pool, change) for _ in range(5)]
            assert [future.result() for future in futures] == [7] * 5
            assert install(pool, change) == 7
            assert pool.seated(lambda: spawn(pool, change).result()) == 7
            assert variable.get() == 7
        finally:
            variable.reset(token)


def test_tasks_spawned_on_the_only_worker_run_last_in_first_out() -> None:
    order: list[int] = []

    def spawner() -> None:
        for k in range(10):
            spawn(pool, order.append, k)

    with a_pool(1) as pool:
        install(pool, spawner)

    assert order == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]


def test_tasks_from_outside_run_first_in_first_out_on_one_thread() -> None:
    order: list[int] = []
    with a_pool(1) as pool:
        for k in range(10):
            spawn(pool, order.append, k)

    assert order == list(range(10))


def test_tasks_may_be_abandoned_by_whoever_spawned_them() -> None:
    done = threading.Event()
    with a_pool(1) as pool:
        spawn(pool, done.set)

        assert done.wait(MEETING_S)


def test_yield_now_runs_one_pending_job_and_says_whether_there_was_one() -> None:
    order: list[str] = []

    def polite() -> list[bool | None]:
        first = yield_now()
        spawn(pool, order.append, "spawned")
        return [first, yield_now(), yield_now()]

    with a_pool(1) as pool:
        assert yield_now() is None
        assert install(pool, polite) == [False, True, False]
        assert order == ["spawned"]


def test_yield_now_in_the_midst_of_a_join_may_run_the_other_call_early() -> None:
    order: list[str] = []

    def polite() -> None:
        assert yield_now()
        order.append("polite")

    with a_pool(1) as pool:
        join(pool, polite, lambda: order.append("other"))
        join(pool, lambda: join(pool, polite, lambda: order.append("inner")), lambda: order.append("outer"))

    assert order == ["other", "polite", "inner", "polite", "outer"]


@pytest.mark.skipif(sys.platform == "win32", reason="raises the signal in this process")
def test_ctrl_c_while_install_waits_is_raised_after_the_call_has_ended() -> None:
    ended = []

    def stop() -> None:
        signal.raise_signal(signal.SIGINT)
        threading.Event().wait(0.01)
        ended.append(True)

    with a_pool(1) as pool:
        with pytest.raises(KeyboardInterrupt):
            install(pool, stop)

        assert ended == [True]
        assert install(pool, int) == 0


@sizes
def test_nothing_of_a_task_is_kept_alive_once_its_future_is_dropped(size: int) -> None:
    class Failure(Exception):
        pass

    refs: list[weakref.ref[object]] = []

    def fail(thing: Thing) -> None:
        error = Failure(thing)
        refs.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    with a_pool(size) as pool:
        thing, argument = Thing(), Thing()
        refs += [weakref.ref(thing), weakref.ref(argument)]
        assert spawn(pool, lambda x: x, thing).result() is thing
        assert isinstance(spawn(pool, fail, argument).exception(), Failure)
        try:
            install(pool, fail, argument)
        except Failure:
            pass
        del thing, argument

        assert len(refs) == 4
        assert all(dies(ref) for ref in refs)


def test_a_finished_future_does_not_keep_its_pool_alive() -> None:
    with a_pool(1) as pool:
        future = spawn(pool, int)
        future.result()
        ref = weakref.ref(pool)
    del pool

    assert dies(ref)
    assert future.result() == 0
