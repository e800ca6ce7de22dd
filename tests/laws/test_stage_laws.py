"""What holds for every stage: its example, its claims about order and number, and its journey."""

from __future__ import annotations

import pickle
from typing import Any

import cloudpickle
import pytest

from pariter.plan.stages import Stage
from tests.laws import examples
from tests.laws.examples import CODE, STAGES


def rows() -> dict[str, tuple[Stage, list[Any], list[Any]]]:
    found = {kind.__name__: row for kind, row in STAGES.items()}
    for kind, (code, wanted) in CODE.items():
        if issubclass(kind, Stage) and kind.__name__ not in found:
            plan = eval(code, vars(examples))._plan
            found[kind.__name__] = (plan.steps[-1], list(plan.origin.data), wanted)
    return found


ROWS = rows()
each_stage = pytest.mark.parametrize("name", ROWS)


def attached(stage: Stage, items: list[Any]) -> list[Any]:
    return list(stage.attach(iter(items)))


@each_stage
def test_a_stage_gives_what_its_example_says(name: str) -> None:
    stage, items, wanted = ROWS[name]

    assert attached(stage, items) == wanted


@each_stage
def test_a_one_to_one_stage_gives_one_result_for_each_item(name: str) -> None:
    stage, items, wanted = ROWS[name]

    assert not stage.one_to_one or len(items) == len(wanted)


@each_stage
def test_a_stage_that_handles_items_alone_may_be_cut_anywhere_and_run_from_the_right(name: str) -> None:
    stage, items, wanted = ROWS[name]
    halves = [attached(stage, items[:at]) + attached(stage, items[at:]) for at in range(len(items) + 1)]

    if stage.by_item:
        assert halves == [wanted] * (len(items) + 1)
        if "Reversed" not in name:
            assert attached(stage.reversed(), items[::-1]) == wanted[::-1]
    else:
        assert halves[0][-len(wanted) :] == wanted


@each_stage
def test_a_stage_survives_a_journey(name: str) -> None:
    stage, items, wanted = ROWS[name]

    arrived = pickle.loads(cloudpickle.dumps(stage))

    assert type(arrived) is type(stage)
    assert attached(arrived, items) == wanted
