"""Who sits where: when an idle worker sleeps, who wakes it, and how a guest gets its seat.

A pool of n has n seats, each with a thread of its own. Only who occupies a seat runs functions, so never more
than n do. The thread of a free seat is asleep; a seat is free only while its thread is asleep.

States   of a seat: FREE (its thread asleep or not started) → OCCUPIED by its thread, woken or *searching* until it
         has found work, or by a guest → FREE. Straight from a guest to the next guest or to the thread, too.
Guards   `lock` guards every field and the `pool` of every sleeper; no user code runs under it.
         Between two changes under it stands no call, so a KeyboardInterrupt finds them all done or none.
Promise  What is published before `announce_…()` is found: by a worker that is awake, because `epoch` has moved
         and it does not doze; else by a sleeper, because it is woken. A free seat never stays free while a
         guest waits, nor asleep while `epoch` has moved since the last fruitless search.
Proof    docs/design/scheduler.md#falling-asleep   Tests  tests/interleavings/test_sleep.py
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from pariter.sched import _platform
from pariter.sched.latch import Latch
from pariter.sched.ticket import Sleeper, Ticket


class Seats:
    """The seats of one pool, and the queue for them."""

    def __init__(self, sleepers: Sequence[Sleeper], queues: Sequence[deque[Any]]) -> None:
        """`queues` are where jobs lie; those of the sleepers come first, in their order."""
        self._sleepers = sleepers
        self._queues = queues
        self.lock = _platform.new_lock()
        self.all = (1 << len(sleepers)) - 1
        self.free = self.all  # bit i: seat i
        self.threads = 0  # bit i: the thread of seat i has been started
        self.unstarted = 0  # bit i: seat i was given to its thread, which has yet to be started
        self.barren = 0  # bit i: the thread of seat i could not be started
        self.searching = 0  # threads woken that have not found anything yet
        self.epoch = 0  # number of announcements
        self.searched = 0  # `epoch` at the start of the last search that found nothing
        self.guests_waiting = 0
        self._queue: deque[Ticket] = deque()
        self.blocked = 0  # occupants that wait for a latch
        self.strangers: deque[_platform.Lock] = deque()  # tokens of those that wait for another pool
        self.closing = False
        self.over = False
        self.ended = Latch()

    # --- guests ---------------------------------------------------------------------------------------------

    def sit(self, ticket: Ticket, keeper: object) -> bool:
        """Give `ticket` the lowest free seat; False if there is none."""
        with self.lock:
            free = self.free
            if not free:
                return False
            bit = free & -free
            index = bit.bit_length() - 1
            sleeper = self._sleepers[index]
            sleeper.pool = keeper
            sleeper.parking = ticket.token
            self.free = free ^ bit
            ticket.index = index
            return True

    def queue(self, ticket: Ticket, keeper: object) -> None:
        """Give `ticket`, which found no free seat, its place in the queue, where its token is unparked in its turn."""
        with self.lock:
            if not self.free:
                self._queue.append(ticket)
                self._count_guests_locked()
                return
        if not self.sit(ticket, keeper):  # A seat became free between sit() and here.
            self.queue(ticket, keeper)

    def give_up_waiting(self, ticket: Ticket) -> None:
        """Take `ticket` out of the queue; if it has been given a seat meanwhile, it keeps it."""
        with self.lock:
            if ticket.index < 0:
                ticket.gone = True
            self._count_guests_locked()

    def _count_guests_locked(self) -> None:
        queue = self._queue
        while queue and (queue[0].gone or queue[0].index >= 0):
            queue.popleft()
        self.guests_waiting = sum(not ticket.gone for ticket in queue)

    # --- giving a seat up ------------------------------------------------------------------------------------

    def rise(self, index: int, token: _platform.Lock) -> None:
        """The guest with `token` leaves seat `index`: to the next guest, or to its thread if there may be work.

        Does nothing if that guest does not sit there (any more).
        """
        with self.lock:
            sleeper = self._sleepers[index]
            if sleeper.parking is not token or (self._queue and self._serve_guest_locked(index)):
                return
            bit = 1 << index
            fresh = self.epoch != self.searched or sleeper.mailbox or self._queues[index]
            if fresh and not self.over and not self.barren & bit:
                sleeper.parking = None
                self.searching += 1
                self.unstarted |= bit & ~self.threads
                sleeper.token.release()
                return
            sleeper.pool = sleeper.parking = None
            self.free |= bit
            if self.closing:
                self._end_if_quiet_locked()

    def doze(self, index: int, seen: int, searching: bool) -> bool:
        """The thread of seat `index` found nothing since `epoch` was `seen`: True if it may sleep now.

        The seat is then no longer its own; the thread waits for its token.
        """
        with self.lock:
            sleeper = self._sleepers[index]
            # Racing with announce_…(): if it came first, `epoch` has moved and we search again; if we did, it sees
            # this seat free and wakes us.
            if self.epoch != seen or sleeper.mailbox:
                return False
            self.searched = seen
            if searching:
                self.searching -= 1
            if not self._serve_guest_locked(index):
                sleeper.pool = sleeper.parking = None
                self.free |= 1 << index
                self._end_if_quiet_locked()
            return True

    def cede(self, index: int, searching: bool) -> bool:
        """The thread of seat `index` gives it to a waiting guest (True) if there is one, work or no work."""
        with self.lock:
            if not self._serve_guest_locked(index):
                return False
            if searching:
                self.searching -= 1
            self.searched = -1  # There may be work that nobody has looked at: the guest's leaving wakes us.
            return True

    def _serve_guest_locked(self, index: int) -> bool:
        queue = self._queue
        while queue:
            ticket = queue[0]
            if not ticket.gone and ticket.index < 0:
                self._sleepers[index].parking = ticket.token
                ticket.index = index
                self.guests_waiting -= 1
                try:
                    ticket.token.release()
                except RuntimeError:
                    pass  # Unparked already, for whatever reason: it will look at its ticket.
                return True
            queue.popleft()
        return False

    # --- waking ----------------------------------------------------------------------------------------------

    def announce_job(self, keeper: object) -> bool:
        """There is a job: wake one sleeper, unless one is already on its way and will find it; False if all is over."""
        with self.lock:
            self.epoch += 1
            if not self.searching and not self.over:
                self._wake_locked(keeper)
            return not self.over

    def announce_help(self, keeper: object, want: int) -> None:
        """There is work for `want` helpers: wake as many sleepers."""
        with self.lock:
            self.epoch += 1
            self._wake_many_locked(want, keeper)

    def call(self, index: int, keeper: object, mail: object) -> bool:
        """Put `mail` in the mailbox of seat `index` and wake whoever it is; False if all is over."""
        with self.lock:
            if self.over:
                return False
            sleeper = self._sleepers[index]
            sleeper.mailbox.append(mail)
            if self.free >> index & 1:
                self._give_to_thread_locked(index, keeper)
            elif sleeper.parking is not None:
                try:
                    sleeper.parking.release()
                except RuntimeError:
                    pass  # Not parked: it looks into its mailbox before it parks, and before it leaves.
            return True

    def found(self, seen: int, keeper: object) -> None:
        """A thread that was woken has found something: wake the next if there seems to be more."""
        with self.lock:
            self.searching -= 1
            if not self.searching and (self.epoch != seen or any(self._queues)):
                self._wake_locked(keeper)

    def _wake_many_locked(self, want: int, keeper: object) -> None:
        while want > 0 and self.free & ~self.barren and not self.over:
            self._wake_locked(keeper)
            want -= 1

    def _wake_locked(self, keeper: object) -> None:
        awake = self.free & ~self.barren
        if awake:
            self._give_to_thread_locked((awake & -awake).bit_length() - 1, keeper)
        else:
            self._wake_stranger_locked()

    def _give_to_thread_locked(self, index: int, keeper: object) -> None:
        sleeper = self._sleepers[index]
        bit = 1 << index
        sleeper.pool = keeper
        self.free &= ~bit
        self.searching += 1
        self.unstarted |= bit & ~self.threads
        sleeper.token.release()

    # --- occupants that wait ---------------------------------------------------------------------------------

    def block(self, stranger: _platform.Lock | None) -> None:
        """An occupant is about to wait; with its token if what it waits for is not of this pool."""
        with self.lock:
            self.blocked += 1
            if stranger is not None:
                self.strangers.append(stranger)
            if any(self._queues):
                self._wake_stranger_locked()

    def unblock(self, stranger: _platform.Lock | None) -> None:
        """The wait, or this part of it, is over."""
        with self.lock:
            self.blocked -= 1
            if stranger is not None and stranger in self.strangers:
                self.strangers.remove(stranger)

    def is_stranded(self) -> bool:
        """Whether every worker waits, so that a job here can only be run by one that waits for another pool."""
        return not self.free & ~self.barren and self.blocked >= (self.all & ~self.free).bit_count()

    def _wake_stranger_locked(self) -> None:
        if self.strangers and self.is_stranded():
            try:
                self.strangers[-1].release()
            except RuntimeError:
                pass  # Unparked already: it will look.

    # --- threads that start and end --------------------------------------------------------------------------

    def next_unstarted(self) -> int:
        """The index of a thread that the caller must start now; -1 if there is none."""
        with self.lock:
            unstarted = self.unstarted
            if not unstarted:
                return -1
            bit = unstarted & -unstarted
            index = bit.bit_length() - 1
            self.unstarted = unstarted ^ bit
            self.threads |= bit
            return index

    def cannot_start(self, index: int) -> None:
        """The thread that was given seat `index` cannot be started: the seat is for guests only."""
        with self.lock:
            sleeper = self._sleepers[index]
            bit = 1 << index
            sleeper.token.acquire()
            self.threads &= ~bit
            self.barren |= bit
            self.searching -= 1
            if not self._serve_guest_locked(index):
                sleeper.pool = sleeper.parking = None
                self.free |= bit
                self._end_if_quiet_locked()

    def close(self) -> None:
        """No more work from outside: end the threads as soon as all is done."""
        with self.lock:
            self.closing = True
            self._end_if_quiet_locked()

    def _end_if_quiet_locked(self) -> None:
        if not self.closing or self.over or self.free != self.all:
            return
        if any(self._queues) and self.all & ~self.barren:
            return  # A worker has been announced this, or close() will do so.
        self.over = True
        for index, sleeper in enumerate(self._sleepers):
            if self.threads >> index & 1:
                sleeper.token.release()  # and no pool: that is how a thread learns of the end
        self.ended.set()
