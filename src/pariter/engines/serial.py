"""Run in the calling thread: the reference that every other engine is tested against."""

from __future__ import annotations

import contextvars

from pariter.engines.base import Run, Terms, this_thread
from pariter.engines.streams import Stream
from pariter.plan.piped import Leaf, Piped
from pariter.plan.sinks import Sink


class SerialEngine:
    """One lane, driven by the caller."""

    name = "serial"
    report = None
    num_workers = 1
    isolates = False

    def close(self) -> None:
        """Do nothing: nothing is lent."""

    def run(self, piped: Piped, sink: Sink, terms: Terms) -> Leaf:
        run = Run(piped, sink, terms)
        lane = run.claim()
        assert lane is not None
        contextvars.copy_context().run(run.drive, lane, this_thread())
        return run.answer()

    def stream(self, piped: Piped, sink: Sink, terms: Terms) -> Stream:
        return Stream(piped, sink, terms, 1)
