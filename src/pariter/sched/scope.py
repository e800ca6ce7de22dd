"""`scope`: spawn any number of tasks, from tasks too, and leave the block when all have ended.

States   open → body over (only tasks may spawn) → ended, when the last task has.
Guards   `_lock` guards the counts, the errors and the state; `_pending` is only touched by atomic dict methods.
Promise  All tasks run, whatever raises; then all errors come as one group, the body's first. KeyboardInterrupt in the
         caller drops the tasks that have not begun; it, and SystemExit, are raised as themselves.
Proof    docs/design/scheduler.md#scope   Tests  tests/sched/test_scope.py, tests/interleavings/test_scope.py
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from pariter.sched import _platform
from pariter.sched.here import held_by_this_thread, here, wait_outside
from pariter.sched.job import Runnable
from pariter.sched.join import add_note_about
from pariter.sched.latch import Latch, my_token, unpark
from pariter.sched.pool import WorkerPool
from pariter.sched.spawn import Task, TaskFuture
from pariter.sched.worker import Worker

T = TypeVar("T")
P = ParamSpec("P")

# What is raised as itself and not in a group; of several, in this order.
_AS_THEMSELVES = (KeyboardInterrupt, SystemExit, GeneratorExit)


class Scope:
    """A context manager; its tasks end before its block does."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool
        self._lock = _platform.new_lock()
        self._all_ended = Latch()
        self._body_over = False
        self._unfinished = 0
        self._spawned = 0
        self._order: dict[Task, int] = {}
        self._errors: dict[int, BaseException] = {}
        self._pending: dict[Task, None] = {}  # not yet claimed, the newest last
        self._waiter: _platform.Lock | None = None
        self._root: Runnable | None = None

    def __enter__(self) -> Self:
        worker = held_by_this_thread(self._pool)
        self._root = None if worker is None else worker.root
        return self

    def spawn(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have `fn(*args, **kwargs)` run by the pool before the block ends; its future.

        May be called in the block and in any task of the scope. RuntimeError when the scope has ended.
        """
        task = Task(self._pool, fn, args, kwargs, root=self._root, scope=self)
        future: TaskFuture[T] = task.future  # type: ignore[assignment]
        try:
            with self._lock:
                if self._all_ended.is_set():
                    raise RuntimeError("this scope has ended: spawn in its block, or in one of its tasks")
                self._unfinished += 1
                self._spawned += 1
                self._order[task] = self._spawned
            self._pending[task] = None
            self._pool.push(task, needs_thread=self._pool.own_threads_only)
        except BaseException:
            task.abandon()
            raise
        waiter = self._waiter
        if waiter is not None:
            unpark(waiter)
        return future

    def ended(self, task: Task, error: BaseException | None) -> None:
        """`task` has run, or will not. May be told twice, after an interruption, or of one that was never counted."""
        self._pending.pop(task, None)
        with self._lock:
            order = self._order.get(task)
            if order is not None:
                if error is not None:
                    self._errors[order] = error
                del self._order[task]
                self._unfinished -= 1
            if self._body_over and not self._unfinished:
                self._all_ended.set()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        interrupt: KeyboardInterrupt | None = None
        try:
            try:
                self._end(drop=isinstance(error, KeyboardInterrupt))
            except KeyboardInterrupt as caught:
                interrupt = caught
                self._end(drop=True)
            self._raise(error, interrupt)
        finally:
            self._errors.clear()
            del error, interrupt, traceback

    def _end(self, *, drop: bool) -> None:
        with self._lock:
            self._body_over = True
            if not self._unfinished:
                self._all_ended.set()
        if drop:
            self._drop_unstarted()
        self._wait()

    def _raise(self, body_error: BaseException | None, interrupt: KeyboardInterrupt | None) -> None:
        errors = [self._errors[order] for order in sorted(self._errors)]
        if interrupt is not None and interrupt not in errors:
            errors.insert(0, interrupt)
        if body_error is not None:
            errors.insert(0, body_error)
        try:
            error = next((error for kind in _AS_THEMSELVES for error in errors if isinstance(error, kind)), None)
            if error is not None:
                for other in errors:
                    add_note_about(error, other)
                if error is body_error:
                    return
                raise error
            if errors:
                raise BaseExceptionGroup("errors in a scope", errors) from None
        finally:
            # This frame is in the traceback of what it raises, and must not know it in turn.
            error = other = None  # type: ignore[assignment]
            del errors, error, other, body_error, interrupt

    def _drop_unstarted(self) -> None:
        while True:
            try:
                task, _ = self._pending.popitem()
            except KeyError:
                return
            task.abandon()

    # --- waiting ---------------------------------------------------------------------------------------------

    def _wait(self) -> None:
        worker = held_by_this_thread(self._pool)
        if worker is not None:
            self._wait_as(worker)
        elif not self._pool.own_threads_only and here.worker is None:
            self._help_from_outside()
        wait_outside(self._all_ended)

    def _wait_as(self, worker: Worker) -> None:
        self._waiter = my_token()
        worker.wait(self._all_ended, partial(self._find, worker))

    def _find(self, worker: Worker) -> Runnable | None:
        """A task of this scope, the newest first; else a job made on behalf of one."""
        return self._take_pending(worker) or worker.find_belonging(self._owns)

    def _take_pending(self, worker: Worker) -> Runnable | None:
        try:
            task, _ = self._pending.popitem()
        except KeyError:
            return None
        worker.taken.append(task)
        return task

    def _owns(self, job: Runnable | None) -> bool:
        while job is not None:
            if isinstance(job, Task) and job.scope is self:
                return True
            job = job.root
        return False

    def _help_from_outside(self) -> None:
        """Run tasks on a seat while there are some to begin and there is a free seat."""
        pool = self._pool
        # Without a single thread, it is the callers who do everything, and wait for each other.
        while self._pending and pool.seated_if_free(self._run_pending, wait=not pool.seats.threads):
            pass

    def _run_pending(self) -> None:
        worker = held_by_this_thread(self._pool)
        assert worker is not None
        while not self._pool.guests_waiting and worker.run_next(partial(self._take_pending, worker)):
            pass


def scope(pool: WorkerPool) -> Scope:
    """What a `with` block enters to spawn tasks that end before it does."""
    return Scope(pool)
