"""A worker: one seat of a pool, where its jobs lie, how it finds more, and how it waits.

States   of a job here: in `deque` or `mailbox` → in `taken`, the stack of what this worker has in hand → run.
Guards   The occupant pushes and pops at the right end of `deque` without a lock (deque methods are atomic: by the
         GIL, or by the per-object lock of a free-threaded build); whoever takes from the left holds `lock`, so that
         job and latch change hands together. `taken` and `root` belong to the occupant.
Promise  A worker that waits runs its mailbox, what its caller named, and what no other worker can run; nothing else.
         A KeyboardInterrupt loses no job: what is in `taken` is given back.
Proof    docs/design/scheduler.md#waiting   Tests  tests/interleavings/test_pool.py, tests/interleavings/test_join.py
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from pariter.sched import _platform
from pariter.sched.here import current_worker, here, step_in, step_out
from pariter.sched.job import Runnable
from pariter.sched.latch import Latch, my_token, park

if TYPE_CHECKING:
    from pariter.sched.pool import WorkerPool

__all__ = ["Worker", "current_worker"]

_POP = deque.pop
_POPLEFT = deque.popleft

# How far a waiting worker looks into the deque of another for a job that concerns it.
_LOOK_BACK = 256


class Waitable(Protocol):
    """A `Latch`, or what can be waited for like one."""

    def is_set(self) -> bool: ...
    def attach(self, token: _platform.Lock) -> bool: ...
    def detach(self, token: _platform.Lock) -> None: ...


class Worker:
    """One seat of a pool; whoever occupies it, its own thread or a guest, is a worker."""

    __slots__ = (
        "__weakref__",
        "deque",
        "index",
        "lock",
        "mailbox",
        "name",
        "parking",
        "pool",
        "root",
        "taken",
        "thread",
        "token",
    )

    def __init__(self, index: int, name: str) -> None:
        self.index = index
        self.name = name
        self.pool: WorkerPool = None  # type: ignore[assignment]  # set whenever the seat is occupied
        self.deque: deque[Runnable] = deque()
        self.mailbox: deque[Runnable] = deque()
        self.lock = _platform.new_lock()
        self.taken: deque[Runnable] = deque()
        self.root: Runnable | None = None
        self.thread: _platform.Thread | None = None
        self.parking: _platform.Lock | None = None
        self.token = _platform.new_lock()
        self.token.acquire()

    def __repr__(self) -> str:
        return f"<Worker {self.index} {self.name!r}>"

    # --- finding jobs: each of these leaves what it finds on top of `taken` ----------------------------------

    def find(self) -> Runnable | None:
        """Own jobs last in first out, then the mailbox, the oldest job of another worker, the oldest from outside."""
        return self._take_own() or self.find_mail() or self._steal() or self._take_injected()

    def _take_own(self) -> Runnable | None:
        job = self._take(_POP, self.deque)
        if job is not None and job.latch is None:
            job.latch = Latch()  # Somebody further down on this very stack may look for it.
        return job

    def find_mail(self) -> Runnable | None:
        """A job for this very worker."""
        return self._take(_POPLEFT, self.mailbox)

    def _take(self, pop: Callable[[deque[Runnable]], Runnable], source: deque[Runnable]) -> Runnable | None:
        if not source:
            return None
        try:
            # Out of the deque and into `taken` in one C call: a KeyboardInterrupt comes before or after it.
            self.taken.extend(map(pop, (source,)))
        except IndexError:
            return None
        return self.taken[-1]

    def _take_injected(self) -> Runnable | None:
        return self._take(_POPLEFT, self.pool.injector)

    def _steal(self) -> Runnable | None:
        for victim in self._others():
            if victim.deque:
                with victim.lock:
                    job = self._take(_POPLEFT, victim.deque)
                    if job is not None:
                        if job.latch is None:
                            job.latch = Latch()
                        return job
        return None

    def find_belonging(self, belongs: Callable[[Runnable], bool]) -> Runnable | None:
        """The oldest job that `belongs` in the deque of a worker that has one."""
        for victim in (*self._others(), self):
            jobs = victim.deque
            # By index, because nothing that goes over a deque is safe from its owner; one that moves is met next time.
            for place in range(max(0, len(jobs) - _LOOK_BACK), len(jobs)):
                try:
                    job = jobs[place]
                except IndexError:
                    break
                if belongs(job) and self._take_from(victim, job):
                    return job
        return None

    def _take_from(self, victim: Worker, job: Runnable) -> bool:
        with victim.lock:
            latch = job.latch
            self.taken.append(job)
            try:
                victim.deque.remove(job)
            except (ValueError, IndexError):  # Its owner or another thief was faster.
                self.taken.pop()
                return False
            if latch is None:
                job.latch = Latch()
            return True

    def _others(self) -> Iterator[Worker]:
        workers = self.pool.workers
        yield from workers[self.index + 1 :]
        yield from workers[: self.index]

    # --- running them ----------------------------------------------------------------------------------------

    def run_next(self, find: Callable[[], Runnable | None]) -> bool:
        """Run what `find` finds; False if that is nothing. Raises only KeyboardInterrupt."""
        mark = len(self.taken)
        try:
            job = find()
            if job is None:
                return False
            interrupt = job.run(self)
        except BaseException:
            self.give_back(mark)
            raise
        while len(self.taken) > mark:
            self.taken.pop()
        if interrupt is not None and threading.current_thread() is threading.main_thread():
            try:
                raise interrupt
            finally:
                del interrupt
        return True

    def run_all(self, find: Callable[[], Runnable | None]) -> None:
        """`run_next()` until nothing is found."""
        while self.run_next(find):
            pass

    def give_back(self, mark: int) -> None:
        """Ctrl-C came while jobs were on their way: whoever looks next finds them (and drops what was run)."""
        while len(self.taken) > mark:
            job = self.taken[-1]
            for worker in self.pool.workers:  # Its owner is one of these, and may be looking for the latch.
                with worker.lock:
                    if job.latch is None:
                        job.latch = Latch()
            self.deque.append(job)
            self.taken.pop()
            self.pool.announce()

    # --- waiting ---------------------------------------------------------------------------------------------

    def wait(
        self,
        latch: Waitable,
        find: Callable[[], Runnable | None] | None = None,
        *,
        timeout: float | None = None,
        foreign: bool = False,
    ) -> bool:
        """Wait for `latch`, at most `timeout` seconds; returns whether it is set.

        Meanwhile this thread runs what is in its mailbox and what `find` finds. With `foreign`, what is waited for
        is the business of another pool; then, if all other workers of this pool wait too, it runs any job of this
        pool, for there is nobody else to run it.
        """
        if latch.is_set():
            return True
        if self.pool.workers[self.index] is not self:
            raise RuntimeError(
                "a forked child cannot wait for what threads of its parent were running: "
                "call os.fork() outside of join, scope and plans"
            )
        deadline = None if timeout is None else _platform.monotonic() + timeout
        token = my_token()
        held = self._held(foreign)
        leapers = self.pool.leapers
        try:
            latch.attach(token)
            if find is not None:
                leapers.append(token)
            return self._wait_attached(latch, find, held, token, deadline)
        finally:
            latch.detach(token)
            if find is not None and token in leapers:
                leapers.remove(token)

    def _wait_attached(
        self,
        latch: Waitable,
        find: Callable[[], Runnable | None] | None,
        held: list[tuple[Worker, bool]],
        token: _platform.Lock,
        deadline: float | None,
    ) -> bool:
        while not latch.is_set():
            if self._run_meanwhile(held, find):
                continue
            left = None if deadline is None else deadline - _platform.monotonic()
            if left is not None and left <= 0:
                return False
            self._park(held, token, left)
        return True

    def _held(self, foreign: bool) -> list[tuple[Worker, bool]]:
        """The seats this thread occupies, each with whether it waits as a stranger there."""
        held: dict[Worker, bool] = {self: foreign}
        for worker in here.outer:
            if worker is not None:
                held.setdefault(worker, True)
        innermost = here.worker
        if innermost is not None:
            held.setdefault(innermost, True)
        return list(held.items())

    def _run_meanwhile(self, held: list[tuple[Worker, bool]], find: Callable[[], Runnable | None] | None) -> bool:
        for worker, _ in held:
            if worker.mailbox and worker.run_here(worker.find_mail):
                return True
        return find is not None and self.run_here(find)

    def _park(self, held: list[tuple[Worker, bool]], token: _platform.Lock, left: float | None) -> None:
        blocked: list[tuple[Worker, bool]] = []
        try:
            stranded = self._block(held, token, blocked)
            if stranded is None:
                park(token, left)
        finally:
            for worker, stranger in blocked:
                worker.pool.seats.unblock(token if stranger else None)
        if stranded is not None:
            stranded.run_here(stranded.find)

    @staticmethod
    def _block(
        held: list[tuple[Worker, bool]], token: _platform.Lock, blocked: list[tuple[Worker, bool]]
    ) -> Worker | None:
        """Say at each seat that its occupant waits; stops at one whose pool has jobs and nobody else to run them."""
        for worker, stranger in held:
            worker.pool.seats.block(token if stranger else None)
            blocked.append((worker, stranger))
            if stranger and worker.pool.seats.is_stranded() and worker.pool.has_jobs():
                return worker
        return None

    def run_here(self, find: Callable[[], Runnable | None]) -> bool:
        """`run_next()` with this worker as the current one of its thread."""
        before = here.worker
        if before is self:
            return self.run_next(find)
        try:
            step_in(self)
            return self.run_next(find)
        finally:
            step_out()
