"""The sink law: wherever the cut falls, merging the parts is the whole."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import cloudpickle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pariter.plan.sinks import Sink
from tests.laws.examples import SINKS, SinkRow

each_sink = pytest.mark.parametrize("row", SINKS.values(), ids=[kind.__name__ for kind in SINKS])


def answer(row: SinkRow, partial: Any) -> Any:
    return row.seen(row.sink.finish(partial))


@each_sink
@given(data=st.data())
def test_the_merged_parts_are_the_whole(row: SinkRow, data: st.DataObject) -> None:
    items = data.draw(st.lists(row.item, max_size=12))
    low, high = sorted((data.draw(st.integers(0, len(items))), data.draw(st.integers(0, len(items)))))
    sink = row.sink

    whole = answer(row, sink.consume(iter(items)))
    left, middle, right = (sink.consume(iter(part)) for part in (items[:low], items[low:high], items[high:]))
    again = copy.deepcopy((left, middle, right))

    assert answer(row, sink.merge(sink.merge(left, middle), right)) == whole
    left, middle, right = again
    assert answer(row, sink.merge(left, sink.merge(middle, right))) == whole


@each_sink
@settings(max_examples=settings.default.max_examples // 2)
@given(data=st.data())
def test_a_settled_sink_needs_nothing_to_its_right(row: SinkRow, data: st.DataObject) -> None:
    items = data.draw(st.lists(row.item, max_size=6))
    others = data.draw(st.lists(row.item, max_size=6))
    partial = row.sink.consume(iter(items))

    if row.sink.settled(partial):
        merged = row.sink.merge(copy.deepcopy(partial), row.sink.consume(iter(others)))
        assert answer(row, merged) == answer(row, partial)


@each_sink
def test_a_sink_and_its_partial_result_of_nothing_survive_a_journey(row: SinkRow) -> None:
    sink: Sink = pickle.loads(cloudpickle.dumps(row.sink))
    partial = pickle.loads(cloudpickle.dumps(sink.consume(iter(()))))

    assert type(sink) is type(row.sink)
    assert answer(row._replace(sink=sink), partial) == answer(row, row.sink.consume(iter(())))
