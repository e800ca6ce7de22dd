"""Asks worker processes to leave what they run: a number for each slot of a pool, in memory that all of them map.

The shipments of a slot are numbered in the order in which its process comes to them. Its number here says that
nobody wants anything up to that shipment any more; so it is written only when that is true of all that is before it.

Promise  A process that is asked hears it when it looks, and looking costs less than a microsecond. The memory goes
         with the pool, by the board's finalizer if nobody closes it, and by multiprocessing's resource tracker if
         the process is killed. Where there is no shared memory nobody hears anything, and all else is as it was.
Tests    tests/engines/test_asking.py
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

from pariter.engines.segments import Mapping, Segment

STOP_S = 0.5
"""How long what nobody wants any more may run on before its process is killed.

Pieces of short items last up to `dispatch.LONGEST_PIECE_S`: they end by themselves within this, and a process lives on
that would take 0.2 s to start again, and lose its state. Ctrl-C still ends a run within a second.
"""
_BYTES = 8
Where = tuple[str, int, int]
"""Where a process looks: the name and the size of the memory, and its own place there."""


class Board:
    """What the slots of one pool ask of their processes."""

    def __init__(self, slots: int) -> None:
        self._size = _BYTES * slots
        self._lock = threading.Lock()
        self._segments: list[Segment] = []
        self._numbers: Any = None
        self._is_tried = False
        self.close = weakref.finalize(self, _free, self._segments, os.getpid())

    def where(self, index: int) -> Where | None:
        """Where the process of that slot shall look; None if there is no memory to share."""
        with self._lock:
            if not self._is_tried:
                self._is_tried = True
                self._open_locked()
            return (self._segments[0].name, self._size, index) if self._segments else None

    def _open_locked(self) -> None:
        segment = Segment(f"pariter-asks-{os.getpid():x}-{os.urandom(4).hex()}", self._size)
        try:
            segment.create()
            segment.reserve()  # now, because who touches memory that there is no room for is killed
            # Written and read as one machine word: half of a number would be another one.
            self._numbers = segment.mapping().places.cast("q")
        except OSError:
            segment.unlink()
            return
        self._segments.append(segment)

    def ask(self, index: int, number: int) -> None:
        """Let the process of that slot leave all up to the shipment `number`."""
        if self._numbers is not None:
            self._numbers[index] = number


def _free(segments: list[Segment], owner: int) -> None:
    if os.getpid() == owner:  # a forked child owns nothing of it
        while segments:
            segments.pop().unlink()


# In the worker process.

_numbers: Any = None
_index = 0


def look_at(where: Where | None) -> None:
    """From now on, look there for what this process is asked to leave."""
    global _numbers, _index
    if where is None:
        return
    name, size, _index = where
    try:
        _numbers = Mapping(name, size).body.cast("q")
    except (OSError, ValueError):  # the pool is gone, and so will be this process
        return


def unwanted(number: int) -> Callable[[], bool]:
    """Tells whether nobody wants the shipment `number` any more."""
    numbers, index = _numbers, _index
    return _never if numbers is None else lambda: numbers[index] >= number


def _never() -> bool:
    return False
