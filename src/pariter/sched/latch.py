"""A latch is set once and waited for by any number of threads; how a thread parks and is unparked.

States   unset → set, never back.
Guards   none. A parked thread owns one *token*, a lock that it keeps locked: to park is to acquire it,
         to unpark is to release it. A token stays released until it is used, so an unpark is never lost;
         one too many wakes for nothing, and so whoever parks does it in a loop around its condition.
Promise  Everybody who waits for a latch returns after `set()`.
Proof    docs/design/scheduler.md#latches   Tests  tests/interleavings/test_latch.py
"""

from __future__ import annotations

import threading
from collections import deque

from pariter.sched import _platform


class _ThisThread(threading.local):
    token: _platform.Lock | None = None


_this_thread = _ThisThread()


def my_token() -> _platform.Lock:
    """The token on which the calling thread parks, in whatever it waits for."""
    token = _this_thread.token
    if token is None:
        token = _platform.new_lock()
        token.acquire()
        _this_thread.token = token
    return token


def forget_my_token() -> None:
    """In a forked child: another thread may have been about to release it."""
    _this_thread.token = None


def park(token: _platform.Lock, timeout: float | None = None) -> bool:
    """Block until somebody unparks this thread, or has done so already; False if the time is up."""
    return _platform.acquire(token, timeout)


def unpark(token: _platform.Lock) -> None:
    """Let the owner of `token` go on, now or when it next parks."""
    try:
        token.release()
    except RuntimeError:
        pass  # It was released already: the owner will look, and that is all we want.


class Latch:
    """Set once, by anybody; waited for by anybody."""

    __slots__ = ("__weakref__", "_is_set", "_tokens")

    def __init__(self) -> None:
        self._is_set = False
        self._tokens: deque[_platform.Lock] = deque()

    def set(self) -> None:
        """Let everybody who waits go on. Setting it again does nothing."""
        self._is_set = True
        # Racing with attach(): both touch the deque after their own store, and its methods are atomic (by the
        # GIL, or by the per-object lock of a free-threaded build). If attach() came first, we see the token and
        # unpark it; if we came first, what we stored is visible to attach(), and it does not park.
        while True:
            try:
                token = self._tokens.pop()
            except IndexError:
                return
            unpark(token)

    def is_set(self) -> bool:
        """Whether `set()` has been called."""
        return self._is_set

    def attach(self, token: _platform.Lock) -> bool:
        """Have `token` unparked when the latch is set; False if it is set already."""
        self._tokens.append(token)
        return not self._is_set

    def detach(self, token: _platform.Lock) -> None:
        """Undo `attach()`, for a wait that ended without the latch."""
        try:
            self._tokens.remove(token)
        except ValueError:
            pass  # set() has taken it.

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the latch is set, at most `timeout` seconds; returns whether it is set."""
        if self._is_set:
            return True
        deadline = None if timeout is None else _platform.monotonic() + timeout
        token = my_token()
        try:
            self.attach(token)
            while True:
                if self._is_set:
                    return True
                left = None if deadline is None else deadline - _platform.monotonic()
                if left is not None and left <= 0:
                    return False
                park(token, left)
        finally:
            self.detach(token)
