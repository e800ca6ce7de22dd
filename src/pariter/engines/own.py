"""The functions of a run as each worker calls them: its own copies, where the interpreter has no GIL.

Guards   `_survey` is set once and then only read; each key of `_copies` is set by one worker. (Item assignment to
         a dict is atomic: by the GIL, or by the dict's own lock on a free-threaded build.)
Tests    tests/plan/test_localise.py, tests/engines/test_own.py
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import TYPE_CHECKING

from pariter.engines.shipping import stages_of
from pariter.plan.piped import Piped
from pariter.plan.sinks import Sink

if TYPE_CHECKING:
    from pariter.plan.localise import Copies, Survey


def pays() -> bool:
    """Whether threads of this interpreter count shared objects at the same time."""
    is_gil_enabled = getattr(sys, "_is_gil_enabled", None)
    return is_gil_enabled is not None and not is_gil_enabled()


class OwnFunctions:
    """Each worker's copies of the functions of one run."""

    def __init__(self, piped: Piped, sink: Sink) -> None:
        self._piped = piped
        self._sink = sink
        self._survey: Survey | None = None
        self._copies: dict[int, Copies] = {}

    def forget(self) -> None:
        """Keep nothing of the user's: a helper that is just leaving may still have hold of this."""
        del self._piped, self._sink
        self._survey = None
        self._copies = {}

    def survey(self, frame: FrameType | None = None) -> None:
        """Find out what may be copied; called by the thread that waits for the run, with its frame."""
        from pariter.plan.localise import Survey

        steps = [step for stages in stages_of(self._piped) for step in stages]
        self._survey = Survey((fn for step in (*steps, self._sink) for fn in step.calls().values()), frame)

    @property
    def is_surveyed(self) -> bool:
        """Whether `copies` are to be had."""
        return self._survey is not None

    def copies(self, worker: int) -> Copies | None:
        """The copies of the worker that asks; None as long as nobody knows what may be copied."""
        survey = self._survey
        if survey is None:
            return None
        copies = self._copies.get(worker)
        if copies is None:
            from pariter.plan.localise import Copies

            copies = self._copies[worker] = Copies(survey)
        return copies
