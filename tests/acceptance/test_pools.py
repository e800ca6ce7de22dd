"""Pools: their size, whose work they run, how they begin and end."""

from __future__ import annotations

import contextvars
import multiprocessing
import os
import queue
import subprocess
import sys
import threading
from typing import Any

import pytest

from pariter import (
    Pool,
    PoolClosed,
    ProcessPool,
    SerialPool,
    ThreadPool,
    current_num_threads,
    current_pool,
    current_thread_index,
    join,
    par_iter,
    spawn,
    yield_now,
)
from tests.acceptance.functions import increment


class Odd(Exception):
    """What a function raises."""


def raise_odd() -> Any:
    """Raise it."""
    raise Odd("here")


def run_program(program: str, **env: str) -> str:
    """What a program of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class TestSize:
    def test_a_pool_has_the_size_it_was_given(self) -> None:
        with ThreadPool(22) as pool:
            assert pool.num_workers == 22
            assert current_num_threads() == 22
            assert pool.install(current_num_threads) == 22

    def test_a_worker_has_an_index_below_the_size_and_others_have_none(self, thread_pool: ThreadPool) -> None:
        index = thread_pool.install(current_thread_index)

        assert index in range(thread_pool.num_workers)
        assert current_thread_index() is None

    def test_every_function_of_a_plan_runs_with_an_index(self, thread_pool: ThreadPool) -> None:
        indices = set(thread_pool.par_iter(range(200)).map(lambda _: current_thread_index()))

        assert indices <= set(range(thread_pool.num_workers))

    def test_every_worker_has_its_own_index(self, thread_pool: ThreadPool) -> None:
        assert thread_pool.broadcast(current_thread_index) == list(range(thread_pool.num_workers))

    @pytest.mark.parametrize("unset", [0, None])
    def test_no_number_means_the_default(self, unset: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PARITER_NUM_THREADS", "3")

        with ThreadPool(unset) as threads:
            assert threads.num_workers == 3

    @pytest.mark.parametrize("text", ["0", "-1", "many", "", "2.5"])
    def test_nonsense_in_the_environment_means_the_number_of_cpus(
        self, text: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("PARITER_NUM_THREADS", raising=False)
        with ThreadPool() as pool:
            usual = pool.num_workers
        monkeypatch.setenv("PARITER_NUM_THREADS", text)

        with ThreadPool() as pool:
            assert pool.num_workers == usual >= 1

    def test_all_threads_run_functions_when_they_are_slow(self, thread_pool: ThreadPool) -> None:
        n = thread_pool.num_workers
        all_of_them = threading.Barrier(n, timeout=30)

        thread_pool.par_iter(range(n)).for_each(lambda _: all_of_them.wait())

        assert not all_of_them.broken


class TestInstall:
    def test_it_gives_what_the_function_gives(self, pool: Pool) -> None:
        assert pool.install(pow, 2, exp=5) == 32

    def test_in_the_same_pool_it_is_a_plain_call(self, one: ThreadPool) -> None:
        assert one.install(lambda: one.install(threading.get_ident) == threading.get_ident())

    def test_from_one_pool_to_another_and_back(self) -> None:
        with ThreadPool(1) as p1, ThreadPool(1) as p2:
            assert p1.install(lambda: p2.install(lambda: p1.install(lambda: 7))) == 7

    def test_a_plan_of_one_pool_installs_in_another(self) -> None:
        with ThreadPool(1) as p1, ThreadPool(1) as p2:
            total = p1.par_iter(range(1, 101)).map(lambda n: p2.install(lambda: n)).sum()

        assert total == 5050

    def test_it_raises_what_the_function_raises(self, pool: Pool) -> None:
        with pytest.raises(Odd, match="here"):
            pool.install(raise_odd)
        assert pool.install(lambda: par_iter(range(5)).sum()) == 10

    def test_plans_in_it_run_on_the_threads_of_the_pool(self) -> None:
        def name(_item: int) -> str:
            return threading.current_thread().name

        with ThreadPool(2, thread_name="inside-{}") as pool:
            names = pool.install(lambda: par_iter(range(500)).map(name).collect(set))

        assert names <= {"inside-0", "inside-1"}

    def test_it_makes_the_pool_current_also_for_calls(self, thread_pool: ThreadPool) -> None:
        assert thread_pool.install(current_pool) is thread_pool
        assert thread_pool.install(lambda: join(current_pool, current_pool)) == (thread_pool, thread_pool)

    def test_a_sum_to_a_million(self, every_engine: Pool) -> None:
        assert every_engine.install(lambda: par_iter(range(1_000_001)).sum()) == 500_000_500_000

    def test_plans_in_plans_use_the_same_workers(self, thread_pool: ThreadPool) -> None:
        def inner(n: int) -> int:
            assert current_pool() is thread_pool
            return par_iter(range(n)).map(increment).sum()

        assert thread_pool.par_iter(range(40)).map(inner).sum() == sum(n * (n + 1) // 2 for n in range(40))

    def test_plans_in_plans_in_processes_run_there(self, processes: ProcessPool) -> None:
        def inner(n: int) -> int:
            return par_iter(range(n)).sum()

        assert processes.par_iter(range(40)).map(inner).sum() == sum(n * (n - 1) // 2 for n in range(40))


class TestContext:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")

    def test_workers_see_what_the_caller_has_set_and_leave_nothing(self, thread_pool: ThreadPool) -> None:
        variable = self.variable
        before = variable.set("mine")

        def look(_item: object = None) -> str:
            seen = variable.get()
            variable.set("theirs")
            return seen

        firsts = thread_pool.broadcast(look)
        seen = set(thread_pool.par_iter(range(100)).with_max_len(1).map(look))

        assert set(firsts) == {"mine"}
        assert seen <= {"mine", "theirs"}
        assert variable.get() == "mine"
        variable.reset(before)
        assert set(thread_pool.broadcast(variable.get)) == {"unset"}


class TestEnds:
    def test_leaving_the_block_waits_for_tasks_and_for_what_they_spawn(self) -> None:
        go = threading.Event()
        ran: list[str] = []

        def task() -> None:
            go.wait(30)
            spawn(ran.append, "second")
            ran.append("first")

        with ThreadPool(1) as pool:
            pool.spawn(task)
            threading.Thread(target=go.set).start()

        assert sorted(ran) == ["first", "second"]

    def test_a_closed_pool_takes_no_work(self) -> None:
        for pool in [ThreadPool(1), ProcessPool(1)]:
            pool.close()

            with pytest.raises(PoolClosed):
                pool.par_iter([1]).sum()
            with pytest.raises(PoolClosed):
                pool.spawn(raise_odd)

    def test_its_threads_have_ended_with_the_block(self) -> None:
        with ThreadPool(5, thread_name="ends-{}") as pool:
            pool.broadcast(lambda: None)

        assert [thread for thread in threading.enumerate() if thread.name.startswith("ends-")] == []

    def test_a_pool_is_current_in_its_block_only(self, pool: Pool) -> None:
        before = current_pool()

        with SerialPool() as inner:
            assert current_pool() is inner

        assert current_pool() is before
        assert pool.install(current_pool) is pool


class TestThreads:
    def test_initializer_and_finalizer_run_once_on_each(self) -> None:
        begun: list[str] = []
        ended: list[str] = []

        def name() -> str:
            return threading.current_thread().name

        with ThreadPool(
            4,
            thread_name="hook-{}",
            initializer=lambda: begun.append(name()),
            finalizer=lambda: ended.append(name()),
        ) as pool:
            names = pool.broadcast(name)
            pool.par_iter(range(100)).sum()

        assert sorted(begun) == sorted(ended) == names == [f"hook-{n}" for n in range(4)]

    def test_names_may_be_made_by_a_function(self) -> None:
        with ThreadPool(3, thread_name=lambda n: f"worker {n * n}") as pool:
            assert pool.broadcast(lambda: threading.current_thread().name) == ["worker 0", "worker 1", "worker 4"]

    def test_a_name_that_cannot_be_made_is_an_error_where_the_pool_is(self) -> None:
        def name(n: int) -> str:
            if n >= 5:
                raise Odd(n)
            return "fine"

        before = threading.active_count()

        with pytest.raises(Odd):
            ThreadPool(10, thread_name=name)
        assert threading.active_count() == before


class TestYielding:
    def test_outside_of_pools_there_is_nothing_to_yield_to(self) -> None:
        assert yield_now() is None

    def test_a_worker_runs_what_is_waiting_or_says_that_nothing_is(self, one: ThreadPool) -> None:
        ran: list[int] = []

        def body() -> list[bool | None]:
            idle = yield_now()
            spawn(ran.append, 1)
            return [idle, yield_now(), yield_now()]

        assert one.install(body) == [False, True, False]
        assert ran == [1]

    def test_a_loop_that_yields_sees_its_task_done(self, one: ThreadPool) -> None:
        done = threading.Event()

        def body() -> bool:
            spawn(done.set)
            while not done.is_set():
                yield_now()
            return True

        assert one.install(body)


class TestGlobalPool:
    def test_it_can_be_built_once(self) -> None:
        printed = run_program(
            "from pariter import *\n"
            "build_global(ThreadPool(3, thread_name='mine-{}'))\n"
            "print(current_num_threads(), sorted(broadcast(lambda: __import__('threading').current_thread().name)))\n"
            "try: build_global(ThreadPool(2))\n"
            "except GlobalPoolAlreadyInitialized as error: print(error)\n"
        )

        assert printed.splitlines() == [
            "3 ['mine-0', 'mine-1', 'mine-2']",
            "The global pool has already been initialized.",
        ]

    def test_its_first_use_builds_it(self) -> None:
        printed = run_program(
            "from pariter import *\n"
            "print(join(lambda: 1, lambda: 2))\n"
            "try: build_global(ThreadPool(2))\n"
            "except GlobalPoolAlreadyInitialized as error: print(error)\n"
        )

        assert printed.splitlines() == ["(1, 2)", "The global pool has already been initialized."]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_pools_that_work(thread_pool: ThreadPool) -> None:
    thread_pool.par_iter(range(100)).map(increment).sum()
    context: Any = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()

    def child() -> None:
        answers.put(thread_pool.par_iter(range(100)).map(increment).sum())
        answers.put(sum(join(lambda: 1, lambda: par_iter(range(10)).sum())))

    process = context.Process(target=child)
    process.start()
    process.join(30)

    assert process.exitcode == 0
    assert (answers.get(), answers.get()) == (5050, 46)


def test_executors_are_pools_and_pools_are_executors(pool: Pool) -> None:
    assert isinstance(pool, ThreadPool | ProcessPool)

    assert pool.submit(pow, 2, 5).result(30) == 32
    assert list(pool.map(increment, range(10))) == list(range(1, 11))


def test_ctrl_c_cancels_a_run_and_the_pool_lives_on(thread_pool: ThreadPool) -> None:
    begun: queue.SimpleQueue[int] = queue.SimpleQueue()

    def interrupting(n: int) -> int:
        begun.put(n)
        if n == 20:
            raise KeyboardInterrupt
        return n

    with pytest.raises(KeyboardInterrupt):
        thread_pool.par_iter(range(10**6)).with_max_len(1).map(interrupting).sum()

    assert begun.qsize() < 10**6
    assert thread_pool.par_iter(range(10)).sum() == 45
