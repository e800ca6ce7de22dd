"""What `Seats` deals in: seats with their sleeping threads, and the tickets of guests who want one."""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

from pariter.sched import _platform


class Sleeper(Protocol):
    """A seat and its thread, as far as sleeping is concerned."""

    token: _platform.Lock  # released once for each time the thread is given its seat
    pool: Any  # what keeps the pool alive while the seat is occupied; None while it is free
    parking: _platform.Lock | None  # the token on which whoever occupies the seat parks, once it is there
    mailbox: deque[Any]  # jobs for this very seat


class Ticket:
    """A guest's place in the queue for a seat, and then its claim to the seat."""

    __slots__ = ("gone", "index", "token")

    def __init__(self, token: _platform.Lock) -> None:
        self.token = token
        self.index = -1
        self.gone = False

    def is_set(self) -> bool:
        """Whether the guest has its seat."""
        return self.index >= 0

    def attach(self, token: _platform.Lock) -> bool:
        """A ticket unparks the token it was made for."""
        return self.index < 0

    def detach(self, token: _platform.Lock) -> None:
        """Nothing to undo."""
