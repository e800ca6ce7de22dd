"""Tells sleepers of jobs that were pushed without a word, as `join` does, once they have lain there for a while.

To wake a thread costs more than most of a join's jobs, so `join` wakes nobody. It has its pool watched by the
ticker, which looks every millisecond: are there jobs in some deque? Then one sleeper is woken (and it the next, if it
finds more), and those who wait for a job that was stolen from them look again for a part of it to do.

States   unwatched → watched, by the first push → unwatched, after `PATIENCE` looks at empty deques.
Guards   `watched` is set by pushers, cleared by the ticker's thread; deques are atomic.
Promise  A job that stays in a deque for three looks is announced.
Proof    docs/design/scheduler.md#the-ticker   Tests  tests/sched/test_join.py
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from pariter.sched.latch import unpark
from pariter.sched.ticker import watch

if TYPE_CHECKING:
    from pariter.sched.pool import WorkerPool

PATIENCE = 20


class Stirrer:
    """What the ticker knows of a pool; it does not keep the pool alive."""

    __slots__ = ("__weakref__", "_idle_looks", "_pool", "watched")

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = weakref.ref(pool)
        self._idle_looks = 0
        self.watched = False

    def watch(self) -> None:
        """Have the deques of the pool looked at for a while."""
        self.watched = True
        watch(self)

    def open(self) -> bool:
        """One look, by the ticker; whether there should be another."""
        pool = self._pool()
        if pool is None:
            return False
        if pool.has_jobs():
            self._idle_looks = 0
            pool.announce_job()
            for token in pool.leapers.copy():
                unpark(token)
            return True
        self._idle_looks += 1
        if self._idle_looks < PATIENCE:
            return True
        self._idle_looks = 0
        self.watched = False
        # Racing with a push: it appends, then reads `watched`; we clear `watched`, then look. rotate() takes the lock
        # that append() takes on a free-threaded build, so whoever is second there sees what the other did.
        for queue in pool.queues:
            queue.rotate(0)
        if pool.has_jobs():
            self.watched = True
        return self.watched
