"""What lies in a worker's deque: one call, to be run once by whoever takes it out.

A join's job is claimed by taking it out of the deque: its owner from the right without a lock, a thief under the
owner's `lock`, which also gives the job its latch. So a job that is nowhere has a latch, or is its owner's.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any, Protocol

from pariter.sched.latch import Latch

if TYPE_CHECKING:
    from pariter.sched.worker import Worker


class Runnable(Protocol):
    """What a worker can run."""

    root: Runnable | None  # the job on whose behalf this one was made, if a worker was running one
    latch: Latch | None  # what a thief sets at the end; None if nobody has stolen the job

    def run(self, worker: Worker) -> BaseException | None:
        """Run it, if it has not been run; never raises. A KeyboardInterrupt met on the way is returned."""

    def is_spent(self) -> bool:
        """Whether `run()` would do nothing, because it has been run, or cancelled."""
        ...

    def abandon(self) -> None:
        """It will not be run: tell whoever waits for it."""


def own_traceback_cut(error: BaseException) -> BaseException:
    """`error` without our own frame at the head of its traceback.

    That frame knows the job, which knows the error: with it, none of them would die before the garbage collector comes.
    """
    traceback = error.__traceback__
    return error if traceback is None else error.with_traceback(traceback.tb_next)


def descends_from(ancestor: Runnable) -> Callable[[Runnable], bool]:
    """A test of whether a job was made on behalf of `ancestor`, or is it."""

    def belongs(job: Runnable | None) -> bool:
        while job is not None:
            if job is ancestor:
                return True
            job = job.root
        return False

    return belongs


class WaitedCall:
    """A call whose maker waits for it: one of the later calls of a `join`, or a visit to another pool."""

    __slots__ = ("__weakref__", "context", "error", "fn", "latch", "root", "value")

    def __init__(self, fn: Callable[[], Any], root: Runnable | None, context: Context) -> None:
        self.fn: Callable[[], Any] | None = fn
        self.root = root
        self.context: Context | None = context
        self.latch: Latch | None = None
        self.value: Any = None
        self.error: BaseException | None = None

    def run(self, worker: Worker) -> BaseException | None:
        """Run it in its context, for the owner, who waits for `latch`."""
        above = worker.root
        error: BaseException | None = None
        fn = context = None
        try:
            try:
                fn, context = self.fn, self.context
                if fn is None or context is None:
                    return None
                self.fn = self.context = None
                worker.root = self
                self.value = context.run(fn)
            except BaseException as caught:
                error = self.error = own_traceback_cut(caught)
            fn = context = None
            self.finish(worker, above)
        except BaseException as caught:  # Ctrl-C between the lines above
            error = self.error = own_traceback_cut(caught)
            self.finish(worker, above)
        try:
            return error if isinstance(error, KeyboardInterrupt) else None
        finally:
            error = None

    def take_result(self) -> Any:
        """The result, or the error raised; once, because the job then forgets the error."""
        error = self.error
        if error is None:
            return self.value
        self.error = None
        try:
            raise error
        finally:
            del error  # The frame is in the traceback of the error; it must not know the error in turn.

    def finish(self, worker: Worker, above: Runnable | None) -> None:
        """Give the worker back to what it was doing, and the result to the owner."""
        worker.root = above
        latch = self.latch
        if latch is not None:
            latch.set()

    def is_spent(self) -> bool:
        """Whether somebody has begun to run it."""
        return self.fn is None

    def abandon(self) -> None:
        """Nothing to tell: the owner looks for it, finds it gone, and calls the function itself."""
