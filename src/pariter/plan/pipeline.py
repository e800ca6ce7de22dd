"""A plan: what the user wrote, and how it becomes a source that can be cut when it is run.

Binding reads what the data is *now* and applies the steps from left to right. Stages pile up over
the source; a step that works on positions wraps what there is. Where positions are not known any
more, or results would have to be computed twice, the steps before it are run first and what they
give is held: a barrier.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, TypeVar

from pariter._record import Record
from pariter.plan.blame import told_apart
from pariter.plan.guard import guarded
from pariter.plan.leases import MapLocal
from pariter.plan.origins import Origin
from pariter.plan.piped import Piped
from pariter.plan.reshape import Joined, Reshape, Take
from pariter.plan.sources import Source
from pariter.plan.stages import Function, Stage, Step

S = TypeVar("S", bound=Step)


class Options(Record):
    """What travels with a plan and is not a step of it."""

    min_len: int = 1
    max_len: int | None = None
    buffered: int | None = None
    blocks: int | None = None
    """The size of blocks that run one after another; 0 for sizes that double."""
    ordered: bool = True
    reproducible: bool = False
    on_error: str = "raise"
    timeout: float | None = None
    progress: tuple[str | None, int | None] | None = None
    """What a progress bar is called, and of how many items."""
    pool: Any = None

    def __str__(self) -> str:
        """The method calls that set them, as code."""
        shown = []
        if self.min_len != 1:
            shown.append(f".with_min_len({self.min_len})")
        if self.max_len is not None:
            shown.append(f".with_max_len({self.max_len})")
        if self.buffered is not None:
            shown.append(f".buffered({self.buffered})")
        if self.blocks is not None:
            shown.append(f".by_uniform_blocks({self.blocks})" if self.blocks else ".by_exponential_blocks()")
        if not self.ordered:
            shown.append(".unordered()")
        if self.reproducible:
            shown.append(".reproducible()")
        if self.on_error != "raise":
            shown.append(f".on_error({self.on_error!r})")
        if self.timeout is not None:
            shown.append(f".timeout({self.timeout!r})")
        if self.progress is not None:
            desc, total = self.progress
            shown.append(f".progress({desc!r}, total={total!r})")
        if self.pool is not None:
            shown.append(f".on({self.pool!r})")
        return "".join(shown)


class Plan(Record):
    """Where items come from, what happens to them, and the options of the run."""

    origin: Origin
    steps: tuple[Step, ...] = ()
    options: Options = Options()

    def then(self, step: Step) -> Plan:
        """The plan with one more step."""
        return Plan(self.origin, (*self.steps, step), self.options)

    def with_options(self, **changes: Any) -> Plan:
        """The plan with other options."""
        return Plan(self.origin, self.steps, self.options.replace(**changes))

    def __repr__(self) -> str:
        """Code that builds the plan."""
        return f"{self.origin!r}{''.join(map(repr, self.steps))}{self.options}"

    def length(self) -> int | None:
        """How many items it gives, if that is known without running it."""
        length = self.origin.length()
        for step in self.steps:
            if length is None:
                return None
            if isinstance(step, Reshape):
                length = step.length(length)
            elif isinstance(step, Stage) and not step.one_to_one:
                return None
        return length

    @property
    def endless(self) -> bool:
        """Whether it is known never to end."""
        endless = self.origin.endless
        for step in self.steps:
            if (isinstance(step, Stage) and step.stops) or isinstance(step, Take):
                endless = False
            elif isinstance(step, Joined):
                others = [other.endless for other in step.others]
                endless = any((endless, *others)) if step.name == "chain" else all((endless, *others))
        return endless

    def leaf_limits(self) -> tuple[int, int | None]:
        """The shortest and the longest leaf asked for, of this plan and of those joined to it."""
        shortest, longest = self.options.min_len, self.options.max_len
        for step in self.steps:
            for other in step.others if isinstance(step, Joined) else ():
                other_shortest, other_longest = other.leaf_limits()
                shortest = max(shortest, other_shortest)
                if other_longest is not None:
                    longest = other_longest if longest is None else min(longest, other_longest)
        return shortest, longest


class Binder(ABC):
    """Turns plans into sources, with the engine's help where something must run first.

    One binder serves one run of a plan. It gives each step that keeps state a fresh one, and lets
    an error note tell functions apart that look alike.
    """

    def __init__(self, policy: str = "raise") -> None:
        self.policy = policy
        self._seen: set[object] = set()
        self._locals: list[MapLocal] = []

    def bind(self, plan: Plan) -> Piped:
        """The plan over its data as it is now."""
        source: Source[Any] = plan.origin.bind()
        stages: tuple[Stage, ...] = ()
        for at, step in enumerate(map(self.told_apart, plan.steps)):
            if isinstance(step, MapLocal):
                step = step.for_one_run()
                self._locals.append(step)
            if isinstance(step, Stage):
                stages = (*stages, step)
            elif isinstance(step, Reshape):
                stages = self._guarded(stages)
                here = Piped(source, stages) if stages else source
                if barrier_before(step, here.exact, here.pure) or _must_end(step, stages):
                    here = self.hold(Piped(source, stages), demand(plan.steps[at:]))
                source, stages = step.apply(here, self), step.stages()
        return Piped(source, self._guarded(stages))

    def _guarded(self, stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
        return stages if self.policy == "raise" else guarded(stages, self.policy)

    def told_apart(self, step: S) -> S:
        """`step`, so that an error note can tell its functions from those bound before it."""
        return told_apart(step, self._seen)

    def exact(self, plan: Plan) -> Source[Any]:
        """A plan joined to another by position."""
        piped = self.bind(plan)
        return piped if piped.exact else self.hold(piped, None)

    def lasting(self, plan: Plan) -> Source[Any]:
        """A plan joined to another by its end, which must not end the other as well."""
        piped = self.bind(plan)
        return self.hold(piped, None) if piped.stops else piped

    @abstractmethod
    def hold(self, piped: Piped, wanted: int | None) -> Source[Any]:
        """Run `piped` now and hold its results: all of them, or as many as are wanted."""

    @abstractmethod
    def skip_while(self, piped: Piped, keep: Function) -> Source[Any]:
        """The items from the first on for which `keep(item)` is false."""

    @abstractmethod
    def scan(self, piped: Piped, op: Function, initial: Any) -> Source[Any]:
        """The prefix results of `piped`."""

    def close(self) -> None:
        """End the state of the run."""
        while self._locals:
            self._locals.pop().end()


def barrier_before(step: Step, exact: bool, pure: bool) -> bool:
    """Whether `step` needs what comes before it to run first."""
    if not isinstance(step, Reshape):
        return False
    if step.runs_before:
        return False
    return (step.needs_positions and not exact) or (step.needs_pure and not pure)


def _must_end(step: Reshape, stages: tuple[Stage, ...]) -> bool:
    return not step.needs_positions and not step.runs_before and any(stage.stops for stage in stages)


def demand(steps: tuple[Step, ...]) -> int | None:
    """How many items from the left suffice for all that `steps` give, None for all."""
    wanted: int | None = None
    for step in reversed(steps):
        if isinstance(step, Reshape):
            wanted = step.demand(wanted)
        elif isinstance(step, Stage) and not step.one_to_one:
            wanted = None
    return wanted
