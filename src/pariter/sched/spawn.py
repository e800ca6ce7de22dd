"""One call with a future: `spawn`, `install`, `yield_now`, and the `Future` that helps while one waits for it.

States   of a task: unclaimed (`call` is set; it lies in some queue) → claimed, by a worker, by a waiter on its own
         stack, or by `cancel()` → ended (the future is done). A claimed task leaves an empty shell in its queue.
Guards   a task's `lock` guards its `call`: whoever takes that has claimed it.
Promise  A task is run at most once, and its future always ends, if the pool has a thread or somebody who waits.
Proof    docs/design/scheduler.md#tasks   Tests  tests/sched/test_spawn.py, tests/interleavings/test_spawn.py
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextvars import Context, copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from pariter.sched import _platform
from pariter.sched.here import held_by_this_thread, here, wait_outside
from pariter.sched.job import Runnable, descends_from, own_traceback_cut
from pariter.sched.latch import Latch
from pariter.sched.pool import WorkerPool
from pariter.sched.worker import Worker

if TYPE_CHECKING:
    from pariter.sched.scope import Scope

T = TypeVar("T")
P = ParamSpec("P")

_NOT_NEEDED = Latch()  # Nobody waits for the latch of a task; its future is what one waits for.


class Task:
    """A call on its way to a worker."""

    __slots__ = ("__weakref__", "call", "future", "latch", "lock", "root", "scope")

    def __init__(
        self,
        pool: WorkerPool,
        fn: Callable[..., Any],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        *,
        root: Runnable | None = None,
        scope: Scope | None = None,
    ) -> None:
        self.call: tuple[Context, Callable[..., Any], tuple[Any, ...], dict[str, Any]] | None = (
            copy_context(),
            fn,
            args,
            kwargs or {},
        )
        self.root = root
        self.scope = scope
        self.latch: Latch | None = _NOT_NEEDED
        self.lock = _platform.new_lock()
        self.future: TaskFuture[Any] | None = TaskFuture(pool, self)

    def run(self, worker: Worker) -> BaseException | None:
        """Run it, unless it has been claimed; what comes out is for the future."""
        call, future, above = None, self.future, worker.root
        begun = False
        value: Any = None
        error: BaseException | None = None
        try:
            with self.lock:
                call, self.call = self.call, None
            if call is None or future is None:
                return None
            if not future.running():  # as it may be if a run of it was interrupted before it began
                future.set_running_or_notify_cancel()
            worker.root = self
            begun = True
            context, fn, args, kwargs = call
            call = None
            try:
                value = context.run(fn, *args, **kwargs)
            except BaseException as caught:
                error = own_traceback_cut(caught)
            del context, fn, args, kwargs
            worker.root = above
            self.end(future, value, error)
            return error if isinstance(error, KeyboardInterrupt) else None
        except BaseException as caught:  # Ctrl-C between the lines above
            worker.root = above
            if begun and future is not None:
                self.end(future, value, error or own_traceback_cut(caught))
                return caught
            if call is not None:
                self.call = call  # run_next() puts it back where others find it.
            raise
        finally:
            del call, error, value, future

    def end(self, future: TaskFuture[Any], value: Any, error: BaseException | None) -> None:
        """Tell the future and the scope how it ended. May be called again, if it was interrupted."""
        if not future.done():
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)
        self.let_go(future, error)

    def let_go(self, future: TaskFuture[Any], error: BaseException | None) -> None:
        """The future is done: tell all others, and forget them."""
        with self.lock:
            latch = future.done_latch
        if latch is not None:
            latch.set()
        future.forget()
        if self.scope is not None:
            self.scope.ended(self, error)
        self.future = self.scope = None

    def is_spent(self) -> bool:
        """Whether somebody has claimed it."""
        return self.call is None

    def claim_for_nobody(self) -> bool:
        """Make sure that it is not run; False if somebody has begun."""
        with self.lock:
            call, self.call = self.call, None
        return call is not None

    def abandon(self) -> None:
        """It will not be run: its future is cancelled."""
        future = self.future  # which who has just run it lets go
        if future is not None:
            future.cancel()


class _Condition(threading.Condition):
    """A condition that a KeyboardInterrupt cannot leave locked.

    The usual one is entered by a Python function, and an interrupt may come between its taking the lock and the
    `with` that gives it back. Here `with` finds the lock's own methods, which are C.
    """

    __enter__ = property(lambda self: self._lock.__enter__)  # pyright: ignore[reportAssignmentType]
    __exit__ = property(lambda self: self._lock.__exit__)  # pyright: ignore[reportAssignmentType]


class TaskFuture(Future[T], Generic[T]):
    """A `concurrent.futures.Future` whose `result()` and `exception()` help when called on a worker.

    On a worker of the same pool, waiting runs the task at once if nobody has begun it, else what was made on its
    behalf.
    """

    def __init__(self, pool: WorkerPool, task: Task) -> None:
        super().__init__()
        self._condition = _Condition()
        self._pool: WorkerPool | None = pool
        self._task: Task | None = task
        self.done_latch: Latch | None = None

    def cancel(self) -> bool:
        """Cancel the call, if nobody has begun to run it; returns whether it is cancelled."""
        task = self._task
        if task is not None and task.claim_for_nobody():
            super().cancel()
            self.set_running_or_notify_cancel()
            task.let_go(self, None)
        return self.cancelled()

    def forget(self) -> None:
        """It is done: whoever keeps it need not keep the pool."""
        self._task = self._pool = None

    def result(self, timeout: float | None = None) -> T:
        """The call's result, or its exception raised, or TimeoutError after `timeout` seconds."""
        try:
            self.wait_done(timeout)
            return super().result(0)
        finally:
            del self  # The frame is in the traceback of the error it raises.

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """The call's exception, None if it had a result; TimeoutError after `timeout` seconds."""
        self.wait_done(timeout)
        return super().exception(0)

    def wait_done(self, timeout: float | None = None, *, inline: bool = True) -> None:
        """Wait until it is done, at most `timeout` seconds, as usefully as the calling thread can.

        With `inline=False` the task is for one very worker, and never run here.
        """
        task, pool = self._task, self._pool
        if self.done() or task is None or pool is None:
            return
        own = held_by_this_thread(pool)
        if inline and own is not None and not task.is_spent():
            own.run_here(lambda: take_in_hand(own, task))
            if self.done():
                return
        latch = self._latch(task)
        if own is not None:
            belongs = descends_from(task)
            own.wait(latch, lambda: own.find_belonging(belongs), timeout=timeout)
        else:
            wait_outside(latch, timeout)

    def _latch(self, task: Task) -> Latch:
        with task.lock:
            latch = self.done_latch = self.done_latch or Latch()
        # Racing with let_go(): it looks for the latch, under the same lock, after it has made us done.
        if self.done():
            latch.set()
        return latch


def take_in_hand(worker: Worker, task: Task) -> Runnable:
    """A `find` that finds `task`."""
    worker.taken.append(task)
    return task


def spawn(pool: WorkerPool, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Have `fn(*args, **kwargs)` run by the pool, in a copy of the present context; its future."""
    task = Task(pool, fn, args, kwargs)
    future: TaskFuture[T] = task.future  # type: ignore[assignment]
    pool.push(task)
    return future


def install(pool: WorkerPool, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """`fn(*args, **kwargs)` on a thread of the pool: here, if this is one, else there, while this one waits.

    On KeyboardInterrupt the call is dropped if it has not begun; else it is waited for, until the next one.
    """
    own = held_by_this_thread(pool)
    if own is not None:
        if own is here.worker:
            return fn(*args, **kwargs)
        return pool.seated(partial(fn, *args, **kwargs))
    task = Task(pool, fn, args, kwargs)
    future: TaskFuture[T] = task.future  # type: ignore[assignment]
    try:
        pool.inject(task)
        return future.result()
    except KeyboardInterrupt:
        if not future.done() and not future.cancel():
            future.exception()
        raise
    except CancelledError:
        if future.cancelled():
            raise RuntimeError("the pool was closed, with cancel=True, before it ran this call") from None
        raise
    finally:
        del future, task


def yield_now() -> bool | None:
    """Run one pending job of the pool this thread is a worker of: True if there was one, None outside of all pools."""
    worker = here.worker
    if worker is None:
        return None

    def find() -> Runnable | None:
        while True:
            job = worker.find()
            if job is None or not job.is_spent():
                return job
            worker.taken.pop()

    return worker.run_next(find)
