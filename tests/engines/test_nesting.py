"""Plans inside plans, the caller's context in workers, and data that changes while a plan runs."""

from __future__ import annotations

import contextvars
import itertools
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pariter import Pool, PoolClosed, SerialPool, ThreadPool, cancelled, current_pool, current_thread_index, par_iter
from pariter.engines.threads import ThreadStream
from pariter.sched.ticker import ticker
from tests.eager import eager
from tests.sched.helpers import GIL

color: contextvars.ContextVar[str] = contextvars.ContextVar("color", default="none")


def test_plans_nested_three_deep_give_what_the_loops_give(every_engine: Pool) -> None:
    def innermost(n: int) -> int:
        return par_iter(range(n)).map(lambda k: k * k).sum()

    def inner(n: int) -> list[int]:
        return par_iter(range(n)).map(innermost).collect()

    wanted = [[sum(j * j for j in range(k)) for k in range(n)] for n in range(6)]

    with eager():
        assert par_iter(range(6)).map(inner).on(every_engine).collect() == wanted


def test_a_plan_inside_a_worker_runs_on_the_pool_of_that_worker(threads: ThreadPool) -> None:
    def pool_of(n: int) -> Any:
        return par_iter([0]).map(lambda _: current_pool()).collect()[0]

    with eager():
        assert set(par_iter(range(30)).map(pool_of).on(threads).collect()) == {threads}


def test_every_function_knows_which_of_the_pools_workers_it_is_on(threads: ThreadPool) -> None:
    with eager():
        found = set(par_iter(range(100)).map(lambda n: current_thread_index()).on(threads).collect())

    assert found <= set(range(threads.num_workers))
    assert current_thread_index() is None


def test_no_more_functions_run_at_once_than_the_pool_has_threads(pools: dict[str, Pool]) -> None:
    lock = threading.Lock()
    running = [0]
    most = [0]

    def f(n: int) -> int:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        total = sum(range(300))
        with lock:
            running[0] -= 1
        return total

    for name in ("threads-1", "threads-2", "threads-3"):
        most[0] = 0
        users = [
            threading.Thread(target=lambda name=name: par_iter(range(200)).map(f).on(pools[name]).count())
            for _ in range(4)
        ]
        with eager():
            for user in users:
                user.start()
            for user in users:
                user.join()
        assert most[0] <= int(name[-1])


def test_workers_run_in_copies_of_the_callers_context(every_shared: Pool) -> None:
    def f(n: int) -> str:
        seen = color.get()
        color.set(f"worker {n}")
        return seen

    token = color.set("blue")
    try:
        with eager():
            found = par_iter(range(100)).map(f).with_max_len(1).on(every_shared).collect()
            streamed = list(par_iter(iter(range(100))).map(lambda n: color.get()).on(every_shared))
        assert color.get() == "blue"
    finally:
        color.reset(token)

    assert found[0] == "blue"
    assert {seen for seen in found if not seen.startswith("worker")} == {"blue"}
    assert set(streamed) == {"blue"}
    with eager():
        again = par_iter(range(100)).map(lambda n: color.get()).on(every_shared).collect()
    assert set(again) == {"none"}


# A bytearray has a lock from 3.14 on only: 3.13 without a GIL hangs or dies of one that two threads change and read.
KINDS = [list, dict, set, deque, *([bytearray] if GIL or sys.version_info >= (3, 14) else [])]


@pytest.mark.parametrize("kind", KINDS)
def test_data_that_changes_while_the_plan_runs_neither_crashes_nor_hangs(kind: Any, every_shared: Pool) -> None:
    made = {n: n for n in range(200)} if kind is dict else kind(n % 256 for n in range(200))

    def shrink(n: int) -> int:
        try:
            made.popitem() if kind is dict else made.pop()
        except (IndexError, KeyError):
            pass
        return n

    with eager():
        for run in (
            lambda plan: plan.count(),
            lambda plan: plan.collect(),
            lambda plan: list(plan),
            lambda plan: plan.rev().chunks(3).collect(),
            lambda plan: plan.zip(made).collect(),
            lambda plan: plan.filter().windows(2).collect(),
        ):
            found = run(par_iter(made).map(shrink).on(every_shared))
            assert (found if isinstance(found, int) else len(found)) <= 200


def test_an_item_that_is_replaced_while_the_plan_runs_has_either_value(every_shared: Pool) -> None:
    data = [0] * 300

    def replace(n: int) -> int:
        for at in range(0, 300, 7):
            data[at] = 1
        return n

    with eager():
        assert set(par_iter(data).map(replace).on(every_shared).collect()) <= {0, 1}


def test_a_lock_that_the_caller_holds_is_never_met_on_its_own_stack(threads: ThreadPool) -> None:
    lock = threading.Lock()

    def locked(n: int) -> int:
        with lock:
            return par_iter(range(20)).map(lambda k: k + n).sum()

    with eager():
        assert par_iter(range(20)).map(locked).on(threads).sum() == sum(190 + 20 * n for n in range(20))


def test_a_serial_pool_runs_everything_in_the_order_of_the_loop() -> None:
    seen: list[tuple[str, int]] = []

    with SerialPool():
        par_iter(range(3)).inspect(lambda n: seen.append(("a", n))).inspect(lambda n: seen.append(("b", n))).count()

    assert seen == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]


RUNS: dict[str, Callable[..., Any]] = {
    "collected": lambda plan: plan.collect(),
    "looped over": lambda plan: list(plan),
}
POOLS: dict[str, Callable[[int], ThreadPool]] = {
    "any thread": ThreadPool,
    "own threads": lambda n: ThreadPool(n, initializer=int),
}


@pytest.mark.parametrize("outer", ["collected", "looped over"])
@pytest.mark.parametrize("inner", ["collected", "looped over"])
@pytest.mark.parametrize("there", POOLS)
@pytest.mark.parametrize("here", POOLS)
def test_a_plan_on_another_pool_may_come_back_to_this_one(here: str, there: str, inner: str, outer: str) -> None:
    with POOLS[here](1) as home, POOLS[there](1) as away:

        def back_home(n: int) -> Any:
            return RUNS[inner](par_iter([n, n + 1]).on(home))

        with eager():
            found = home.install(lambda: RUNS[outer](par_iter([1, 2, 3]).map(back_home).on(away)))

    assert found == [[1, 2], [2, 3], [3, 4]]


@pytest.mark.parametrize("inner", ["collected", "looped over"])
@pytest.mark.parametrize("here", POOLS)
def test_a_loop_whose_helper_comes_back_to_the_pool_of_the_loop_goes_on(here: str, inner: str) -> None:
    with POOLS[here](1) as home, ThreadPool(2) as away:

        def until_helped() -> int:
            consumer = threading.get_ident()

            def back_home(n: int) -> bool:
                return threading.get_ident() != consumer and RUNS[inner](par_iter([n, n + 1]).on(home)) == [n, n + 1]

            with eager():
                return next(itertools.compress(itertools.count(), par_iter(itertools.count()).map(back_home).on(away)))

        assert home.install(until_helped) >= 0


@pytest.mark.parametrize("there", POOLS)
def test_a_loop_over_a_plan_on_a_pool_that_was_closed_meanwhile_ends(there: str) -> None:
    with POOLS[there](1) as pool:
        items = iter(par_iter(itertools.count()).map(abs).on(pool))
        assert next(items) == 0

    with pytest.raises(PoolClosed):
        for _ in items:
            pass


def test_a_loop_meets_what_an_initializer_raises_even_if_the_ticker_looks_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def raises() -> None:
        raise ArithmeticError

    results = ThreadStream.results

    def looked_at(self: ThreadStream) -> Iterator[Any]:
        found = results(self)
        ticker.look()
        ticker.look()
        return found

    monkeypatch.setattr(ThreadStream, "results", looked_at)

    with ThreadPool(1, initializer=raises) as pool, pytest.raises(RuntimeError, match="ArithmeticError"):
        list(par_iter(range(3)).map(abs).on(pool))


def test_what_runs_on_the_seat_of_one_pool_installs_keywords_on_the_pool_around_it() -> None:
    with ThreadPool(1) as home, ThreadPool(1) as away, eager():

        def back_home(digits: str) -> int:
            return home.install(int, digits, base=2)

        found = home.install(lambda: list(par_iter(iter(["10", "11"])).map(back_home).on(away)))

    assert found == [2, 3]


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal to one thread")
def test_ctrl_c_cancels_a_run_that_another_pool_drives_for_the_interrupted_thread() -> None:
    heard = []

    def interrupts(n: int) -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        for _ in range(2000):
            if cancelled():
                heard.append(n)
                return
            threading.Event().wait(0.005)

    with ThreadPool(1) as here, ThreadPool(1) as there:
        with pytest.raises(KeyboardInterrupt):
            par_iter([0]).map(lambda _: par_iter([0, 1]).on(there).for_each(interrupts)).on(here).collect()

    assert heard == [0]
