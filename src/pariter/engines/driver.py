"""How a terminal method uses an engine: bind the plan, run what must run first, then the rest."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import dropwhile, islice
from typing import Any

from pariter._caught import Caught
from pariter.engines.base import Engine
from pariter.plan.piped import Piped
from pariter.plan.pipeline import Binder, Plan
from pariter.plan.reshape import Enumerate
from pariter.plan.sinks import FirstNot, Hold, Part, Sink
from pariter.plan.sources import Held, Iterated, Source
from pariter.plan.stages import Function
from pariter.sched.lanes import Cuts


def cuts_of(plan: Plan) -> Cuts:
    """Where leaves of this plan may be cut."""
    shortest, longest = plan.leaf_limits()
    return Cuts(shortest, longest)


def run(plan: Plan, sink: Sink, engine: Engine, *, backwards: bool = False) -> Any:
    """The answer of `sink` over the plan, on that engine."""
    phases = _Phases(engine, cuts_of(plan))
    binder = Binder(phases.hold, phases.find)
    piped = binder.bind(plan)
    sink = binder.told_apart(sink)
    if backwards:
        piped = phases.backwards(piped)
    return phases.run(piped, sink)


def iterate(plan: Plan, engine: Engine) -> Iterator[Any]:
    """The items of the plan in order, a bounded window of them ahead of whoever asks."""
    phases = _Phases(engine, cuts_of(plan), plan.options.buffered, streaming=True)
    piped = Binder(phases.hold, phases.find).bind(plan)
    return phases.values(piped)


class _Phases:
    """The runs that one run of a plan consists of."""

    def __init__(
        self, engine: Engine, cuts: Cuts, window: int | None = None, streaming: bool = False
    ) -> None:
        self._engine = engine
        self._cuts = cuts
        self._window = window
        self._streaming = streaming

    def run(self, piped: Piped, sink: Sink) -> Any:
        """The answer of `sink`."""
        if piped.span is not None:
            return self._engine.run(piped, sink, self._cuts)
        partials = self._engine.stream(piped, sink, self._cuts, self._window)
        result = next(partials)
        for partial in partials:
            result = partial if sink.anywhere and sink.settled(partial) else sink.merge(result, partial)
        return sink.finish(result)

    def values(self, piped: Piped) -> Iterator[Any]:
        """The items, in order."""
        parts = self._engine.stream(piped, Hold(), self._cuts, self._window)
        try:
            for part in parts:
                yield from part.items
                if part.error is not None:
                    raise part.error.error
                del part
        finally:
            parts.close()  # type: ignore[attr-defined]

    def hold(self, piped: Piped, wanted: int | None) -> Source[Any]:
        """Run `piped` before what comes after it: a barrier, or a stream in front of a stream."""
        if wanted is not None:
            return Iterated(islice(self.values(piped), wanted)) if self._streaming else self._some(piped, wanted)
        if self._streaming or piped.span is None or piped.endless:
            return Iterated(self.values(piped))
        part: Part = self._engine.run(piped, Hold(), self._cuts)
        return Held(part.items, part.error)

    def _some(self, piped: Piped, wanted: int) -> Source[Any]:
        if not wanted:
            return Held([])
        items: list[Any] = []
        error: Caught | None = None
        parts = self._engine.stream(piped, Hold(), self._cuts, None)
        for part in parts:
            items += part.items
            error = part.error
            if len(items) >= wanted:
                del items[wanted:]
                error = None
                break
        parts.close()  # type: ignore[attr-defined]
        return Held(items, error)

    def find(self, source: Source[Any], keep: Function) -> Source[Any]:
        """The items of `source` from the first on for which `keep(item)` is false."""
        if source.span is None:
            piped = Piped(source, ())
            return Iterated(dropwhile(keep, self.values(piped)))
        pairs = Enumerate().apply(source, Binder(self.hold, self.find))
        try:
            first = self._engine.run(Piped(pairs, ()), FirstNot(keep), self._cuts)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return Held([], Caught(error))
        span = source.span
        return source.view(range(span if first is None else first, span))

    def backwards(self, piped: Piped) -> Piped:
        """The same items, the last one first."""
        if piped.span is None or not piped.reversible:
            held = self.hold(piped, None)
            if held.span is None:
                held = Held(list(self.values(Piped(held, ()))))
            piped = Piped(held, ())
        return piped.reversed()
