"""How a pool's threads come to be: their names, their stack, their initializer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pariter._describe import describe_callable
from pariter.sched import _platform
from pariter.sched.here import held_by_this_thread
from pariter.sched.job import Runnable
from pariter.sched.latch import Latch

if TYPE_CHECKING:
    from pariter.sched.pool import WorkerPool
    from pariter.sched.worker import Worker


def own_thread_names(thread_name: str | Callable[[int], str], num_threads: int) -> list[str]:
    """The names of all threads of a pool, so that a `thread_name` that raises does so where the pool is made."""
    if isinstance(thread_name, str):
        try:
            return [thread_name.format(index) for index in range(num_threads)]
        except (LookupError, AttributeError) as error:
            raise ValueError(f"thread_name can only hold {{}}, for the index, got {thread_name!r}") from error
    if not callable(thread_name):
        raise TypeError(f"thread_name must be a format string or a callable of the index, got {thread_name!r}")
    return [str(thread_name(index)) for index in range(num_threads)]


def try_stack_size(stack_size: int) -> None:
    """Start and end a thread with that stack, to fail where the pool is made.

    Raises ValueError if the system does not allow that size, RuntimeError if it cannot give it.
    """
    try:
        _platform.start_thread(_nothing, (), "pariter-probe", stack_size).join()
    except RuntimeError as error:
        raise RuntimeError(f"cannot start a thread with a stack of {stack_size} bytes: {error}") from error


def _nothing() -> None:
    pass


def start_own_threads(pool: WorkerPool) -> None:
    """Start all threads of a pool with an initializer, and run it on those that have not done so.

    Raises RuntimeError, with the initializer's own error as its cause, if it raised anywhere; the pool lives on, and
    whoever needs it next tries again.
    """
    if len(pool.initialized) == pool.num_threads or held_by_this_thread(pool) is not None:
        return
    with pool.initializing:
        pool.seats.barren = 0
        _bear(pool, set(range(pool.num_threads)) - pool.initialized)
        if not pool.initialized:
            raise RuntimeError("a pool with an initializer needs threads of its own, and the system cannot start one")


def _bear(pool: WorkerPool, indices: Iterable[int]) -> None:
    births = [Birth(pool, i) for i in sorted(indices)]
    for birth in births:
        pool.post(birth.index, birth)
    for birth in births:
        birth.done.wait()
    for birth in births:
        if birth.error is not None:
            raise RuntimeError(
                f"the initializer {describe_callable(pool.initializer)} of a pool raised on its thread "
                f"{pool.names[birth.index]!r}: {birth.error!r}"
            ) from birth.error


class Birth:
    """The job of running the initializer on one worker."""

    root: Runnable | None = None

    def __init__(self, pool: WorkerPool, index: int) -> None:
        self.pool = pool
        self.index = index
        self.latch: Latch | None = None
        self.done = Latch()
        self.error: BaseException | None = None

    def run(self, worker: Worker) -> BaseException | None:
        """Run it; on success the thread is initialized, on failure the next caller tries again."""
        initializer = self.pool.initializer
        try:
            if initializer is not None:
                initializer()
            self.pool.initialized.add(self.index)
        except BaseException as error:
            self.error = error
        self.done.set()
        return None

    def is_spent(self) -> bool:
        """Whether it has been run."""
        return self.done.is_set()

    def abandon(self) -> None:
        """The thread cannot be started; the pool goes on with fewer."""
        self.done.set()
