"""How a terminal method uses an engine: bind the plan, run what must run first, then the rest."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import islice, zip_longest
from typing import Any

from pariter._caught import Caught
from pariter.engines import leaving
from pariter.engines.base import Engine, Results, Terms, merged, this_thread
from pariter.engines.blockwise import Blockwise
from pariter.plan.blame import annotate_merge
from pariter.plan.collecting import Hold, Part, Prefixes, Scan
from pariter.plan.compound import Chained, Zipped
from pariter.plan.guard import Failed, Returned, Sifting, raise_together, returned, sifted
from pariter.plan.piped import Leaf, Piped
from pariter.plan.pipeline import Binder, Options, Plan
from pariter.plan.prefixes import scanned, skipped_while
from pariter.plan.reshape import Enumerate
from pariter.plan.searching import Compare, Equal, FirstNot
from pariter.plan.sinks import Drain, Sink
from pariter.plan.sliced import pulled
from pariter.plan.sources import Held, Iterated, Source
from pariter.plan.stages import Continued, Fold, Function
from pariter.plan.values import MISSING
from pariter.sched.lanes import Cuts

LONGEST_HELD = 1 << 40
"""No memory holds more results than this: a barrier over a longer source is a stream."""
LONGEST_SEARCHED = 4096
"""How many items one accumulator holds, at most, where any accumulator that will do ends the run."""


def run(plan: Plan, sink: Sink, engine: Engine, *, backwards: bool = False) -> Any:
    """The answer of `sink` over the plan, on that engine."""
    phases = Phases(engine, plan)
    try:
        piped = phases.bind(plan)
        sink = phases.told_apart(sink)
        if backwards:
            piped = phases.backwards(piped)
        phases.show_progress(plan, piped.span)
        return phases.run(piped, sink)
    finally:
        phases.close()


def iterate(plan: Plan, engine: Engine) -> Iterator[Any]:
    """The items of the plan in order, a bounded window of them ahead of whoever asks."""
    phases = Phases(engine, plan, streaming=True)
    piped = phases.bind(plan)
    phases.show_progress(plan, piped.span)
    return phases.values(piped, last=True)


def compare(plan: Plan, other: Plan, sink: Compare | Equal, engine: Engine) -> Any:
    """How two plans compare: item by item, and then by length."""
    phases = Phases(engine, plan)
    try:
        left, right = phases.exact(plan), phases.exact(other)
        if left.span is None or right.span is None:
            with closing(phases.values(Piped(left, ()))) as mine, closing(phases.values(Piped(right, ()))) as its:
                return _compare_streams(mine, its, sink)
        both = min(left.span, right.span)
        zipped = Zipped((left.view(range(both)), right.view(range(both))))
        result = phases.run(Piped(zipped, ()), sink)
        if sink.settled(result):
            return result
        if left.span != right.span:  # the loop has the next item of the longer made, and finds no other
            longer = left if left.span > right.span else right
            phases.run(Piped(longer.view(range(both, both + 1)), ()), Drain())
        return sink.by_length((left.span > right.span) - (left.span < right.span))
    finally:
        phases.close()


def _compare_streams(left: Iterator[Any], right: Iterator[Any], sink: Compare | Equal) -> Any:
    order = 0

    def pairs() -> Iterator[tuple[Any, Any]]:
        nonlocal order
        for pair in zip_longest(left, right, fillvalue=MISSING):
            if pair[0] is MISSING or pair[1] is MISSING:
                order = -1 if pair[0] is MISSING else 1
                return
            yield pair

    result: Any = sink.consume(pairs())
    return result if sink.settled(result) else sink.by_length(order)


_PLAIN = (1, None, None, True, None)
_PLAIN_TERMS = Terms()


def terms_of(plan: Plan) -> Terms:
    """What a run of this plan must observe."""
    options = plan.options
    shortest, longest = plan.leaf_limits()
    if (shortest, longest, options.buffered, options.ordered, options.timeout) == _PLAIN:
        return _PLAIN_TERMS
    deadline = None if options.timeout is None else time.monotonic() + options.timeout
    return Terms(
        cuts=Cuts(shortest, longest),
        window=options.buffered,
        ordered=options.ordered,
        deadline=deadline,
        seconds=options.timeout or 0.0,
    )


class Phases(Binder):
    """The runs that one run of a plan consists of."""

    def __init__(self, engine: Engine, plan: Plan, *, streaming: bool = False) -> None:
        super().__init__(plan.options.on_error)
        self._failed: list[Failed] = []
        self._engine = engine
        self._options: Options = plan.options
        self._terms = terms_of(plan)
        self._streaming = streaming
        self._bar: Any = None

    def show_progress(self, plan: Plan, span: int | None) -> None:
        """From here on, count finished items in a progress bar, if the plan asks for one."""
        if plan.options.progress is not None:
            from tqdm.auto import tqdm

            desc, total = plan.options.progress
            self._bar = tqdm(desc=desc, total=span if total is None else total)
            self._terms = self._terms.replace(finished=self._bar.update)

    def close(self) -> None:
        """End the state of the run, and its progress bar."""
        if self._bar is not None:
            self._bar.close()
        try:
            super().close()
        finally:
            self._engine.close()

    def run(self, piped: Piped, sink: Sink) -> Any:
        """The answer of `sink`."""
        if self.policy == "group":
            partial, failed = self._run(piped, Sifting(sink))
            raise_together(self._failed + failed)
            return sink.finish(partial)
        if self.policy == "return":
            piped = Piped(piped.source, (*piped.stages, Returned()))
        return sink.finish(self._run(piped, sink))

    def _run(self, piped: Piped, sink: Sink) -> Any:
        if self._options.blocks is not None:
            leaf = self._in_blocks(piped, sink)
        elif piped.span is not None:
            leaf = self._engine.run(piped, sink, self._cut_for(piped, sink))
        else:
            leaf = self._streamed(piped, sink)
        return leaf.partial

    def _streamed(self, piped: Piped, sink: Sink) -> Leaf:
        def all_merged(stream: Results) -> Leaf:
            partials = stream.results()
            result = next(partials)
            for found in partials:
                settled = sink.anywhere and sink.settled(found)
                result = found if settled else merged(sink, [result, found])
            return Leaf(result, False)

        return leaving.used(self._engine.stream(piped, sink, self._cut_for(piped).replace(ordered=True)), all_merged)

    def _in_blocks(self, piped: Piped, sink: Sink) -> Leaf:
        """Block after block, each in parallel, until one needs no more."""

        def all_merged(blocks: Blockwise) -> Leaf:
            leaves = blocks.leaves()
            result = next(leaves)
            for leaf in leaves:
                result = Leaf(merged(sink, [result.partial, leaf.partial]), leaf.left_early)
            return result

        return leaving.used(self._blocks(piped, sink), all_merged)

    def _blocks(self, piped: Piped, sink: Sink) -> Blockwise:
        size = self._options.blocks

        def run(piece: Piped) -> Leaf:
            return self._engine.run(piece, sink, self._cut_for(piece))

        return Blockwise(piped, run, size or self._engine.num_workers, growth=1 if size else 2)

    def _cut_for(self, piped: Piped, sink: Sink | None = None) -> Terms:
        if not self._options.reproducible:
            if sink is not None and sink.anywhere and any(isinstance(stage, Fold) for stage in piped.stages):
                return self._in_short_runs(piped.span or 1)
            return self._terms
        # By length alone: so many leaves as keep any number of workers busy, and no more.
        span = piped.span
        quantum = 1024 if span is None or piped.endless else max(1, -(-span // 256))
        return self._terms.replace(cuts=Cuts(quantum=quantum))

    def _in_short_runs(self, span: int) -> Terms:
        """A search among accumulators sees none before a run ends: let each worker make several."""
        cuts = self._terms.cuts
        longest = min(LONGEST_SEARCHED, -(-span // (4 * self._engine.num_workers)))
        return self._terms if cuts.longest else self._terms.replace(cuts=Cuts(cuts.shortest, longest))

    def values(self, piped: Piped, *, last: bool = False) -> Generator[Any, None, None]:
        """The items, in order; `last` says that they are those of the last phase, which ends the run."""
        leaving.prepare()
        leave, end = leaving.leave, self._end
        was_left = False
        parts: Results | None = None
        try:
            parts = self._parts(piped)
            for part in parts.results():
                yield from self._without_failed(part.items)
                if part.error is not None:
                    raise part.error.error
                del part
            if last:
                raise_together(self._failed)
        except GeneratorExit:
            was_left = True
            raise
        finally:
            try:
                if was_left:
                    leave(end, parts, last)
                else:
                    end(parts, last)
            except KeyboardInterrupt:  # wherever that was interrupted
                if was_left:
                    leave(end, parts, last)
                else:
                    end(parts, last)
                raise

    def _end(self, parts: Results | None, last: bool) -> None:
        try:
            if parts is not None:
                parts.close()
        finally:
            if last:
                self.close()

    def _parts(self, piped: Piped) -> Results:
        if self._options.blocks is None:
            return self._engine.stream(piped, Hold(), self._terms)
        return self._blocks(piped, Hold())

    # What binding needs to have run.

    def hold(self, piped: Piped, wanted: int | None) -> Source[Any]:
        """Run `piped` before what comes after it: a barrier, or a stream in front of a stream."""
        if self._streaming:
            values = self.values(piped)
            return Iterated(values if wanted is None else _closing(islice(values, wanted), values))
        if wanted is not None:
            return self._some(piped, wanted)
        if _is_stream(piped):
            return Iterated(self.values(piped))
        part: Part = self._engine.run(piped, Hold(), self._terms).partial
        return Held(self._without_failed(part.items), part.error)

    def _without_failed(self, items: list[Any]) -> list[Any]:
        """Items of a phase that is over, with those for which a function raised put back or set aside."""
        if self.policy == "return":
            return list(map(returned, items))
        if self.policy == "group":
            return list(sifted(iter(items), self._failed))
        return items

    def _some(self, piped: Piped, wanted: int) -> Source[Any]:
        if not wanted:
            return Held([])
        stream = self._engine.stream(piped, Hold(), self._terms.replace(window=None, ordered=True))
        return leaving.used(stream, lambda stream: self._first(stream.results(), wanted))

    def _first(self, parts: Iterable[Part], wanted: int) -> Source[Any]:
        items: list[Any] = []
        error: Caught | None = None
        for part in parts:
            items += self._without_failed(part.items)
            if len(items) >= wanted:
                return Held(items[:wanted])
            error = part.error
        return Held(items, error)

    def skip_while(self, piped: Piped, keep: Function) -> Source[Any]:
        """The items from the first on for which `keep(item)` is false."""
        source: Source[Any] = piped
        if not (piped.exact and piped.pure):
            source = self.hold(piped, None)
        if source.span is None:
            return skipped_while(source, keep, this_thread)
        pairs = Enumerate().apply(source, self)
        try:
            first = self._engine.run(Piped(pairs, ()), FirstNot(keep), self._terms).partial
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return Held([], Caught(error))
        span = source.span
        return source.view(range(span if first is None else first, span))

    def scan(self, piped: Piped, op: Function, initial: Any) -> Source[Any]:
        """The prefix results of `piped`: those of each run now, the rest when they are asked for."""
        if self._streaming or _is_stream(piped):
            return scanned(Iterated(self.values(piped)), op, initial, this_thread)
        leaf = self._engine.run(piped, Scan(op), self._cut_for(piped))
        return continued(leaf.partial, op, initial)

    def backwards(self, piped: Piped) -> Piped:
        """The same items, the last one first."""
        if piped.span is None and piped.reversible:
            piped = _pulled_below(piped)
        if not piped.reversible:
            held = self.hold(piped, None)
            if held.span is None:
                held = Held(list(self.values(Piped(held, ()))))
            piped = Piped(held, ())
        return piped.reversed()


def _pulled_below(piped: Piped) -> Piped:
    """The same stages over a stream that was read to its end."""
    source = piped.source
    below = _pulled_below(source) if isinstance(source, Piped) and not source.exact else pulled(source)
    return Piped(below, piped.stages)


def _is_stream(piped: Piped) -> bool:
    """Whether its results must be held a window at a time: nobody knows how many there are, or too many."""
    return piped.span is None or piped.span > LONGEST_HELD


def _closing(items: Iterator[Any], values: Iterator[Any]) -> Iterator[Any]:
    """`items`, which are made of `values`; ends the run behind those with them."""
    try:
        yield from items
    finally:
        values.close()  # type: ignore[attr-defined]


def continued(runs: list[Prefixes], op: Function, initial: Any) -> Source[Any]:
    """The prefix results of neighbouring runs, each still to be combined with what comes before it."""
    parts: list[Source[Any]] = []
    known = 0

    def held(items: list[Any], error: Caught | None = None) -> Held[Any]:
        nonlocal known
        first, known = known, known + len(items)
        return Held(items, error, None, range(first, known + (error is not None)))

    if initial is not MISSING:
        parts.append(held([initial]))
    before = initial
    for run in runs:
        many = len(run.results)
        if before is MISSING or not many:
            parts.append(held(run.results, run.error))
            before = run.results[-1] if many else before
            continue
        parts.append(Piped(held(run.results[: many - 1]), (Continued(partial(op, before)),)))
        try:
            before = op(before, run.results[-1])
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            annotate_merge(error, Scan(op), this_thread(), (known - (initial is not MISSING), run.results[-1]))
            parts.append(held([], Caught(error)))
            break
        parts.append(held([before], run.error))
    return Chained(tuple(parts)) if parts else Held([])
