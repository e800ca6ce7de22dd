"""Runs real threads one at a time, in an order drawn from a seed, and reports "asleep and nobody left to wake them".

`Seeded(seed).run(scenario)` puts itself behind `pariter.sched._platform`. Every thread then started, and the scenario
itself, waits for its baton; it hands the baton on at each operation on a lock and, by chance, between any two lines (or
bytecodes) of the files under test. So a race between two lines is as likely as any other order, and the same seed gives
the same order again. Time is the scheduler's own: it passes when nobody can run, and now and then by chance.
"""

from __future__ import annotations

import gc
import random
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

from pariter.sched import _platform
from pariter.sched.ticker import ticker

_SRC = Path(_platform.__file__).parents[1]
UNDER_TEST = tuple(
    str(_SRC / name) for name in ("sched", "engines/streams.py", "engines/helped.py", "engines/threads.py")
)
REAL_ACQUIRE, REAL_SLEEP = _platform.acquire, _platform.sleep
_MOST_STEPS = 200_000
_REAL_TIMEOUT_S = 60.0


class Deadlock(AssertionError):
    """Nobody can run, and not everybody has ended."""


class _Over(BaseException):
    """Unwinds a thread whose run is over."""


class SeededThread:
    """A thread that runs only while it has the baton."""

    def __init__(self, seeded: Seeded, target: Callable[..., None], args: tuple[Any, ...], name: str) -> None:
        self.seeded = seeded
        self.target = target
        self.args = args
        self.name = name
        self.baton = threading.Lock()
        self.baton.acquire()
        self.ready: Callable[[], bool] | None = None
        self.ended = False
        self.error: BaseException | None = None
        self.real = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        self.baton.acquire()
        try:
            if not self.seeded.over:
                sys.settrace(self.seeded.trace)
                self.target(*self.args)
        except _Over:
            pass
        except BaseException as error:
            self.error = error
        finally:
            sys.settrace(None)
            del self.target, self.args
            self.ended = True
            self.seeded.thread_ended(self)

    def can_run(self) -> bool:
        ready = self.ready  # which the thread forgets when it goes on
        return not self.ended and (ready is None or ready())

    def join(self, timeout: float | None = None) -> None:
        self.seeded.wait_until(lambda: self.ended, timeout)

    def is_alive(self) -> bool:
        return not self.ended


class SeededLock:
    """A lock whose waiting is the scheduler's business."""

    def __init__(self, seeded: Seeded) -> None:
        self.seeded = seeded
        self.held = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        self.seeded.step()
        if self.held:
            if not blocking:
                return False
            if not self.seeded.wait_until(lambda: not self.held, None if timeout < 0 else timeout):
                return False
        self.held = True
        return True

    def release(self) -> None:
        if not self.held:
            raise RuntimeError("release unlocked lock")
        self.held = False
        if not self.seeded.over:  # or else a pool that is dropped while its threads unwind would raise in its finalizer
            self.seeded.step()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Seeded:
    """One run, or several in a row, of the order that `seed` gives."""

    def __init__(self, seed: int, *, by_bytecode: bool = False) -> None:
        self.random = random.Random(seed)
        self.chance = self.random.choice([0.02, 0.1, 0.3])
        self.by_bytecode = by_bytecode
        self.now = 0.0
        self.steps = 0
        self.over = False
        self.threads: list[SeededThread] = []
        self.deadlines: dict[SeededThread, float | None] = {}
        self.running: SeededThread | None = None
        self.finished = threading.Event()
        self.verdict: str | None = None
        self.reports: list[BaseException] = []

    # --- what stands in for the platform ---------------------------------------------------------------------

    def start_thread(
        self, target: Callable[..., None], args: tuple[Any, ...], name: str, stack_size: int | None = None
    ) -> SeededThread:
        thread = SeededThread(self, target, args, name)
        self.threads.append(thread)
        thread.real.start()
        self.step()
        return thread

    def acquire(self, lock: SeededLock, timeout: float | None = None) -> bool:
        if not isinstance(lock, SeededLock):
            return REAL_ACQUIRE(lock, timeout)  # a thread left over from an earlier test
        return lock.acquire(True, -1 if timeout is None else max(timeout, 0))

    def sleep(self, seconds: float) -> None:
        if not any(thread.real is threading.current_thread() for thread in self.threads):
            REAL_SLEEP(seconds)
        else:
            self.wait_until(lambda: False, seconds)

    def patches(self) -> dict[str, Any]:
        return {
            "new_lock": lambda: SeededLock(self),
            "acquire": self.acquire,
            "start_thread": self.start_thread,
            "monotonic": lambda: self.now,
            "sleep": self.sleep,
            "report": self.reports.append,
        }

    # --- running ---------------------------------------------------------------------------------------------

    def run(self, scenario: Callable[[], None]) -> None:
        """Run `scenario` to its end and every thread it started until none can run. Raises what any of them raised."""
        gc.disable()
        try:
            with mock.patch.multiple(_platform, **self.patches()):
                ticker.reset()
                first = SeededThread(self, scenario, (), "scenario")
                self.threads.append(first)
                first.real.start()
                self.running = first
                first.baton.release()
                if not self.finished.wait(_REAL_TIMEOUT_S):
                    self.verdict = f"still running after {_REAL_TIMEOUT_S} s\n{self.stacks()}"
                self._unwind()
        finally:
            gc.enable()
            ticker.reset()
        errors = [thread.error for thread in self.threads if thread.error is not None] + self.reports
        for thread in self.threads:
            thread.error = None
        self.threads.clear()
        if self.verdict is not None:
            raise Deadlock(self.verdict)
        if errors:
            raise errors[0]

    def _unwind(self) -> None:
        self.over = True
        for thread in self.threads:
            try:
                thread.baton.release()
            except RuntimeError:
                pass
        for thread in self.threads:
            thread.real.join(_REAL_TIMEOUT_S)

    def me(self) -> SeededThread | None:
        running = self.running
        return running if running is not None and running.real is threading.current_thread() else None

    def step(self) -> None:
        """The running thread may be made to wait here."""
        me = self.me()
        if me is None:
            return
        if self.over:
            raise _Over
        self.steps += 1
        if self.steps > _MOST_STEPS:
            self._finish(f"no end after {_MOST_STEPS} steps\n{self.stacks()}")
            raise _Over
        if self.random.random() < 0.5:
            self._hand_on(me)

    def wait_until(self, ready: Callable[[], bool], timeout: float | None) -> bool:
        """The running thread cannot go on before `ready()`, or before `timeout` seconds have passed (then False)."""
        me = self.me()
        if me is None:
            raise _Over
        deadline = None if timeout is None else self.now + timeout
        while not ready():
            if self.over:
                raise _Over
            if deadline is not None and self.now >= deadline:
                return False
            me.ready = ready
            if deadline is not None:
                me.ready = lambda: ready() or self.now >= deadline
            self.deadlines[me] = deadline
            self._hand_on(me)
            me.ready = None
            del self.deadlines[me]
        return True

    def _hand_on(self, me: SeededThread) -> None:
        """Draw who runs next, and wait until it is `me` again."""
        runnable = [thread for thread in self.threads if thread.can_run()]
        if not runnable or self.random.random() < 0.002:
            self._let_time_pass()
            runnable = [thread for thread in self.threads if thread.can_run()]
        if not runnable:
            asleep = [thread for thread in self.threads if not thread.ended]
            scenario_ended = self.threads[0].ended
            if scenario_ended or not asleep:
                self._finish(None)
            else:
                self._finish(f"asleep and nobody left to wake them (seeded step {self.steps})\n{self.stacks()}")
            if not me.ended:
                raise _Over
            return
        chosen = self.random.choice(runnable)
        if chosen is me:
            return
        self.running = chosen
        chosen.baton.release()
        if not me.ended:
            me.baton.acquire()
            if self.over:
                raise _Over

    def _let_time_pass(self) -> None:
        deadlines = [deadline for deadline in self.deadlines.values() if deadline is not None]
        later = [deadline for deadline in deadlines if deadline > self.now]
        if later:
            self.now = min(later)

    def thread_ended(self, thread: SeededThread) -> None:
        if not self.over:
            if thread.error is not None:
                self._finish(None)
            else:
                self._hand_on(thread)

    def _finish(self, verdict: str | None) -> None:
        self.verdict = self.verdict or verdict
        self.over = True
        self.finished.set()

    def stacks(self) -> str:
        """Where every thread is, for a report."""
        frames = sys._current_frames()
        parts = []
        for thread in self.threads:
            if not thread.ended and thread.real.ident is not None:
                frame = frames.get(thread.real.ident)
                stack = [
                    entry
                    for entry in traceback.extract_stack(frame)
                    if not entry.filename.endswith(("threading.py", "seeded.py"))
                ]
                parts.append(f"--- {thread.name}\n" + "".join(traceback.format_list(stack)))
        return "".join(parts)

    # --- between any two lines -------------------------------------------------------------------------------

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(UNDER_TEST):
            return None
        if self.by_bytecode:
            frame.f_trace_opcodes = True
        return self._trace_lines

    def _trace_lines(self, frame: FrameType, event: str, _: Any) -> Any:
        if event in ("line", "opcode") and self.random.random() < self.chance and not self.over:
            me = self.me()
            if me is not None:
                self.steps += 1
                self._hand_on(me)
        return self._trace_lines


def spread(fns: list[Callable[[], None]]) -> None:
    """Run each of `fns` on a thread of its own, under whatever scheduler is in place, and wait for all."""
    threads = [_platform.start_thread(fn, (), f"caller-{place}") for place, fn in enumerate(fns)]
    for thread in threads:
        thread.join()
