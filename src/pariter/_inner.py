"""Limits the threads that numeric libraries start inside the functions of thread pools, by threadpoolctl.

The limit of a library for linear algebra holds in the whole process, and threadpoolctl lets one thread at a time set
it: the thread that makes a pool does, the lowest of all pools counts, and the last to end takes it back. The limit of
OpenMP holds for one thread: each thread of a pool sets its own.

Guards   `_lock` guards `_pools` and `_undo`.
Tests    tests/engines/test_inner_threads.py
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from pariter._describe import describe_value

_lock = threading.Lock()
_pools: dict[Limit, int] = {}
_undo: list[Any] = []
"""What takes back each limit that was set, in order: each knows what was before it."""


class Limit:
    """The limit of one pool."""

    def __init__(self, threads: int) -> None:
        if isinstance(threads, bool) or not isinstance(threads, int):
            raise TypeError(f"ThreadPool() needs an integer for inner_threads, got {describe_value(threads)}")
        if threads < 1:
            raise ValueError(f"ThreadPool() needs inner_threads of at least 1, got {threads}")
        try:
            import threadpoolctl
        except ImportError as error:
            raise ImportError(
                f"ThreadPool(inner_threads={threads}) needs threadpoolctl: pip install threadpoolctl"
            ) from error
        self._set: Callable[..., Any] = threadpoolctl.threadpool_limits
        self._threads = threads
        with _lock:
            _pools[self] = threads
            self._hold_locked()

    def before(self, initializer: Callable[[], object] | None) -> Callable[[], None]:
        """What each thread of the pool shall call first."""

        def begin() -> None:
            self._set(self._threads, user_api="openmp")
            if initializer is not None:
                initializer()

        return begin

    def _hold_locked(self) -> None:
        _undo.append(self._set(min(_pools.values()), user_api="blas").__enter__())

    def end(self) -> None:
        """The pool is over."""
        with _lock:
            del _pools[self]
            if _pools:
                self._hold_locked()
            else:
                _lift_locked()


def _lift_locked() -> None:
    while _undo:
        _undo.pop().__exit__(None, None, None)


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
