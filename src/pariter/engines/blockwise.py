"""Blocks of a plan that run one after another, each in parallel, until one needs no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pariter.plan.piped import Leaf, Piped


class Blockwise:
    """Pulls block after block and has each run: `size` units long, or longer by `growth` from one to the next."""

    def __init__(self, piped: Piped, run: Callable[[Piped], Leaf], size: int, growth: int) -> None:
        self._puller = piped.puller()
        self._run = run
        self._size = size
        self._growth = growth

    def leaves(self) -> Iterator[Leaf]:
        """What became of each block; of the first one even if it has no items."""
        size = self._size
        first = True
        while True:
            piece = self._puller.pull(size)
            span = piece.span
            assert isinstance(piece, Piped)
            assert span is not None
            if not span and not first:
                return
            leaf = self._run(piece)
            yield leaf
            if leaf.left_early or span < size:
                return
            first = False
            size *= self._growth

    def results(self) -> Iterator[Any]:
        """The partial result of each block."""
        for leaf in self.leaves():
            yield leaf.partial

    def close(self) -> None:
        """Pull nothing more."""
        self._puller.close()
