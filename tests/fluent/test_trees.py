"""walk_tree and split: every node in its order, asked once, however deep, wide or endless the tree is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pariter import Pool, ThreadPool, split, walk_tree
from tests.conftest import ENGINES
from tests.eager import eager

Tree = dict[int, list[int]]


def preorder(node: int, children: Any) -> Iterator[int]:
    yield node
    for child in children(node):
        yield from preorder(child, children)


def postorder(node: int, children: Any) -> Iterator[int]:
    for child in children(node):
        yield from postorder(child, children)
    yield node


def pieces(data: Any, halve: Any) -> Iterator[Any]:
    halves = halve(data)
    if halves is None:
        yield data
    else:
        for half in halves:
            yield from pieces(half, halve)


ORDERS = {"pre": preorder, "post": postorder}


@st.composite
def trees(draw: Any, most: int = 60) -> Tree:
    """Node 0 and others, each below one of those before it."""
    tree: Tree = {0: []}
    for node in range(1, draw(st.integers(1, most))):
        narrow = draw(st.booleans())
        tree[node - 1 if narrow else draw(st.integers(0, node - 1))].append(node)
        tree[node] = []
    return tree


class Raised(Exception):
    """Raised by a function of a test."""


class Children:
    """The children in a tree; raises for some nodes, or in the middle of their children."""

    def __init__(self, tree: Tree, bad: frozenset[int] = frozenset(), worse: frozenset[int] = frozenset()) -> None:
        self.tree = tree
        self.bad = bad
        self.worse = worse

    def __call__(self, node: int) -> Any:
        if node in self.bad:
            raise Raised(node)
        return self.some(node) if node in self.worse else self.tree[node]

    def some(self, node: int) -> Iterator[int]:
        yield from self.tree[node][:2]
        raise Raised("after two children of", node)


def outcome(items: Any) -> tuple[list[Any], Any]:
    found: list[Any] = []
    try:
        for item in items:
            found.append(item)
    except Raised as error:
        return found, error.args
    return found, None


engines = st.sampled_from(ENGINES)
orders = st.sampled_from(sorted(ORDERS))


@given(trees(), engines, orders)
def test_nodes_come_in_the_order_of_the_tree(pools: dict[str, Pool], tree: Tree, engine: str, order: Any) -> None:
    children = Children(tree)
    expected = list(ORDERS[order](0, children))

    with eager():
        plan = walk_tree(0, children, order=order).on(pools[engine])
        assert plan.collect() == expected
        assert list(plan) == expected
        assert plan.enumerate().rev().collect() == list(enumerate(expected))[::-1]


@given(trees(), st.data(), engines, orders)
def test_the_first_exception_is_that_of_the_plain_loop(
    pools: dict[str, Pool], tree: Tree, data: st.DataObject, engine: str, order: Any
) -> None:
    some = st.frozensets(st.sampled_from(sorted(tree)), max_size=3)
    children = Children(tree, data.draw(some), data.draw(some))
    found, error = outcome(ORDERS[order](0, children))
    n = data.draw(st.integers(0, len(found)))

    with eager():
        plan = walk_tree(0, children, order=order).on(pools[engine])
        assert outcome(plan) == (found, error)
        assert plan.take(n).collect() == found[:n]
        if error is None:
            assert plan.count() == len(found)
            return
        with pytest.raises(Raised) as raised:
            plan.map(str).collect()

    assert raised.value.args == error
    (note,) = raised.value.__notes__
    assert note.startswith("pariter: raised by walk_tree(")


class Halve:
    """Cuts ranges by rules that differ from place to place."""

    def __init__(self, seed: int, least: int) -> None:
        self.seed = seed
        self.least = least

    def __call__(self, data: range) -> Any:
        if len(data) <= self.least or (data.start * 7 + self.seed) % 11 == 0:
            return None
        middle = 1 + (data.start * 5 + data.stop * 3 + self.seed) % (len(data) - 1)
        return data[:middle], data[middle:]


@given(st.integers(0, 200), st.integers(0, 100), st.integers(1, 5), engines)
def test_pieces_are_those_of_halving_until_it_ends(
    pools: dict[str, Pool], many: int, seed: int, least: int, engine: str
) -> None:
    halve = Halve(seed, least)
    expected = list(pieces(range(many), halve))

    with eager():
        plan = split(range(many), halve).on(pools[engine])
        assert plan.collect() == expected
        assert plan.flatten().sum() == sum(range(many))
        assert list(plan.take(3)) == expected[:3]


@pytest.mark.parametrize("order", sorted(ORDERS))
def test_children_is_called_once_for_each_node(every_shared: Pool, order: Any) -> None:
    calls: list[int] = []

    def children(node: int) -> range:
        calls.append(node)
        return range(3 * node + 1, min(3 * node + 4, 2000))

    with eager():
        plan = walk_tree(0, children, order=order).on(every_shared)
        assert plan.count() == 2000
        assert Counter(calls) == Counter(range(2000))
        calls.clear()
        assert sum(1 for _ in plan) == 2000

    assert Counter(calls) == Counter(range(2000))


def test_halve_is_called_once_for_each_part(every_shared: Pool) -> None:
    calls: list[range] = []

    def halve(part: range) -> Any:
        calls.append(part)
        middle = len(part) // 2
        return (part[:middle], part[middle:]) if middle else None

    with eager():
        assert split(range(1000), halve).on(every_shared).count() == 1000

    assert len(calls) == len(set(calls)) == 1999


def down(node: int) -> list[int]:
    return [node + 1] if node < 20_000 else []


def up(node: int) -> list[int]:
    return [node + 1]


def both(node: int) -> tuple[int, int]:
    return 2 * node + 1, 2 * node + 2


def halves_for_ever(node: tuple[int, int]) -> Any:
    low, high = node
    middle = (low + high) // 2
    return None if high - low == 1 else ((low, middle), (middle, high))


@pytest.mark.parametrize("order", sorted(ORDERS))
def test_a_tree_may_be_deeper_than_the_stack(every_engine: Pool, order: Any) -> None:
    plan = walk_tree(0, down, order=order).on(every_engine)

    assert plan.count() == 20_001
    assert list(plan.take(2)) == ([0, 1] if order == "pre" else [20_000, 19_999])


def test_endless_trees_are_walked_as_far_as_wanted(every_engine: Pool) -> None:
    assert walk_tree(0, up).on(every_engine).take(500).collect() == list(range(500))
    assert walk_tree(0, up).on(every_engine).find_first(lambda n: n > 700) == 701
    assert list(islice(walk_tree(1, both).on(every_engine), 5)) == [1, 3, 7, 15, 31]
    assert walk_tree(0, both).on(every_engine).any(lambda n: n > 10**9)
    assert split((0, 10**18), halves_for_ever).on(every_engine).take(2).collect() == [(0, 1), (1, 2)]


def test_a_node_that_a_walk_of_endless_subtrees_reaches_is_found_by_another_worker(threads: ThreadPool) -> None:
    with eager():
        found = walk_tree(0, both).on(threads).find_any(lambda n: n == 2**20 - 1)

    assert found == 2**20 - 1


def test_an_endless_walk_asks_no_more_than_it_needs(every_shared: Pool) -> None:
    calls: list[int] = []

    def children(node: int) -> list[int]:
        calls.append(node)
        return [node + 1]

    assert walk_tree(0, children).on(every_shared).map(str).take(5).collect() == list("01234")
    assert len(calls) < 100_000


def test_iterating_asks_no_further_than_the_window(every_shared: Pool) -> None:
    calls: list[int] = []

    def children(node: int) -> list[int]:
        calls.append(node)
        return [node + 1]

    items = iter(walk_tree(0, children).on(every_shared).buffered(10))
    assert [next(items) for _ in range(20)] == list(range(20))
    items.close()  # type: ignore[attr-defined]

    assert len(calls) <= 20 + 10 + 1


def test_functions_after_the_walk_raise_at_their_node(every_engine: Pool) -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        walk_tree(4, lambda n: range(n)).on(every_engine).map(lambda n: 1 // n).collect()

    (note,) = raised.value.__notes__
    assert re.fullmatch(r"pariter: raised by map\(<lambda>\) at node \(0\), on .+", note)


@pytest.mark.parametrize("order", sorted(ORDERS))
def test_the_note_names_the_node_whose_children_were_asked_for(every_engine: Pool, order: Any) -> None:
    def bad_children(node: int) -> list[int]:
        if node == 3:
            raise KeyError(node)
        return [node + 1]

    for run in (lambda plan: plan.collect(), list):
        with pytest.raises(KeyError) as raised:
            run(walk_tree(0, bad_children, order=order).on(every_engine))
        (note,) = raised.value.__notes__
        assert re.fullmatch(r"pariter: raised by walk_tree\(bad_children\) at node \(3\), on .+", note)


def test_a_bad_result_of_halve_is_said_to_be_one(every_engine: Pool) -> None:
    with pytest.raises(TypeError, match=r"split\(\) needs a function that returns a pair or None, and it returned 7"):
        split(3, lambda n: 7).on(every_engine).collect()
    with pytest.raises(TypeError, match=r"returned \(1, 2, 3\)"):
        split(3, lambda n: (1, 2, 3)).on(every_engine).collect()


def test_repr_is_the_code_that_builds_the_plan() -> None:
    assert repr(walk_tree(1, both).map(str)) == "walk_tree(1, both).map(str)"
    assert repr(walk_tree(1, both, order="post")) == "walk_tree(1, both, order='post')"
    assert repr(split([1, 2], halves_for_ever)) == "split([1, 2], halves_for_ever)"
    assert "walk_tree(1, both)" in walk_tree(1, both).explain()


def test_bad_arguments_raise_at_the_call() -> None:
    with pytest.raises(TypeError, match=r"walk_tree\(\) needs a callable, got 5"):
        walk_tree(1, 5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"split\(\) needs a callable, got None"):
        split(1, None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"walk_tree\(\) needs an order of 'pre' or 'post', got 'level'"):
        walk_tree(1, both, order="level")  # type: ignore[arg-type]


def test_the_length_is_not_known_before() -> None:
    with pytest.raises(TypeError):
        len(walk_tree(0, both))
