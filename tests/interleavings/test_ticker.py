"""The ticker: what stays watched is opened, in every order of watching, looking and parking."""

from __future__ import annotations

from pariter.sched import _platform
from pariter.sched.latch import Latch
from pariter.sched.ticker import PATIENCE, PERIOD_S, Ticker, ticker, unwatch, watch
from tests.interleavings.scenarios import try_seeds
from tests.interleavings.seeded import spread


class Run:
    """Something that lasts until it is opened."""

    def __init__(self, stays: int = 0) -> None:
        self.opened = Latch()
        self.times = 0
        self.stays = stays

    def open(self) -> bool:
        self.times += 1
        if self.times > self.stays:
            self.opened.set()
            return False
        return True


def test_what_stays_watched_is_opened_once_whether_the_ticker_is_parking_or_not() -> None:
    def last() -> None:
        for pause in (0, PERIOD_S * (PATIENCE + 1), PERIOD_S * PATIENCE):
            _platform.sleep(pause)
            run = Run()
            watch(run)
            run.opened.wait()
            unwatch(run)
            assert run.times == 1

    def scenario() -> None:
        spread([last, last])
        # An unpark too many costs it another round of patience, and here time may pass without it.
        for _ in range(10):
            _platform.sleep(PERIOD_S * 2 * PATIENCE)
        assert not ticker._watched
        assert ticker._parked

    try_seeds(60, scenario)


def test_what_asks_for_it_is_opened_again_at_every_look() -> None:
    def scenario() -> None:
        run = Run(stays=3)
        watch(run)
        run.opened.wait()
        _platform.sleep(PERIOD_S * 10)
        assert run.times == 4

    try_seeds(60, scenario)


def test_what_ends_soon_is_never_opened() -> None:
    def scenario() -> None:
        own = Ticker()
        run = Run()
        own._parked = False  # so that only this test looks
        own.watch(run)
        assert own.look()
        own.unwatch(run)
        assert not own.look()
        assert run.times == 0

    try_seeds(5, scenario)


def test_an_open_that_raises_is_reported_and_the_ticker_lives_on() -> None:
    class Bad:
        def open(self) -> object:
            raise ZeroDivisionError

    reports: list[BaseException] = []

    def scenario() -> None:
        _platform.report = reports.append
        watch(Bad())
        run = Run()
        watch(run)
        run.opened.wait()

    try_seeds(20, scenario)

    assert reports
    assert {type(error) for error in reports} == {ZeroDivisionError}
