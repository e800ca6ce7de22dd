"""The tool itself: it finds planted lost wake-ups, repeats itself, and does not cry wolf."""

from __future__ import annotations

import pytest

from pariter.sched import _platform
from pariter.sched.latch import Latch, my_token, park
from pariter.sched.pool import WorkerPool
from pariter.sched.sleep import Seats
from pariter.sched.spawn import spawn
from tests.interleavings.seeded import Deadlock, Seeded, spread


class LatchThatForgetsToLookAgain(Latch):
    """Looks before it attaches, and then parks without a second look."""

    __slots__ = ()

    def wait(self, timeout: float | None = None) -> bool:
        if not self.is_set():
            token = my_token()
            self.attach(token)
            park(token)
        return True


def _set_and_wait(kind: type[Latch]) -> None:
    latch = kind()
    spread([latch.wait, latch.set])


def _seed_that_hangs(scenario: object, seeds: range) -> int | None:
    for seed in seeds:
        try:
            Seeded(seed).run(scenario)  # type: ignore[arg-type]
        except Deadlock:
            return seed
    return None


def test_a_latch_that_looks_only_before_it_attaches_is_found_asleep() -> None:
    assert _seed_that_hangs(lambda: _set_and_wait(LatchThatForgetsToLookAgain), range(300)) is not None


def test_the_same_seed_gives_the_same_verdict_again() -> None:
    def scenario() -> None:
        _set_and_wait(LatchThatForgetsToLookAgain)

    seed = _seed_that_hangs(scenario, range(300))
    assert seed is not None

    for _ in range(3):
        with pytest.raises(Deadlock, match="nobody left to wake them"):
            Seeded(seed).run(scenario)


def _doze_without_looking_again(self: Seats, index: int, seen: int, searching: bool) -> bool:
    with self.lock:
        sleeper = self._sleepers[index]
        if searching:
            self.searching -= 1
        sleeper.pool = sleeper.parking = None
        self.free |= 1 << index
        return True


def test_a_worker_that_dozes_without_comparing_epochs_is_found_asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Seats, "doze", _doze_without_looking_again)

    def scenario() -> None:
        pool = WorkerPool(1)
        for _ in range(6):
            spawn(pool, int).result()

    assert _seed_that_hangs(scenario, range(300)) is not None


def test_an_error_in_any_thread_is_raised_by_the_run() -> None:
    def scenario() -> None:
        spread([lambda: {}["missing"]])

    with pytest.raises(KeyError):
        Seeded(1).run(scenario)


def test_sleepers_that_time_will_wake_are_no_deadlock() -> None:
    def scenario() -> None:
        _platform.sleep(100)
        assert Latch().wait(5) is False
        assert _platform.monotonic() >= 105

    Seeded(1).run(scenario)
