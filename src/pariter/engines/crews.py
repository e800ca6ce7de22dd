"""The slots of one process pool together, and what is shared with them: for one run, and for all.

Tests    tests/engines/
"""

from __future__ import annotations

import contextlib
import functools
from concurrent.futures import wait
from typing import TYPE_CHECKING

from pariter.engines.asking import STOP_S, Board
from pariter.engines.memory import Lender
from pariter.engines.shipping import Parcel
from pariter.engines.slots import Slot, crews
from pariter.plan.piped import Piped
from pariter.plan.sinks import Sink

if TYPE_CHECKING:
    from pariter.engines.mailbox import Mailbox


class Crew:
    """The slots of one process pool."""

    def __init__(self, slots: list[Slot]) -> None:
        self.slots = slots
        self._share_board()
        crews.add(self)

    def _share_board(self) -> None:
        self._board = Board(len(self.slots))
        for slot in self.slots:
            slot.board = self._board

    @functools.cached_property
    def mailbox(self) -> Mailbox:
        """Where tasks that were sent by themselves leave what they logged."""
        from pariter.engines.mailbox import Mailbox

        return Mailbox(shows_itself=True)

    def close(self, *, kill: bool, patience: float = STOP_S) -> None:
        """Close the slots, and show what was logged until then.

        Who is to be killed is asked to leave first, and has `patience` seconds for that.
        """
        try:
            if kill:
                wait([shipment for slot in self.slots for shipment in slot.ask_all()], patience)
        finally:
            for slot in self.slots:
                slot.close(kill=kill)
            self._board.close()
        if "mailbox" in vars(self):
            with contextlib.suppress(Warning):  # nobody asked for the result
                self.mailbox.show()

    def reset(self) -> None:
        """Know nothing of what is the parent's: in a forked child."""
        vars(self).pop("mailbox", None)
        for slot in self.slots:
            slot.reset()
        self._share_board()

    @property
    def is_warm(self) -> bool:
        """Whether every process is there."""
        return all(slot.is_warm for slot in self.slots)

    def for_run(self) -> RunCrew:
        """The same slots, and memory to share with them for one run."""
        return RunCrew(self)

    def warm_up(self) -> None:
        """Start all processes, side by side."""
        for slot in self.slots:
            slot.warm_up()


class RunCrew:
    """The slots of one process pool, and what is lent to them for one run."""

    in_flight = 2

    def __init__(self, crew: Crew) -> None:
        self.slots = crew.slots
        self._crew = crew
        self._lender: Lender | None = None

    @property
    def is_warm(self) -> bool:
        """Whether every process is there."""
        return self._crew.is_warm

    def warm_up(self) -> None:
        """Start all processes, side by side."""
        self._crew.warm_up()

    def parcel(self, piped: Piped, sink: Sink) -> Parcel:
        """The functions of a run, pickled; CannotSend if they cannot be."""
        if self._lender is None:
            self._lender = Lender(len(self.slots))
        return Parcel(piped, sink, self._lender)

    def close(self) -> None:
        """The run is over: take back what was lent."""
        lender, self._lender = self._lender, None
        if lender is None:
            return
        lender.close()
        if lender.is_used:
            for slot in self.slots:
                slot.forget_memory(lender.token)
