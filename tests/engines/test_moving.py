"""Plans that begin in the caller and move to processes when that pays."""

from __future__ import annotations

import operator
import os
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pariter import ParIter, ProcessPool, par_iter
from pariter.engines.processes import ProcessEngine


@pytest.fixture(params=["cold", "warm"])
def pool(request: pytest.FixtureRequest, processes: ProcessPool) -> Iterator[ProcessPool]:
    """A pool whose processes are to be started, or one whose processes are there."""
    if request.param == "warm":
        processes.broadcast(os.getpid)
        yield processes
    else:
        with ProcessPool(2) as made:
            yield made


@pytest.fixture
def lenient(pool: ProcessPool, monkeypatch: pytest.MonkeyPatch) -> ProcessPool:
    """The pool as if it were the default: plans on it may begin in the caller."""
    monkeypatch.setattr(pool, "engine", lambda *, always=True: ProcessEngine(pool._crew, always=False))
    return pool


def burn(item: int, seconds: float = 0.003) -> int:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
    return item


def raises_late(item: int) -> int:
    if item >= 180:
        raise ArithmeticError(item)
    return burn(item)


RUNS: dict[str, Any] = {
    "collect": lambda plan: plan.map(burn).collect(),
    "sum": lambda plan: plan.map(burn).sum(),
    "reduce": lambda plan: plan.map(burn).map(lambda n: [n]).reduce(list, operator.add),
    "find_first": lambda plan: plan.map(burn).find_first(lambda n: n >= 170),
    "fold with least length": lambda plan: plan.with_min_len(40).map(burn).fold(list, lambda a, n: [*a, n]).flatten(),
    "fixed lengths": lambda plan: plan.with_max_len(7).map(burn).max(),
    "an exception": lambda plan: plan.map(raises_late).collect(),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_plan_gives_the_same_wherever_its_items_were_run(lenient: ProcessPool, name: str) -> None:
    def found(plan: ParIter[int]) -> Any:
        try:
            answer = RUNS[name](plan)
            return answer.collect() if isinstance(answer, ParIter) else answer
        except ArithmeticError as error:
            return repr(error)

    assert found(par_iter(list(range(200))).on(lenient)) == found(par_iter(list(range(200))).on("serial"))


def first_waits_for_last(folder: Path, item: int) -> int:
    """The first item is over when the last one is."""
    if item == 0:
        limit = time.monotonic() + 60
        while not (folder / "last").exists():
            assert time.monotonic() < limit, "the last item was held up by the first"
    elif item == 3:
        (folder / "last").touch()
    return os.getpid()


def test_a_slow_first_item_holds_up_nobody(lenient: ProcessPool, tmp_path: Path) -> None:
    pids = par_iter(range(4)).map(partial(first_waits_for_last, tmp_path)).on(lenient).collect()

    assert pids[0] == os.getpid()
    assert pids[3] != os.getpid()


def test_the_switch_interval_is_what_it_was(lenient: ProcessPool) -> None:
    before = sys.getswitchinterval()

    par_iter(range(4)).map(partial(burn, seconds=0.25)).on(lenient).collect()

    assert sys.getswitchinterval() == before


def counted(found: dict[int, int], n: int) -> dict[int, int]:
    found[n] = 1
    return found


def test_aliases_of_classes_travel_as_their_classes_do(lenient: ProcessPool) -> None:
    plan = par_iter([1, 2]).fold(dict[int, int], counted).on(lenient)

    assert plan.reduce(dict[int, int], operator.or_) == {1: 1, 2: 1}
