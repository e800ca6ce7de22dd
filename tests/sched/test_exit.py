"""At interpreter exit there is silence, and a forked child starts anew; both in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

PREAMBLE = """
import os, signal, sys, threading, time, faulthandler
faulthandler.dump_traceback_later(30, exit=True)
from pariter.sched.broadcast import broadcast
from pariter.sched.join import join
from pariter.sched.pool import WorkerPool
from pariter.sched.scope import scope
from pariter.sched.spawn import install, spawn
pool = WorkerPool(3)
"""


def run(program: str) -> str:
    """The output of a program, which must end well and say nothing on stderr."""
    ended = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-W",
            "ignore:This process:DeprecationWarning",
            "-c",
            PREAMBLE + textwrap.dedent(program),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


@pytest.mark.parametrize(
    "program",
    [
        # idle
        "broadcast(pool, int)",
        # never used
        "",
        # busy, asleep in a system call
        "broadcast(pool, int)\nfor _ in range(9): spawn(pool, time.sleep, 60)",
        # busy, computing
        "begun = threading.Event()\ndef spin():\n  begun.set()\n  while True: pass\nspawn(pool, spin); begun.wait()",
        # in the middle of joins
        (
            "begun = threading.Event()\ndef deep():\n    begun.set()\n    while True: join(pool, int, int)\n"
            "spawn(pool, deep); begun.wait()"
        ),
        # another thread waits as a guest
        "threading.Thread(target=pool.seated, args=(time.sleep, 60), daemon=True).start()\nspawn(pool, time.sleep, 60)",
        # with a seat
        "pool.enter(); spawn(pool, int)",
        # closed
        "broadcast(pool, int); pool.close()",
        # with an initializer and a finalizer
        "other = WorkerPool(2, initializer=int, finalizer=int); install(other, int)",
    ],
)
def test_exit_is_silent(program: str) -> None:
    assert run(program + "\nprint('end')") == "end\n"


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

IN_CHILD = """
def in_child(fn):
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        code = 1
        try:
            signal.alarm(20)
            fn()
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print("child", code)

def all_works():
    assert join(pool, lambda: 1, lambda: 2) == (1, 2)
    assert len(broadcast(pool, int)) == 3
    assert install(pool, abs, -1) == 1
    assert spawn(pool, abs, -2).result(10) == 2
    with scope(pool) as s:
        futures = [s.spawn(abs, k) for k in range(10)]
    barrier = threading.Barrier(3)
    join(pool, *[lambda: barrier.wait(10)] * 3)
"""


@needs_fork
@pytest.mark.parametrize(
    "program",
    [
        # before first use
        "in_child(all_works)",
        # idle
        "all_works(); in_child(all_works); all_works()",
        # busy, with a queue
        "fs = [spawn(pool, time.sleep, 0.01) for _ in range(9)]\nin_child(all_works)\nfor f in fs: f.result()",
        # while others join
        (
            "stop = threading.Event()\n"
            "def work():\n    while not stop.is_set(): join(pool, int, int)\n"
            "threads = [threading.Thread(target=work) for _ in range(3)]\n"
            "for t in threads: t.start()\n"
            "for _ in range(5): in_child(all_works)\n"
            "stop.set()\n"
            "for t in threads: t.join()"
        ),
        # from a guest
        "pool.seated(in_child, all_works); all_works()",
        # from a worker's own thread
        "install(pool, in_child, all_works); all_works()",
        # from a task of a scope
        "with scope(pool) as s: s.spawn(in_child, all_works)",
        # with an initializer
        "pool = WorkerPool(3, initializer=int); all_works(); in_child(all_works); all_works()",
        # a child of a child
        "all_works(); in_child(lambda: in_child(all_works))",
    ],
)
def test_a_forked_child_has_fresh_pools_that_work(program: str) -> None:
    output = run(IN_CHILD + program)

    assert set(output.split("\n")) == {"child 0", ""}


@needs_fork
def test_a_closed_pool_is_closed_in_the_child() -> None:
    program = """
    def closed():
        try:
            spawn(pool, int)
        except RuntimeError as error:
            assert "closed" in str(error)
        else:
            os._exit(3)
    broadcast(pool, int)
    pool.close()
    in_child(closed)
    """
    assert run(IN_CHILD + textwrap.dedent(program)) == "child 0\n"


@needs_fork
def test_a_join_cut_in_two_by_a_fork_is_an_error_in_the_child_and_not_a_hang() -> None:
    program = """
    stolen, may_end = threading.Event(), threading.Event()

    def other():
        stolen.set()
        may_end.wait(20)

    def fork():
        stolen.wait(20)
        pid = os.fork()
        if pid:
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            may_end.set()
            print("child", code)
        else:
            signal.alarm(20)
        return pid

    try:
        pid, _ = join(pool, fork, other)
    except RuntimeError as error:
        os._exit(7 if "forked" in str(error) else 8)
    """
    assert run(program) == "child 7\n"
