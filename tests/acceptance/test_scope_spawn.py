"""Tasks in a scope, and tasks by themselves."""

from __future__ import annotations

import queue
import sys
import threading
from concurrent.futures import Future
from typing import Any

import pytest

from pariter import Pool, ThreadPool, broadcast, current_pool, current_thread_index, join, par_iter, scope, spawn


class Odd(Exception):
    """What a task raises."""


def raise_odd(n: int) -> Any:
    """Raise, with the number of the task."""
    raise Odd(n)


def test_an_empty_scope_ends_at_once(pool: Pool) -> None:
    with pool.scope():
        result = 22

    assert result == 22


def test_everything_spawned_has_ended_when_the_block_has(thread_pool: ThreadPool) -> None:
    seen: list[int] = []

    with thread_pool.scope() as s:
        s.spawn(seen.append, 1)
        s.spawn(seen.append, 10)

    assert sorted(seen) == [1, 10]


def test_tasks_have_futures(pool: Pool) -> None:
    with pool.scope() as s:
        futures = [s.spawn(pow, 2, exp=n) for n in range(10)]

    assert [future.result() for future in futures] == [2**n for n in range(10)]


def test_tasks_spawn_tasks(thread_pool: ThreadPool) -> None:
    leaves: list[int] = []

    with thread_pool.scope() as s:

        def divide(n: int) -> None:
            if n == 1:
                leaves.append(1)
            else:
                s.spawn(divide, n // 2)
                s.spawn(divide, n - n // 2)

        s.spawn(divide, 1024)

    assert len(leaves) == 1024


def test_tasks_update_a_tree_in_place(thread_pool: ThreadPool) -> None:
    tree: dict[str, Any] = {"value": 1, "children": [{"value": n, "children": []} for n in range(10)]}

    def update(node: dict[str, Any], s: Any) -> None:
        node["value"] += 1
        for child in node["children"]:
            s.spawn(update, child, s)

    with thread_pool.scope() as s:
        update(tree, s)

    assert tree["value"] == 2
    assert [child["value"] for child in tree["children"]] == list(range(1, 11))


def test_an_exception_of_the_body_comes_in_a_group(pool: Pool) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        with pool.scope():
            raise_odd(1)

    assert [error.args for error in caught.value.exceptions] == [(1,)]


def test_an_exception_of_a_task_of_a_task_reaches_the_scope(thread_pool: ThreadPool) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        with thread_pool.scope() as s:
            s.spawn(lambda: s.spawn(lambda: s.spawn(raise_odd, 3)))

    assert [error.args for error in caught.value.exceptions] == [(3,)]


def test_an_exception_of_an_inner_scope_reaches_the_outer(thread_pool: ThreadPool) -> None:
    def inner() -> None:
        with scope() as s:
            s.spawn(raise_odd, 4)

    with pytest.raises(ExceptionGroup) as caught:
        with thread_pool.scope() as s:
            s.spawn(inner)

    assert caught.value.subgroup(Odd) is not None


def test_of_many_exceptions_none_is_lost_and_all_tasks_run(thread_pool: ThreadPool) -> None:
    ran: list[int] = []

    def task(n: int) -> None:
        ran.append(n)
        if n % 2:
            raise Odd(n)

    with pytest.raises(ExceptionGroup) as caught:
        with thread_pool.scope() as s:
            for n in range(10):
                s.spawn(task, n)
            raise Odd("body")

    assert sorted(ran) == list(range(10))
    assert [error.args[0] for error in caught.value.exceptions] == ["body", 1, 3, 5, 7, 9]


def test_one_thread_runs_the_newest_task_first(one: ThreadPool) -> None:
    out: list[int] = []

    def body() -> None:
        with scope() as s:
            for i in range(10):
                s.spawn(lambda i=i: [s.spawn(out.append, 10 * i + j) for j in range(10)])

    one.install(body)

    assert out == list(range(99, -1, -1))


def test_one_thread_runs_the_newest_task_first_in_nested_scopes(one: ThreadPool) -> None:
    out: list[int] = []

    def inner(i: int) -> None:
        with scope() as s:
            for j in range(10):
                s.spawn(out.append, 10 * i + j)

    def body() -> None:
        with scope() as s:
            for i in range(10):
                s.spawn(inner, i)

    one.install(body)

    assert out == list(range(99, -1, -1))


def test_all_tasks_of_scopes_that_overlap_run(thread_pool: ThreadPool) -> None:
    out: list[int] = []

    def body() -> None:
        with scope() as outer:
            outer.spawn(out.append, 0)
            with scope() as inner:
                for n in [1, 2, 3]:
                    inner.spawn(out.append, -n)
                    outer.spawn(out.append, n)

    thread_pool.install(body)

    assert sorted(out) == [-3, -2, -1, 0, 1, 2, 3]


def test_a_chain_of_tasks_does_not_grow_the_stack(one: ThreadPool) -> None:
    def depth_of_a_chain(length: int) -> int:
        deepest: list[int] = []

        def link(left: int, s: Any) -> None:
            frame: Any = sys._getframe()
            depth = 0
            while frame is not None:
                frame, depth = frame.f_back, depth + 1
            deepest.append(depth)
            if left:
                s.spawn(link, left - 1, s)

        def body() -> None:
            with scope() as s:
                s.spawn(link, length, s)

        one.install(body)
        assert len(deepest) == length + 1
        return max(deepest)

    assert depth_of_a_chain(500) == depth_of_a_chain(5)


def test_a_body_may_wait_for_its_tasks(thread_pool: ThreadPool) -> None:
    letters: queue.SimpleQueue[str] = queue.SimpleQueue()

    with thread_pool.scope() as s:
        s.spawn(letters.put, "a")

        assert letters.get(timeout=30) == "a"


def test_tasks_use_plans_and_scopes_freely(thread_pool: ThreadPool) -> None:
    totals: list[int] = []

    def inner() -> None:
        with scope() as s:
            s.spawn(lambda: totals.append(par_iter(range(100)).map(abs).sum()))

    with thread_pool.scope() as s:
        for _ in range(5):
            s.spawn(inner)
            s.spawn(lambda: totals.append(par_iter(range(10)).sum()))

    assert sorted(totals) == [45] * 5 + [4950] * 5


def test_ten_pools_scopes_nest() -> None:
    pools = [ThreadPool(1) for _ in range(10)]
    reached: list[int] = []

    def descend(at: int) -> None:
        if at == len(pools):
            reached.append(at)
            return
        with pools[at].scope() as s:
            s.spawn(descend, at + 1)

    descend(0)
    for pool in pools:
        pool.close()

    assert reached == [10]


class TestSpawn:
    def test_a_task_answers_through_its_future(self, pool: Pool) -> None:
        assert pool.spawn(pow, 2, exp=5).result(30) == 32

    def test_a_task_answers_through_a_queue(self, thread_pool: ThreadPool) -> None:
        answers: queue.SimpleQueue[int] = queue.SimpleQueue()

        for n in range(8):
            thread_pool.spawn(answers.put, n)

        assert sorted(answers.get(timeout=30) for _ in range(8)) == list(range(8))

    def test_a_task_of_a_worker_is_in_the_same_pool(self, thread_pool: ThreadPool) -> None:
        assert thread_pool.install(lambda: spawn(current_pool).result(30)) is thread_pool
        assert thread_pool.spawn(lambda: spawn(current_pool)).result(30).result(30) is thread_pool

    def test_a_task_from_outside_is_in_the_global_pool(self) -> None:
        assert spawn(current_pool).result(30) is current_pool()

    def test_an_exception_waits_in_the_future(self, pool: Pool) -> None:
        future = pool.spawn(raise_odd, 7)

        with pytest.raises(Odd, match="7"):
            future.result(30)
        assert pool.par_iter(range(10)).sum() == 45

    def test_exceptions_of_tasks_of_tasks_wait_in_their_futures(self, thread_pool: ThreadPool) -> None:
        futures: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()

        def nested(level: int) -> None:
            if level:
                futures.put(spawn(nested, level - 1))
            raise Odd(level)

        futures.put(thread_pool.spawn(nested, 2))
        errors = [futures.get(timeout=30).exception(30) for _ in range(3)]

        assert [type(error) for error in errors] == [Odd] * 3
        assert [error.args for error in errors if error] == [(2,), (1,), (0,)]

    def test_one_thread_runs_the_newest_task_first(self, one: ThreadPool) -> None:
        out: list[int] = []

        futures = one.install(lambda: [spawn(out.append, n) for n in range(10)])
        for future in futures:
            future.result(30)

        assert out == list(range(9, -1, -1))

    def test_a_worker_that_waits_for_a_task_runs_it(self, thread_pool: ThreadPool) -> None:
        def tree(depth: int) -> int:
            if not depth:
                return 1
            left, right = spawn(tree, depth - 1), spawn(tree, depth - 1)
            return left.result() + right.result()

        assert thread_pool.install(lambda: tree(6)) == 64


class TestBroadcast:
    def test_in_a_task_of_a_scope_it_reaches_every_worker(self, thread_pool: ThreadPool) -> None:
        found: list[list[int]] = []

        with thread_pool.scope() as s:
            s.spawn(lambda: found.append(broadcast(threading.get_ident)))

        assert len(set(found[0])) == thread_pool.num_workers

    def test_in_a_broadcast_it_reaches_every_worker_again(self, thread_pool: ThreadPool) -> None:
        ran: list[int] = []
        n = thread_pool.num_workers

        thread_pool.broadcast(lambda: broadcast(lambda: ran.append(1)))

        assert len(ran) == n * n

    def test_it_runs_beside_joins_and_plans(self, thread_pool: ThreadPool) -> None:
        n = thread_pool.num_workers

        both = thread_pool.install(lambda: join(lambda: broadcast(lambda: 1), lambda: par_iter(range(100)).sum()))

        assert both == ([1] * n, 4950)

    @pytest.mark.parametrize("failing", [{3}, {0, 2, 4, 6}], ids=str)
    def test_all_calls_are_made_and_the_exception_of_the_lowest_index_is_raised(
        self, failing: set[int], pools: dict[str, Pool]
    ) -> None:
        ran: list[int] = []

        def call() -> None:
            index = current_thread_index()
            assert index is not None
            ran.append(index)
            if index in failing:
                raise Odd(index)

        with pytest.raises(Odd) as caught:
            pools["threads-7"].broadcast(call)

        assert sorted(ran) == list(range(7))
        assert caught.value.args == (min(failing),)
