"""A source and the stages over it are a source again; and a leaf is one run of its items.

A leaf is a chain of C iterators over a feed of blocks, handed to a sink. Whoever feeds it learns
from the way it ended what is still wanted: a leaf that was left before its feed ended, or before the
items of a stage that stops did, wants nothing to its right.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol, TypeVar

from pariter._caught import Caught
from pariter.plan.blame import annotate
from pariter.plan.place import Block, Copier, Site
from pariter.plan.sinks import Sink
from pariter.plan.sources import Puller, Source
from pariter.plan.stages import Stage

T = TypeVar("T")


class Piped(Source[Any]):
    """Items of a source on their way through stages."""

    __slots__ = ("carries_data", "exact", "pure", "source", "stages")

    def __init__(self, source: Source[Any], stages: tuple[Stage, ...]) -> None:
        self.source = source
        self.stages = stages
        self.exact = source.exact
        for stage in stages:
            self.exact = self.exact and stage.one_to_one
        self.pure = source.pure and not stages
        self.carries_data = source.carries_data

    @property
    def span(self) -> int | None:
        return self.source.span

    @property
    def error(self) -> Caught | None:
        return self.source.error

    @property
    def stops(self) -> bool:
        """Whether its items may end before its source does."""
        below = isinstance(self.source, Piped) and self.source.stops
        return below or any(stage.stops for stage in self.stages)

    def open(self, blocks: Iterable[Block], site: Site) -> Iterator[Any]:
        site.steps = self.stages
        items = self.source.open(blocks, site.descend())
        for stage in self.stages if site.copies is None else site.copies.stages(self.stages):
            if stage.stops:
                items = site.watched(items)
            items = stage.attach_at(items, site) if stage.guards else stage.attach(items)
        return items

    def view(self, indices: range) -> Piped:
        return Piped(self.source.view(indices), self.stages)

    def cut(self, low: int, high: int) -> Piped:
        return Piped(self.source.cut(low, high), self.stages)

    def puller(self) -> Puller[Any]:
        return _PipedPuller(self.source.puller(), self.stages)

    @property
    def reversible(self) -> bool:
        """Whether items may come from the right: each is handled alone."""
        below = self.source.exact or (isinstance(self.source, Piped) and self.source.reversible)
        return below and all(stage.by_item for stage in self.stages)

    def reversed(self) -> Piped:
        """The same items, the last one first, found from the right."""
        assert self.span is not None
        indices = range(self.span - 1, -1, -1)
        if isinstance(self.source, Piped) and not self.source.exact:
            source: Source[Any] = self.source.reversed()
        else:
            source = self.source.view(indices)
        return Piped(source, tuple(stage.reversed() for stage in self.stages))


class _PipedPuller(Puller[Any]):
    def __init__(self, inner: Puller[Any], stages: tuple[Stage, ...]) -> None:
        self._inner = inner
        self._stages = stages

    def pull(self, most: int) -> Source[Any]:
        return Piped(self._inner.pull(most), self._stages)

    def close(self) -> None:
        self._inner.close()


class Feed(Protocol):
    """Hands out the blocks of one leaf."""

    ended: bool
    """Whether all of them were asked for."""

    def blocks(self) -> Iterator[Block]: ...


class WholeFeed:
    """All of a piece as one block, as far as a block may be so long."""

    __slots__ = ("_span", "ended")

    def __init__(self, span: int) -> None:
        self._span = span
        self.ended = False

    def blocks(self) -> Iterator[Block]:
        for low in range(0, self._span, sys.maxsize):  # no sequence is longer than that
            yield low, min(low + sys.maxsize, self._span)
        self.ended = True


class Leaf(NamedTuple):
    """What became of a leaf."""

    partial: Any
    left_early: bool
    """Whether it needed no more items, so that nothing to its right is wanted."""


def run_leaf(piped: Piped, sink: Sink, feed: Feed, worker: str, at: int = 0, copies: Copier | None = None) -> Leaf:
    """Run one leaf that begins at position `at`, with the worker's `copies`; an exception carries its note."""
    site = Site(copies, worker)
    consume = (sink if copies is None else copies.step(sink)).at(at)
    try:
        partial = consume(piped.open(feed.blocks(), site))
        # The feed may have ended although the leaf was left: what reads ahead, such as fold, ends it before
        # anything that comes after can stop.
        enough = sink.settled(partial) or site.was_left
        if not feed.ended and not enough:
            # A function that raises StopIteration ends every C iterator around it in silence.
            partial = sink.failed(partial, StopIteration())
    except BaseException as error:
        annotate(error, site, sink, worker)
        raise
    finally:
        site.close()
    if (kept := sink.error_of(partial)) is not None:
        annotate(kept, site, sink, worker)
    return Leaf(partial, enough or not feed.ended)
