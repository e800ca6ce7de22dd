"""The engine law: every engine gives exactly what the plain loop gives, values and exceptions alike."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given

from pariter import Pool
from tests.eager import eager
from tests.laws.model import Model, Raised
from tests.laws.plans import RandomPlan, Terminal, plans, terminals

NOTE = re.compile(r"pariter: raised by (the source|\w+)(?:\(.*?\))?(?: at item (-?\d+).*)?, on (.*)", re.DOTALL)


def expected(terminal: Terminal, model: Model) -> Any:
    try:
        return comparable(terminal.expect(model))
    except Raised as raised:
        return comparable(raised)


def actual(terminal: Terminal, plan: Any) -> Any:
    try:
        return comparable(terminal.run(plan))
    except Exception as error:
        return comparable(error)


def comparable(value: Any) -> Any:
    """A value as it is, an exception as its class, arguments, attributes, and where it was raised."""
    if isinstance(value, tuple) and value and isinstance(value[-1], Exception):
        return (*value[:-1], comparable(value[-1]))
    if isinstance(value, Raised):
        return *described(value.error), value.step, None if value.step == "the source" else value.index
    if isinstance(value, Exception):
        notes = [note for note in getattr(value, "__notes__", []) if note.startswith("pariter: ")]
        assert len(notes) == 1, f"{value!r} carries {notes}"
        found = NOTE.fullmatch(notes[0])
        assert found is not None, notes
        assert found[3], notes
        return *described(value), found[1], None if found[1] == "the source" else found[2] and int(found[2])
    return value


def described(error: BaseException) -> tuple[Any, ...]:
    attributes = {name: value for name, value in vars(error).items() if name != "__notes__"}
    return "raised", type(error), error.args, attributes


@given(plan=plans(), terminal=terminals())
def test_every_engine_gives_what_the_plain_loop_gives(
    pools: dict[str, Pool], plan: RandomPlan, terminal: Terminal
) -> None:
    wanted = expected(terminal, plan.model())

    with eager():
        found = {name: actual(terminal, plan.build().on(pool)) for name, pool in pools.items()}

    assert found == dict.fromkeys(pools, wanted)
