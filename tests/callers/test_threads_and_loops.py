"""From several threads at once, and from an event loop's executor."""

from __future__ import annotations

import pytest

from tests.callers.programs import FUNCTIONS, Ended, run

FROM_THREADS = """
import threading

pool, threads = ProcessPool(2), ThreadPool(2)
together, failed = threading.Barrier(4), []

def calls():
    together.wait()
    try:
        for _ in range(3):
            check(None, pool, threads, "threads", "processes")
    except BaseException as error:
        failed.append(error)
        raise

callers = [threading.Thread(target=calls) for _ in range(4)]
for caller in callers:
    caller.start()
for caller in callers:
    caller.join()
assert not failed
print("the same")
"""

FROM_A_LOOP = """
import asyncio
from concurrent.futures import ThreadPoolExecutor

async def main(executor, *pools):
    loop = asyncio.get_running_loop()
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.001)

    ticking = asyncio.create_task(tick())
    await asyncio.gather(*(loop.run_in_executor(executor, check, *pools) for _ in range(4)))
    ticking.cancel()
    assert ticks > 4

pool = ProcessPool(2)
asyncio.run(main({executor}, {pools}))
print("the same")
"""


def test_from_several_threads_that_share_pools() -> None:
    assert run("-c", FUNCTIONS + FROM_THREADS) == Ended(0, "the same\n", "", [])


@pytest.mark.parametrize(
    ("executor", "pools"),
    [
        ("None", "None, pool, 'threads', 'processes'"),
        ("ThreadPoolExecutor(1)", "None, pool, 'threads', 'processes'"),
        # pools of ours are executors too
        ("ThreadPool(2)", "None, pool, 'threads', 'processes'"),
        ("pool", "None, 'threads', 'processes'"),
    ],
)
def test_from_the_executor_of_an_event_loop(executor: str, pools: str) -> None:
    program = FROM_A_LOOP.format(executor=executor, pools=pools)

    assert run("-c", FUNCTIONS + program) == Ended(0, "the same\n", "", [])
