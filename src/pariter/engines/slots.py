"""Worker processes, each in a slot of its own, that die and heal one by one.

A slot is a `loky.ProcessPoolExecutor` with one worker. So it is known which process holds which pieces:
a death, a timeout or Ctrl-C breaks the runs that were using that process, and no others.

States   cold (no process) → warm (a process, prepared) → broken → cold again.
Guards   `_lock` guards `_executor`, `_process` and `_knows`; starting a process happens under it.
Promise  A future that a slot gave out ends: with the worker's answer, or with `WorkerDied`.
Tests    tests/engines/test_slots.py
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import itertools
import multiprocessing.process
import os
import signal
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future
from multiprocessing import util
from typing import Any, Protocol

from pariter.engines import worker_process
from pariter.engines.asking import Board
from pariter.engines.exits import describe_exit, has_ended
from pariter.engines.shipping import Parcel
from pariter.errors import PoolClosed, WorkerDied

KILL_S = 1.0
"""How long a killed process may take to go."""


class NotStarted(Exception):
    """The process was killed, replaced, or asked to leave it, before it came to this shipment: it may be sent again."""


class Shipment(Future[worker_process.Answer]):
    """What was sent to a slot; it ends with the worker's answer, `WorkerDied` or `NotStarted`."""

    def __init__(self, number: int, generation: int, process: Any) -> None:
        super().__init__()
        self.number = number
        self.generation = generation
        self.process = process
        self.is_unwanted = False


class Slot:
    """One worker process, started when it is first needed and again after it died."""

    def __init__(self, index: int, initializer: bytes | None, env: dict[str, str]) -> None:
        self.name = f"process {index}"
        self.board: Board | None = None
        self._index = index
        self._initializer = initializer
        self._env = env
        self._lock = threading.RLock()  # a future that is done calls back at once, in the caller
        self._executor: Any = None
        self._process: Any = None
        self._ready: Future[bool] | None = None
        self._generation = 0
        self._dead: set[int] = set()
        self._stopped = 0
        self._sent = 0
        self._asked = 0
        self._closed = False
        self._queue: deque[Shipment] = deque()
        self._knows: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def is_warm(self) -> bool:
        """Whether the process is there and prepared."""
        ready = self._ready
        return ready is not None and ready.done()

    def warm_up(self) -> None:
        """Start the process, if there is none, and do not wait for it."""
        with self._lock:
            self._start_locked()

    def _start_locked(self) -> Any:
        if self._closed:
            raise PoolClosed("this pool is closed: it takes no new work")
        ready = self._ready
        if ready is not None and ready.done() and (ready.exception() or not ready.result()):
            self._discard_locked()  # it died while idle, or its initializer raised: try again
        elif not self._queue:
            self._look_for_process_locked()
            if self._process is not None and has_ended(self._process):
                self._discard_locked()  # it died while idle, and loky has not seen it yet: no run has a part in it
        if self._executor is None:
            where = None if self.board is None else self.board.where(self._index)
            prepare = (self.name, os.getpid(), list(sys.path), self._env, where, self._initializer)
            executor = _executor_class()(
                max_workers=1, timeout=None, env=self._env, initializer=worker_process.prepare, initargs=prepare
            )
            try:
                with _interrupts_blocked():
                    self._ready = executor.submit(worker_process.is_prepared)
            except BaseException:  # an interrupt that came by another thread, where it is not blocked
                _end_half_begun(executor)
                raise
            _kill_before_loky_waits()
            self._executor = executor
            self._look_for_process_locked()
            self._generation += 1
        return self._executor

    def _look_for_process_locked(self) -> None:
        """Know the process of now: loky replaces one whose memory has grown."""
        if self._executor is not None:
            self._process = next(iter(list(self._executor._processes.values())), None)

    def send_piece(self, parcel: Parcel, piece: bytes) -> Shipment:
        """Run a piece of a run; the parcel travels only if this process does not know it."""
        digest = parcel.digest

        def arguments() -> tuple[Any, ...]:
            return digest, None if digest in self._knows else (parcel.content, parcel.wanted), piece, self.name

        with self._lock:
            shipment = self._send_locked(worker_process.run_piece, arguments)
            self._knows.add(digest)
            return shipment

    def send_call(self, letter: worker_process.Letter) -> Shipment:
        """Run one task."""
        with self._lock:
            return self._send_locked(worker_process.call, lambda: (letter,))

    def _send_locked(self, function: Any, arguments: Callable[[], tuple[Any, ...]]) -> Shipment:
        executor = self._start_locked()
        self._sent = number = self._sent + 1
        try:
            with _interrupts_blocked() if self._process is None else contextlib.nullcontext():
                answer = executor.submit(worker_process.asked, number, function, *arguments())
        except Exception:  # the process died while idle: this shipment goes to the next one
            self._discard_locked()
            answer = self._start_locked().submit(worker_process.asked, number, function, *arguments())
        self._look_for_process_locked()
        shipment = Shipment(number, self._generation, self._process)
        self._queue.append(shipment)
        answer.add_done_callback(functools.partial(self._ended, shipment))
        return shipment

    def _ended(self, shipment: Shipment, answer: Future[worker_process.Answer]) -> None:
        with self._lock:
            started = self._queue[0] is shipment and shipment.generation not in self._dead
            self._queue.remove(shipment)
            outcome: BaseException | None = None
            if answer.exception() is not None:
                outcome = self._death_locked(shipment) if started else NotStarted()
            elif answer.result() == worker_process.UNKNOWN:
                self._knows.clear()
                outcome = NotStarted()
            elif answer.result() == worker_process.UNWANTED:
                outcome = NotStarted()
            if self._queue and self._queue[0].number > self._asked:
                self._ask_locked()
        if outcome is None:
            shipment.set_result(answer.result())
        else:
            shipment.set_exception(outcome)

    def _death_locked(self, shipment: Shipment) -> WorkerDied:
        self._dead.add(shipment.generation)
        if shipment.generation <= self._stopped:
            # The executor's thread is here before it kills the process: waiting would be for ourselves.
            return WorkerDied(f"worker {self.name} was stopped")
        exit_code = None
        if shipment.process is not None:
            shipment.process.join(KILL_S)
            exit_code = shipment.process.exitcode
        if shipment.generation == self._generation:
            self._discard_locked()
        return WorkerDied(f"worker {self.name} died: {describe_exit(exit_code)}")

    def forget(self, parcel: Parcel) -> Future[Any] | None:
        """Let the process drop the functions of a run that is over, and close the state they keep."""
        with self._lock:
            if parcel.digest not in self._knows:
                return None
            self._knows.discard(parcel.digest)
            try:
                return self._executor.submit(worker_process.forget, parcel.digest)  # type: ignore[no-any-return]
            except Exception:  # a dead process has nothing to forget
                return None

    def forget_memory(self, token: str) -> None:
        """Let the process let go of what was lent for a run that is over."""
        with self._lock:
            if self._executor is not None:
                with contextlib.suppress(Exception):  # a dead process holds nothing
                    self._executor.submit(worker_process.forget_memory, token)

    def _discard_locked(self) -> Any:
        executor, self._executor = self._executor, None
        self._process = self._ready = None
        self._knows.clear()
        if executor is not None:
            executor.shutdown(wait=False, kill_workers=True)
        return executor

    def ask(self, shipment: Shipment) -> None:
        """Let the process leave what was sent as soon as its functions look whether they are wanted."""
        with self._lock:
            shipment.is_unwanted = True
            self._ask_locked()

    def _ask_locked(self) -> None:
        """Tell the process what is unwanted of what it comes to next: the rest is told when it comes to that."""
        if self.board is None or not self._queue or not self._queue[0].is_unwanted:
            return
        for shipment in itertools.takewhile(lambda shipment: shipment.is_unwanted, self._queue):
            self._asked = max(self._asked, shipment.number)
        self.board.ask(self._index, self._asked)

    def ask_all(self) -> list[Shipment]:
        """Take nothing more, and let the process leave everything that was sent."""
        with self._lock:
            self._closed = True
            for shipment in self._queue:
                shipment.is_unwanted = True
            self._ask_locked()
            return list(self._queue)

    def kill(self, shipment: Shipment) -> None:
        """Stop what was sent: kill the process if it has come to it; the slot heals by itself."""
        with self._lock:
            if not self._queue or self._queue[0] is not shipment:
                return
            self._stopped = self._generation
            executor = self._discard_locked()
        if executor is not None:  # Only its own thread may wait for the process: let that one end.
            executor.shutdown(wait=True, kill_workers=True)

    def stop(self) -> None:
        """Kill the process, whatever it does: whoever sent it something was interrupted, and does not know what."""
        with self._lock:
            self._stopped = killed = self._generation
            executor = self._discard_locked()
        if executor is not None:
            executor.shutdown(wait=True, kill_workers=True)
        with self._lock:  # what is still there has never got as far as being told its end
            self._queue = deque(shipment for shipment in self._queue if shipment.generation > killed)

    def close(self, *, kill: bool = False) -> None:
        """Let the process end what it has, or `kill` it, and wait for it."""
        with self._lock:
            self._closed = True
            if kill:
                self._stopped = self._generation
            executor, self._executor = self._executor, None
            self._process = self._ready = None
            self._knows.clear()
        if executor is not None:
            executor.shutdown(wait=True, kill_workers=kill)

    def reset(self) -> None:
        """Know nothing of any process: in a forked child, where they are somebody else's."""
        _not_ours.append((self._executor, self._process, self._ready, list(self._queue)))
        self._look_for_process_locked()
        multiprocessing.process._children.discard(self._process)  # type: ignore[attr-defined] # or its exit joins it
        self._lock = threading.RLock()
        self._executor = self._process = self._ready = None
        self._queue.clear()
        self._knows.clear()


class Crew(Protocol):
    """The slots of one pool."""

    def close(self, *, kill: bool, patience: float = 0.0) -> None:
        """End the processes, `kill` them if they have not ended after `patience`."""

    def reset(self) -> None:
        """Know nothing of what is the parent's: in a forked child."""


crews: weakref.WeakSet[Crew] = weakref.WeakSet()
"""Those of this process."""
_not_ours: list[Any] = []
"""What a forked child inherited and must not even finalize: it would end the parent's processes."""


def _reset_all() -> None:
    for crew in list(crews):
        crew.reset()
    _kill_before_loky_waits.cache_clear()
    _executor_class.cache_clear()  # what is to be called at the exit is the parent's alone
    loky: Any = sys.modules.get("loky.process_executor")
    if loky is not None:  # as it does itself in processes that multiprocessing forks
        loky._threads_wakeups.clear()
        loky._global_shutdown_lock = threading.Lock()
    tracker: Any = sys.modules.get("multiprocessing.resource_tracker")
    if tracker is not None:  # it is not our child: up to 3.13 the exit would wait for it all the same
        tracker._resource_tracker._pid = None


_exiting = False


def rest_if_exiting() -> None:
    """A daemon thread that the end of the interpreter overtakes says nothing of it: it waits to be gone."""
    if not threading.current_thread().daemon:
        return
    loky = sys.modules.get("loky.process_executor")  # it learns of the end before the functions of atexit do
    if _exiting or getattr(loky, "_global_shutdown", False):
        threading.Event().wait()


def _kill_all() -> None:
    """At exit, before loky takes itself apart: processes go at once, whatever they do."""
    global _exiting
    _exiting = True
    for crew in list(crews):
        crew.close(kill=True, patience=0)


@functools.cache
def _kill_before_loky_waits() -> None:
    """Once a process, after loky has registered what waits for all calls: what came last is called first."""
    register = getattr(threading, "_register_atexit", None)
    if register is not None:
        with contextlib.suppress(RuntimeError):  # the interpreter is at its end already
            register(_kill_unless_used)


def _kill_unless_used() -> None:
    main, manager = threading.main_thread(), sys.modules["loky.process_executor"]._ExecutorManagerThread
    if all(thread is main or thread.daemon or isinstance(thread, manager) for thread in threading.enumerate()):
        _kill_all()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_all)


@functools.cache
def _executor_class() -> Any:
    """Loky's executor, imported when the first process is needed."""
    from loky.process_executor import ProcessPoolExecutor

    if hasattr(signal, "pthread_sigmask"):
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # now, because up to 3.12 it unblocks SIGINT when it starts
    atexit.register(_kill_all)  # after loky's own registration, and so called before it
    # A process of multiprocessing's calls no function of atexit, and waits for its children for ever.
    util.Finalize(None, _kill_all, exitpriority=100)
    return ProcessPoolExecutor


def _end_half_begun(executor: Any) -> None:
    """End an executor whose first call was not sent: its thread may run and not be known to loky's end of all."""
    processes = list(executor._processes.values())
    executor.shutdown(wait=False, kill_workers=True)
    for process in processes:
        process.terminate()


@contextlib.contextmanager
def _interrupts_blocked() -> Generator[None]:
    """A process that starts here does not hear Ctrl-C, not even before `prepare` makes it ignore it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
