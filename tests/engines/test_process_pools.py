"""Worker processes that die, functions and results that cannot travel, initializers that raise."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import pytest

from pariter import CannotSend, Pool, ProcessPool, WorkerDied, par_iter
from pariter.sched.lanes import Lane


def exit_at(code: int, at: int) -> Any:
    def f(n: int) -> int:
        if n == at:
            os._exit(code)
        return n

    return f


@pytest.fixture
def pool() -> Any:
    """A pool of its own, whose workers may die."""
    with ProcessPool(2) as made:
        yield made


def test_a_worker_that_exits_breaks_the_run_with_its_code_and_its_items(pool: ProcessPool) -> None:
    with pytest.raises(WorkerDied, match=r"exit code 7, while it held items \d+ to \d+"):
        par_iter(range(50)).map(exit_at(7, 20)).on(pool).collect()

    assert par_iter(range(50)).map(abs).on(pool).sum() == 1225


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGTERM"])
def test_a_worker_that_is_killed_is_named_by_the_signal(name: str, pool: ProcessPool) -> None:
    number = getattr(signal, name)

    with pytest.raises(WorkerDied, match=f"killed by {name}"):
        par_iter(range(50)).map(lambda n: os.kill(os.getpid(), number) if n == 30 else n).on(pool).collect()

    assert par_iter(range(50)).map(abs).on(pool).sum() == 1225


def test_a_worker_that_dies_in_the_middle_of_a_stream_breaks_the_stream_in_its_place(pool: ProcessPool) -> None:
    found: list[int] = []

    with pytest.raises(WorkerDied, match="exit code 3"):
        for n in par_iter(iter(range(200))).map(exit_at(3, 100)).on(pool):
            found.append(n)

    assert found == list(range(len(found)))
    assert list(par_iter(range(5)).map(abs).on(pool)) == [0, 1, 2, 3, 4]


def test_another_run_on_the_same_pool_is_not_broken_by_a_death_it_has_no_part_in() -> None:
    with ProcessPool(1) as mine, ProcessPool(1) as others:
        runs: list[int] = []
        thread = threading.Thread(
            target=lambda: runs.append(par_iter(range(2000)).map(lambda n: sum(range(n))).on(others).count())
        )
        thread.start()
        with pytest.raises(WorkerDied):
            par_iter(range(50)).map(exit_at(1, 20)).on(mine).collect()
        thread.join()

        assert runs == [2000]


def test_a_pool_heals_again_and_again(pool: ProcessPool) -> None:
    for _ in range(3):
        with pytest.raises(WorkerDied):
            par_iter(range(20)).map(exit_at(1, 10)).on(pool).collect()
        assert par_iter(range(20)).map(abs).on(pool).sum() == 190


LOCK = threading.Lock()


class Holder:
    """Holds what cannot travel."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def method(self, n: int) -> int:
        return n


def test_a_function_that_captured_a_lock_is_named_with_the_variable_before_anything_runs(
    processes: ProcessPool,
) -> None:
    lock = threading.Lock()
    endless = (n for n in range(10))

    for f, named in (
        (lambda n: (lock, n)[1], "its variable 'lock'"),
        (lambda n: (endless, n)[1], "its variable 'endless'"),
        (Holder().method, "the object <"),
    ):
        with pytest.raises(CannotSend, match=r"^map\(\) cannot send ") as caught:
            par_iter(range(10)).map(abs).map(f).on(processes).collect()
        assert named in str(caught.value)
        assert ".on('threads')" in str(caught.value)


def test_a_plan_that_stays_in_the_caller_for_now_is_checked_all_the_same() -> None:
    lock = threading.Lock()

    with pytest.raises(CannotSend, match="its variable 'lock' is a threading.lock"):
        par_iter(range(3)).map(lambda n: (lock, n)[1]).on("processes").collect()


def test_a_result_that_cannot_travel_names_the_step(processes: ProcessPool) -> None:
    with pytest.raises(CannotSend, match=r"map\(<lambda>\) returned what cannot travel back") as caught:
        par_iter([3]).map(lambda n: (k for k in range(n))).on(processes).collect()

    assert "a list for a generator" in str(caught.value)


def test_an_item_that_cannot_travel_is_said_to_be_one(processes: ProcessPool) -> None:
    with pytest.raises(CannotSend, match="the items of the source cannot travel"):
        par_iter([threading.Lock()]).map(id).on(processes).collect()


class ComesBackBroken:
    """Can be pickled, and not unpickled here."""

    def __reduce__(self) -> Any:
        return _refuse, (os.getpid(),)


def _refuse(pid: int) -> Any:
    raise RuntimeError("refused")


def test_a_result_that_cannot_be_unpickled_names_the_reason(processes: ProcessPool) -> None:
    with pytest.raises(CannotSend, match="cannot be unpickled here: RuntimeError: refused"):
        par_iter([1]).map(lambda n: ComesBackBroken()).on(processes).collect()

    assert par_iter(range(4)).on(processes).sum() == 6


def fail() -> None:
    raise OSError("no licence")


def test_an_initializer_that_raises_is_the_runs_exception() -> None:
    with ProcessPool(1, initializer=fail) as pool:
        for _ in range(2):
            with pytest.raises(OSError, match="no licence") as caught:
                par_iter(range(4)).map(abs).on(pool).collect()
            assert any("initializer" in note for note in caught.value.__notes__)


def test_functions_that_mutate_what_they_captured_work_on_copies(processes: ProcessPool) -> None:
    seen: list[int] = []

    par_iter(range(10)).map(seen.append).on(processes).collect()

    assert seen == []


def test_a_pool_is_used_from_many_threads_at_once(every_engine: Pool) -> None:
    found: dict[int, int] = {}

    def use(n: int) -> None:
        for _ in range(3):
            found[n] = par_iter(range(100)).map(lambda k: k * n).on(every_engine).sum()

    users = [threading.Thread(target=use, args=(n,)) for n in range(8)]
    for user in users:
        user.start()
    for user in users:
        user.join()

    assert found == {n: 4950 * n for n in range(8)}


def test_a_run_that_failed_takes_nothing_more_from_lanes_to_the_right(
    processes: ProcessPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stolen: list[object] = []
    steal = Lane.steal

    def counted(lane: Lane) -> Lane | None:
        stolen.append(lane)
        return steal(lane)

    monkeypatch.setattr(Lane, "steal", counted)

    with pytest.raises(ZeroDivisionError):
        par_iter(range(1 << 14)).map(lambda n: n // 0).on(processes).collect()

    assert len(stolen) < 200
