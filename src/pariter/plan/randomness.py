"""Random numbers that depend on a seed and the position of an item alone, and so on nothing that an engine decides.

Every item has a stream of its own: docs/decisions/0014-a-stream-for-each-item.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, starmap, tee
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pariter._caught import Caught
from pariter.plan.compound import Compound
from pariter.plan.place import Block, Site
from pariter.plan.ranges import compose
from pariter.plan.reshape import Reshape
from pariter.plan.sources import ENDLESS, Puller, Source, units
from pariter.plan.stages import Function, Stage

if TYPE_CHECKING:
    from pariter.plan.pipeline import Binder

T = TypeVar("T")


class MapRng(Reshape):
    """`f(rng, item)`, with a generator of random numbers made for the item's position."""

    f: Function
    seed: int
    numpy: bool = False
    name: ClassVar[str] = "map_rng"
    functions: ClassVar[tuple[str, ...]] = ("f",)

    def apply(self, source: Source[Any], binder: Binder) -> Source[Any]:
        return Placed(source)

    def stages(self) -> tuple[Stage, ...]:
        return (Drawn(self.f, self.seed, self.numpy),)

    def arguments(self) -> list[str]:
        f, *_ = super().arguments()
        return [f, f"seed={self.seed}"] + ["numpy=True"] * self.numpy


class Drawn(Stage):
    """`f(rng, item)` for pairs of an item and its position."""

    f: Function
    seed: int
    numpy: bool
    name: ClassVar[str] = "map_rng"
    functions: ClassVar[tuple[str, ...]] = ("f",)
    one_to_one: ClassVar[bool] = True

    def attach(self, items: Iterator[Any]) -> Iterator[Any]:
        return starmap(_with_numpy(self.f, self.seed) if self.numpy else _with_random(self.f, self.seed), items)


def _with_random(f: Function, seed: int) -> Function:
    from random import Random

    prefix = f"{seed}:"

    def call(item: Any, at: int) -> Any:
        # A text becomes a number with all of its bits, and SHA-512 of it, on every platform.
        return f(Random(f"{prefix}{at}"), item)

    return call


def _with_numpy(f: Function, seed: int) -> Function:
    from numpy.random import PCG64, Generator, SeedSequence

    def call(item: Any, at: int) -> Any:
        return f(Generator(PCG64(SeedSequence(seed, spawn_key=(at,)))), item)

    return call


class Placed(Compound[tuple[T, int]]):
    """Pairs of an item and its position, which stays what it was when this is cut; an error names the item."""

    __slots__ = ("_positions",)

    def __init__(self, inner: Source[T], positions: range | None = None) -> None:
        super().__init__((inner,))
        if positions is None:
            positions = range(ENDLESS if inner.span is None else inner.span)
        self._positions = positions

    @property
    def span(self) -> int | None:
        return self.parts[0].span

    @property
    def error(self) -> Caught | None:
        return self.parts[0].error

    def open(self, blocks: Iterable[Block], site: Site) -> Iterator[tuple[T, int]]:
        here, below = tee(blocks)
        positions = chain.from_iterable(self._positions[low:high] for low, high in here)
        return zip(self.parts[0].open(below, site.descend()), positions, strict=False)

    def view(self, indices: range) -> Placed[T]:
        return Placed(self.parts[0].view(indices), compose(self._positions, indices))

    def puller(self) -> Puller[tuple[T, int]]:
        return _PlacedPuller(self.parts[0].puller(), self._positions)


class _PlacedPuller(Puller[tuple[T, int]]):
    def __init__(self, inner: Puller[T], positions: range) -> None:
        self._inner = inner
        self._positions = positions

    def pull(self, most: int) -> Source[tuple[T, int]]:
        piece = self._inner.pull(most)
        many = units(piece)
        here, self._positions = self._positions[:many], self._positions[many:]
        return Placed(piece, here)

    def close(self) -> None:
        self._inner.close()
