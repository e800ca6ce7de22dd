"""Print a plan as code and as a list of what happens: barriers, the engine and why."""

from __future__ import annotations

from pariter.plan.pipeline import Plan, barrier_before
from pariter.plan.reshape import Joined, Reshape, Take
from pariter.plan.sources import ENDLESS
from pariter.plan.stages import Stage, Step


def explain(plan: Plan, engine: str) -> str:
    """The plan as code, then step by step, then the engine."""
    return "\n".join([repr(plan), *_lines(plan, "  "), f"engine: {engine}"])


def _lines(plan: Plan, indent: str) -> list[str]:
    lines = [f"{indent}source   {_source(plan)}"]
    exact = pure = True
    for step in plan.steps:
        if isinstance(step, Stage):
            exact = exact and step.one_to_one
            pure = False
        elif isinstance(step, Reshape):
            if barrier_before(step, exact, pure):
                lines.append(f"{indent}barrier  {_reason(plan, step, exact)}")
                exact = pure = True
            exact = exact and step.keeps_positions
        lines.append(f"{indent}{_call(step)}")
        if isinstance(step, Joined):
            for other in step.others:
                lines += _lines(other, indent + "    ")
    return lines


def _call(step: Step) -> str:
    return f"{step.name}(...)" if isinstance(step, Joined) else repr(step).removeprefix(".")


def _source(plan: Plan) -> str:
    data = getattr(plan.origin, "data", None)
    kind = type(plan.origin).__name__.lower() if data is None else type(data).__name__
    length = plan.origin.length()
    if length is None:
        return f"{kind}, pulled in batches"
    if length >= ENDLESS:
        return f"{kind}, without end"
    return f"{kind}, {length} item{'s' * (length != 1)}"


def _reason(plan: Plan, step: Reshape, exact: bool) -> str:
    before = plan.steps[: plan.steps.index(step)]
    if exact:
        return f"what comes before runs first, so that {step.name} computes nothing twice"
    culprit = next(s for s in reversed(before) if isinstance(s, Stage) and not s.one_to_one)
    held = "as many results as are wanted" if isinstance(step, Take) else "results"
    return f"{held} are held, because {step.name} needs positions that {culprit.name} has changed"
