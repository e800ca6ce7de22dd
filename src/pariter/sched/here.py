"""As which worker the calling thread runs: it may have a seat in several pools, one inside the other.

`here.worker` is the innermost, `here.outer` what it was before, outermost first. Both are changed by plain assignments
with no call in between, so that a KeyboardInterrupt finds them in step.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pariter.sched.latch import Latch

if TYPE_CHECKING:
    from pariter.sched.worker import Worker


class _Here(threading.local):
    worker: Worker | None = None

    def __init__(self) -> None:
        self.outer: list[Worker | None] = []


here = _Here()


def current_worker() -> Worker | None:
    """The worker as which the calling thread runs, of the pool it entered last; None outside of all pools."""
    return here.worker


def held_by_this_thread(pool: object) -> Worker | None:
    """The worker as which the calling thread already occupies a seat of `pool`, if it does."""
    worker = here.worker
    if worker is None or worker.pool is pool:
        return worker
    for outer in reversed(here.outer):
        if outer is not None and outer.pool is pool:
            return outer
    return None


def step_in(worker: Worker) -> Worker:
    """Run as `worker` from now on."""
    outer = here.outer
    outer += [here.worker]
    here.worker = worker
    return worker


def step_out() -> None:
    """Run as whatever this thread ran as before."""
    outer = here.outer
    if outer:  # Not in a child that was forked meanwhile.
        here.worker = outer[-1]
        del outer[-1]


def wait_outside(latch: Latch, timeout: float | None = None) -> bool:
    """Wait for what is no business of any pool whose seat this thread has; returns whether `latch` is set."""
    worker = here.worker
    return latch.wait(timeout) if worker is None else worker.wait(latch, timeout=timeout, foreign=True)
