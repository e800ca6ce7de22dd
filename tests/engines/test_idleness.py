"""A process that computes shows it at once; one that waits must do so for a while."""

from __future__ import annotations

import sys
import threading

import pytest

from pariter.engines import idleness
from pariter.engines.idleness import BRIEF_S, ENOUGH_S, HELD_UP_S, Idleness, times_given_way


class Clocks:
    """Stands for the module `time`, in which so much passes as one says."""

    def __init__(self) -> None:
        self.now = self.computed = 5.0
        self.given_way = 7

    def perf_counter(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.computed

    def pass_by(self, seconds: float, share: float, given_way: int = 1) -> None:
        self.now += seconds
        self.computed += seconds * share
        self.given_way += given_way


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    made = Clocks()
    monkeypatch.setattr(idleness, "time", made)
    monkeypatch.setattr(idleness, "times_given_way", lambda: made.given_way)
    return made


def test_nothing_is_known_at_first() -> None:
    watch = Idleness()

    watch.look()
    assert not watch.is_known


@pytest.mark.parametrize("share", [1.9, 1.0, 0.3])
def test_who_computes_is_known_at_once(clocks: Clocks, share: float) -> None:
    watch = Idleness()
    watch.look()
    clocks.pass_by(BRIEF_S * 1.1, share)

    watch.look()
    assert watch.is_known
    assert not watch.waits


@pytest.mark.parametrize(("share", "fills"), [(0.1, False), (0.7, False), (0.95, True), (1.05, True), (1.9, False)])
def test_threads_that_hold_one_another_up_fill_one_cpu(clocks: Clocks, share: float, fills: bool) -> None:
    watch = Idleness()
    watch.look()
    clocks.pass_by(ENOUGH_S / 2, share)
    watch.look()
    assert not watch.fills_one_cpu
    clocks.pass_by(ENOUGH_S, share)

    watch.look()
    assert watch.fills_one_cpu is fills


def test_a_moment_tells_nothing(clocks: Clocks) -> None:
    watch = Idleness()
    watch.look()
    clocks.pass_by(BRIEF_S / 2, 1.0)
    watch.look()
    assert not watch.is_known
    clocks.pass_by(ENOUGH_S, 0.01)

    watch.look()
    assert watch.is_known
    assert watch.waits


def test_what_was_not_watched_does_not_count(clocks: Clocks) -> None:
    watch = Idleness()
    for _ in range(4):
        clocks.pass_by(ENOUGH_S, 0.0)
        watch.begin()
        clocks.pass_by(BRIEF_S / 2, 1.0)
        watch.look()

    assert watch.is_known
    assert not watch.waits


def test_who_waits_is_known_after_a_while(clocks: Clocks) -> None:
    watch = Idleness()
    watch.look()
    clocks.pass_by(ENOUGH_S / 2, 0.01)
    watch.look()
    assert not watch.is_known
    clocks.pass_by(ENOUGH_S / 2 + 0.001, 0.01)

    watch.look()
    assert watch.is_known
    assert watch.waits


def test_who_never_gave_way_was_kept_from_computing_by_the_machine(clocks: Clocks) -> None:
    watch = Idleness()
    watch.look()
    clocks.pass_by(HELD_UP_S * 0.7, 0.1, given_way=0)
    watch.look()
    assert not watch.is_known
    clocks.pass_by(HELD_UP_S * 0.2, 1.0, given_way=0)
    watch.look()
    assert watch.is_known
    assert not watch.waits


def test_what_seems_to_wait_for_long_waits(clocks: Clocks) -> None:
    watch = Idleness()
    watch.look()
    for known in (False, True):
        clocks.pass_by(HELD_UP_S * 0.6, 0.1, given_way=0)
        watch.look()
        assert watch.is_known is known

    assert watch.waits


def test_another_thread_that_looks_does_not_count_how_often_it_waited_itself(clocks: Clocks) -> None:
    watch = Idleness()
    watch.look()
    clocks.pass_by(ENOUGH_S * 1.1, 0.1, given_way=5)
    thread = threading.Thread(target=watch.look)
    thread.start()
    thread.join()
    assert watch.is_known is (ENOUGH_S >= HELD_UP_S)

    clocks.pass_by(BRIEF_S, 0.1, given_way=0)
    watch.look()
    assert watch.is_known
    assert watch.waits


def test_how_often_a_thread_waited_before_it_was_watched_does_not_count(clocks: Clocks) -> None:
    watch = Idleness()
    thread = threading.Thread(target=watch.look)
    thread.start()
    thread.join()
    clocks.pass_by(ENOUGH_S * 1.1, 0.1, given_way=0)
    watch.look()

    assert watch.is_known is (ENOUGH_S >= HELD_UP_S)


@pytest.mark.skipif(sys.platform == "win32", reason="nobody counts it there")
def test_the_system_counts_how_often_a_thread_waits() -> None:
    before = times_given_way()
    for _ in range(10):  # some may be over before they begin, on a busy machine
        threading.Event().wait(0.001)

    assert times_given_way() > before


def test_only_what_was_lately_counts(clocks: Clocks) -> None:
    watch = Idleness()
    watch.look()
    for share in (1.0, 0.0):
        clocks.pass_by(ENOUGH_S * 2, share)
        watch.look()

    assert watch.is_known
    assert watch.waits
