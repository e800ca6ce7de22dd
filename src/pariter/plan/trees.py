"""Trees as sources: the nodes of a tree in its order, and data that is halved until it cannot be.

How large a tree is shows only when it is walked. So the top of it is walked first, level by level, until
there are enough subtrees for everybody; then each subtree is walked by whoever has it, while its nodes are
on their way. What was seen already and what is still to be walked stand in one row, in order.
"""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pariter._caught import Caught
from pariter._describe import describe_value
from pariter.plan.blame import annotate
from pariter.plan.compound import Compound
from pariter.plan.origins import Origin
from pariter.plan.piped import Piped
from pariter.plan.place import Block, Place, Site, dropped
from pariter.plan.reshape import Reshape
from pariter.plan.sources import Held, Iterated, Puller, Source, units
from pariter.plan.stages import Function, Stage

if TYPE_CHECKING:
    from pariter.plan.pipeline import Binder

Entry = tuple[bool, Any]
"""Whether something is still to be walked, and what: else it is an item as it is."""

SUBTREES = 128
"""With so many of them, no worker runs out of work long before the others."""
LEVELS = 24
"""A tree that is still narrow so far down is walked as it is."""
_LOOK_AROUND = 64
"""After so many nodes, a walk asks whether it is still wanted."""


class TreeSpot:
    """The place of a node that has no index."""

    __slots__ = ("_words", "is_known", "item")

    def __init__(self, words: str) -> None:
        self._words = words
        self.is_known = False
        self.item: object = None

    def at(self, item: Any) -> Any:
        """`item`, which the walk has come to."""
        self.is_known = True
        self.item = item
        return item

    def place(self) -> Place | None:
        return Place(-1, self.item, self._words) if self.is_known else None


class Growth(Stage):
    """How a tree grows: what comes out of a node, in order."""

    f: Function
    functions: ClassVar[tuple[str, ...]] = ("f",)
    words: ClassVar[str]

    @abstractmethod
    def level(self, node: Any, spot: TreeSpot) -> Iterator[Entry]:
        """The node and what is right below it, in order."""

    @abstractmethod
    def walk(self, node: Any, spot: TreeSpot) -> Iterator[Any]:
        """The items of the whole tree below `node`, in order; asks for no node before its turn."""


class PreOrder(Growth):
    """A node, then its children."""

    name: ClassVar[str] = "walk_tree"
    words: ClassVar[str] = "node"

    def level(self, node: Any, spot: TreeSpot) -> Iterator[Entry]:
        yield False, spot.at(node)
        for child in self.f(node):
            yield True, child

    def walk(self, node: Any, spot: TreeSpot) -> Iterator[Any]:
        children = self.f
        yield spot.at(node)
        ways = [iter(children(node))]
        while ways:
            for node in ways[-1]:
                yield spot.at(node)
                ways.append(iter(children(node)))
                break
            else:
                ways.pop()


class PostOrder(Growth):
    """The children of a node, then itself."""

    name: ClassVar[str] = "walk_tree"
    words: ClassVar[str] = "node"

    def level(self, node: Any, spot: TreeSpot) -> Iterator[Entry]:
        for child in self.f(spot.at(node)):
            yield True, child
        yield False, node

    def walk(self, node: Any, spot: TreeSpot) -> Iterator[Any]:
        children = self.f
        ways = [(node, iter(children(spot.at(node))))]
        while ways:
            node, way = ways[-1]
            spot.at(node)  # the iterator may be a generator of the user's
            for child in way:
                ways.append((child, iter(children(spot.at(child)))))
                break
            else:
                ways.pop()
                yield spot.at(node)


class Halving(Growth):
    """Two halves, or the data itself where it has none."""

    name: ClassVar[str] = "split"
    words: ClassVar[str] = "piece"

    def level(self, node: Any, spot: TreeSpot) -> Iterator[Entry]:
        halves = self._halves(spot.at(node))
        if halves is None:
            yield False, node
        else:
            yield from ((True, half) for half in halves)

    def walk(self, node: Any, spot: TreeSpot) -> Iterator[Any]:
        waiting = [node]
        while waiting:
            halves = self._halves(spot.at(waiting.pop()))
            if halves is None:
                yield spot.item
            else:
                waiting.extend(reversed(halves))

    def _halves(self, data: Any) -> tuple[Any, Any] | None:
        halves = self.f(data)
        if halves is None:
            return None
        try:
            left, right = halves
        except (TypeError, ValueError):
            raise TypeError(
                f"split() needs a function that returns a pair or None, and it returned {describe_value(halves)}"
            ) from None
        return left, right


class Grove(Compound[Any]):
    """Entries in order: subtrees that are walked where they are wanted, among items as they are.

    With `once` the subtrees are not walked but entered: each gives the entries of one level.
    """

    __slots__ = ("_once",)

    def __init__(self, entries: Piped, once: bool = False) -> None:
        super().__init__((entries,))
        self._once = once

    @classmethod
    def of(cls, entries: list[Entry], error: Caught | None, growth: Growth, once: bool = False) -> Grove:
        """The entries, and the exception they end in, if any."""
        return cls(Piped(Held(entries, error), (growth,)), once)

    @property
    def _entries(self) -> Piped:
        (entries,) = self.parts
        assert isinstance(entries, Piped)
        return entries

    @property
    def span(self) -> int:
        return units(self._entries)

    def view(self, indices: range) -> Grove:
        raise TypeError("the nodes of a tree have no positions")

    def cut(self, low: int, high: int) -> Grove:
        return Grove(self._entries.cut(low, high), self._once)

    def open(self, blocks: Iterable[Block], site: Site) -> Iterator[Any]:
        entries = self._entries
        site.steps = stages = entries.stages
        if site.copies is not None:
            stages = site.copies.stages(stages)
        (growth,) = stages
        assert isinstance(growth, Growth)
        spot = site.spot = TreeSpot(growth.words)
        opened = entries.source.open(blocks, Site())
        return self._entered(opened, growth, spot) if self._once else self._walked(opened, growth, spot)

    @staticmethod
    def _entered(entries: Iterator[Entry], growth: Growth, spot: TreeSpot) -> Iterator[Entry]:
        for is_open, node in entries:
            if is_open:
                yield from growth.level(node, spot)
            else:
                yield False, node

    @staticmethod
    def _walked(entries: Iterator[Entry], growth: Growth, spot: TreeSpot) -> Iterator[Any]:
        is_dropped = dropped.get(None)
        for is_open, node in entries:
            if not is_open:
                yield spot.at(node)
            elif is_dropped is None:
                yield from growth.walk(node, spot)
            else:
                left = _LOOK_AROUND
                for item in growth.walk(node, spot):
                    yield item
                    left -= 1
                    if not left:
                        if is_dropped():
                            break
                        left = _LOOK_AROUND

    def puller(self) -> Puller[Any]:
        return Iterated(self._in_turn()).puller()

    def _in_turn(self) -> Iterator[Any]:
        """The items one after another, for whoever pulls: not further than they are wanted."""
        site = Site()
        try:
            yield from self.open(((0, self.span),), site)
        except Exception as error:
            annotate(error, site, self._entries.stages[0], f"thread {threading.current_thread().name}")
            raise


class Start(Origin):
    """A single thing that the step after it makes a source of; the code of that step is the code of both."""

    data: Any

    def bind(self) -> Source[Any]:
        return Held([self.data])

    def summary(self) -> str:
        return type(self.data).__name__

    def __repr__(self) -> str:
        return ""


class _Grown(Reshape):
    """Base of the steps that walk a tree."""

    data: Any
    f: Function
    functions: ClassVar[tuple[str, ...]] = ("f",)
    runs_before: ClassVar[bool] = True
    keeps_positions: ClassVar[bool] = False

    def __repr__(self) -> str:
        return super().__repr__().removeprefix(".")

    def arguments(self) -> list[str]:
        return [describe_value(self.data), *super().arguments()[1:]]

    def length(self, length: int) -> int | None:
        return None

    def demand(self, wanted: int | None) -> int | None:
        return None

    @abstractmethod
    def growth(self) -> Growth:
        """How this tree grows."""

    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        growth = self.growth()
        entries: list[Entry] = [(True, self.data)]
        error: Caught | None = None
        for _ in range(LEVELS):
            if not 0 < sum(is_open for is_open, _ in entries) < SUBTREES:
                break
            level = binder.hold(Piped(Grove.of(entries, error, growth, once=True), ()), None)
            if not isinstance(level, Held):  # whoever iterates wants the first node before the last
                break
            entries, error = level.items, level.error
        return Grove.of(entries, error, growth)


class WalkTree(_Grown):
    """The nodes of a tree, in pre-order or in post-order."""

    order: str = "pre"
    name: ClassVar[str] = "walk_tree"

    def arguments(self) -> list[str]:
        return [*super().arguments()[:2], *["order='post'"] * (self.order == "post")]

    def growth(self) -> Growth:
        return PreOrder(self.f) if self.order == "pre" else PostOrder(self.f)


class Split(_Grown):
    """The pieces of data that is halved until it cannot be."""

    name: ClassVar[str] = "split"

    def growth(self) -> Growth:
        return Halving(self.f)
