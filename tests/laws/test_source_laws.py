"""The cut law, the length law and the pickle law of sources, and of the steps that work on positions."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import cloudpickle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pariter.engines.driver import Phases
from pariter.plan.pipeline import Plan
from pariter.plan.place import Site
from pariter.plan.sliced import Sliced
from pariter.plan.sources import Iterated, Source
from pariter.pools import SerialPool
from tests.laws import examples
from tests.laws.examples import CODE, CUT, MADE, ORIGINS, PULLED, opened


def plan_of(code: str) -> Plan:
    plan: Plan = eval(code, vars(examples))._plan
    return plan


def bound(code: str) -> Source[Any]:
    """The source that a plan of one step becomes."""
    plan = plan_of(code)
    return Phases(SerialPool().engine(), plan).bind(plan)


EXACT = {kind.__name__: row for kind, row in CUT.items()}
for _kind, (_code, _items) in CODE.items():
    _source = bound(_code)
    if _source.span is not None and _source.exact:
        EXACT[_kind.__name__] = (lambda code=_code: bound(code), _items)
COUNTED = {kind.__name__: (code, items) for kind, (code, items) in CODE.items() if plan_of(code).length() is not None}
each_exact = pytest.mark.parametrize("name", EXACT)


@each_exact
def test_a_source_has_as_many_items_as_its_span_says(name: str) -> None:
    make, wanted = EXACT[name]

    assert make().span == len(wanted)
    assert opened(make()) == wanted


@each_exact
def test_the_pieces_of_a_cut_at_every_triple_are_the_whole(name: str) -> None:
    make, wanted = EXACT[name]
    size = len(wanted)
    source = make()

    for cuts in combinations([*range(size + 1)] * 2, 3):
        bounds = [0, *sorted(cuts), size]
        pieces = [opened(source.cut(low, high)) for low, high in zip(bounds, bounds[1:], strict=False)]
        assert sum(pieces, []) == wanted, bounds


@each_exact
def test_blocks_of_any_length_are_the_whole(name: str) -> None:
    make, wanted = EXACT[name]

    for size in range(1, len(wanted) + 2):
        blocks = [(low, min(low + size, len(wanted))) for low in range(0, len(wanted), size)]
        assert list(make().open(blocks, Site())) == wanted, size


@each_exact
def test_blocks_may_come_from_the_right(name: str) -> None:
    make, wanted = EXACT[name]

    for size in range(1, len(wanted) + 2):
        bounds = range(0, len(wanted), size)
        blocks = [(low, min(low + size, len(wanted))) for low in reversed(bounds)]
        found = list(make().open(blocks, Site()))
        assert found == [item for low, high in blocks for item in wanted[low:high]], size


@each_exact
@settings(max_examples=settings.default.max_examples // 4)
@given(data=st.data())
def test_a_view_is_the_slice_of_the_items_however_often_it_is_taken(name: str, data: st.DataObject) -> None:
    make, wanted = EXACT[name]
    source = make()

    for _ in range(3):
        start, stop, step = data.draw(st.slices(len(wanted))).indices(len(wanted))
        source, wanted = source.view(range(start, stop, step)), wanted[slice_of(range(start, stop, step))]
        assert opened(source) == wanted
        assert source.span == len(wanted)


def slice_of(indices: range) -> slice:
    return slice(indices.start, indices.stop if indices.stop >= 0 else None, indices.step)


@each_exact
def test_a_piece_survives_a_journey_forwards_and_backwards(name: str) -> None:
    make, wanted = EXACT[name]
    source = make()

    for low, high in combinations(range(len(wanted) + 1), 2):
        for indices in (range(low, high), range(high - 1, low - 1, -1), range(low, high, 2)):
            piece = pickle.loads(cloudpickle.dumps(source.view(indices)))
            assert opened(piece) == wanted[slice_of(indices)], indices


@pytest.mark.parametrize("kind", PULLED, ids=lambda kind: kind.__name__)
def test_pulling_pieces_of_any_size_gives_the_whole(kind: type) -> None:
    make, wanted = PULLED[kind]

    for most in range(1, len(wanted) + 2):
        assert pulled(make(), most) == wanted


@each_exact
def test_pulling_a_cut_source_gives_the_whole(name: str) -> None:
    make, wanted = EXACT[name]

    for most in range(1, len(wanted) + 2):
        assert pulled(make(), most) == wanted


@each_exact
def test_pulling_a_view_gives_the_slice_of_the_items(name: str) -> None:
    make, wanted = EXACT[name]

    for low, high in combinations(range(len(wanted) + 1), 2):
        for indices in (range(low, high), range(high - 1, low - 1, -1), range(low, high, 2)):
            for most in (1, 2, len(wanted) + 1):
                assert pulled(make().view(indices), most) == wanted[slice_of(indices)], (indices, most)


def pulled(source: Source[Any], most: int) -> list[Any]:
    """All items, pulled `most` at a time: as many as that, but at the end."""
    puller = source.puller()
    found: list[Any] = []
    while True:
        piece = puller.pull(most)
        found += opened(piece)
        assert piece.span is not None
        assert piece.span <= most
        if piece.span < most:
            break
    assert puller.pull(most).span == 0
    puller.close()
    return found


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("start", [0, 1, 4, 5])
def test_pulling_every_so_many_items_gives_those_before_an_exception_and_it(start: int, step: int) -> None:
    def broken() -> Iterator[int]:
        yield from range(5)
        raise OSError("torn")

    for most in range(1, 8):
        found: list[int] = []
        with pytest.raises(OSError, match="torn"):
            found.extend(_one_by_one(Sliced(Iterated(broken()), start, None, step), most))
        assert found == list(range(5))[start::step], most


def _one_by_one(source: Source[Any], most: int) -> Iterator[Any]:
    """The items, pulled `most` at a time."""
    puller = source.puller()
    while True:
        piece = puller.pull(most)
        assert piece.span is not None
        assert piece.span <= most
        yield from piece.open([(0, piece.span)] if piece.span else [], Site())
        if piece.span < most:
            return


@pytest.mark.parametrize("name", COUNTED)
def test_the_length_of_a_plan_is_its_number_of_items(name: str) -> None:
    code, items = COUNTED[name]

    assert plan_of(code).length() == len(items)


@pytest.mark.parametrize("kind", ORIGINS, ids=lambda kind: kind.__name__)
def test_the_length_of_an_origin_is_its_number_of_items(kind: type) -> None:
    data, items = ORIGINS[kind]
    plan = examples.par_iter(data())

    assert plan._plan.length() in (len(items), None)
    assert list(plan) == items


@pytest.mark.parametrize("kind", MADE, ids=lambda kind: kind.__name__)
def test_the_length_of_a_source_is_its_number_of_items(kind: type) -> None:
    code, items = MADE[kind]

    assert plan_of(code).length() in (len(items), None)
    assert list(eval(code, vars(examples))) == items


HEAVY = 100_000


@pytest.mark.parametrize(
    "step",
    [
        lambda plan: plan,
        lambda plan: plan.map(len),
        lambda plan: plan.enumerate(),
        lambda plan: plan.zip(plan),
        lambda plan: plan.chunks(1),
        lambda plan: plan.windows(1),
        lambda plan: plan.rev(),
        lambda plan: plan.step_by(1),
        lambda plan: plan.chain(plan),
        lambda plan: plan.interleave(plan),
        lambda plan: plan.intersperse(None),
        lambda plan: plan.skip(1).chunks(2).rev(),
    ],
)
def test_a_piece_carries_only_its_own_items(step: Any) -> None:
    items = [bytes([at]) * HEAVY for at in range(20)]
    plan = step(examples.par_iter(items))._plan
    source = Phases(SerialPool().engine(), plan).bind(plan)
    assert source.span is not None

    sizes = [len(cloudpickle.dumps(source.cut(at, at + 1))) for at in range(source.span)]

    assert max(sizes) < 2.5 * HEAVY
