"""Ctrl-C, interpreter exit and fork in the middle of a run, each in a program of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="signals and forks of POSIX")]

PREAMBLE = """
import os, sys, threading, time
from pariter import ProcessPool, SerialPool, ThreadPool, par_iter, spawn

def busy(n):
    end = time.monotonic() + 0.05
    while time.monotonic() < end:
        pass
    return n

def forever():
    threading.Event().wait()

def say(word):
    os.write(1, word.encode() + b"\\n")
"""


def program(text: str) -> list[str]:
    code = PREAMBLE + textwrap.dedent(text)
    return [sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning", "-c", code]


def run(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(program(text), capture_output=True, text=True, timeout=60, check=False)


INTERRUPTED = """
with {pool} as pool:
    pool.par_iter(range(100)).map(abs).sum()
    try:
        say("begun")
        {run}
    except KeyboardInterrupt as error:
        say("interrupted")
    else:
        say("not interrupted")
    say(str(pool.par_iter(range(10)).map(abs).sum()))
say("closed")
"""


@pytest.mark.parametrize("signals", [1, 2])
@pytest.mark.parametrize(
    "work",
    [
        "pool.par_iter(range(100000)).map(busy).collect()",
        "pool.par_iter(iter(range(100000))).map(busy).sum()",
        "for n in pool.par_iter(range(100000)).map(busy): pass",
        "pool.par_iter(range(100000)).filter(busy).chunks(3).collect()",
    ],
)
@pytest.mark.parametrize("pool", ["SerialPool()", "ThreadPool(2)", "ProcessPool(2)"])
def test_ctrl_c_returns_within_two_seconds_and_the_next_run_works(pool: str, work: str, signals: int) -> None:
    process = subprocess.Popen(
        program(INTERRUPTED.format(pool=pool, run=work)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        assert process.stdout.readline() == "begun\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.4)  # in the middle of the run
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert time.monotonic() - began < 2
        if signals == 1:
            assert process.stdout.read() == "45\nclosed\n"
            assert process.stderr.read() == ""
        else:
            os.killpg(process.pid, signal.SIGINT)
            process.stdout.read()  # to the end of the pipe, which the workers hold open too
        process.wait(10)
    finally:
        process.kill()
        process.communicate()


EXITS = {
    "idle": "par_iter(range(100)).map(abs).on('threads').sum(); par_iter(range(100)).map(abs).on(ProcessPool(2)).sum()",
    "in the middle of a run on threads": """
        begun = threading.Event()
        def f(n):
            begun.set()
            return busy(n)
        threading.Thread(target=lambda: par_iter(range(10000)).map(f).on("threads").sum(), daemon=True).start()
        begun.wait()
        """,
    "in the middle of a run on processes": """
        pool = ProcessPool(2)
        pool.par_iter(range(10)).sum()
        threading.Thread(target=lambda: pool.par_iter(range(10000)).map(busy).sum(), daemon=True).start()
        time.monotonic(); pool.par_iter(range(10)).map(busy).sum()
        """,
    "with an unfinished iterator on threads": "x = iter(par_iter(range(1000)).map(busy).on('threads')); next(x)",
    "with an unfinished iterator on processes": "x = iter(par_iter(range(1000)).map(busy).on(ProcessPool(2))); next(x)",
    "with a task running": """
        begun = threading.Event()
        spawn(lambda: [begun.set(), threading.Event().wait()])
        begun.wait()
        """,
    "with a task running in a process": """
        pool = ProcessPool(1)
        pool.broadcast(os.getpid)
        pool.spawn(forever)
        """,
    "after an exception": "par_iter([0]).map(lambda n: 1 / n).on('threads').on_error('skip').collect()",
}


@pytest.mark.parametrize("name", EXITS)
def test_the_interpreter_exits_silently(name: str) -> None:
    ended = run(EXITS[name])

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.parametrize("pool", ["'threads'", "ThreadPool(2)", "'processes'", "ProcessPool(2)"])
def test_a_forked_child_runs_plans_on_pools_of_its_own(pool: str) -> None:
    ended = run(
        f"""
        pool = {pool}
        plan = par_iter(range(1000)).map(abs).on(pool)
        assert plan.sum() == 499500
        for _ in range(2):
            child = os.fork()
            if not child:
                os._exit(0 if plan.sum() == 499500 else 1)
            assert os.waitpid(child, 0)[1] == 0
        assert plan.sum() == 499500
        """
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
