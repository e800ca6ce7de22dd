"""Plans and calls on clusters give what they give anywhere."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from pariter import CannotSend, DaskPool, ParIter, Pool, PoolClosed, par_iter, shared
from pariter.clusters import ClusterPool

Run = Callable[[ParIter[int]], Any]

RUNS: dict[str, Run] = {
    "collect": lambda plan: plan.map(lambda n: n * 3).collect(),
    "filter, sum": lambda plan: plan.filter(lambda n: n % 7 == 0).sum(),
    "fold, reduce": lambda plan: plan.fold(int, int.__add__).reduce(int, int.__add__),
    "enumerate behind filter": lambda plan: plan.filter(lambda n: n % 2).enumerate().nlargest(3),
    "sorted": lambda plan: plan.sorted(key=lambda n: -n)[:5],
    "scan": lambda plan: plan.scan(int.__add__).max(),
    "find_first": lambda plan: plan.find_first(lambda n: n > 900),
    "group_by": lambda plan: plan.group_by(lambda n: n % 10)[3],
    "loop": lambda plan: list(itertools.islice(plan.map(str), 20)),
    "map_local": lambda plan: plan.map_local(list, lambda seen, n: n).count(),
    "nested": lambda plan: plan.take(9).map(lambda n: par_iter(range(n)).count()).collect(),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_plan_gives_what_the_caller_alone_gives(name: str, pool: Pool) -> None:
    run = RUNS[name]

    assert run(par_iter(range(5_000)).on(pool)) == run(par_iter(range(5_000)).on("serial"))
    assert run(par_iter(iter(range(5_000))).on(pool)) == run(par_iter(range(5_000)).on("serial"))


def test_functions_run_in_other_processes(pool: Pool) -> None:
    pids = pool.par_iter(range(100)).map(lambda n: os.getpid()).collect(set)

    assert os.getpid() not in pids


def test_an_exception_is_the_first_and_names_step_and_item(pool: Pool) -> None:
    plan = pool.par_iter(range(1_000)).map(lambda n: 1 // (n % 500 - 70))

    with pytest.raises(ZeroDivisionError) as caught:
        plan.collect()

    assert " at item 70 (70), on process" in caught.value.__notes__[0]


def test_time_is_up_within_a_piece_of_work(pool: Pool) -> None:
    plan = pool.par_iter(range(100)).map(lambda n: time.sleep(0.2)).timeout(1)

    with pytest.raises(TimeoutError, match="timeout"):
        plan.collect()

    assert pool.par_iter(range(10)).count() == 10


def test_what_cannot_travel_is_told_before_anything_runs(pool: Pool) -> None:
    generator = (n for n in range(3))

    with pytest.raises(CannotSend, match=r"map\(\) cannot send <lambda>.*'generator'"):
        pool.par_iter(range(3)).map(lambda n: (n, generator)).collect()


def test_what_is_large_is_scattered_once(pool: ClusterPool, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    scatter = pool._scatter
    monkeypatch.setattr(pool, "_scatter", lambda content: sizes.append(len(content)) or scatter(content))
    words = shared(list(range(200_000)))

    plan = par_iter(range(0, 200_000, 1000)).with_max_len(10).on(pool)
    assert plan.map(lambda n: words.value[n]).sum() == sum(range(0, 200_000, 1000))
    assert plan.map(lambda n: n).sum() == sum(range(0, 200_000, 1000))
    assert len(sizes) == 1
    assert sizes[0] > 200_000


def test_calls_answer_and_raise(pool: Pool) -> None:
    assert pool.join(lambda: 1, lambda: 2, lambda: 3) == (1, 2, 3)
    assert pool.spawn(pow, 2, 10).result() == 1024
    with pytest.raises(ZeroDivisionError):
        pool.spawn(divmod, 1, 0).result()
    with pytest.raises(ExceptionGroup) as caught, pool.scope() as s:
        s.spawn(divmod, 1, 0)
        kept = s.spawn(divmod, 9, 2)
    assert kept.result() == (4, 1)
    assert [type(error) for error in caught.value.exceptions] == [ZeroDivisionError]


def test_a_broadcast_reaches_each_worker_once(pool: Pool) -> None:
    workers = 2 if isinstance(pool, DaskPool) else 1

    assert len(set(pool.broadcast(os.getpid))) == workers
    assert pool.num_workers == (4 if isinstance(pool, DaskPool) else 2)


def test_a_closed_pool_takes_no_new_work_and_leaves_the_cluster_alone(pool: Pool) -> None:
    with pool:
        assert par_iter(range(10)).map(str).collect() == list("0123456789")

    with pytest.raises(PoolClosed):
        pool.spawn(abs, 1)
    with pytest.raises(PoolClosed):
        pool.par_iter([1]).map(abs).collect()


def test_only_a_client_makes_a_dask_pool() -> None:
    with pytest.raises(TypeError, match=r"DaskPool\(\) needs a dask.distributed.Client, got 'tcp://here'"):
        DaskPool("tcp://here")
