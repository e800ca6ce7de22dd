"""From processes that others started: pre-forked servers, daemons, pools of other libraries."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.callers.programs import FUNCTIONS, Ended, left_in, run, running

pytestmark = pytest.mark.skipif(os.name != "posix", reason="forks and signals of POSIX")

PRE_FORK = """
import os, signal, sys

pool, threads = ProcessPool(2), ThreadPool(2)
everywhere = None, pool, threads, "threads", "processes"
check(*everywhere)
pids = pool.broadcast(os.getpid)

def serve():
    check(*everywhere)
    assert not set(pids) & set(pool.broadcast(os.getpid))
    {end}

workers = []
for _ in range(3):
    worker = os.fork()
    if not worker:
        serve()
    workers.append(worker)
for worker in workers:
    {meanwhile}
    assert os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) == {code}
check(*everywhere)
assert pool.broadcast(os.getpid) == pids
print("the same")
"""


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("sys.exit(7)", 7),
        ("os._exit(7)", 7),
        # the master's way to end them
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
    ],
)
def test_from_a_parent_that_forks_after_using_pariter_and_from_its_children(end: str, code: int) -> None:
    program = PRE_FORK.format(end=end, code=code, meanwhile="check(*everywhere)")

    assert run("-c", FUNCTIONS + program) == Ended(0, "the same\n", "", [])


FORKS_IN_A_RUN = """
import os, threading

pool = ProcessPool(2)
check(pool, "threads")
begun, over, failed = threading.Event(), threading.Event(), []

def busy():
    begun.set()
    while not over.is_set():
        check(pool, "threads")

other = threading.Thread(target=busy)
other.start()
begun.wait()
for _ in range(5):
    child = os.fork()
    if not child:
        check(pool, "threads")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
over.set()
other.join()
print("the same")
"""


def test_from_a_child_that_was_forked_while_another_thread_was_in_a_run() -> None:
    assert run("-c", FUNCTIONS + FORKS_IN_A_RUN) == Ended(0, "the same\n", "", [])


DAEMON = """
import multiprocessing

def body(answers):
    check(None, "threads", "serial")
    for pool in "processes", ProcessPool(2):
        try:
            check(pool)
        except RuntimeError as error:
            answers.put(str(error))
        else:
            answers.put("processes of a daemon process")
    assert "daemon process" in par_iter(range(3)).map(abs).explain() or not GIL

if __name__ == "__main__":
    context = multiprocessing.get_context("{method}")
    answers = context.Queue()
    daemon = context.Process(target=body, args=(answers,), daemon=True)
    daemon.start()
    for _ in range(2):
        print(answers.get())
    daemon.join()
    assert daemon.exitcode == 0
"""

REFUSED = """\
a daemon process may not start worker processes: it would leave them behind.
    Run the plan on threads, .on('threads'), or start this process with daemon=False
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_daemon_process_uses_threads_and_says_that_it_may_not_start_processes(method: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    gil = "from pariter.choice import has_gil\nGIL = has_gil()\n"
    script.write_text(FUNCTIONS + gil + DAEMON.format(method=method), encoding="utf-8")

    assert run(str(script)) == Ended(0, REFUSED * 2, "", [])


OTHERS = """
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

if __name__ == "__main__":
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as others:
        for done in [others.submit(check, None, "threads", "processes") for _ in range(4)]:
            done.result()
    print("the same")
"""


def test_from_the_processes_of_another_pool(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(FUNCTIONS + OTHERS, encoding="utf-8")

    assert run(str(script)) == Ended(0, "the same\n", "", [])


SERVES = """
import os, threading

pool = ProcessPool(2)
check(pool, "processes")
child = os.fork()
check(pool, "processes")
os.write(1, b"ready\\n")
threading.Event().wait()
"""


def test_nothing_is_left_when_a_pre_forked_family_is_killed() -> None:
    with running("-c", FUNCTIONS + SERVES) as parent:
        assert parent.stdout is not None
        assert [parent.stdout.readline(), parent.stdout.readline()] == ["ready\n", "ready\n"]
        os.killpg(parent.pid, signal.SIGTERM)
        parent.wait(60)

        assert left_in(parent.pid) == []
