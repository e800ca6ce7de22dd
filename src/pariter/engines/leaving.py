"""Who ends what its consumer has dropped: the consumer's thread, unless it happened to be collecting garbage.

Ending a stream takes locks and waits for the functions in hand. A thread that collects garbage was interrupted
anywhere, and may hold any lock, ours or one that those functions want: there, another thread ends it.
"""

from __future__ import annotations

import gc
import sys
from _thread import get_ident, start_new_thread  # a Thread's start takes locks itself
from collections.abc import Callable, Mapping
from typing import TypeVarTuple

from pariter.sched import _platform

Ts = TypeVarTuple("Ts")

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
    """Have `end(*args)` called: now, or soon by another thread."""
    if _collecting == this_thread() and not is_exit():
        try:
            start_new_thread(_end, (end, *args))
            return
        except RuntimeError:
            pass  # There is no thread to be had.
    end(*args)


def _end(end: Callable[[*Ts], None], *args: *Ts) -> None:
    try:
        end(*args)
    except BaseException as error:
        _platform.report(error)
