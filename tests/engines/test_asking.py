"""`cancelled()` in a worker process: true as soon as nobody wants the result, and who leaves then keeps its process."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

import pytest

import pariter
from pariter import ProcessPool, WorkerDied, par_iter
from pariter._pickle import dumps
from pariter.engines import asking
from pariter.engines.segments import Segment
from pariter.engines.slots import NotStarted
from pariter.engines.wanted import wanted

SHARED = Path("/dev/shm")
on_linux = pytest.mark.skipif(not SHARED.is_dir(), reason="counts what Linux shows under /dev/shm")


def until_cancelled() -> None:
    """Return when nobody wants the result; a minute without that is a failure."""
    end = time.monotonic() + 60
    while not pariter.cancelled():
        assert time.monotonic() < end, "was not told"


def leaves(n: int) -> int:
    until_cancelled()
    return n


class Meeting:
    """Where functions in worker processes meet the test: each tells its name, and waits until it is let go."""

    def __init__(self) -> None:
        self._listener = Listener()
        self.address = self._listener.address
        self._met: dict[object, Connection] = {}

    def wait_for(self, name: object) -> Connection:
        while name not in self._met:
            connection = self._listener.accept()
            self._met[connection.recv()] = connection
        return self._met[name]

    def let_go(self, name: object) -> None:
        self.wait_for(name).send("go")

    def close(self) -> None:
        for connection in self._met.values():
            connection.close()
        self._listener.close()


def meet(address: Any, name: object) -> None:
    with Client(address) as connection:
        connection.send(name)
        connection.recv()


@pytest.fixture
def meeting() -> Iterator[Meeting]:
    with closing(Meeting()) as made:
        yield made


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


@pytest.fixture(scope="module")
def shared_pool() -> Iterator[ProcessPool]:
    with ProcessPool(3) as made:
        yield made


@pytest.fixture
def pool(shared_pool: ProcessPool) -> ProcessPool:
    """A pool whose processes have imported this module: nobody hears anything before that."""
    pids(shared_pool)
    return shared_pool


def own_pid() -> int:
    return os.getpid()


def pids(pool: ProcessPool) -> list[int]:
    return pool.broadcast(own_pid)


@pytest.mark.parametrize(
    "run",
    [
        lambda plan: plan.collect(),
        lambda plan: plan.for_each(abs),
        lambda plan: list(plan),
        lambda plan: plan.windows(2).count(),
    ],
    ids=["collect", "for_each", "iteration", "behind a barrier"],
)
@pytest.mark.parametrize("source", [lambda: range(20), lambda: iter(range(20))], ids=["known", "a stream"])
def test_who_leaves_when_the_time_is_up_keeps_its_process(
    source: Callable[[], Any], run: Callable[[Any], Any], pool: ProcessPool
) -> None:
    before = pids(pool)

    with pytest.raises(TimeoutError):
        run(par_iter(source()).on(pool).map(leaves).timeout(0.2))

    assert pids(pool) == before


def test_who_does_not_look_is_killed_and_replaced(pool: ProcessPool) -> None:
    before, began = pids(pool), time.monotonic()

    with pytest.raises(TimeoutError):
        par_iter(range(3)).on(pool).map(lambda n: leaves(n) if n else threading.Event().wait()).timeout(0.2).collect()

    assert time.monotonic() - began < 0.2 + asking.STOP_S + 5
    assert len(set(before) & set(pids(pool))) == 2


def test_an_exception_is_heard_to_its_right_and_not_to_its_left(
    pool: ProcessPool, meeting: Meeting, aside: ThreadPoolExecutor
) -> None:
    address = meeting.address

    def f(n: int) -> bool:
        if n == 1:
            meet(address, "raises")
            raise ValueError(n)
        if n == 2:
            meet(address, "right")
            until_cancelled()
            meet(address, "told")
        else:
            meet(address, "left")
            told.append(pariter.cancelled())
            raise KeyError(*told)
        return False

    told: list[bool] = []
    before = pids(pool)

    def conduct() -> None:
        for name in ("left", "right", "raises"):
            meeting.wait_for(name)
        for name in ("right", "raises", "told", "left"):  # the left one goes on when the right one has heard of it
            meeting.let_go(name)

    conducted = aside.submit(conduct)
    with pytest.raises(KeyError) as caught:
        par_iter(range(3)).on(pool).with_max_len(1).map(f).collect()
    conducted.result()

    assert caught.value.args == (False,)
    assert pids(pool) == before


def test_a_stream_hears_of_an_exception_in_an_earlier_batch(
    pool: ProcessPool, meeting: Meeting, aside: ThreadPoolExecutor
) -> None:
    address = meeting.address

    def f(n: int) -> int:
        if n == 0:
            meet(address, 0)
            raise ValueError(n)
        if n == 1:
            meet(address, 1)
            until_cancelled()
            meet(address, "told")
        return n

    before = pids(pool)
    conducted = aside.submit(lambda: [meeting.wait_for(1), *map(meeting.let_go, (1, 0, "told"))])
    with pytest.raises(ValueError, match="0"):
        list(par_iter(iter(range(50))).on(pool).with_max_len(1).map(f))
    conducted.result()

    assert pids(pool) == before


def test_an_iterator_that_is_left_early_tells_those_who_work_ahead(pool: ProcessPool) -> None:
    before = pids(pool)

    with closing(iter(par_iter(iter(range(1000))).on(pool).map(lambda n: leaves(n) if n else n))) as items:
        first = next(items)

    assert first == 0
    assert pids(pool) == before


def test_a_search_that_has_found_tells_those_who_search_on(
    pool: ProcessPool, meeting: Meeting, aside: ThreadPoolExecutor
) -> None:
    address = meeting.address

    def f(n: int) -> bool:
        meet(address, n)
        if n:
            until_cancelled()
        return n == 0

    before = pids(pool)
    conducted = aside.submit(lambda: [meeting.wait_for(n) for n in range(3)] and [*map(meeting.let_go, range(3))])
    found = par_iter(range(3)).on(pool).with_max_len(1).find_any(f)
    conducted.result()

    assert found == 0
    assert pids(pool) == before


@pytest.mark.skipif(os.name != "posix", reason="sends a signal of POSIX")
@pytest.mark.parametrize("run", [lambda plan: plan.collect(), list], ids=["collect", "iteration"])
def test_ctrl_c_is_heard_in_the_workers(
    run: Callable[[Any], Any], pool: ProcessPool, meeting: Meeting, aside: ThreadPoolExecutor
) -> None:
    address = meeting.address

    def f(n: int) -> int:
        meet(address, n)
        return leaves(n)

    def conduct() -> None:
        for n in range(3):
            meeting.let_go(n)
        os.kill(os.getpid(), signal.SIGINT)

    before = pids(pool)
    conducted = aside.submit(conduct)
    with pytest.raises(KeyboardInterrupt):
        run(par_iter(range(3)).on(pool).with_max_len(1).map(f))
    conducted.result()

    assert pids(pool) == before


def test_a_plan_that_moved_from_the_caller_tells_its_workers_too(pool: ProcessPool) -> None:
    before = pids(pool)

    with pool, pytest.raises(TimeoutError):
        par_iter(range(3)).map(leaves).timeout(0.3).collect()

    assert pids(pool) == before


def test_closing_with_cancel_lets_a_task_leave_with_its_result(meeting: Meeting) -> None:
    address = meeting.address

    def task() -> str:
        meet(address, "begun")
        until_cancelled()
        return "left"

    pool = ProcessPool(1)
    future = pool.spawn(task)
    meeting.let_go("begun")

    pool.close(cancel=True)

    assert future.result() == "left"


def test_a_worker_that_replaces_a_dead_one_is_told_as_well() -> None:
    with ProcessPool(1) as pool:
        with pytest.raises(WorkerDied):
            pool.par_iter(range(1)).map(lambda _: os._exit(3)).collect()
        (before,) = pids(pool)

        with pytest.raises(TimeoutError):
            pool.par_iter(range(1)).map(leaves).timeout(0.2).collect()

        assert pids(pool) == [before]


def test_only_what_nobody_wants_is_told_so_and_what_had_not_begun_is_left_out(meeting: Meeting) -> None:
    address = meeting.address

    def task(name: str) -> bool:
        meet(address, name)
        return pariter.cancelled()

    with ProcessPool(1) as pool:
        (slot,) = pool._crew.slots
        sent = [slot.send_call((dumps((task, (name,), {})), wanted())) for name in ("first", "second", "third")]
        meeting.wait_for("first")
        slot.ask(sent[2])
        meeting.let_go("first")
        first = pickle.loads(sent[0].result())
        meeting.wait_for("second")
        slot.ask(sent[1])
        meeting.let_go("second")
        second = pickle.loads(sent[1].result())

        assert (first, second) == ((False,), (True,))
        assert isinstance(sent[2].exception(), NotStarted)


def test_a_nested_plan_in_a_worker_does_not_hide_what_the_caller_no_longer_wants(pool: ProcessPool) -> None:
    before = pids(pool)

    with pytest.raises(TimeoutError):
        par_iter(range(3)).on(pool).map(lambda n: par_iter([n]).map(leaves).sum()).timeout(0.2).collect()

    assert pids(pool) == before


def test_to_ask_costs_less_than_five_microseconds(pool: ProcessPool) -> None:
    def best(_: object) -> float:
        took = []
        for _ in range(20):
            began = time.perf_counter()
            for _ in range(1000):
                pariter.cancelled()
            took.append(time.perf_counter() - began)
        return min(took) / 1000

    assert par_iter(range(1)).on(pool).map(best).sum() < 5e-6


def entries(of: int) -> list[str]:
    return [name for name in os.listdir(SHARED) if name.startswith(f"pariter-asks-{of:x}-")]


@on_linux
def test_the_memory_goes_with_the_pool() -> None:
    before = entries(os.getpid())
    with ProcessPool(1) as pool:
        pool.broadcast(os.getpid)
        meanwhile = entries(os.getpid())

    assert len(meanwhile) == len(before) + 1
    assert entries(os.getpid()) == before


@on_linux
def test_the_memory_goes_when_the_program_is_killed() -> None:
    code = "from pariter import ProcessPool\npool = ProcessPool(1)\nprint(pool.broadcast(int), flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as program:
        assert program.stdout is not None
        program.stdout.readline()
        meanwhile = entries(program.pid)
        program.kill()
        program.stdout.read()
        assert program.stderr is not None
        program.stderr.read()  # until the resource tracker is gone as well

    assert len(meanwhile) == 1
    assert entries(program.pid) == []


def test_where_no_memory_can_be_shared_a_pool_works_and_kills(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Segment) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Segment, "create", full)
    with ProcessPool(1) as pool:
        before = pids(pool)
        with pytest.raises(TimeoutError):
            pool.par_iter(range(1)).map(leaves).timeout(0.2).collect()

        assert pids(pool) != before
        assert pool.par_iter(range(10)).sum() == 45
