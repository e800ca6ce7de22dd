"""A worker process that nobody wants any more goes at once, and its pool starts another or is closed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import CancelledError
from multiprocessing.connection import Client, Listener
from typing import Any

import pytest

from pariter import ProcessPool, WorkerDied
from pariter.engines import slots


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a process that nobody has killed yet, waits for longer than a test may take."""
    monkeypatch.setattr(slots, "KILL_S", 1000.0)


def begin_and_never_end(address: Any) -> None:
    """Tell whoever listens that this has begun."""
    Client(address).close()
    threading.Event().wait()


def never_end(_: object) -> None:
    threading.Event().wait()


KILLED_WHILE_ITS_WORKERS_WAIT = """\
import os, signal, sys
from multiprocessing.connection import Client
from pariter import ProcessPool

pool = ProcessPool(1)
pool.spawn(lambda: setattr(signal, "kept", Client(sys.argv[1]))).result()  # in a module that stays
os.kill(os.getpid(), int(sys.argv[2]))
"""


@pytest.mark.skipif(os.name != "posix", reason="no such signals there")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_workers_end_when_their_parent_was_killed(name: str) -> None:
    number = getattr(signal, name)
    with Listener(family="AF_UNIX") as listener:
        command = [sys.executable, "-c", KILLED_WHILE_ITS_WORKERS_WAIT, str(listener.address), str(int(number))]
        with subprocess.Popen(command) as parent, listener.accept() as worker:
            assert parent.wait() == -number

            with pytest.raises((EOFError, ConnectionResetError)):  # it is open for as long as the worker lives
                worker.recv_bytes()


@pytest.mark.usefixtures("patience")
def test_a_timeout_kills_the_block_in_hand_without_waiting_for_it_and_the_pool_heals() -> None:
    with ProcessPool(2) as pool:
        with pytest.raises(TimeoutError):
            pool.par_iter(range(8)).map(never_end).timeout(0.5).collect()
        healed = pool.par_iter(range(4)).map(str).collect()

    assert healed == ["0", "1", "2", "3"]


@pytest.mark.usefixtures("patience")
def test_closing_with_cancel_stops_the_task_in_hand_and_drops_the_others() -> None:
    pool = ProcessPool(1)
    with Listener() as listener:
        tasks = [pool.spawn(begin_and_never_end, listener.address), pool.spawn(str, 1), pool.spawn(str, 2)]
        listener.accept().close()

    pool.close(cancel=True)

    in_hand, *waiting = [task.exception() for task in tasks]
    assert isinstance(in_hand, WorkerDied)
    assert str(in_hand) == "worker process 0 was stopped"
    assert [type(error) for error in waiting] == [CancelledError, CancelledError]


def interrupted(call: Any) -> Any:
    """`call`, with Ctrl-C as it returns, the first time."""
    left = [KeyboardInterrupt]

    def wrapper(*args: Any, **options: Any) -> Any:
        result = call(*args, **options)
        if left:
            raise left.pop()
        return result

    return wrapper


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("run", [list, lambda plan: plan.collect()], ids=["stream", "run"])
@pytest.mark.parametrize("where", ["submit", "send_piece"])
def test_a_process_is_stopped_where_an_interrupt_met_the_sender(
    where: str, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ProcessPool(1) as pool:
        assert pool.par_iter(range(9)).map(abs).sum() == 36
        (slot,) = pool._crew.slots
        owner = slot._executor if where == "submit" else slot

        with monkeypatch.context() as patch:
            patch.setattr(owner, where, interrupted(getattr(owner, where)))
            with pytest.raises(KeyboardInterrupt):
                run(pool.par_iter([1]).map(never_end))

        assert len(slot) == 0
        assert pool.par_iter(range(9)).map(abs).sum() == 36
