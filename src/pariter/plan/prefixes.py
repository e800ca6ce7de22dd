"""Streams that depend on all that came before: what is left after a prefix, and prefix results.

Whoever pulls a piece runs the function over it, one piece after another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pariter._caught import Caught
from pariter.plan.collecting import Scan
from pariter.plan.compound import Chained, Zipped
from pariter.plan.piped import Piped, WholeFeed, run_leaf
from pariter.plan.searching import FirstNot
from pariter.plan.sinks import Sink
from pariter.plan.sources import Held, Puller, Slices, Source, units
from pariter.plan.stages import Function
from pariter.plan.values import MISSING
from pariter.plan.weaving import Streamed


def skipped_while(source: Source[Any], keep: Function, worker: Callable[[], str]) -> Source[Any]:
    """The items of a stream from the first on for which `keep(item)` is false; `worker` names who pulls."""
    return Streamed(_Skipping(source.puller(), keep, worker), (source,))


def scanned(source: Source[Any], op: Function, initial: Any, worker: Callable[[], str]) -> Source[Any]:
    """The prefix results of a stream; `worker` names who pulls."""
    return Streamed(_Scanning(source.puller(), op, initial, worker), (source,))


class _Running(Puller[Any]):
    """Base of the pullers that run a function over what they pull."""

    def __init__(self, inner: Puller[Any], worker: Callable[[], str]) -> None:
        self._inner = inner
        self._worker = worker

    def _run(self, source: Source[Any], sink: Sink) -> Any:
        return run_leaf(Piped(source, ()), sink, WholeFeed(units(source)), self._worker()).partial

    def close(self) -> None:
        self._inner.close()


class _Skipping(_Running):
    def __init__(self, inner: Puller[Any], keep: Function, worker: Callable[[], str]) -> None:
        super().__init__(inner, worker)
        self._sink = FirstNot(keep)
        self._begun = False
        self._failed = False

    def pull(self, most: int) -> Source[Any]:
        if self._failed:
            return Held([])
        while not self._begun and most:
            piece = self._inner.pull(most)
            many = units(piece)
            try:
                first = self._first(piece)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self._failed = True
                return Held([], Caught(error))
            if first is None and many == most:
                continue
            self._begun = True
            rest = piece.view(range(many if first is None else first, many))
            # Short pieces mean the end, so what was skipped here is made up for.
            more = self._inner.pull(most - units(rest)) if many == most and units(rest) < most else Held([])
            return Chained((rest, more)) if units(more) else rest
        return self._inner.pull(most)

    def _first(self, piece: Source[Any]) -> int | None:
        numbers: Source[int] = Slices(range(units(piece)))
        first: int | None = self._run(Zipped((numbers, piece), primary=1), self._sink)
        return first


class _Scanning(_Running):
    def __init__(self, inner: Puller[Any], op: Function, initial: Any, worker: Callable[[], str]) -> None:
        super().__init__(inner, worker)
        self._op = op
        self._before = initial
        self._owes_initial = initial is not MISSING
        self._pulled = 0
        self._failed = False

    def pull(self, most: int) -> Source[Any]:
        if self._failed or not most:
            return Held([])
        results: list[Any] = []
        if self._owes_initial:
            self._owes_initial = False
            results.append(self._before)
        piece = self._inner.pull(most - len(results))
        [found] = self._run(piece, Scan(self._op, self._before))
        results += found.results
        if results:
            self._before = results[-1]
        self._failed = found.error is not None
        first, self._pulled = self._pulled, self._pulled + len(results)
        return Held(results, found.error, None, range(first, self._pulled + self._failed))
