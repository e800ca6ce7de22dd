"""What was measured in a run and what became of it, for whoever asks why a plan ran as it did."""

from __future__ import annotations

from typing import NamedTuple


class Report(NamedTuple):
    """Numbers about one run; nothing of the user's."""

    span: int | None
    """How many units the source had; None if it never ends."""
    items: int
    """How many of them the caller had done when others took over, or in all: whole blocks, as they were counted."""
    item_s: float
    """How long one took the caller, lately."""
    decision: str
    """Who did the rest, and why."""

    def __str__(self) -> str:
        many = "endless" if self.span is None else f"{self.span:,}"
        took = f", {in_units(self.item_s)} each" if self.items else ""
        return f"{self.items:,} of {many} items in the caller{took}; {self.decision}"


def in_units(seconds: float) -> str:
    """A time as people write it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
