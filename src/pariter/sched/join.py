"""`join`: run several calls, the first here, the others by whoever comes first.

The later calls lie in the caller's deque while it runs the first. What is still there after that, it runs itself, as
plain calls in the same frame: so a join that nobody helps with costs about what its calls cost, and nests as deep. For
what was stolen it waits, and meanwhile *leapfrogs*: it runs only jobs made on behalf of the stolen one. So it never
meets, on its own stack, a lock that its caller holds, unless the call it waits for would have met it too.

States   of a job: in the deque → taken by its owner (`fn` is None) or by a thief (`latch` is set up).
Guards   a worker's `lock`: a thief takes under it, and the owner that finds its job gone looks under it.
Promise  Every call is made at most once, and all have ended when join returns or raises; the leftmost error wins.
         Only KeyboardInterrupt goes before: calls that have not begun are dropped, and it is raised when the others
         are done.
Proof    docs/design/scheduler.md#join   Tests  tests/sched/test_join.py, tests/interleavings/test_join.py
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Any

from pariter._describe import describe_value
from pariter.sched.here import here
from pariter.sched.job import WaitedCall, descends_from
from pariter.sched.latch import Latch
from pariter.sched.pool import WorkerPool
from pariter.sched.worker import Worker


def join(pool: WorkerPool, a: Callable[[], Any], b: Callable[[], Any], *more: Callable[[], Any]) -> tuple[Any, ...]:
    """The results of all calls, in their order; see the module's docstring."""
    worker = here.worker
    if worker is None or worker.pool is not pool:
        return _join_from_outside(pool, (a, b, *more))
    if more:
        return _join_many(pool, worker, (a, b, *more))
    job = WaitedCall(b, worker.root, copy_context())
    try:
        worker.deque.append(job)
        if not pool.stirrer.watched:
            pool.stirrer.watch()
        first = a()
        try:
            top = worker.deque.pop()
        except IndexError:
            top = None
        if top is not job:
            return first, _late(pool, worker, job, top)
    except BaseException as error:
        _settle(worker, (job,), error)
        raise
    return first, b()


def _join_from_outside(pool: WorkerPool, fns: Sequence[Callable[[], Any]]) -> tuple[Any, ...]:
    return pool.seated(_join_in, copy_context(), pool, fns)


def _join_in(context: Context, pool: WorkerPool, fns: Sequence[Callable[[], Any]]) -> tuple[Any, ...]:
    return context.run(join, pool, fns[0], fns[1], *fns[2:])


def _join_many(pool: WorkerPool, worker: Worker, fns: Sequence[Callable[[], Any]]) -> tuple[Any, ...]:
    root = worker.root
    jobs = [WaitedCall(fn, root, copy_context()) for fn in fns[1:]]
    values: list[Any] = []
    try:
        worker.deque.extend(reversed(jobs))  # The last is the first to be stolen.
        if not pool.stirrer.watched:
            pool.stirrer.watch()
        values.append(fns[0]())
        for job, fn in zip(jobs, fns[1:], strict=True):
            try:
                top = worker.deque.pop()
            except IndexError:
                top = None
            if top is job:
                job.fn = None
                values.append(fn())
            else:
                values.append(_late(pool, worker, job, top))
    except BaseException as error:
        _settle(worker, jobs[max(len(values) - 1, 0) :], error)
        raise
    return tuple(values)


def _late(pool: WorkerPool, worker: Worker, job: WaitedCall, top: Any) -> Any:
    """The result of a job that was not on top of the deque, where `top` was."""
    if top is not None:
        worker.deque.append(top)
        pool.announce_job()  # It may be something spawned, and a sleeper may have looked while it was not there.
    fn = job.fn
    latch = _claim(worker, job)
    if latch is None:
        return None if fn is None else fn()
    _wait(worker, job, latch)
    return job.take_result()


def _claim(worker: Worker, job: WaitedCall) -> Latch | None:
    """Take the job back; if a thief has it, the latch to wait for."""
    with worker.lock:
        # No thief is between taking a job and giving it its latch: so without one, it lies in our deque, or we have
        # popped it ourselves and were interrupted.
        if job.latch is None:
            job.fn = None
            with suppress(ValueError):
                worker.deque.remove(job)
        return job.latch


def _wait(worker: Worker, job: WaitedCall, latch: Latch) -> None:
    belongs = descends_from(job)

    def leapfrog() -> Any:
        return worker.find_belonging(belongs)

    try:
        worker.wait(latch, leapfrog)
    except KeyboardInterrupt:
        worker.wait(latch, leapfrog)  # Its thief cannot be stopped.
        raise


def _settle(worker: Worker, jobs: Sequence[WaitedCall], error: BaseException) -> None:
    """After `error` in one call, end the later ones, and note on it what they raise.

    Returns for `error` to be raised again; raises a KeyboardInterrupt met on the way, if `error` is not one.
    """
    interrupt: BaseException | None = error if isinstance(error, KeyboardInterrupt) else None
    try:
        for job in jobs:
            try:
                fn = job.fn
                latch = _claim(worker, job)
                if latch is not None:
                    _wait(worker, job, latch)
                    job.take_result()
                elif fn is not None and interrupt is None:
                    fn()
            except KeyboardInterrupt as other:
                interrupt = interrupt or other
            except BaseException as other:
                add_note_about(error, other)
        if interrupt is not None and interrupt is not error:
            add_note_about(interrupt, error)
            raise interrupt
    finally:
        del interrupt, error


def add_note_about(error: BaseException, other: BaseException) -> None:
    """Note on `error`, which is going to be raised, another one that is not. Never fails."""
    if other is error:
        return
    try:
        text = "".join(traceback.format_exception(other)).rstrip()
        error.add_note(f"pariter: another call raised {describe_value(other)}\n{text}")
    except Exception:
        pass
