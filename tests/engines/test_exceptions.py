"""What comes back when a function of a plan raises: the exception of the loop, whole, with one note."""

from __future__ import annotations

import re
import threading
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from pariter import ParIter, Pool, ProcessPool, RemoteTraceback, ThreadPool, par_iter
from tests.eager import eager


class TwoArguments(Exception):
    """Cannot be made from its `args`."""

    def __init__(self, code: int, *, where: str) -> None:
        super().__init__(f"{code} at {where}")
        self.code = code
        self.where = where


class WithoutInit(Exception):
    """Does not call the base class."""

    def __init__(self, code: int) -> None:
        self.code = code


class WithLock(Exception):
    """Has an attribute that cannot travel."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.lock = threading.Lock()
        self.text = text


class Slotted(ValueError):
    """Prints itself in its own way."""

    def __str__(self) -> str:
        return f"slotted {self.args}"


def undecodable() -> UnicodeDecodeError:
    try:
        b"\xff".decode()
    except UnicodeDecodeError as error:
        return error
    raise AssertionError


MAKERS: dict[str, Callable[[], BaseException]] = {
    "ValueError": lambda: ValueError("a", 1),
    "KeyError": lambda: KeyError("key"),
    "OSError": lambda: FileNotFoundError(2, "No such file", "a.txt"),
    "UnicodeDecodeError": undecodable,
    "ImportError": lambda: ImportError("no", name="module", path="x.py"),
    "SystemExit": lambda: SystemExit(3),
    "GeneratorExit": lambda: GeneratorExit("end"),
    "StopIteration": lambda: StopIteration(5),
    "TwoArguments": lambda: TwoArguments(5, where="here"),
    "WithoutInit": lambda: WithoutInit(5),
    "Slotted": lambda: Slotted(1, 2),
}


def attributes(error: BaseException) -> dict[str, Any]:
    return {name: value for name, value in vars(error).items() if name != "__notes__"}


def notes(error: BaseException) -> list[str]:
    return [note for note in getattr(error, "__notes__", []) if note.startswith("pariter: ")]


def raiser(name: str, at: int) -> Callable[[int], int]:
    def fails(n: int) -> int:
        if n == at:
            raise MAKERS[name]()
        return n

    return fails


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "StopIteration"])
def test_an_exception_keeps_class_arguments_and_attributes(name: str, every_engine: Pool) -> None:
    wanted = MAKERS[name]()

    with eager(), pytest.raises(type(wanted)) as caught:
        par_iter(range(30)).map(raiser(name, 17)).on(every_engine).collect()

    error = caught.value
    assert type(error) is type(wanted)
    assert error.args == wanted.args
    assert str(error) == str(wanted)
    assert attributes(error) == attributes(wanted)
    assert getattr(error, "filename", None) == getattr(wanted, "filename", None)
    assert getattr(error, "name", None) == getattr(wanted, "name", None)
    assert len(notes(error)) == 1
    assert notes(error)[0].startswith("pariter: raised by map(fails) at item 17 (17), on ")


def test_stop_iteration_in_a_function_fails_the_run(every_engine: Pool) -> None:
    plan = par_iter(range(30)).map(raiser("StopIteration", 17)).on(every_engine)

    for run in (
        plan.collect,
        plan.count,
        plan.sum,
        lambda: plan.chunks(4).collect(),
        lambda: plan.chain([1]).collect(),
    ):
        with pytest.raises((StopIteration, RuntimeError)):
            run()


def test_the_traceback_leads_into_the_users_function(every_shared: Pool) -> None:
    with pytest.raises(ValueError) as caught:
        par_iter(range(30)).map(raiser("ValueError", 17)).on(every_shared).collect()

    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "fails"


def test_the_traceback_of_another_process_is_the_cause(processes: ProcessPool) -> None:
    with pytest.raises(ValueError) as caught:
        par_iter(range(30)).map(raiser("ValueError", 17)).on(processes).collect()

    assert isinstance(caught.value.__cause__, RemoteTraceback)
    assert "in fails" in str(caught.value.__cause__)
    assert "in fails" in "".join(traceback.format_exception(caught.value))


def test_a_group_keeps_its_members(every_engine: Pool) -> None:
    def fails(n: int) -> int:
        raise ExceptionGroup("two", [TwoArguments(1, where="a"), KeyError("b")])

    with pytest.raises(ExceptionGroup) as caught:
        par_iter([1]).map(fails).on(every_engine).collect()

    assert caught.value.message == "two"
    first, second = caught.value.exceptions
    assert isinstance(first, TwoArguments)
    assert (first.code, first.where) == (1, "a")
    assert (type(second), second.args) == (KeyError, ("b",))


def test_what_cannot_travel_of_an_exception_arrives_as_its_repr(processes: ProcessPool) -> None:
    def fails(n: int) -> int:
        raise WithLock("text")

    with pytest.raises(WithLock) as caught:
        par_iter([1]).map(fails).on(processes).collect()

    assert caught.value.text == "text"
    assert "lock" in str(caught.value.lock)


def test_a_class_of_exceptions_made_in_the_function_arrives_as_that_class(every_engine: Pool) -> None:
    class Local(Exception):
        pass

    def fails(n: int) -> int:
        raise Local(n)

    with pytest.raises(Exception, match="5") as caught:
        par_iter([5]).map(fails).on(every_engine).collect()

    assert type(caught.value).__name__ == "Local"


def test_an_exception_that_is_raised_again_carries_the_note_of_this_run_only(every_shared: Pool) -> None:
    error = ValueError("the same object")
    error.add_note("the user's own")

    def fails(n: int) -> int:
        if n == 3:
            raise error
        return n

    for data in (range(5), range(3, 9)):
        with pytest.raises(ValueError) as caught:
            par_iter(data).map(fails).on(every_shared).collect()
        assert caught.value is error
        assert len(notes(error)) == 1
    assert "at item 0 (3)" in notes(error)[0]
    assert error.__notes__[0] == "the user's own"


def test_the_note_of_a_plan_within_a_plan_is_that_of_the_inner_one(every_engine: Pool) -> None:
    def inner(n: int) -> int:
        return par_iter(range(n)).map(lambda k: 10 // (k - 3)).sum()

    with pytest.raises(ZeroDivisionError) as caught:
        par_iter([1, 2, 9]).map(inner).on(every_engine).collect()

    assert len(notes(caught.value)) == 1
    assert "raised by map(<lambda>) at item 3 (3)" in notes(caught.value)[0]


NAMED: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "map": (lambda plan, f: plan.map(f), "map(f)"),
    "filter": (lambda plan, f: plan.filter(f), "filter(f)"),
    "flat_map": (lambda plan, f: plan.flat_map(f), "flat_map(f)"),
    "inspect": (lambda plan, f: plan.inspect(f), "inspect(f)"),
    "take_while": (lambda plan, f: plan.take_while(f), "take_while(f)"),
    "map_init": (lambda plan, f: plan.map_init(list, lambda state, n: f(n)), "map_init(list, <lambda>)"),
    "fold": (lambda plan, f: plan.fold(int, lambda a, n: a + f(n)), "fold(int, <lambda>)"),
}


@pytest.mark.parametrize("name", NAMED)
def test_the_note_names_the_step_the_item_and_the_worker(name: str, every_engine: Pool) -> None:
    add, described = NAMED[name]

    def f(n: int) -> Any:
        if n == 21:
            raise KeyError(n)
        return [n] if name == "flat_map" else 1

    with pytest.raises(KeyError) as caught:
        add(par_iter(range(20, 40)), f).on(every_engine).collect()

    (note,) = notes(caught.value)
    worker = r"process \d \(pid \d+\)" if isinstance(every_engine, ProcessPool) else r"thread \S+"
    shown = "21"
    assert re.fullmatch(rf"pariter: raised by {re.escape(described)} at item 1 \({shown}\), on {worker}", note)


def test_the_note_of_a_terminal_method_names_it(every_engine: Pool) -> None:
    def f(n: int) -> Any:
        raise KeyError(n)

    for run, named in (
        (lambda plan: plan.for_each(f), "for_each(f)"),
        (lambda plan: plan.min(key=f), "min(f)"),
        (lambda plan: plan.find_first(f), "find_first(f)"),
        (lambda plan: plan.partition(f), "partition(f)"),
        (lambda plan: plan.group_by(f), "group_by(f)"),
        (lambda plan: plan.nsmallest(2, f), "nsmallest(f)"),
        (lambda plan: plan.any(f), "any(f)"),
    ):
        with pytest.raises(KeyError) as caught:
            run(par_iter([7]).on(every_engine))
        (note,) = notes(caught.value)
        assert note.startswith(f"pariter: raised by {named} at item 0 (7), on ")


def test_items_and_functions_whose_repr_fails_do_not_hide_the_exception(every_shared: Pool) -> None:
    class Bad:
        def __repr__(self) -> str:
            raise RuntimeError("no repr")

        def __call__(self, item: Any) -> Any:
            raise KeyError("the real one")

    with pytest.raises(KeyError, match="the real one") as caught:
        par_iter([Bad()]).map(Bad()).on(every_shared).collect()

    assert "<Bad " in notes(caught.value)[0]


def test_the_leftmost_exception_wins_however_late_it_comes(threads: ThreadPool) -> None:
    raised = threading.Event()

    def fails(n: int) -> int:
        if n == 0:
            assert raised.wait(20)
            raise KeyError("left")
        if n == 30:
            raised.set()
            raise ValueError("right")
        return n

    with eager(), pytest.raises(KeyError, match="left"):
        par_iter(range(40)).map(fails).on(threads).collect()


def test_no_function_runs_any_more_when_the_call_raises(threads: ThreadPool) -> None:
    running = 0
    lock = threading.Lock()

    def fails(n: int) -> int:
        nonlocal running
        with lock:
            running += 1
        try:
            if n == 50:
                raise ValueError(n)
            return sum(range(2000))
        finally:
            with lock:
                running -= 1

    for _ in range(20):
        with eager(), pytest.raises(ValueError):
            par_iter(range(100)).map(fails).on(threads).collect()
        assert running == 0


def test_the_pool_is_usable_after_an_exception(every_engine: Pool) -> None:
    for _ in range(5):
        with pytest.raises(ValueError):
            par_iter(range(30)).map(raiser("ValueError", 17)).on(every_engine).collect()
        assert par_iter(range(30)).map(str).on(every_engine).count() == 30


def test_steps_after_a_barrier_run_on_what_is_left_of_the_exception_before_it(every_engine: Pool) -> None:
    def early(pair: tuple[int, int]) -> int:
        if pair[1] == 4:
            raise KeyError("after the barrier")
        return pair[1]

    def late(n: int) -> bool:
        if n == 8:
            raise ValueError("before the barrier")
        return n % 2 == 0

    plan = par_iter(range(20)).filter(late).enumerate()

    with pytest.raises(KeyError):
        plan.map(early).on(every_engine).collect()
    with pytest.raises(ValueError):
        plan.on(every_engine).collect()
    assert plan.take(4).on(every_engine).collect() == [(0, 0), (1, 2), (2, 4), (3, 6)]


def test_taking_three_hits_never_raises_for_an_item_beyond_the_third(every_engine: Pool) -> None:
    def keep(n: int) -> bool:
        if n > 60:
            raise ValueError("beyond the third hit")
        return n % 20 == 0

    for _ in range(10):
        with eager():
            assert par_iter(range(500)).filter(keep).take(3).on(every_engine).collect() == [0, 20, 40]
            assert par_iter(iter(range(500))).filter(keep).take(3).on(every_engine).collect() == [0, 20, 40]


def test_iterating_gives_the_values_before_the_exception(every_engine: Pool) -> None:
    found: list[int] = []

    with pytest.raises(ValueError):
        for n in par_iter(range(30)).map(raiser("ValueError", 17)).on(every_engine):
            found.append(n)

    assert found == list(range(17))


def test_system_exit_is_the_functions_exception_and_ends_no_worker(every_engine: Pool) -> None:
    with pytest.raises(SystemExit) as caught:
        par_iter(range(30)).map(raiser("SystemExit", 17)).on(every_engine).collect()

    assert caught.value.code == 3
    assert par_iter(range(4)).on(every_engine).sum() == 6


def test_a_fold_may_raise_before_the_exception_it_comes_to(every_shared: Pool) -> None:
    def keep(n: int) -> bool:
        if n == 3:
            raise KeyError(n)
        return True

    def add(total: int, n: int) -> int:
        if n == 2:
            raise ArithmeticError(n)
        return total + n

    folded = par_iter(range(4)).on(every_shared).filter(keep).fold_chunks(2, int, add)

    for run in (ParIter.collect, lambda plan: plan.find_last(bool), lambda plan: plan.rev().collect()):
        with pytest.raises(ArithmeticError):
            run(folded.rev())
    for rest in (folded.zip("a"), folded.skip(1), folded.skip(2), folded.step_by(2), folded.rev().step_by(2).skip(9)):
        with pytest.raises(ArithmeticError):
            rest.collect()
        with pytest.raises(ArithmeticError):
            list(rest.buffered(1))


@pytest.mark.parametrize(
    ("change", "item"),
    [
        (lambda items: items.extend(range(1000)), "500"),
        (lambda items: items.__delitem__(slice(700, None)), "500"),
        (lambda items: items.__delitem__(slice(300, None)), "no longer there"),
        (list.clear, "no longer there"),
    ],
)
def test_the_note_names_the_item_of_a_list_whose_length_has_changed(
    change: Callable[[list[int]], None], item: str, every_shared: Pool
) -> None:
    items = list(range(1000))

    def raises(n: int) -> None:
        if n == 500:
            change(items)
            raise ValueError(n)

    with pytest.raises(ValueError, match="500") as caught:
        par_iter(items).map(raises).on(every_shared).collect()
    assert f" at item 500 ({item}), " in notes(caught.value)[0]
