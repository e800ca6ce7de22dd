"""The only door to locks, threads and clocks, so that a test can put its own scheduler behind it.

Every module of `sched` says `_platform.new_lock()`, never `threading.Lock()`: the seeded scheduler in
`tests/interleavings/` replaces the functions of this module and then decides who runs next.
"""

from __future__ import annotations

import contextvars
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol


class Lock(Protocol):
    """What the scheduler needs of a lock: a plain one, which any thread may release."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...
    def release(self) -> None: ...
    def __enter__(self) -> bool: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...


class Thread(Protocol):
    """What the scheduler needs of a thread it has started."""

    def join(self, timeout: float | None = None) -> None: ...
    def is_alive(self) -> bool: ...


# How often a wait of the main thread comes up for air: on Windows Ctrl-C gets through only then; elsewhere the system
# may hand the signal to another thread, and the main one, which raises KeyboardInterrupt, sleeps on.
_BREATH_S = 0.05 if sys.platform == "win32" else 0.5

# threading.stack_size() is one setting for the process; whoever changes it starts its thread under this lock.
_stack_size_lock = threading.Lock()


def new_lock() -> Lock:
    """A lock nobody holds."""
    return threading.Lock()


def acquire(lock: Lock, timeout: float | None = None) -> bool:
    """Wait for `lock`, at most `timeout` seconds; Ctrl-C gets through on every system."""
    if threading.get_ident() != threading.main_thread().ident:
        return lock.acquire(True, -1 if timeout is None else max(timeout, 0))
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        breath = _BREATH_S
        if deadline is not None:
            breath = min(breath, max(deadline - time.monotonic(), 0))
        if lock.acquire(True, breath):
            return True
        if deadline is not None and time.monotonic() >= deadline:
            return False


def start_thread(
    target: Callable[..., None], args: tuple[Any, ...], name: str, stack_size: int | None = None
) -> Thread:
    """Start a daemon thread, with its own stack size if one is given.

    Raises RuntimeError if the system has no thread left, ValueError if it cannot have that stack.
    """
    options: dict[str, Any] = {}
    if sys.version_info >= (3, 14):
        # Some builds let a new thread inherit the starter's context variables, and so keep them alive.
        options["context"] = contextvars.Context()
    thread = threading.Thread(target=target, args=args, name=name, daemon=True, **options)
    if stack_size is None:
        _start(thread)
        return thread
    with _stack_size_lock:
        before = threading.stack_size(stack_size)
        try:
            _start(thread)
        finally:
            threading.stack_size(before)
    return thread


def _start(thread: threading.Thread) -> None:
    try:
        thread.start()
    except RuntimeError as error:
        # Ctrl-C that comes while start() takes back a lock makes it release one that it does not have.
        if isinstance(error.__context__, KeyboardInterrupt):
            raise error.__context__ from None
        raise


def monotonic() -> float:
    """Seconds on a clock that never goes back."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Do nothing for a while."""
    time.sleep(seconds)


def report(error: BaseException) -> None:
    """Show an error that has no caller to go to, as a thread that dies of one would."""
    threading.excepthook(
        threading.ExceptHookArgs((type(error), error, error.__traceback__, threading.current_thread()))
    )


def reset_after_fork() -> None:
    """In a forked child: no other thread exists that could release what this module holds."""
    global _stack_size_lock
    _stack_size_lock = threading.Lock()
