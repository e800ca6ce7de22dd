"""Plans that begin in the caller and move to processes when that pays."""

from __future__ import annotations

import copy
import multiprocessing
import operator
import os
import pickle
import re
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pariter import ParIter, ProcessPool, ThreadPool, par_iter, repeat
from pariter.engines import idleness
from pariter.engines.processes import ProcessEngine, ProcessRun


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
    monkeypatch.setattr(pool, "engine", lambda **options: ProcessEngine(pool._crew, always=False))
    return pool


@pytest.fixture
def undecided(pool: ProcessPool, threads: ThreadPool, monkeypatch: pytest.MonkeyPatch) -> ProcessPool:
    """The same, with threads for plans that wait."""
    helpers = {"threads": lambda: threads.workers}
    monkeypatch.setattr(pool, "engine", lambda **options: ProcessEngine(pool._crew, always=False, **helpers))
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


class Meeting:
    """Where threads wait, computing nothing, until there are two."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self._here: set[int] = set()
        self._is_met = threading.Event()

    def wait(self) -> None:
        self._here.add(threading.get_ident())
        if len(self._here) > 1:
            self._is_met.set()
        assert self._is_met.wait(60), "nobody else came"


_meeting = Meeting()


def meets_another(item: int) -> int:
    _meeting.wait()
    return item


def test_what_waits_is_shared_with_threads(undecided: ProcessPool) -> None:
    _meeting.begin()
    plan = par_iter(range(64)).map(meets_another).on(undecided)

    assert plan.collect() == list(range(64))
    assert "threads helped, because the items wait" in plan.explain()


def meets_later(item: int) -> int:
    """As `meets_another`, after some time to show that one waits."""
    if item < 8:
        threading.Event().wait(0.03)
    else:
        _meeting.wait()
    return item


_others_run = threading.Event()


def raises_when_others_run(item: int) -> int:
    """The first item waits for another one, and raises."""
    if item:
        _others_run.set()
        return item
    raise ArithmeticError(_others_run.wait(60))


def test_an_exception_of_what_waits_comes_out_as_it_is(undecided: ProcessPool) -> None:
    _others_run.clear()
    plan = par_iter(range(64)).map(raises_when_others_run).on(undecided)

    with pytest.raises(ArithmeticError, match="^True"):
        plan.collect()
    assert par_iter(range(10)).map(abs).on(undecided).sum() == 45


@pytest.mark.parametrize("source", [lambda: range(64), lambda: iter(range(64))])
def test_a_stream_of_what_waits_is_shared_with_threads(undecided: ProcessPool, source: Any) -> None:
    _meeting.begin()
    met = list(par_iter(source()).map(meets_later).on(undecided))

    assert met == list(range(64))


@pytest.mark.parametrize("run", [list, lambda plan: plan.collect()])
def test_threads_that_help_leave_the_source_to_the_caller(undecided: ProcessPool, run: Any) -> None:
    caller, pullers = threading.get_ident(), set()

    def numbers() -> Iterator[int]:
        for n in range(64):
            pullers.add(threading.get_ident())
            yield n

    _meeting.begin()

    assert run(par_iter(numbers()).map(meets_later).on(undecided)) == list(range(64))
    assert pullers == {caller}


def burning_pid(item: int) -> int:
    burn(item)
    return os.getpid()


def waits_for_its_first(seconds: float) -> Iterator[int]:
    threading.Event().wait(seconds)
    yield from range(20_000)


def test_a_source_that_waits_keeps_nobody_from_computing_elsewhere(undecided: ProcessPool) -> None:
    pids = par_iter(waits_for_its_first(0.1)).map(burning_pid).on(undecided)

    assert any(pid != os.getpid() for pid in pids)


def test_an_iterator_of_nothing_gives_nothing(undecided: ProcessPool) -> None:
    def plan() -> ParIter[int]:
        nothing: Iterator[int] = iter(())
        return par_iter(nothing).map(abs).on(undecided)

    assert list(plan()) == []
    assert plan().collect() == []
    assert plan().sum() == 0


def test_nobody_takes_the_moment_between_two_blocks_for_a_long_block(
    undecided: ProcessPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured, decide = ProcessRun.measured, ProcessRun._moves_locked
    looks: list[bool] = []
    judged: list[float] = []

    def looked_at_between(self: ProcessRun, items: int, seconds: float) -> None:
        measured(self, items, seconds)
        looks.append(self.open())  # what the ticker calls, at any time

    def recorded(self: ProcessRun, item_s: float | None = None, computed_s: float | None = None) -> bool:
        if item_s is not None and looks and threading.current_thread() is threading.main_thread():
            judged.append(item_s)
        return decide(self, item_s, computed_s)

    monkeypatch.setattr(ProcessRun, "measured", looked_at_between)
    monkeypatch.setattr(ProcessRun, "_moves_locked", recorded)

    assert par_iter(list(range(5_000))).map(abs).on(undecided).sum() == sum(range(5_000))
    assert looks
    assert all(looks)
    assert judged == []


def test_explain_tells_what_was_measured_and_who_did_the_work(undecided: ProcessPool, threads: ThreadPool) -> None:
    cheap = par_iter(range(1)).map(abs).on(undecided)
    dear = par_iter(range(400)).map(burn).on(undecided)
    threaded = par_iter(range(10)).map(abs).on(threads)
    before = cheap.explain()
    for plan in (cheap, dear, threaded):
        plan.sum()

    assert cheap.explain().startswith(f"{before}\nlast run: 1 of 1 items in the caller, ")
    assert cheap.explain().endswith("; sending them away would not have paid")
    assert dear.explain().endswith(" ms each; 2 processes did the rest")
    assert re.search(r"\nlast run: \d+ of 10 items .*; (nobody was called|threads helped)$", threaded.explain())


def test_explain_does_not_name_helpers_who_did_not_come(
    undecided: ProcessPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProcessRun, "offer_to", lambda run, pool: False)
    plan = par_iter(range(8)).map(sleeps).on(undecided)

    plan.sum()
    assert plan.explain().endswith(" ms each; it was over when others were ready to help")


def sleeps(item: int) -> int:
    threading.Event().wait(0.02)
    return item


def test_explain_counts_all_that_the_caller_did(undecided: ProcessPool) -> None:
    caller, done = threading.get_ident(), []

    def counted(item: int) -> None:
        sleeps(item)
        if threading.get_ident() == caller:
            done.append(item)

    plan = par_iter(range(24)).map(counted).on(undecided)

    plan.count()
    assert f"\nlast run: {len(done)} of 24 items in the caller, " in plan.explain()


def test_explain_does_not_tell_of_a_run_before_the_last_one(undecided: ProcessPool) -> None:
    plan = par_iter(range(10)).map(abs).on(undecided)
    before = plan.explain()
    plan.sum()
    measured = plan.explain()
    list(plan)

    assert measured.startswith(f"{before}\nlast run: 10 of 10 items in the caller, ")
    assert plan.explain() == before


def test_explain_tells_of_comparisons_and_of_what_never_ends(undecided: ProcessPool) -> None:
    compared = par_iter(range(10)).map(abs).on(undecided)
    endless = repeat(5).map(abs).on(undecided)

    assert compared.equals(range(10))
    assert "\nlast run: 10 of 10 items in the caller, " in compared.explain()
    assert endless.find_first(lambda n: n == 5) == 5
    assert " of endless items in the caller" in endless.explain()


def test_a_copy_of_a_plan_has_not_run(undecided: ProcessPool) -> None:
    plan = par_iter(range(10)).map(abs)
    before = plan.explain()
    plan.sum()

    assert copy.copy(plan).explain() == before
    assert pickle.loads(pickle.dumps(plan)).explain() == before


def waits_first(item: int) -> int:
    if item == 0:
        threading.Event().wait(0.1)
        return os.getpid()
    return burning_pid(item)


def with_pid(item: int) -> tuple[int, int]:
    return item, waits_first(item)


@pytest.mark.parametrize("source", [range, lambda most: iter(range(most))])
def test_a_stream_that_computes_after_it_waited_goes_to_processes(
    undecided: ProcessPool, source: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idleness, "ONE_CPU", (0.05, 9.0))  # as on a machine of which nobody else has a part
    elsewhere = 0
    items = iter(par_iter(source(20_000)).map(with_pid).on(undecided))
    for n, (item, pid) in enumerate(items):
        assert item == n
        elsewhere += pid != os.getpid()
        if elsewhere == 100:
            break
    items.close()  # type: ignore[attr-defined]

    assert elsewhere == 100
    assert par_iter(range(10)).map(abs).on(undecided).sum() == 45


_barrier = threading.Barrier(2)


def waits_and_meets(item: int) -> int:
    if item < 30:
        threading.Event().wait(0.01)
    else:
        _barrier.wait(30)
    return item


def test_threads_help_with_the_last_batches_of_what_waits(undecided: ProcessPool) -> None:
    _barrier.reset()

    assert list(par_iter(iter(range(32))).map(waits_and_meets).on(undecided)) == list(range(32))


_first_helper = threading.Lock()
_held, _may_go_on, _went_on = threading.Event(), threading.Event(), threading.Event()


def holds_one_helper(item: int) -> int:
    """As `waits_first`, but the first call by a helper does not end before it may."""
    is_helper = threading.current_thread() is not threading.main_thread()
    if is_helper and multiprocessing.parent_process() is None and _first_helper.acquire(blocking=False):
        _held.set()
        assert _may_go_on.wait(60)
        _went_on.set()
    if item == 1:
        assert _held.wait(60)
    return waits_first(item)


def test_closing_waits_for_a_thread_that_helped_before_processes_did(
    undecided: ProcessPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idleness, "ONE_CPU", (0.05, 9.0))
    for event in (_held, _may_go_on, _went_on):
        event.clear()
    if _first_helper.locked():
        _first_helper.release()
    items = iter(par_iter(range(20_000)).map(holds_one_helper).unordered().on(undecided))
    assert any(pid != os.getpid() for pid in items)
    closer = threading.Thread(target=lambda: items.close())  # type: ignore[attr-defined]

    closer.start()
    closer.join(0.1)
    assert closer.is_alive()
    _may_go_on.set()
    closer.join(60)
    assert not closer.is_alive()
    assert _went_on.is_set()


def test_what_computes_after_it_waited_goes_to_processes(
    undecided: ProcessPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idleness, "ONE_CPU", (0.05, 9.0))  # as on a machine of which nobody else has a part
    plan = par_iter(range(400)).map(waits_first).on(undecided)

    assert len(set(plan.collect())) > 1
    assert plan.explain().endswith("; threads helped while items waited, then 2 processes, because they computed")
