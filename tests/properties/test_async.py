"""`run_async` and `aiter`, against the calls they stand for."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pariter import Pool, par_iter
from tests.properties.cases import SHARED, Case, Fn, assert_same, cases, fns, triple


@given(case=cases(), f=fns(triple))
def test_run_async_gives_what_the_run_gives(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    assert_same(
        case,
        lambda: list(map(f, case.values)),
        lambda: asyncio.run(_awaited(case.plan(pools).map(f).run_async(lambda plan: plan.collect()))),
        "map",
    )


async def _awaited(awaitable: Any) -> Any:
    return await awaitable


@given(case=cases(), f=fns(triple), n=st.integers(0, 70))
def test_async_iteration_is_iteration(pools: dict[str, Pool], case: Case, f: Fn, n: int) -> None:
    async def firsts() -> Any:
        found: list[Any] = []
        if not n:
            return found
        items = aiter(case.plan(pools).map(f))
        try:
            async for item in items:
                found.append(item)
                if len(found) == n:
                    break
        except Exception as error:
            return found, type(error), error.args
        finally:
            await items.aclose()  # type: ignore[attr-defined]
        return found

    def model() -> Any:
        found: list[Any] = []
        try:
            for item in case.values[:n]:
                found.append(f(item))
        except Exception as error:
            return found, type(error), error.args
        return found

    assert_same(case, model, lambda: asyncio.run(firsts()))


@pytest.mark.parametrize("engine", SHARED)
def test_many_runs_share_one_event_loop(pools: dict[str, Pool], engine: str) -> None:
    async def main() -> list[int]:
        plans = [par_iter(range(n)).on(pools[engine]) for n in range(20)]
        return list(await asyncio.gather(*(plan.run_async(lambda plan: plan.sum()) for plan in plans)))

    assert asyncio.run(main()) == [sum(range(n)) for n in range(20)]


@pytest.mark.parametrize("engine", SHARED)
def test_the_event_loop_goes_on_while_a_function_waits_for_it(pools: dict[str, Pool], engine: str) -> None:
    async def main() -> Any:
        told = threading.Event()
        run = asyncio.ensure_future(
            par_iter([7]).map(lambda item: (told.wait(30), item)).on(pools[engine]).run_async(list)
        )
        await asyncio.get_running_loop().run_in_executor(None, told.set)
        return await run

    assert asyncio.run(main()) == [(True, 7)]


@pytest.mark.parametrize("engine", SHARED)
def test_a_cancelled_task_ends_at_once_and_leaves_the_pool_usable(pools: dict[str, Pool], engine: str) -> None:
    begun, may_end, over = threading.Event(), threading.Event(), threading.Event()

    def waits(item: int) -> int:
        begun.set()
        may_end.wait(30)
        return item

    def run(plan: Any) -> Any:
        try:
            return plan.collect()
        finally:
            over.set()

    async def main() -> None:
        task = asyncio.ensure_future(par_iter([1]).map(waits).on(pools[engine]).run_async(run))
        await asyncio.get_running_loop().run_in_executor(None, begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    try:
        asyncio.run(main())
        assert not over.is_set()
    finally:
        may_end.set()

    assert over.wait(30)
    assert par_iter([1, 2]).on(pools[engine]).sum() == 3


@pytest.mark.parametrize("engine", SHARED)
def test_cancelling_async_iteration_ends_what_is_running(pools: dict[str, Pool], engine: str) -> None:
    first, closed = threading.Event(), threading.Event()

    def items() -> Any:
        try:
            n = 0
            while True:
                yield n
                n += 1
        finally:
            closed.set()

    async def consume() -> None:
        async for _ in par_iter(items()).buffered(10).on(pools[engine]):
            first.set()

    async def main() -> None:
        task = asyncio.ensure_future(consume())
        await asyncio.get_running_loop().run_in_executor(None, first.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.get_running_loop().run_in_executor(None, closed.wait, 30)

    asyncio.run(main())

    assert closed.is_set()
    assert par_iter([1, 2]).on(pools[engine]).sum() == 3


@pytest.mark.parametrize("engine", SHARED)
def test_breaking_out_of_async_iteration_ends_it(pools: dict[str, Pool], engine: str) -> None:
    closed = threading.Event()

    def items() -> Any:
        try:
            yield from range(10**9)
        finally:
            closed.set()

    async def main() -> list[int]:
        found = []
        async for item in par_iter(items()).buffered(10).map(triple).on(pools[engine]):
            found.append(item)
            if len(found) == 5:
                break
        return found

    assert asyncio.run(main()) == [1, 4, 7, 10, 13]
    assert closed.wait(30)


@pytest.mark.parametrize("engine", SHARED)
def test_cancelling_while_an_item_is_awaited_ends_as_a_cancelled_task(pools: dict[str, Pool], engine: str) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def waits(item: int) -> int:
        begun.set()
        assert may_end.wait(30)
        return item

    async def consume() -> None:
        async for _ in par_iter([1, 2, 3]).map(waits).buffered(1).on(pools[engine]):
            pass

    async def main() -> None:
        task = asyncio.ensure_future(consume())
        await asyncio.get_running_loop().run_in_executor(None, begun.wait)
        task.cancel()
        await asyncio.sleep(0)
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert par_iter([1, 2]).on(pools[engine]).sum() == 3
