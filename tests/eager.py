"""Make small plans meet thieves: runs are opened to the workers at once, and blocks hold one item."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pariter.engines import streams, threads
from pariter.sched import blocks


class _OpensAtOnce:
    """Stands in for the ticker, which would wait two milliseconds."""

    @staticmethod
    def watch(it: Any) -> None:
        it.open()

    @staticmethod
    def unwatch(it: Any) -> None:
        """Nothing is watched."""


@contextmanager
def eager() -> Iterator[None]:
    """Within this block thread pools share out even the smallest plans, one item at a time."""
    saved = threads.ticker, blocks.BLOCK_S, streams.BATCH_S, sys.getswitchinterval()
    threads.ticker = _OpensAtOnce  # type: ignore[assignment]
    blocks.BLOCK_S = streams.BATCH_S = 0.0
    sys.setswitchinterval(1e-4)
    try:
        yield
    finally:
        threads.ticker, blocks.BLOCK_S, streams.BATCH_S, interval = saved
        sys.setswitchinterval(interval)
