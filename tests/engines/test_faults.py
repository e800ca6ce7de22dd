"""Every way in which a worker process can fail: what the user sees, and that nothing is left of it."""

from __future__ import annotations

import gc
import os
import re
import signal
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import pytest

from pariter import CannotSend, ProcessPool, WorkerDied, par_iter

MB = 1 << 20
pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts what Linux shows under /proc")


def children() -> set[int]:
    """The processes started by this one."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        found |= {int(pid) for pid in (task / "children").read_text().split()}
    return found


def counts() -> tuple[int, int, int, int]:
    """Processes, file descriptors, entries of shared memory, and threads."""
    gc.collect()
    ours = (
        f"pariter-{os.getpid():x}-",
        f"pariter-asks-{os.getpid():x}-",
        f"sem.loky-{os.getpid()}-",
    )  # other processes have theirs
    shared = [name for name in os.listdir("/dev/shm") if name.startswith(ours)]
    return len(children()), len(os.listdir("/proc/self/fd")), len(shared), threading.active_count()


def settled_counts(wanted: tuple[int, ...]) -> tuple[int, ...]:
    """The counts as soon as none is over `wanted`, or after two seconds: a reaper may still be at it."""
    deadline = time.monotonic() + 2
    found = counts()
    while any(map(int.__gt__, found, wanted)) and time.monotonic() < deadline:
        threading.Event().wait(0.02)
        found = counts()
    return found


@pytest.fixture(scope="module")
def shared_pool() -> Iterator[ProcessPool]:
    with ProcessPool(2) as made:
        yield made


@pytest.fixture
def pool(shared_pool: ProcessPool) -> Iterator[ProcessPool]:
    """A warm pool, which works after the test as before it, and of which nothing more is left."""
    assert par_iter(range(100)).map(abs).on(shared_pool).sum() == 4950
    before, began = counts(), time.monotonic()

    yield shared_pool

    assert time.monotonic() - began < 10
    assert par_iter(range(100)).map(abs).on(shared_pool).sum() == 4950
    assert len(shared_pool.broadcast(os.getpid)) == 2
    after = settled_counts(before)
    assert all(map(int.__le__, after, before)), f"left: {after}, before: {before}"


def segfault(_: object) -> None:
    import ctypes

    ctypes.string_at(0)


def killed(_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def exit_3(_: object) -> None:
    os._exit(3)


class Sent:
    """Calls `die` while it is pickled as a result, or unpickled as an item."""

    def __init__(self, die: Callable[[object], Any], *, arrives: bool = False) -> None:
        self.die = die
        self.arrives = arrives

    def __reduce__(self) -> Any:
        return (self.die, (None,)) if self.arrives else self.die(None)


@pytest.mark.parametrize(
    ("die", "how"),
    [
        (killed, "killed by SIGKILL"),
        (exit_3, "exit code 3"),
        (segfault, "killed by SIGSEGV"),
        # dies while its result is being sent
        (lambda _: Sent(killed), "killed by SIGKILL"),
        (lambda _: Sent(exit_3), "exit code 3"),
        (lambda _: Sent(segfault), "killed by SIGSEGV"),
    ],
)
def test_a_death_is_told_with_its_cause_the_step_the_items_and_what_to_do(
    die: Callable[[int], Any], how: str, pool: ProcessPool
) -> None:
    with pytest.raises(WorkerDied) as caught:
        par_iter(range(40)).map(lambda n: die(n) if n == 20 else n).on(pool).collect()

    text = str(caught.value)
    assert how in text
    assert "while it held item" in text
    assert "of map(" in text
    assert "with_max_len(1)" in text


@pytest.mark.parametrize("make", [range, lambda n: iter(range(n))], ids=["known", "a stream"])
@pytest.mark.parametrize("terminal", [list, lambda plan: plan.sum()], ids=["iterated", "summed"])
def test_a_death_in_a_stream_is_told_with_the_items_as_well(
    terminal: Callable[[Any], Any], make: Callable[[int], Any], pool: ProcessPool
) -> None:
    plan = par_iter(make(40)).map(lambda n: exit_3(n) if n == 20 else n).on(pool)

    with pytest.raises(WorkerDied) as caught:
        terminal(plan)
    with pytest.raises(WorkerDied, match="while it held item 20 of map"):
        terminal(par_iter(make(40)).map(lambda n: exit_3(n) if n == 20 else n).on(pool).with_max_len(1))

    held = re.search(r"while it held items? (\d+)(?: to (\d+))? of map", str(caught.value))
    assert held is not None
    assert int(held[1]) <= 20 <= int(held[2] or held[1])


@pytest.mark.parametrize(
    ("die", "how"), [(killed, "killed by SIGKILL"), (exit_3, "exit code 3"), (segfault, "killed by SIGSEGV")]
)
def test_a_death_while_items_arrive_is_told_as_well(die: Callable[[object], Any], how: str, pool: ProcessPool) -> None:
    items = [Sent(die, arrives=True) if n == 2 else n for n in range(8)]

    with pytest.raises(WorkerDied, match=rf"{how}, while it held items? \d.* of map\("):
        par_iter(items).map(type).on(pool).collect()


def test_what_a_death_advises_finds_the_item(pool: ProcessPool) -> None:
    with pytest.raises(WorkerDied, match="while it held item 20 of"):
        par_iter(range(40)).map(lambda n: exit_3(n) if n == 20 else n).on(pool).with_max_len(1).collect()


def test_a_worker_killed_while_idle_is_replaced_and_no_run_notices(pool: ProcessPool) -> None:
    for _ in range(5):  # without a look before sending, every second round fails
        pids = set(pool.broadcast(os.getpid))
        sentinels = [slot._process.sentinel for slot in pool._crew.slots]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for sentinel in sentinels:  # until all its threads are gone, and no longer: loky shall not have seen it yet
            assert wait([sentinel], 10)

        assert par_iter(range(100)).map(abs).on(pool).collect() == list(range(100))


def exit_when_told() -> int:
    signal.signal(signal.SIGUSR1, lambda *_: os._exit(3))
    return os.getpid()


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGSEGV], ids=["os._exit(3)", "SIGSEGV"])
def test_a_worker_that_ends_in_other_ways_while_idle_is_replaced_as_well(number: int, pool: ProcessPool) -> None:
    pids = pool.broadcast(exit_when_told)
    sentinels = [slot._process.sentinel for slot in pool._crew.slots]
    for pid in pids:
        os.kill(pid, number)
    for sentinel in sentinels:
        assert wait([sentinel], 10)

    assert par_iter(range(100)).map(abs).on(pool).collect() == list(range(100))
    assert not set(pids) & set(pool.broadcast(os.getpid))


def limit_memory() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))


def test_running_out_of_the_memory_limit_is_a_memory_error_of_the_item() -> None:
    with ProcessPool(1, initializer=limit_memory) as limited:
        with pytest.raises(MemoryError) as caught:
            par_iter(range(4)).map(lambda n: len(bytearray(n << 33))).on(limited).collect()

        assert "at item 1" in caught.value.__notes__[0]
        assert par_iter(range(4)).map(abs).on(limited).sum() == 6


def test_running_out_of_the_memory_limit_while_sending_names_the_step_and_what_it_was() -> None:
    with ProcessPool(1, initializer=limit_memory) as limited:
        (before,) = limited.broadcast(os.getpid)

        with pytest.raises(CannotSend, match=r"map\(.*returned what cannot travel back[^\n]*MemoryError"):
            par_iter(range(4)).map(lambda n: Sent(needs_memory)).on(limited).collect()

        assert par_iter(range(4)).map(abs).on(limited).sum() == 6
        assert limited.broadcast(os.getpid) == [before]


def test_running_out_of_the_memory_limit_while_items_arrive_is_told_with_the_steps() -> None:
    with ProcessPool(1, initializer=limit_memory) as limited:
        with pytest.raises(CannotSend, match=r"MemoryError.*, sent for map\("):
            par_iter([Sent(needs_memory, arrives=True)]).map(type).on(limited).collect()

        assert par_iter(range(4)).map(abs).on(limited).sum() == 6


def needs_memory(_: object) -> bytearray:
    return bytearray(1 << 33)


def refuse() -> None:
    raise LookupError("refused")


class Unopened:
    def __reduce__(self) -> Any:
        return refuse, ()


def test_a_result_that_cannot_be_pickled_names_the_step(pool: ProcessPool) -> None:
    with pytest.raises(CannotSend, match=r"map\(.*returned what cannot travel back[^\n]*\n    Return plain data"):
        par_iter(range(4)).map(lambda n: (i for i in range(n))).on(pool).collect()


def test_a_result_that_cannot_be_unpickled_names_the_terminal_and_the_reason(pool: ProcessPool) -> None:
    with pytest.raises(CannotSend, match="cannot be unpickled here: LookupError: refused"):
        par_iter(range(4)).map(lambda n: Unopened()).on(pool).collect()


class UnopenedError(Exception):
    def __reduce__(self) -> Any:
        return refuse, ()


class OtherArguments(Exception):
    def __init__(self, code: int, *, where: str) -> None:
        super().__init__(f"{code} in {where}")
        self.code = code


def raises(error: Callable[[], BaseException]) -> Callable[[object], None]:
    def f(_: object) -> None:
        raise error()

    return f


def test_an_exception_whose_reduce_cannot_be_undone_arrives_as_itself(pool: ProcessPool) -> None:
    with pytest.raises(UnopenedError, match="at item 0"):
        par_iter(range(4)).map(raises(UnopenedError)).on(pool).collect()


def test_an_exception_with_other_arguments_arrives_as_itself(pool: ProcessPool) -> None:
    with pytest.raises(OtherArguments, match="7 in Oslo") as caught:
        par_iter(range(4)).map(raises(lambda: OtherArguments(7, where="Oslo"))).on(pool).collect()

    assert caught.value.code == 7


def test_a_function_of_a_module_that_is_missing_there_names_the_module(pool: ProcessPool) -> None:
    module = types.ModuleType("nowhere_to_be_found")
    exec("def f(n): return n", module.__dict__)
    sys.modules[module.__name__] = module
    try:
        with pytest.raises(CannotSend, match="nowhere_to_be_found") as caught:
            par_iter(range(4)).map(module.f).on(pool).collect()
    finally:
        del sys.modules[module.__name__]

    assert "map(" in str(caught.value)
    assert "importable in the worker" in str(caught.value)


class BadDel:
    def __del__(self) -> None:
        raise RuntimeError("in __del__")


class BadRepr:
    def __repr__(self) -> str:
        raise RuntimeError("in __repr__")


def test_a_del_that_raises_in_a_worker_harms_nothing(pool: ProcessPool) -> None:
    assert par_iter(range(10)).map(lambda n: (BadDel(), n)[1]).on(pool).sum() == 45


def test_a_repr_that_raises_does_not_hide_the_exception(pool: ProcessPool) -> None:
    with pytest.raises(KeyError) as caught:
        par_iter([BadRepr()]).map(raises(lambda: KeyError("mine"))).on(pool).collect()

    assert "at item 0" in caught.value.__notes__[0]


def print_it(n: int) -> int:
    sys.stdout.write(f"from a worker: {n}\n")
    sys.stdout.flush()
    return n


def close_stdout(n: int) -> int:
    sys.stdout.close()
    os.close(1)
    return n


def own_pool(n: int) -> int:
    with ProcessPool(1) as inner:
        return inner.submit(abs, -n).result()


def forks(n: int) -> int:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return n


@pytest.mark.parametrize("f", [print_it, own_pool, forks])
def test_workers_may_print_start_pools_and_fork(f: Callable[[int], int], pool: ProcessPool) -> None:
    assert par_iter(range(4)).map(f).on(pool).sum() == 6


def test_a_worker_that_closed_stdout_works_on() -> None:
    with ProcessPool(1) as alone:
        assert par_iter(range(1)).map(close_stdout).on(alone).collect() == [0]
        assert par_iter(range(9)).map(abs).on(alone).sum() == 36


def test_sys_exit_in_a_function_is_its_exception_and_ends_no_worker(pool: ProcessPool) -> None:
    before = set(pool.broadcast(os.getpid))

    with pytest.raises(SystemExit):
        par_iter(range(4)).map(lambda n: sys.exit(n)).on(pool).collect()

    assert set(pool.broadcast(os.getpid)) <= before


def forever(_: object) -> None:
    while True:
        pass


def test_a_function_that_never_returns_ends_with_the_timeout(pool: ProcessPool) -> None:
    with pytest.raises(TimeoutError, match=r"0\.3"):
        par_iter(range(4)).map(forever).on(pool).timeout(0.3).collect()


def test_sigterm_of_the_parent_leaves_no_orphan() -> None:
    script = (
        "import os\nfrom pariter import ProcessPool\npool = ProcessPool(2)\n"
        "pids = pool.broadcast(os.getpid)\nprint(*pids, flush=True)\nimport threading\nthreading.Event().wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.terminate()

    wait_for_end(pids)

    assert len(pids) == 2
    assert not any(map(is_alive, pids))


def wait_for_end(pids: list[int]) -> None:
    deadline = time.monotonic() + 5
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        threading.Event().wait(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
