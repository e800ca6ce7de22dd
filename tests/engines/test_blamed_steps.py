"""Whom the note names when an exception was raised where no function of the plan had a frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pariter import ParIter, Pool, ThreadPool, par_iter


def lazily(item: int) -> Iterator[float]:
    return (1 / (item - 1) for _ in range(1))


class Unsteady:
    """Goes wrong while somebody goes through it."""

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        raise LookupError("unsteady")


Step = Callable[[Any], Any]
BLAMED: dict[str, tuple[Step, str]] = {
    # what a function returned cannot be iterated
    "flat_map of numbers": (lambda p: p.flat_map(lambda x: x), "flat_map(<lambda>) at item 0 (1)"),
    "flat_map of None": (lambda p: p.flat_map(lambda x: None), "flat_map(<lambda>) at item 0 (1)"),
    "map_batches of a number": (
        lambda p: p.map_batches(lambda batch: 5, 3),
        "map_batches(<lambda>) at item 0 ([1, 1, 1])",
    ),
    "flat_map after a builtin": (lambda p: p.map(abs).flat_map(lambda x: x), "flat_map(<lambda>) at item 0 (1)"),
    "a builtin that iterates before flat_map": (lambda p: p.map(sum).flat_map(lambda x: x), "map(sum) at item 0 (1)"),
    "starmap of numbers": (lambda p: p.starmap(lambda x: x), "starmap(<lambda>) at item 0 (1)"),
    # what a function returned raises while it is iterated
    "generator expression": (lambda p: p.flat_map(lambda x: (1 / 0 for _ in [x])), "flat_map(<lambda>) at item 0 (1)"),
    "generator expression after a builtin": (lambda p: p.map(abs).flat_map(lazily), "flat_map(lazily) at item 0 (1)"),
    "iterator": (lambda p: p.flat_map(lambda x: Unsteady()), "flat_map(<lambda>) at item 0 (1)"),
    # functions that take other arguments
    "map without": (lambda p: p.map(lambda: 1), "map(<lambda>) at item 0 (1)"),
    "map with two": (lambda p: p.map(lambda a, b: 1), "map(<lambda>) at item 0 (1)"),
    "filter without": (lambda p: p.map(str).filter(lambda: True), "filter(<lambda>) at item 0 (1)"),
    "map_rng with one": (lambda p: p.map_rng(lambda rng: 1, seed=1), "map_rng(<lambda>) at item 0 (1)"),
}


@pytest.mark.parametrize("case", BLAMED)
def test_the_note_names_the_step_whose_function_or_result_does_not_fit(every_engine: Pool, case: str) -> None:
    step, blamed = BLAMED[case]

    with pytest.raises((TypeError, ZeroDivisionError, LookupError)) as raised:
        step(par_iter([1] * 4).on(every_engine)).collect()

    [note] = raised.value.__notes__
    assert note.startswith(f"pariter: raised by {blamed}, on ")


@pytest.mark.parametrize("end", [list, ParIter.count, lambda plan: plan.for_each(abs)])
def test_the_note_never_names_what_only_takes_items(threads: ThreadPool, end: Callable[[Any], Any]) -> None:
    numbers: Any = par_iter([1] * 4).on(threads)
    plan = numbers.flat_map(lambda x: x)

    with pytest.raises(TypeError) as raised:
        end(plan)

    assert raised.value.__notes__[0].startswith("pariter: raised by flat_map(<lambda>) at item 0 (1), on ")


def test_the_note_names_the_step_whose_answer_has_no_truth() -> None:
    class Undecided:
        def __bool__(self) -> bool:
            raise RuntimeError("undecided")

    plan: Any = par_iter([1] * 4).on("serial").filter(lambda x: Undecided())

    with pytest.raises(RuntimeError) as raised:
        list(plan)

    assert raised.value.__notes__ == ["pariter: raised by filter(<lambda>) at item 0 (1), on thread MainThread"]


def test_the_note_still_names_the_terminal_that_refuses_items(threads: ThreadPool) -> None:
    lists: Any = par_iter([1] * 4).on(threads).flat_map(lambda x: [[x]])

    with pytest.raises(TypeError) as raised:
        lists.collect(set)

    assert raised.value.__notes__[0].startswith("pariter: raised by collect() at item 0 (1), on ")
