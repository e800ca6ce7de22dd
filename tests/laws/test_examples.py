"""Every class has an example."""

from __future__ import annotations

import pytest

from pariter.plan.origins import Origin, origin_of
from pariter.plan.reshape import Reshape
from pariter.plan.sinks import Sink
from pariter.plan.sources import Source
from pariter.plan.stages import Stage
from tests.laws import examples
from tests.laws.examples import known, subclasses

TABLES = {
    Stage: known(examples.CODE, examples.STAGES, examples.BY_BLOCK),
    Reshape: known(examples.CODE),
    Sink: known(examples.SINKS, examples.BY_BLOCK),
    Source: known(examples.CUT, examples.PULLED, examples.BY_BLOCK),
    Origin: known(examples.ORIGINS, examples.MADE),
}


@pytest.mark.parametrize("base", TABLES, ids=lambda base: base.__name__)
def test_every_class_has_an_example(base: type) -> None:
    missing = [f"{kind.__name__} has no example" for kind in subclasses(base) if kind not in TABLES[base]]

    assert missing == []


@pytest.mark.parametrize("kind", examples.CODE, ids=lambda kind: kind.__name__)
def test_the_code_of_a_step_adds_that_step(kind: type) -> None:
    plan = eval(examples.CODE[kind][0], vars(examples))

    assert type(plan._plan.steps[-1]) is kind


@pytest.mark.parametrize("kind", examples.ORIGINS, ids=lambda kind: kind.__name__)
def test_the_data_of_an_origin_makes_that_origin(kind: type) -> None:
    data, _ = examples.ORIGINS[kind]

    assert type(origin_of(data())) is kind


@pytest.mark.parametrize("kind", examples.MADE, ids=lambda kind: kind.__name__)
def test_the_code_of_an_origin_makes_that_origin(kind: type) -> None:
    plan = eval(examples.MADE[kind][0], vars(examples))

    assert type(plan._plan.origin) is kind
