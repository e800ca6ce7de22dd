"""Programs that call pariter from somewhere, each in a session of its own, of which nothing may be left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FUNCTIONS = """\
from pariter import ProcessPool, ThreadPool, par_iter

def slow(n):
    total = 0
    for i in range(50):
        total += i * n
    return total

class Item:
    def __init__(self, n):
        self.n = n
    def __eq__(self, other):
        return isinstance(other, Item) and self.n == other.n

ITEMS = [Item(n) for n in range(1000)]
WANTED = [Item(slow(n)) for n in range(1000)]

def check(*pools):
    for pool in pools:
        plan = par_iter(ITEMS).map(lambda item: Item(slow(item.n)))
        got = (plan if pool is None else plan.on(pool)).collect()
        assert got == WANTED, (pool, got)

"""
"""Typed at a prompt as well: a blank line ends each definition, and none is inside one."""

EVERYWHERE = "check(None, 'threads', 'processes')\n"


@dataclass(frozen=True)
class Ended:
    """What became of a program."""

    code: int
    out: str
    err: str
    left: list[str]
    """The processes of its session that did not end with it."""


def run(*arguments: str, stdin: str = "", cwd: Path | None = None) -> Ended:
    """Run Python with these arguments, for a minute at most."""
    with running(*arguments, cwd=cwd) as process:
        out, err = process.communicate(stdin, timeout=60)
    return Ended(process.returncode, out, err, left_in(process.pid))


@contextmanager
def running(*arguments: str, cwd: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """Python with these arguments, as the leader of a session, killed with all that is in it on the way out."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning", *arguments]
    process = subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=cwd, start_new_session=True
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                if hasattr(os, "killpg"):
                    os.killpg(process.pid, signal.SIGKILL)
                process.kill()


def left_in(session: int) -> list[str]:
    """What still runs of a session three seconds after its leader ended: workers look once a second."""
    deadline = time.monotonic() + 3
    while (left := members(session)) and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    return left


def members(session: int) -> list[str]:
    """The processes of a session, as far as the system tells."""
    found = []
    for folder in Path("/proc").glob("[0-9]*") if os.path.isdir("/proc/self/task") else ():
        try:
            _, _, fields = (folder / "stat").read_text().rpartition(")")
            state, _, _, theirs = fields.split()[:4]
            if int(theirs) == session and state != "Z":
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found
