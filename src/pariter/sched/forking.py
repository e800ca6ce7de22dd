"""In a forked child, where only the forking thread exists: every pool starts anew."""

from __future__ import annotations

import os

from pariter.sched import _platform
from pariter.sched.here import here
from pariter.sched.latch import forget_my_token
from pariter.sched.pool import all_pools
from pariter.sched.ticker import ticker


def start_anew() -> None:
    """Forget all threads of the parent, and what they were doing or waiting for."""
    here.worker = None
    here.outer.clear()
    forget_my_token()
    _platform.reset_after_fork()
    ticker.reset()
    for pool in list(all_pools):
        pool.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=start_anew)
