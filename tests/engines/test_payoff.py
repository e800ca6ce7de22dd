"""Whether a run's rest pays for the journey is judged by what was measured last."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from pariter.engines.payoff import COLD_START_S, Payoff
from pariter.plan.piped import Piped
from pariter.plan.sinks import Sum
from pariter.plan.sources import Slices


def payoff(*, is_warm: bool = True, source: Any = range(1)) -> Payoff:
    crew = cast("Any", SimpleNamespace(slots=[1, 2], is_warm=is_warm))
    return Payoff(Piped(Slices(source), ()), Sum(0), crew)


def test_nothing_pays_before_a_millisecond_was_measured() -> None:
    judge = payoff()

    judge.measured(1, 0.0009)
    assert not judge.knows_enough
    assert not judge.pays(10**9)
    judge.measured(1, 0.0002)
    assert judge.knows_enough
    assert judge.pays(10**9)


def test_cheap_items_at_the_beginning_do_not_hide_dear_ones_at_the_end() -> None:
    judge = payoff()

    judge.measured(100_000, 0.1)
    assert not judge.pays(200)
    for _ in range(40):
        judge.measured(1, 0.001)

    assert judge.pays(200)
    assert judge.items == 100_040


def test_the_start_of_processes_has_to_be_earned() -> None:
    cold, warm = payoff(is_warm=False), payoff()
    for judge in (cold, warm):
        judge.measured(1_000, 0.01)

    assert not cold.pays(2 * COLD_START_S / 1e-5 * 0.9)
    assert cold.pays(2 * COLD_START_S / 1e-5 * 1.1)
    assert warm.pays(2_000)


@pytest.mark.parametrize(("source", "pays"), [(range(1), True), ([1], False)])
def test_items_that_cost_no_more_than_their_journey_stay(source: Any, pays: bool) -> None:
    judge = payoff(source=source)

    judge.measured(100_000, 0.006)

    assert judge.pays(10**8) is pays
