"""What a plan means, said once more with plain loops: the oracle of the engine law.

A `Model` is a list of cells and the steps that run over them. A cell is one position: its place in the
data, and how its item is computed or which exception stands there. Steps that work on positions
rearrange cells and compute nothing; where positions are not known, everything before runs first, in a
plain loop, and cells for the results are made: a barrier, with the exception of that loop, if any, as
the last cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

Function = Callable[..., Any]


class Raised(Exception):
    """Carries what a user's function raised and the note it must bear."""

    def __init__(self, error: BaseException, step: str, index: int) -> None:
        super().__init__(error, step, index)
        self.error = error
        self.step = step
        self.index = index


@dataclass(frozen=True)
class Cell:
    """One position: where its item stood in the data, and how to get at it."""

    index: int
    compute: Function
    is_end: bool = False
    """Whether it stands for the exception in which the items ended: nothing passes over it."""

    def map(self, f: Function, step: str) -> Cell:
        return replace(self, compute=lambda: called(f, self.compute(), step, self.index))


def called(f: Function, item: Any, step: str, index: int) -> Any:
    """`f(item)`; what it raises is known to be of that step, at that item."""
    try:
        return f(item)
    except Raised:
        raise
    except Exception as error:
        raise Raised(error, step, index) from None


def raising(raised: Raised) -> Function:
    """A cell's `compute` that raises."""

    def compute() -> Any:
        raise raised

    return compute


@dataclass(frozen=True)
class Stage:
    """A step whose number of results is not known: how to run it over items and the site they are at."""

    run: Callable[[Iterator[Any], Site], Iterator[Any]]
    stops: bool = False
    by_item: bool = True
    from_right: Callable[[Iterator[Any], Site], Iterator[Any]] | None = None
    """The same over items that come from the right, if that is something else."""


@dataclass
class Site:
    """The place of the item that the cells handed out last."""

    index: int = -1


@dataclass(frozen=True)
class Model:
    """Cells, and the steps over them that positions do not survive."""

    cells: tuple[Cell, ...]
    stages: tuple[Stage, ...] = ()
    pure: bool = True
    """Whether the items are computed by no function of the user."""
    by_item: bool = True
    parts: tuple[Model, ...] = field(default=())
    """The models chained one after another, where not all of them are exact."""

    @classmethod
    def of(cls, items: Iterable[Any], error: BaseException | None = None) -> Model:
        """The model of a source, which may end in an exception of its own."""
        cells = [Cell(index, lambda item=item: item) for index, item in enumerate(items)]
        if error is not None:
            raised = Raised(error, "the source", len(cells))
            cells.append(Cell(len(cells), raising(raised), is_end=True))
        return cls(tuple(cells))

    @property
    def exact(self) -> bool:
        return not self.stages and not self.parts

    @property
    def stops(self) -> bool:
        return any(stage.stops for stage in self.stages)

    # One item at a time.

    def one_to_one(self, f: Function, step: str, *, by_item: bool = True) -> Model:
        if self.exact:
            cells = tuple(cell.map(f, step) for cell in self.cells)
            return replace(self, cells=cells, pure=False, by_item=self.by_item and by_item)

        def run(items: Iterator[Any], site: Site) -> Iterator[Any]:
            return (called(f, item, step, site.index) for item in items)

        return self.staged(Stage(run, by_item=by_item))

    def staged(self, stage: Stage) -> Model:
        return replace(self, stages=(*self.stages, stage), pure=False)

    def filtered(self, keep: Function, step: str) -> Model:
        def run(items: Iterator[Any], site: Site) -> Iterator[Any]:
            return (item for item in items if called(keep, item, step, site.index))

        return self.staged(Stage(run))

    def flat_mapped(self, f: Function, step: str, *, by_item: bool = True) -> Model:
        def run(items: Iterator[Any], site: Site) -> Iterator[Any]:
            for item in items:
                inner = called(lambda item: iter(f(item)), item, step, site.index)
                while True:
                    try:
                        found = next(inner)
                    except StopIteration:
                        break
                    except Exception as error:
                        raise Raised(error, step, site.index) from None
                    yield found

        def from_right(items: Iterator[Any], site: Site) -> Iterator[Any]:
            for item in items:
                yield from reversed(called(lambda item: list(f(item)), item, step, site.index))

        return self.staged(Stage(run, by_item=by_item, from_right=from_right))

    def taken_while(self, keep: Function, step: str) -> Model:
        def run(items: Iterator[Any], site: Site) -> Iterator[Any]:
            for item in items:
                if not called(keep, item, step, site.index):
                    return
                yield item

        return self.staged(Stage(run, stops=True, by_item=False))

    def scanned(self, op: Function) -> Model:
        return Model.held(accumulate(self.items(), op))

    # By position.

    def barrier(self) -> Model:
        return Model.held(self.items())

    @classmethod
    def held(cls, items: Iterator[Any]) -> Model:
        cells: list[Cell] = []
        try:
            for item in items:
                cells.append(Cell(len(cells), lambda item=item: item))
        except Raised as raised:
            cells.append(Cell(len(cells), raising(raised), is_end=True))
        return cls(tuple(cells))

    def positioned(self) -> Model:
        return replace(self, by_item=True) if self.exact else self.barrier()

    def computed(self) -> Model:
        return self.positioned() if self.pure else self.barrier()

    def enumerated(self, start: int) -> Model:
        model = self.positioned()
        cells = tuple(
            replace(cell, compute=lambda at=at, cell=cell: (at, cell.compute()))
            for at, cell in enumerate(model.cells, start)
        )
        return replace(model, cells=cells)

    def zipped(self, others: list[Model]) -> Model:
        models = [self.positioned(), *(other.positioned() for other in others)]
        rows = list(zip(*(model.cells for model in models), strict=False))
        cells = [
            replace(row[0], compute=lambda row=row: tuple(cell.compute() for cell in row), is_end=False) for row in rows
        ]
        ended = bool(rows) and any(cell.is_end for cell in rows[-1])
        if ended:
            cells[-1] = replace(cells[-1], is_end=True)
        for model in () if ended else models:  # one after the other is asked for one more item, until one has none
            if len(model.cells) == len(rows):
                break
            if model.cells[len(rows)].is_end:
                cells.append(model.cells[len(rows)])
                break
        return Model(tuple(cells), pure=all(model.pure for model in models))

    def chained(self, others: list[Model]) -> Model:
        models = [self.barrier() if self.stops else self]
        models += [other.barrier() if other.stops else other for other in others]
        pure = all(model.pure for model in models)
        if all(model.exact for model in models):
            return Model(reached(cell for model in models for cell in model.cells), pure=pure)
        return Model((), pure=pure, parts=tuple(models))

    def taken(self, n: int) -> Model:
        model = self.positioned()
        return replace(model, cells=model.cells[:n])

    def skipped(self, n: int) -> Model:
        model = self.positioned()
        ends = tuple(cell for cell in model.cells[:n] if cell.is_end)
        return replace(model, cells=ends[:1] or model.cells[n:])

    def stepped(self, n: int) -> Model:
        model = self.positioned()
        cells = tuple(cell for at, cell in enumerate(model.cells) if at % n == 0 or cell.is_end)
        return replace(model, cells=cells)

    def turned(self) -> Model:
        model = self.positioned()
        ends = tuple(cell for cell in model.cells if cell.is_end)
        return replace(model, cells=ends[:1] or model.cells[::-1])

    def chunked(self, size: int) -> Model:
        model = self.positioned()
        cells = []
        for index, low in enumerate(range(0, len(model.cells), size)):
            group = model.cells[low : low + size]
            is_end = any(cell.is_end for cell in group)
            cells.append(Cell(index, lambda group=group: [cell.compute() for cell in group], is_end))
        return Model(tuple(cells), pure=model.pure)

    def windowed(self, size: int) -> Model:
        model = self.computed()
        found = model.cells
        if len(found) < size:
            return replace(model, cells=tuple(cell for cell in found if cell.is_end))
        cells = []
        for index in range(len(found) - size + 1):
            group = found[index : index + size]
            is_end = any(cell.is_end for cell in group)
            cells.append(Cell(index, lambda group=group: tuple(cell.compute() for cell in group), is_end))
        return Model(tuple(cells))

    def skipped_while(self, keep: Function, step: str) -> Model:
        model = self.computed()
        for at, cell in enumerate(model.cells):
            try:
                if not called(keep, cell.compute(), step, cell.index):
                    return replace(model, cells=model.cells[at:])
            except Raised as raised:
                return Model((Cell(0, raising(raised), is_end=True),))
        return replace(model, cells=())

    def folded_in_chunks(self, size: int, make: Function, op: Function, step: str) -> Model:
        model = self.positioned()

        def folded(group: tuple[Cell, ...], index: int) -> Any:
            found = make()
            for cell in group:
                item = cell.compute()
                found = called(lambda item, found=found: op(found, item), item, step, index)
            return found

        cells = []
        for index, low in enumerate(range(0, len(model.cells), size)):
            group = model.cells[low : low + size]
            is_end = any(cell.is_end for cell in group)
            cells.append(Cell(index, lambda group=group, index=index: folded(group, index), is_end))
        return Model(tuple(cells), pure=False)

    def woven(self, other: Model, *, shortest: bool) -> Model:
        model, other = self.positioned(), other.positioned()
        cells: list[Cell] = []
        for mine, its in zip(model.cells, other.cells, strict=False):
            cells += (mine, its)
        many = len(cells) // 2
        left = model.cells[many:] if shortest else model.cells[many:] + other.cells[many:]
        return Model(reached((*cells, *(left[:1] if shortest else left))), pure=model.pure and other.pure)

    def interspersed(self, value: Any) -> Model:
        model = self.positioned()
        cells: list[Cell] = []
        for gap, cell in enumerate(model.cells):
            cells += (Cell(gap - 1, lambda: value), cell)
        return replace(model, cells=tuple(cells[1:]))

    # Ends.

    def items(self) -> Iterator[Any]:
        """What the plain loop gives."""
        return self._items(Site())

    def _items(self, site: Site) -> Iterator[Any]:
        items = self._chained(site) if self.parts else computed(self.cells, site)
        for stage in self.stages:
            items = stage.run(items, site)
        return items

    def _chained(self, site: Site) -> Iterator[Any]:
        for part in self.parts:
            yield from part._items(site)

    @property
    def reversible(self) -> bool:
        return not self.parts and self.by_item and all(stage.by_item for stage in self.stages)

    def from_right(self) -> Model:
        """What the loop from the right goes over: each item is computed when it is asked for."""
        model = self if self.reversible else self.barrier()
        stages = tuple(replace(stage, run=stage.from_right or stage.run) for stage in model.stages)
        return replace(model, cells=model.cells[::-1], stages=stages)


def reached(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """The cells up to the first that nothing passes over."""
    found: list[Cell] = []
    for cell in cells:
        found.append(cell)
        if cell.is_end:
            break
    return tuple(found)


def computed(cells: Iterable[Cell], site: Site) -> Iterator[Any]:
    """The items of cells, one after another; `site` always knows which."""
    for cell in cells:
        site.index = cell.index
        yield cell.compute()
