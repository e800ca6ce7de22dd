"""`broadcast`: one call on every worker of a pool, at the next moment each has no function in hand, or waits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from pariter.sched.birth import start_own_threads
from pariter.sched.here import held_by_this_thread
from pariter.sched.join import add_note_about
from pariter.sched.pool import WorkerPool
from pariter.sched.spawn import Task, TaskFuture, take_in_hand
from pariter.sched.worker import Worker

T = TypeVar("T")


def broadcast(pool: WorkerPool, fn: Callable[[], T]) -> list[T]:
    """`fn()` once on every worker, the calling one included; the results by worker index.

    All calls are made, whatever raises; then the error of the lowest index is raised, the others are its notes.
    """
    own = held_by_this_thread(pool)
    if own is None:
        pool.check_open()
    if pool.own_threads_only:
        start_own_threads(pool)
    pool.seats.barren = 0
    tasks = [Task(pool, fn) for _ in range(pool.num_threads)]
    futures: list[TaskFuture[T]] = [task.future for task in tasks if task.future is not None]
    try:
        with pool.posting:  # All workers see simultaneous broadcasts in the same order.
            _post(pool, tasks, own)
        if own is not None:
            mine = tasks[own.index]
            own.run_here(partial(take_in_hand, own, mine))
        return _results(futures)
    except BaseException:
        # Ctrl-C: what has not begun is dropped, what has is waited for. Otherwise all have ended, and nothing is done.
        _drop(futures)
        raise
    finally:
        mine = None  # type: ignore[assignment]
        del tasks, futures  # This frame is in the traceback of an error that they know.


def _post(pool: WorkerPool, tasks: list[Task], own: Worker | None) -> None:
    for index, task in enumerate(tasks):
        if own is None or index != own.index:
            pool.post(index, task)


def _drop(futures: list[TaskFuture[T]]) -> None:
    for future in futures:
        if not future.cancel():
            future.wait_done(inline=False)


def _results(futures: list[TaskFuture[T]]) -> list[T]:
    try:
        first = _first_error(futures)
        if first is not None:
            raise first
        return [future.result() for future in futures]
    finally:
        first = None
        del futures


def _first_error(futures: list[TaskFuture[T]]) -> BaseException | None:
    """What was raised on the lowest index, the others as its notes."""
    first: BaseException | None = None
    for index, future in enumerate(futures):
        future.wait_done(inline=False)
        if future.cancelled():
            error: BaseException | None = RuntimeError(
                f"worker {index} of the pool has no thread: the pool was closed, or the system cannot start one"
            )
        else:
            error = future.exception()
        if first is None:
            first = error
        elif error is not None:
            add_note_about(first, error)
    return first
