"""How many positions an owner takes from its lane at once.

Between two blocks a worker looks at everything else: whether the rest is still wanted, whether somebody wants its
seat, how long the last block took. So a block must be long against the cost of looking, about 2 us, and short
against the patience of whoever waits.
"""

from __future__ import annotations

BLOCK_S = 0.0003
"""How long a block of a lane takes, roughly: looking costs less than one part in a hundred of it."""


def next_size(size: int, took: float) -> int:
    """The size of the block after one of `size` positions that took so many seconds."""
    if took < BLOCK_S / 2:
        return size * (8 if took < BLOCK_S / 32 else 2)
    if took > BLOCK_S * 2 and size > 1:
        return size // 2
    return size
