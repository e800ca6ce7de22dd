"""Whether a run's rest pays for the journey is judged by what was measured last."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from pariter.engines import payoff as module
from pariter.engines.payoff import COLD_START_S, SHIPPING_S, WARM_START_S, Payoff, shipping_s
from pariter.plan.piped import Piped
from pariter.plan.sinks import Sum
from pariter.plan.sources import Slices


def payoff(*, is_warm: bool = True, source: Any = range(1)) -> Payoff:
    crew = cast("Any", SimpleNamespace(slots=[1, 2], is_warm=is_warm))
    return Payoff(Piped(Slices(source), ()), Sum(0), crew)


def test_nothing_pays_before_a_millisecond_was_measured() -> None:
    judge = payoff()

    judge.measured(1, 0.0009, 0.0009)
    assert not judge.knows_enough
    assert not judge.pays(10**9)
    judge.measured(1, 0.0002, 0.0002)
    assert judge.knows_enough
    assert judge.pays(10**9)


def test_cheap_items_at_the_beginning_do_not_hide_dear_ones_at_the_end() -> None:
    judge = payoff()

    judge.measured(100_000, 0.1, 0.1)
    assert not judge.pays(200)
    for _ in range(40):
        judge.measured(1, 0.001, 0.001)

    assert judge.pays(200)
    assert judge.items == 100_040


def test_the_start_of_processes_has_to_be_earned() -> None:
    cold, warm = payoff(is_warm=False), payoff()
    for judge in (cold, warm):
        judge.measured(1_000, 0.01, 0.01)

    assert not cold.pays(2 * COLD_START_S / 1e-5 * 0.9)
    assert cold.pays(2 * COLD_START_S / 1e-5 * 1.1)
    assert warm.pays(2_000)


@pytest.mark.parametrize(("source", "pays"), [(range(1), True), ([1], False)])
def test_items_that_cost_no_more_than_their_journey_stay(source: Any, pays: bool) -> None:
    judge = payoff(source=source)

    judge.measured(100_000, 0.006, 0.006)

    assert judge.pays(10**8) is pays


@pytest.mark.parametrize(("source", "slowness", "pays"), [([1], 1, True), ([1], 4, False), (range(1), 4, True)])
def test_items_that_seem_dear_on_a_busy_machine_stay_if_their_journey_is_as_dear(
    source: Any, slowness: float, pays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "shipping_s", lambda: SHIPPING_S * slowness)
    judge = payoff(source=source)

    judge.measured(100_000, 0.020, 0.020)

    assert judge.pays(10**8) is pays


def test_a_journey_is_measured_and_never_taken_for_cheaper_than_on_a_machine_at_rest() -> None:
    measured = [shipping_s() for _ in range(20)]

    assert min(measured) >= SHIPPING_S
    assert min(measured) < 1e-3


def test_for_processes_counts_what_was_computed_and_for_threads_what_it_took() -> None:
    judge = payoff()

    judge.measured(100, 1.0, 0.0)
    assert judge.pays_nearby(1_000)
    assert not judge.pays(1_000)

    judge.measured(100, 1.0, 2.0)  # this process has other threads that compute
    assert judge.pays(1_000)


def test_a_clock_of_processor_time_that_ticks_tells_as_much_as_one_that_does_not() -> None:
    fine, coarse = payoff(), payoff()

    for number in range(64):
        fine.measured(10, 0.001, 0.001)
        coarse.measured(10, 0.001, 0.016 * (number % 16 == 7))

    rest = 2 * WARM_START_S / 1e-4
    assert not fine.pays(rest * 0.9)
    assert not coarse.pays(rest * 0.9)
    assert fine.pays(rest * 1.1)
    assert coarse.pays(rest * 1.1)


def test_what_waits_for_long_computes_nothing_whatever_the_clock() -> None:
    judge = payoff()

    for _ in range(100):
        judge.measured(10, 0.001, 0.0)

    assert judge.pays_nearby(1_000)
    assert not judge.pays(10**9)


def test_a_block_of_no_items_tells_nothing() -> None:
    judge = payoff()

    judge.measured(0, 1.0, 1.0)

    assert judge.items == 0
    assert not judge.knows_enough
    assert not judge.pays(10**9)
