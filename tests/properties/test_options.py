"""What the options of a plan promise, on every engine."""

from __future__ import annotations

import functools
import operator
import threading
from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pariter import ParIter, Pool, par_iter
from pariter.engines import streams
from pariter.sched.lanes import Cuts, Lane
from tests.eager import eager
from tests.properties.cases import ENGINES, SHARED, Case, Failed, Fn, Tallies, assert_same, cases, fns, same, triple

# -- Reproducible ---------------------------------------------------------------------------------

floats = st.lists(st.floats(-1e12, 1e12), max_size=40)


def wide(values: list[float], times: int) -> list[float]:
    """More floats of very different size, whose sum depends on the association."""
    return [value * 10.0 ** (at % 17 - 8) for at, value in enumerate(values * times)]


@settings(max_examples=25)
@given(values=floats, times=st.integers(1, 60), shortest=st.integers(1, 9), longest=st.integers(1, 9))
def test_reproducible_results_have_the_same_bits_on_every_engine(
    pools: dict[str, Pool], values: list[float], times: int, shortest: int, longest: int
) -> None:
    data = wide(values, times)
    found: dict[str, set[str]] = {"sum": set(), "reduce": set(), "fold": set(), "scan": set(), "stream": set()}
    with eager():
        for name, pool in pools.items():
            cut = par_iter(data).with_min_len(shortest).with_max_len(longest) if name != "serial" else par_iter(data)
            plan = cut.map(operator.neg).reproducible().on(pool)
            found["sum"].add(plan.sum(0.0).hex())
            found["reduce"].add(plan.reduce_with(operator.add, 0.0).hex())
            found["fold"].add(plan.fold(float, operator.add).reduce(float, operator.add).hex())
            found["scan"].add(repr(plan.scan(operator.add).collect()))
            found["stream"].add(par_iter(iter(data)).reproducible().on(pool).sum(0.0).hex())

    assert {name: len(bits) for name, bits in found.items()} == dict.fromkeys(found, 1)


@given(values=floats, times=st.integers(1, 60), size=st.integers(1, 50))
def test_fold_chunks_has_the_same_bits_on_every_engine(
    pools: dict[str, Pool], values: list[float], times: int, size: int
) -> None:
    data = wide(values, times)
    wanted = [functools.reduce(operator.add, data[low : low + size], 0.0) for low in range(0, len(data), size)]
    for name in ("serial", "threads-3"):
        with eager():
            found = par_iter(data).fold_chunks(size, float, operator.add).on(pools[name]).collect()

        assert repr(found) == repr(wanted)


# -- Order ----------------------------------------------------------------------------------------


@given(case=cases(largest=200), f=fns(triple))
def test_unordered_gives_up_the_order_and_nothing_else(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    with case.running():
        try:
            found: Any = Counter(case.plan(pools).unordered().map(f))
        except Exception as error:
            found = Failed(type(error), error.args)

    if f.bad & set(case.values):
        raised = {Failed(type(error), error.args) for error in map(f.error, f.bad & set(case.values))}
        assert found in raised
    else:
        assert found == Counter(map(f, case.values))


@given(case=cases(largest=200), f=fns(triple))
def test_unordered_leaves_ordered_results_alone(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    assert_same(case, lambda: list(map(f, case.values)), lambda: case.plan(pools).unordered().map(f).collect(), "map")


# -- Blocks ---------------------------------------------------------------------------------------


@given(case=cases(largest=200), f=fns(triple), size=st.integers(0, 30))
def test_blocks_give_what_the_whole_gives(pools: dict[str, Pool], case: Case, f: Fn, size: int) -> None:
    def blocks() -> Any:
        plan = case.plan(pools)
        return plan.by_uniform_blocks(size) if size else plan.by_exponential_blocks()

    assert_same(case, lambda: list(map(f, case.values)), lambda: blocks().map(f).collect(), "map")
    assert_same(case, lambda: sum(map(f, case.values)), lambda: blocks().map(f).sum(), "map")
    assert_same(case, lambda: list(map(f, case.values)), lambda: list(blocks().map(f)), "map")


@given(case=cases(sources=("list", "generator"), engines=SHARED), size=st.integers(1, 30), bad=st.integers(0, 60))
def test_no_block_is_begun_before_the_one_before_it_is_over(
    pools: dict[str, Pool], case: Case, size: int, bad: int
) -> None:
    numbered = Case(list(range(len(case.values))), *list(vars(case).values())[1:])
    running: Counter[int] = Counter()
    overlaps: list[set[int]] = []
    called: list[int] = []
    lock = threading.Lock()

    def watched(item: int) -> int:
        with lock:
            called.append(item)
            running[item // size] += 1
            if len(+running) > 1:
                overlaps.append(set(+running))
        with lock:
            running[item // size] -= 1
        if item == bad:
            raise ValueError(item)
        return item

    with case.running():
        try:
            numbered.plan(pools).by_uniform_blocks(size).map(watched).collect()
        except ValueError:
            assert max(called) < (bad // size + 1) * size

    assert overlaps == []


# -- Lengths of runs ------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=25)
@given(
    n=st.integers(0, 300),
    shortest=st.integers(0, 40),
    longest=st.none() | st.integers(0, 40),
    is_eager=st.booleans(),
)
def test_min_len_and_max_len_bound_the_runs_of_a_fold(
    pools: dict[str, Pool], engine: str, n: int, shortest: int, longest: int | None, is_eager: bool
) -> None:
    plan = par_iter(range(n)).with_min_len(shortest)
    if longest is not None:
        plan = plan.with_max_len(longest)
    if engine != "default":
        plan = plan.on(pools[engine])
    case = Case([], "list", engine, is_eager, 1, None)
    with case.running():
        runs = plan.fold(list, lambda run, item: [*run, item]).collect()

    assert sum(runs, []) == list(range(n))
    lengths = list(map(len, runs))
    if n:
        assert min(lengths) >= min(shortest, n)
        if longest is not None:
            assert max(lengths) <= max(longest, 2 * shortest - 1, 1)


@given(
    n=st.integers(0, 120),
    shortest=st.integers(1, 12),
    longest=st.integers(1, 12),
    seconds=st.sampled_from((0.0, 1000.0)),
    engine=st.sampled_from(("serial", "threads-3")),
)
@example(n=15, shortest=5, longest=7, seconds=1000.0, engine="serial")
def test_batches_of_an_iterator_are_bounded_too_and_none_is_lost(
    pools: dict[str, Pool], n: int, shortest: int, longest: int, seconds: float, engine: str
) -> None:
    plan = par_iter(iter(range(n))).with_min_len(shortest).with_max_len(longest).on(pools[engine])
    usual, streams.BATCH_S = streams.BATCH_S, seconds  # batches grow never, or as fast as they can
    try:
        runs = plan.fold(list, lambda run, item: [*run, item]).collect()
    finally:
        streams.BATCH_S = usual

    assert [item for run in runs for item in run] == list(range(n))
    if n:
        assert min(map(len, runs)) >= min(shortest, n)
        assert max(map(len, runs)) <= max(longest, 2 * shortest - 1)


@given(
    n=st.integers(0, 300),
    shortest=st.integers(1, 40),
    most=st.integers(1, 60),
    steals=st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=40),
)
@example(n=164, shortest=28, most=1, steals=[(False, 0), (True, 0), (False, 0), (False, 1)])
def test_leaves_that_run_out_of_sight_of_their_lane_are_no_shorter_than_asked(
    n: int, shortest: int, most: int, steals: list[tuple[bool, int]]
) -> None:
    lanes = [Lane(0, n, Cuts(shortest))]
    leaves: list[tuple[int, int]] = []
    for is_theft, which in steals:
        lane = lanes[which % len(lanes)]
        if is_theft and lane.next > lane.begin:
            lanes += [stolen] if (stolen := lane.steal()) is not None else []
        elif (leaf := lane.take_leaf(most)) is not None:
            leaves.append(leaf)
    for lane in lanes:
        while (leaf := lane.take_leaf(most)) is not None:
            leaves.append(leaf)

    assert [at for low, high in sorted(leaves) for at in range(low, high)] == list(range(n))
    assert all(high - low >= min(shortest, n) for low, high in leaves)


# -- One state a worker ---------------------------------------------------------------------------


class States:
    """Counts the states of a `map_local`, and whether two functions ever shared one."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made: list[State] = []
        self.closed: list[State] = []

    def make(self) -> State:
        state = State()
        with self.lock:
            self.made.append(state)
        return state

    def close(self, state: State) -> None:
        with self.lock:
            self.closed.append(state)


class State:
    """In use by at most one function at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def use(self, f: Fn, item: Any) -> Any:
        assert self.lock.acquire(False), "two functions use one state"
        try:
            return f(item)
        finally:
            self.lock.release()


@given(case=cases(engines=SHARED), f=fns(triple), g=fns(same, range(1, 150, 3)))
def test_map_local_makes_no_more_states_than_workers_and_closes_each_of_them(
    pools: dict[str, Pool], case: Case, f: Fn, g: Fn
) -> None:
    states = States()

    def used(state: State, item: Any) -> Any:
        assert state not in states.closed
        return state.use(f, item)

    assert_same(
        case,
        lambda: list(map(g, map(f, case.values))),
        lambda: case.plan(pools).map_local(states.make, used, close=states.close).map(g).collect(),
        "map_local",
        "map",
    )

    assert len(states.made) <= pools[case.engine].num_workers
    assert len(states.closed) == len(states.made)
    assert set(states.closed) == set(states.made)


@given(case=cases(engines=SHARED), f=fns(triple), n=st.integers(0, 60))
def test_map_local_closes_its_states_when_iteration_ends_early(
    pools: dict[str, Pool], case: Case, f: Fn, n: int
) -> None:
    states = States()
    plan = case.plan(pools).map_local(states.make, lambda state, item: state.use(f, item), close=states.close)
    found = []
    with case.running():
        items = iter(plan)
        try:
            while len(found) < n:
                found.append(next(items))
        except StopIteration:
            pass
        except Exception:
            assert f.bad & set(case.values)
        items.close()  # type: ignore[attr-defined]

    assert len(states.made) <= pools[case.engine].num_workers
    assert Counter(states.closed) == Counter(states.made)
    assert found == list(map(triple, case.values))[: len(found)]


@settings(max_examples=15)
@given(case=cases(engines=("processes-2",)), f=fns(triple))
def test_map_local_on_processes_makes_one_state_a_process_and_closes_it(
    pools: dict[str, Pool], tallies: Tallies, case: Case, f: Fn
) -> None:
    made, closed = tallies.of(same), tallies.of(same)

    def make() -> int:
        import os

        made(os.getpid())
        return os.getpid()

    def used(state: int, item: Any) -> Any:
        return f(item)

    assert_same(
        case,
        lambda: list(map(f, case.values)),
        lambda: case.plan(pools).map_local(make, used, close=closed).collect(),
        "map_local",
    )

    assert len(made.items) <= 2
    assert len(set(made.items)) == len(made.items)


@given(case=cases(engines=SHARED), bad=st.frozensets(st.integers(0, 6), max_size=3))
def test_an_exception_of_close_is_raised_after_all_were_closed(
    pools: dict[str, Pool], case: Case, bad: frozenset[int]
) -> None:
    states = States()

    def close(state: State) -> None:
        states.close(state)
        raise ConnectionError("close")

    with case.running():
        try:
            case.plan(pools).map_local(
                states.make, lambda state, item: state.use(Fn(triple), item), close=close
            ).collect()
            raised = False
        except ConnectionError as error:
            raised = error.args == ("close",)

    assert raised == bool(states.made)
    assert Counter(states.closed) == Counter(states.made)


# -- Time -----------------------------------------------------------------------------------------


@given(case=cases(), f=fns(triple))
def test_a_timeout_that_is_not_met_changes_nothing(pools: dict[str, Pool], case: Case, f: Fn) -> None:
    assert_same(case, lambda: list(map(f, case.values)), lambda: case.plan(pools).timeout(100).map(f).collect(), "map")


@pytest.mark.parametrize("is_iterated", [False, True])
@pytest.mark.parametrize("engine", ["serial", "threads-1", "threads-3"])
def test_a_run_that_never_ends_ends_at_its_timeout(pools: dict[str, Pool], engine: str, is_iterated: bool) -> None:
    plan = par_iter(range(10**27)).map(same).timeout(0.05).on(pools[engine])

    with pytest.raises(TimeoutError, match=r"0\.05"):
        for _ in plan if is_iterated else [plan.count()]:
            pass

    assert par_iter(range(3)).on(pools[engine]).sum() == 3


@pytest.mark.parametrize("shortest", [2, 3, 7])
def test_a_prefix_may_end_a_batch_that_was_held_back_for_the_least_length(shortest: int) -> None:
    def prefix() -> ParIter[int]:
        return par_iter(iter(range(20))).filter().take_while(lambda item: item < 4).with_min_len(shortest)

    assert prefix().on("serial").map_batches(list, 2).collect() == [1, 2, 3]
    assert prefix().on("serial").count() == 3
