"""A run of cheap items goes on alone where helpers cost more than they do, and is not misled for long."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from pariter import ThreadPool, par_iter
from pariter.engines import own, threads, worth
from pariter.engines.worth import DEAR_S, FIRST_STAY_S, WINDOW_S, Worth

STEP_S = 0.0005
LONG_S = 60


class Simulation:
    """A run with a clock of its own, whose items get done at rates that a test sets."""

    def __init__(self, alone: float, together: float) -> None:
        self.worth = Worth()
        self.alone = alone
        self.together = together
        self.now = 0.0
        self.left = 1e9
        self.helpers = 0
        self.alone_s = 0.0
        self.changes = 0

    def run(self, seconds: float, *, may_join: bool = True) -> None:
        end = self.now + seconds
        while self.now < end:
            self.helpers = int(self.worth.is_open and may_join)
            self.left -= STEP_S * (self.together if self.helpers else self.alone)
            self.alone_s += 0 if self.helpers else STEP_S
            self.now += STEP_S
            self.changes += self.worth.look(self.now, int(self.left), self.helpers)


def test_helpers_stay_without_a_trial_where_they_clearly_pay() -> None:
    run = Simulation(alone=1e7, together=1.9e7)
    run.run(2 * WINDOW_S, may_join=False)

    run.run(1.0)

    assert run.changes == 0


def test_helpers_go_for_good_where_they_make_it_slower_but_for_short_trials() -> None:
    run = Simulation(alone=1e7, together=4e6)
    run.run(2 * WINDOW_S, may_join=False)

    run.run(1.0)

    assert run.worth.is_alone
    assert run.alone_s > 0.95


def test_helpers_stay_but_for_short_trials_where_it_was_never_seen_what_one_thread_does() -> None:
    run = Simulation(alone=1e7, together=1.2e7)

    run.run(1.0)

    assert not run.worth.is_alone
    assert 0 < run.alone_s < 0.05


def test_items_that_grow_dear_get_helpers_back_at_once() -> None:
    run = Simulation(alone=1e7, together=4e6)
    run.run(1.0)
    was_open = run.worth.is_open

    run.alone = 0.5 / DEAR_S
    run.together = 2 * run.alone
    run.run(3 * WINDOW_S)

    assert not was_open
    assert run.worth.is_open


def test_helpers_come_back_when_sharing_ends() -> None:
    run = Simulation(alone=1e7, together=4e6)
    run.run(0.05)
    was_open = run.worth.is_open

    run.together = 1.9e7
    run.run(1.0)

    assert not was_open
    assert run.worth.is_open


def test_helpers_go_when_sharing_begins() -> None:
    run = Simulation(alone=1e7, together=1.2e7)
    run.run(0.05)

    run.together = 4e6
    run.run(1.0)

    assert not run.worth.is_open


def test_dear_items_are_never_put_on_trial() -> None:
    run = Simulation(alone=0.5 / DEAR_S, together=0.4 / DEAR_S)

    run.run(1.0)

    assert run.changes == 0


def test_nothing_is_decided_while_no_helper_comes() -> None:
    run = Simulation(alone=1e7, together=4e6)

    run.run(10 * FIRST_STAY_S, may_join=False)

    assert run.worth.is_open
    assert run.changes == 0


# -- In the engine ----------------------------------------------------------------------------------


@pytest.fixture
def without_gil(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "pays", lambda: True)


def scripted(monkeypatch: pytest.MonkeyPatch, decide: Callable[[int, int], bool]) -> None:
    """Let `decide(looks, helpers)` say whether helpers are wanted."""

    class Scripted(worth.Worth):
        looks = 0

        def look(self, now: float, left: int, helpers: int) -> bool:
            self.looks += 1
            was_open, self.is_open = self.is_open, decide(self.looks, helpers)
            return self.is_open is not was_open

    monkeypatch.setattr(threads, "Worth", Scripted)


@pytest.mark.usefixtures("without_gil")
def test_a_run_whose_helpers_are_sent_away_and_called_back_all_the_time_gives_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    had_helpers: set[bool] = set()

    def decide(looks: int, helpers: int) -> bool:
        had_helpers.add(helpers > 0)
        return looks % 4 < 2

    scripted(monkeypatch, decide)
    with ThreadPool(3) as pool:
        while had_helpers != {True, False}:
            assert par_iter(range(300_000)).on(pool).map(lambda x: x + 1).collect() == list(range(1, 300_001))


@pytest.mark.usefixtures("without_gil")
def test_a_run_that_went_on_alone_gets_helpers_when_its_caller_is_stuck_in_an_item(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scripted(monkeypatch, lambda looks, helpers: False)
    caller = threading.current_thread()
    helped = threading.Event()

    def fn(x: int) -> int:
        if threading.current_thread() is not caller:
            helped.set()
        elif x > 5000:
            assert helped.wait(LONG_S)
        return x

    with ThreadPool(2) as pool:
        assert par_iter(range(200_000)).on(pool).map(fn).sum() == sum(range(200_000))


@pytest.mark.usefixtures("without_gil")
def test_a_run_that_ended_alone_says_so(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pariter")
    scripted(monkeypatch, lambda looks, helpers: False)

    with ThreadPool(2) as pool:
        par_iter(range(200_000)).on(pool).map(abs).filter(None).sum()

    assert [record.getMessage().partition(" with ")[0] for record in caplog.records] == [
        "a run of map(abs) went on in one thread:"
    ]
