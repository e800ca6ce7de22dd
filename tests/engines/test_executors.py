"""Any `concurrent.futures.Executor` as an engine."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import loky
import pytest
from hypothesis import given, settings

from pariter import WorkerDied, par_iter, walk_tree
from tests.laws.plans import RandomPlan, Terminal, plans, terminals
from tests.laws.test_engine_law import actual, expected


@pytest.fixture(scope="module", params=["threads", "processes", "loky"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    makers = {
        "threads": lambda: ThreadPoolExecutor(3),
        "processes": lambda: ProcessPoolExecutor(2, mp_context=get_context("spawn")),
        "loky": lambda: loky.ProcessPoolExecutor(2),
    }
    with makers[request.param]() as made:
        yield made


def test_terminals_give_what_the_loop_gives(executor: Executor) -> None:
    plan = par_iter(range(5000)).on(executor).map(lambda n: n * 2)

    assert plan.collect() == [n * 2 for n in range(5000)]
    assert plan.filter(lambda n: n % 3 == 0).enumerate().collect() == list(enumerate(range(0, 10_000, 6)))
    assert plan.find_first(lambda n: n > 999) == 1000


@settings(max_examples=settings.default.max_examples // 2)
@given(plan=plans(), terminal=terminals())
def test_an_executor_gives_what_the_plain_loop_gives(executor: Executor, plan: RandomPlan, terminal: Terminal) -> None:
    wanted = expected(terminal, plan.model())

    assert actual(terminal, plan.build().on(executor)) == wanted


def test_streams_are_ordered_and_end(executor: Executor) -> None:
    assert list(par_iter(iter(range(500))).on(executor).map(str)) == list(map(str, range(500)))
    assert par_iter(itertools.count()).on(executor).find_first(lambda n: n == 3000) == 3000


def test_the_first_exception_wins_and_carries_its_note(executor: Executor) -> None:
    words = ["1"] * 500 + ["x"] + ["1"] * 500 + ["y"]

    with pytest.raises(ValueError, match="'x'") as caught:
        par_iter(words).on(executor).map(int).sum()

    assert "pariter: raised by map(int) at item 500 ('x'), on " in caught.value.__notes__[0]
    assert par_iter(words[:3]).on(executor).map(int).sum() == 3


def test_plans_inside_run_serially_where_they_are(executor: Executor) -> None:
    plan = par_iter(range(20)).on(executor).map(lambda n: par_iter(range(n)).sum())

    assert plan.collect() == [sum(range(n)) for n in range(20)]


def test_a_plan_inside_a_full_executor_does_not_wait_for_it() -> None:
    with ThreadPoolExecutor(1) as executor:
        plan = par_iter(range(3)).on(executor).map(lambda n: par_iter(range(n + 1)).map(str).collect())

        assert plan.collect() == [["0"], ["0", "1"], ["0", "1", "2"]]


def test_a_plan_on_the_executor_that_waits_for_it_runs_where_it_is() -> None:
    with ThreadPoolExecutor(1) as executor, ThreadPoolExecutor(1) as other:

        def inside(n: int) -> list[int]:
            return list(par_iter(range(n)).on(executor).map(lambda m: -m))

        plan = par_iter(range(3)).on(executor).map(inside)
        across = par_iter(range(3)).on(other).map(inside)

        assert plan.collect() == [[], [0], [0, -1]]
        assert list(plan) == [[], [0], [0, -1]]
        assert executor.submit(plan.collect).result() == [[], [0], [0, -1]]
        assert executor.submit(across.collect).result() == [[], [0], [0, -1]]


def test_walks_without_end_stop_when_another_worker_has_found_the_node() -> None:
    with ThreadPoolExecutor(3) as executor:
        tree = walk_tree(0, lambda n: (min(2 * n + 1, 2**40), min(2 * n + 2, 2**40))).on(executor)

        assert tree.find_any(lambda n: n == 2**30 - 1) == 2**30 - 1


def test_a_long_item_does_not_keep_those_to_its_left_waiting() -> None:
    left_half_done = threading.Event()

    def wait_on_the_right(n: int) -> bool:
        if n == 3:
            left_half_done.set()
        return n < 4 or left_half_done.wait(30)

    with ThreadPoolExecutor(2) as executor:
        plan = par_iter(range(8)).with_max_len(1).on(executor).map(wait_on_the_right)

        assert plan.all()


def test_threads_share_what_a_function_captured() -> None:
    seen: list[int] = []
    with ThreadPoolExecutor(2) as executor:
        par_iter(range(50)).on(executor).for_each(seen.append)

    assert sorted(seen) == list(range(50))


def test_a_broken_executor_is_named() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        with pytest.raises(WorkerDied, match=r"ProcessPoolExecutor.* failed: .*while it held item 0"):
            par_iter(range(5)).on(executor).map(lambda _: os._exit(3)).collect()


def test_a_closed_executor_says_so() -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()

    with pytest.raises(RuntimeError, match="after shutdown"):
        par_iter([1]).on(executor).map(str).collect()


def test_something_else_is_refused_at_the_call() -> None:
    with pytest.raises(TypeError, match=r"on\(\) needs a pool, an executor or the name of an engine, got 3"):
        par_iter([1]).on(3)  # type: ignore[arg-type]
