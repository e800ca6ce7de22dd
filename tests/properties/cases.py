"""Random cases for a property: values, how they are given, on which engine, and how the run is cut.

A property says what it expects in terms of plain Python: `case.values` is the list of what the source
gives, and `assert_same` runs model and plan and compares what they give or raise.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy
from hypothesis import strategies as st

from pariter import ParIter, Pool, par_iter
from tests.eager import eager

NOTE = re.compile(r"pariter: raised by (the source|\w+)(?:\(.*?\))?(?: at item (-?\d+).*)?, on (.*)", re.DOTALL)

# -- Functions ------------------------------------------------------------------------------------


class Odd(Exception):
    """An exception that cannot be made again from its arguments."""

    def __init__(self, *, item: Any) -> None:
        super().__init__(f"odd {item}")


def odd(item: Any) -> Exception:
    return Odd(item=item)


@dataclass(frozen=True)
class Fn:
    """`base(*arguments)`, raising if the last argument is one of `bad`."""

    base: Callable[..., Any]
    bad: frozenset[Any] = frozenset()
    error: Callable[[Any], Exception] = odd

    def __repr__(self) -> str:
        return f"{self.base.__name__} but for {set(self.bad) or '{}'}"

    def __call__(self, *arguments: Any) -> Any:
        if arguments[-1] in self.bad:
            raise self.error(arguments[-1])
        return self.base(*arguments)


def fns(base: Callable[..., Any], items: range = range(50)) -> st.SearchStrategy[Fn]:
    """A function that works, or one that raises for a few items."""
    if not items:
        return st.just(Fn(base))
    raising = st.builds(
        Fn,
        st.just(base),
        st.frozensets(st.sampled_from(items), max_size=3),
        st.sampled_from((odd, ValueError, KeyError, OSError, ZeroDivisionError)),
    )
    return st.one_of(st.just(Fn(base)), raising)


def same(item: Any) -> Any:
    return item


def triple(item: Any) -> Any:
    return item * 3 + 1


def thirds(item: Any) -> bool:
    return item % 3 == 0


def rest_of_third(item: Any) -> int:
    return int(item % 3)


def below_forty(item: Any) -> bool:
    return bool(item < 40)


def sevenths(item: Any) -> int:
    return int(item % 7)


# -- Counting calls -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tally:
    """Notes each call of `fn` in a file, from whatever process it comes."""

    path: Path
    fn: Callable[..., Any] = same

    def __call__(self, *arguments: Any) -> Any:
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(file, f"{arguments[-1]}\n".encode())
        finally:
            os.close(file)
        return self.fn(*arguments)

    @property
    def items(self) -> list[str]:
        """What the function was called with, sorted."""
        return sorted(self.path.read_text().splitlines()) if self.path.exists() else []

    def __repr__(self) -> str:
        return f"counted {self.fn!r}"


@dataclass
class Tallies:
    """Makes tallies, each with a file of its own."""

    folder: Path
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def of(self, fn: Callable[..., Any] = same) -> Tally:
        return Tally(self.folder / str(next(self.numbers)), fn)


# -- Cases ----------------------------------------------------------------------------------------

SOURCES: dict[str, Callable[[list[int]], Any]] = {
    "list": list,
    "tuple": tuple,
    "array": numpy.array,
    "generator": lambda values: (value for value in values),
    "chained plan": lambda values: par_iter(values[:7]).chain(values[7:]),
    "batched plan": lambda values: par_iter(values).chunks(3).flatten(),
    "filtered plan": lambda values: par_iter([*range(-9, 0), *values]).filter(lambda value: value >= 0),
}
EXACT = ("list", "tuple", "array", "generator", "chained plan")
"""Sources whose positions are known, or are pulled."""
ENGINES = ("serial", "threads-1", "threads-2", "threads-3", "threads-7", "default", "processes-2")
"""What is left of them depends on the interpreter: `default` may be threads or processes."""


@dataclass(frozen=True)
class Case:
    """Some integers, and how a plan over them is run."""

    values: list[int]
    source: str
    engine: str
    is_eager: bool
    """Whether thread pools share out even the smallest plan."""
    shortest: int
    longest: int | None

    def plan(self, pools: dict[str, Pool]) -> ParIter[Any]:
        """A new plan over the values, on the engine of the case."""
        return self.run_on(pools, par_iter(self.data()))

    def data(self) -> Any:
        return SOURCES[self.source](self.values)

    def run_on(self, pools: dict[str, Pool], plan: ParIter[Any]) -> ParIter[Any]:
        if self.engine != "default":
            plan = plan.on(pools[self.engine])
        if self.shortest > 1:
            plan = plan.with_min_len(self.shortest)
        return plan if self.longest is None else plan.with_max_len(self.longest)

    @property
    def is_exact(self) -> bool:
        return self.source in EXACT

    def running(self) -> Any:
        """Within this context plans are cut as the case wants it."""
        return eager() if self.is_eager else nullcontext()


@st.composite
def cases(
    draw: Any, largest: int = 60, sources: Iterable[str] = tuple(SOURCES), engines: Iterable[str] = ENGINES
) -> Case:
    # A processes run costs as much as ten others.
    usual = [name for name in engines if name != "processes-2"]
    weighted = usual * 2 + ["processes-2"] * ("processes-2" in engines)
    return Case(
        values=draw(st.lists(st.integers(0, 49), max_size=largest)),
        source=draw(st.sampled_from(tuple(sources))),
        engine=draw(st.sampled_from(weighted)),
        is_eager=draw(st.booleans()),
        shortest=draw(st.sampled_from((1, 1, 1, 2, 5))),
        longest=draw(st.sampled_from((None, None, 1, 2, 7))),
    )


SHARED = tuple(name for name in ENGINES if name not in ("processes-2", "default"))
"""The engines whose functions share the memory of the caller."""


# -- Comparing ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Failed:
    """An exception, by class and arguments."""

    kind: type[BaseException]
    args: tuple[Any, ...]


def outcome(call: Callable[[], Any]) -> Any:
    """What a plain loop gives or raises."""
    try:
        return call()
    except Exception as error:
        return Failed(type(error), error.args)


def outcome_of_run(case: Case, call: Callable[[], Any], steps: Iterable[str]) -> Any:
    """What a run gives or raises; an exception of a function must name one of `steps`, and an item."""
    with case.running():
        try:
            return call()
        except Exception as error:
            assert_noted(error, steps)
            return Failed(type(error), error.args)


def assert_noted(error: BaseException, steps: Iterable[str]) -> None:
    """The exception carries one note, which names one of `steps` and an item."""
    notes = [note for note in getattr(error, "__notes__", ()) if note.startswith("pariter: ")]
    assert len(notes) == 1, f"{error!r} carries {notes}"
    found = NOTE.fullmatch(notes[0])
    assert found is not None, notes
    assert found[1] in steps, f"{notes} should name one of {steps}"
    assert found[2] is not None, f"{notes} should name an item"


def assert_same(case: Case, model: Callable[[], Any], run: Callable[[], Any], *steps: str) -> Any:
    """Model and run give the same or raise the same, of one of the `steps`; returns what they give."""
    wanted = outcome(model)
    found = outcome_of_run(case, run, steps)

    assert found == wanted, f"{found!r} instead of {wanted!r}"
    assert isinstance(found, type(wanted)) or not isinstance(wanted, list | tuple | dict | Failed)
    return wanted
