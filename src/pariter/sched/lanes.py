"""A range of positions with one owner, who takes from the left, and thieves, who take the right half.

States   a *leaf* is open from `next_leaf()` until its owner asks for the next one; `begin` is where
         it began, `next` what is taken next, `stop` where it must end, `end` where the lane ends.
Guards   `_lock` guards all four; nobody else's code runs under it.
Promise  Every position belongs to exactly one lane, and is handed out by `take` exactly once.
         A leaf holds at least `shortest` and at most `longest` positions, unless the lane is shorter.
Tests    tests/sched/test_lanes.py (cuts, leaf lengths), tests/interleavings/test_lanes.py.
"""

from __future__ import annotations

from pariter._record import Record
from pariter.sched import _platform


class Cuts(Record):
    """Where a range may be cut: how short and how long a leaf may be, and on which multiples."""

    shortest: int = 1
    longest: int | None = None
    quantum: int | None = None

    @property
    def fixes_leaves(self) -> bool:
        """Whether a leaf's end is known when it begins, so that a thief must leave it alone."""
        return self.longest is not None or self.quantum is not None

    def leaf_length(self, begin: int, end: int) -> int:
        """The length of the leaf that begins at `begin`, with `end` the end of what is left."""
        left = end - begin
        if self.quantum is not None:
            return min(left, self.quantum - begin % self.quantum)
        if self.longest is None or left <= 0:
            return left
        longest = max(self.longest, 2 * self.shortest - 1)
        leaves = -(-left // longest)
        return -(-left // leaves)


class Lane:
    """The stealable remainder of one worker's range."""

    __slots__ = ("_cuts", "_is_open", "_lock", "begin", "end", "next", "stop")

    def __init__(self, begin: int, end: int, cuts: Cuts) -> None:
        self._lock = _platform.new_lock()
        self._cuts = cuts
        self.begin = self.next = self.stop = begin
        self.end = end
        self._is_open = True  # whether what is taken next belongs to the leaf at `begin`

    def __repr__(self) -> str:
        return f"<Lane {self.begin} <= {self.next} <= {self.end}>"

    @property
    def remaining(self) -> int:
        """How many positions are still to be taken; a hint as soon as it is read."""
        return self.end - self.next

    def next_leaf(self) -> int | None:
        """Begin a leaf where the last one ended; None when nothing is left."""
        with self._lock:
            if self.next >= self.end:
                return None
            self.begin = self.next
            self._is_open = True
            if self._cuts.fixes_leaves:
                self.stop = self.begin + self._cuts.leaf_length(self.begin, self.end)
            return self.begin

    def take(self, most: int) -> tuple[int, int] | None:
        """The next block of at most `most` positions of the open leaf; None where the leaf ends."""
        with self._lock:
            low = self.next
            end = self.stop if self._cuts.fixes_leaves else self.end
            if low >= end:
                return None
            self.next = high = min(low + most, end)
            return low, high

    def take_leaf(self, most: int) -> tuple[int, int] | None:
        """A whole leaf of about `most` positions, for whoever runs it out of this lane's sight."""
        if self.next_leaf() is None:
            return None
        with self._lock:
            if not self._cuts.fixes_leaves:
                shortest = self._cuts.shortest
                most = max(most, shortest)
                if self.end - self.next - most < shortest:
                    most = self.end - self.next
            end = self.stop if self._cuts.fixes_leaves else min(self.next + most, self.end)
            low, self.next = self.next, end
            self._is_open = False
            return (low, end) if low < end else None

    def pause(self) -> bool:
        """End the open leaf here, so that others can have the rest of the lane; False where it may not end.

        From now on a thief leaves a leaf of its own between here and where it cuts, or takes everything.
        """
        shortest = self._cuts.shortest
        with self._lock:
            if self._cuts.fixes_leaves or min(self.next - self.begin, self.end - self.next) < shortest:
                return False
            self._is_open = False
            return True

    def steal(self) -> Lane | None:
        """A lane over the right half of what is left, rounded up, or None where no cut is allowed."""
        with self._lock:
            cut = self._cut_locked()
            if cut is None:
                return None
            stolen = Lane(cut, self.end, self._cuts)
            self.end = cut
            return stolen

    def _cut_locked(self) -> int | None:
        cuts = self._cuts
        low = self.stop if cuts.fixes_leaves else self.next
        middle = low + (self.end - low) // 2
        if cuts.quantum is not None:
            middle += -middle % cuts.quantum
            return middle if middle < self.end else None
        last = self.end - cuts.shortest
        if cuts.fixes_leaves or not self._is_open:
            first = low + cuts.shortest
            if first > last:  # no room for two leaves: all of it or nothing
                return low if low <= last else None
        else:
            first = max(low, self.begin + cuts.shortest)  # the owner's leaf has begun
        return max(first, min(middle, last)) if first <= last else None

    def drop(self) -> None:
        """Give up what is left: nobody needs it any more."""
        with self._lock:
            self.end = self.next
            self.stop = min(self.stop, self.end)
