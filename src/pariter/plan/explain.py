"""Print a plan as code and as a list of what happens: barriers, what will not scale, the engine and why."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pariter.plan.pipeline import Plan, barrier_before
from pariter.plan.reshape import Joined, Reshape, Take
from pariter.plan.sources import ENDLESS
from pariter.plan.stages import Stage, Step

if TYPE_CHECKING:
    from pariter.plan.localise import Survey


def explain(plan: Plan, engine: str, *, counting: bool = False) -> str:
    """The plan as code, then step by step, then the engine.

    `counting` says that it would run on threads that count references at the same time.
    """
    survey = None
    if counting:
        from pariter.plan.localise import Survey

        functions = (fn for step in _steps(plan) for fn in step.calls().values())
        survey = Survey(functions, sys._getframe())
    return "\n".join([repr(plan), *_lines(plan, "  ", survey), f"engine: {engine}"])


def _steps(plan: Plan) -> Iterator[Step]:
    for step in plan.steps:
        yield step
        for other in step.others if isinstance(step, Joined) else ():
            yield from _steps(other)


def _lines(plan: Plan, indent: str, survey: Survey | None) -> list[str]:
    lines = [f"{indent}source   {_source(plan)}"]
    exact, pure = plan.origin.knows_positions, True
    for at, step in enumerate(plan.steps):
        if isinstance(step, Stage):
            exact = exact and step.one_to_one
            pure = False
        elif isinstance(step, Reshape):
            if barrier_before(step, exact, pure):
                lines.append(f"{indent}barrier  {_reason(plan.steps[:at], step, exact)}")
                exact = pure = True
            exact = exact and step.keeps_positions
            pure = pure and (step.runs_before or not step.calls())
        lines.append(f"{indent}{_call(step)}")
        if survey is not None:
            lines += [f"{indent}shared   {_contention(what)}" for what in _shared(step, survey)]
        if isinstance(step, Joined):
            for other in step.others:
                lines += _lines(other, indent + "    ", survey)
    return lines


def _shared(step: Step, survey: Survey) -> list[str]:
    """The first thing, if any, that all workers will share when they run `step`."""
    found = (survey.shared(fn) for fn in step.calls().values())
    return [what for what in found if what is not None][:1]


def _contention(what: str) -> str:
    return (
        f"{what}: threads take turns to count it, so cheap items will not scale; "
        f"map_local(make, f) gives each worker one of its own"
    )


def _call(step: Step) -> str:
    return f"{step.name}(...)" if isinstance(step, Joined) else repr(step).removeprefix(".")


def _source(plan: Plan) -> str:
    if (summary := plan.origin.summary()) is not None:
        return summary
    data = getattr(plan.origin, "data", None)
    kind = type(plan.origin).__name__.lower() if data is None else type(data).__name__
    length = plan.origin.length()
    if length is None:
        return f"{kind}, pulled in batches"
    if length >= ENDLESS:
        return f"{kind}, without end"
    return f"{kind}, {length} item{'s' * (length != 1)}"


def _reason(before: tuple[Step, ...], step: Reshape, exact: bool) -> str:
    if exact:
        return f"what comes before runs first, so that {step.name} computes nothing twice"
    culprit = next((s for s in reversed(before) if _changes_positions(s)), None)
    held = "as many results as are wanted" if isinstance(step, Take) else "results"
    why = "the source does not know" if culprit is None else f"{culprit.name} has changed"
    return f"{held} are held, because {step.name} needs positions that {why}"


def _changes_positions(step: Step) -> bool:
    if isinstance(step, Reshape):
        return not step.keeps_positions
    return isinstance(step, Stage) and not step.one_to_one
