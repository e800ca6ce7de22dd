"""A job that sends one worker to help with something, for a worker of another pool that waits for it.

Only idle workers look at what is offered. Where all workers of a pool wait for other pools, and those for what is
offered here, nobody is idle; but one of those that wait runs a job.

States   sent → begun by whoever took it, or recalled.
Guards   none: it is sent and recalled by the thread that waits, and taking `_helpable` out is one assignment.
Promise  After it was begun or recalled it holds nothing.
Tests    tests/engines/test_nesting.py, tests/interleavings/test_streams.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pariter.sched import _platform
from pariter.sched.here import held_by_this_thread, here
from pariter.sched.job import Runnable
from pariter.sched.latch import Latch

if TYPE_CHECKING:
    from pariter.sched.pool import WorkerPool
    from pariter.sched.worker import Worker


class Helpable(Protocol):
    """Work that any number of idle workers can join in."""

    def help(self, worker: Worker) -> bool:
        """Do some of it; False if there was nothing to do. Called from several workers at once; must not raise."""
        ...


class Errand:
    """The job of calling `help()` once."""

    __slots__ = ("__weakref__", "_helpable", "latch", "root")

    def __init__(self, helpable: Helpable) -> None:
        self._helpable: Helpable | None = helpable
        self.latch: Latch | None = None
        self.root: Runnable | None = None

    def run(self, worker: Worker) -> BaseException | None:
        """Help, unless somebody did; a KeyboardInterrupt met on the way is returned."""
        helpable, self._helpable = self._helpable, None
        if helpable is None:
            return None
        above = worker.root
        try:
            worker.root = self
            helpable.help(worker)
        except KeyboardInterrupt as interrupt:
            return interrupt
        except BaseException as error:
            _platform.report(error)
        finally:
            worker.root = above
        return None

    def is_spent(self) -> bool:
        """Whether somebody has begun it, or it was recalled."""
        return self._helpable is None

    def abandon(self) -> None:
        """It will not be run: whoever sent it sends another, or meets a closed pool."""
        self._helpable = None

    def recall(self, pool: WorkerPool) -> None:
        """There is nothing to help with any more."""
        self.abandon()
        try:
            pool.injector.remove(self)
        except (ValueError, IndexError):
            pass  # Somebody has taken it.


def send_for_help(pool: WorkerPool, helpable: Helpable, last: Errand | None) -> Errand | None:
    """Have a worker of `pool` help if a worker of another asks, unless the `last` errand is still to be run.

    Returns the errand under way, if there is one. Raises PoolClosed if the pool takes no work.
    """
    if here.worker is None or held_by_this_thread(pool) is not None or not (last is None or last.is_spent()):
        return last
    errand = Errand(helpable)
    pool.inject(errand, needs_thread=False)
    return errand
