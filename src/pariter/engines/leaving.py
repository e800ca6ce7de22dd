"""Who ends what its consumer has left: the consumer's thread, unless it was interrupted anywhere to do so.

Ending a stream takes locks and waits for the functions in hand. A thread that collects garbage was interrupted
anywhere, and may hold any lock, ours or one that those functions want. So was, without a GIL, the thread that made
an iterator whose last user was another thread: it frees the iterator between any two instructions of its own. There,
another thread ends it.
"""

from __future__ import annotations

import gc
import sys
from _thread import get_ident, start_new_thread  # a Thread's start takes locks itself
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Protocol, TypeVar, TypeVarTuple

from pariter.sched import _platform


class Closable(Protocol):
    """What is ended by `close()`, which may be called again."""

    def close(self) -> None: ...


C = TypeVar("C", bound=Closable)
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_LOCKING = (
    "pariter.sched.",
    "pariter.engines.",
    "concurrent.",
    "logging",
    "loky.",
    "multiprocessing.",
    "queue",
    "threading",
)
"""Modules whose code may hold locks that matter, and closes no iterator of ours."""
_CLOSING = "pariter.engines.driver"
"""The one among them that has no lock, and does close them."""
_collecting: int | None = None
"""The thread that is collecting garbage now."""


def _note(phase: str, info: Mapping[str, int]) -> None:
    global _collecting
    _collecting = get_ident() if phase == "start" else None


def prepare() -> None:
    """From now on, know which thread collects garbage."""
    if _note not in gc.callbacks:
        gc.callbacks.append(_note)


# What is called is kept here, because an iterator may be dropped when the names of modules are gone.
def leave(
    end: Callable[[*Ts], None],
    *args: *Ts,
    this_thread: Callable[[], int] = get_ident,
    is_exit: Callable[[], bool] = sys.is_finalizing,
) -> None:
    """Called by a generator that was closed or dropped: have `end(*args)` called, now or soon by another thread."""
    if not is_exit() and (_collecting == this_thread() or _may_hold_locks(sys._getframe(2))):
        try:
            start_new_thread(_end, (end, *args))
            return
        except RuntimeError:
            pass  # There is no thread to be had.
    end(*args)


def used(it: C, use: Callable[[C], T]) -> T:
    """`use(it)`; `it` is closed then, and again where Ctrl-C came while it was being closed."""
    try:
        try:
            return use(it)
        finally:
            it.close()
    except KeyboardInterrupt:
        it.close()
        raise


def _may_hold_locks(frame: FrameType) -> bool:
    """Whether the code that was running when the generator was left is of the kind that holds locks."""
    module = frame.f_globals.get("__name__", "")
    return isinstance(module, str) and module.startswith(_LOCKING) and module != _CLOSING


def _end(end: Callable[[*Ts], None], *args: *Ts) -> None:
    try:
        end(*args)
    except BaseException as error:
        _platform.report(error)
