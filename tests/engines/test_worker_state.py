"""What workers are given before their first item, and what they keep: environment, initializer, state."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from pariter import ParIter, Pool, ProcessPool, par_iter
from pariter.choice import usable_cpus

NAMES = [f"{name}_NUM_THREADS" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")] + ["VECLIB_MAXIMUM_THREADS"]

# Python imports this module as the first thing it does, before anybody can import a numeric library.
AT_START = """\
import os, sys
sys.at_start = dict(os.environ)
"""


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def limits(_: object) -> list[str | None]:
    at_start: dict[str, str] = getattr(sys, "at_start")  # noqa: B009 - it is not in the stubs
    return [at_start.get(name) for name in NAMES]


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        # the processors are shared out
        ({}, [str(max(1, usable_cpus() // 2))] * 5),
        ({"inner_threads": 5}, ["5"] * 5),
        # what the user says is said
        ({"inner_threads": 5, "env": {"MKL_NUM_THREADS": "7"}}, ["5", "5", "7", "5", "5"]),
    ],
)
def test_numeric_libraries_are_limited_before_anything_is_imported(
    settings: dict[str, Any], wanted: list[str], tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(AT_START, encoding="utf-8")
    settings = {**settings, "env": {"PYTHONPATH": str(tmp_path), **settings.get("env", {})}}

    with ProcessPool(2, **settings) as pool:
        assert pool.par_iter(range(1)).map(limits).collect() == [wanted]


def test_a_limit_of_the_callers_own_environment_holds_in_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")

    with ProcessPool(1, inner_threads=5) as pool:
        assert pool.spawn(lambda: os.environ.get("OMP_NUM_THREADS")).result() == "3"
        assert pool.spawn(lambda: os.environ.get("MKL_NUM_THREADS")).result() == "5"


def leave() -> None:
    sys.exit(4)


def test_an_initializer_that_leaves_is_every_calls_exception_and_ends_no_caller() -> None:
    with ProcessPool(1, initializer=leave) as pool:
        for run in (
            lambda: pool.par_iter([1]).map(abs).collect(),
            lambda: list(pool.par_iter(iter([1])).map(abs)),
            lambda: pool.spawn(abs, 1).result(),
        ):
            with pytest.raises(SystemExit, match="4") as caught:
                run()
            assert "pariter: raised by the initializer of a worker process" in caught.value.__notes__


def make() -> Any:
    raise OSError("no licence")


def close(_: object) -> None:
    raise KeyError("closing")


def collected(plan: ParIter[Any]) -> list[Any]:
    return plan.collect()


@pytest.mark.parametrize("run", [collected, list])
class TestState:
    def test_making_it_raises_its_own_exception_with_the_step(self, run: Any, every_engine: Pool) -> None:
        for plan in (
            par_iter(range(9)).map_local(make, lambda state, n: n),
            par_iter(range(9)).map_init(make, lambda state, n: n),
        ):
            with pytest.raises(OSError, match="no licence") as caught:
                run(plan.on(every_engine))
            assert "(make, <lambda>)" in caught.value.__notes__[0]

    def test_closing_it_raises_its_own_exception(self, run: Any, every_engine: Pool) -> None:
        plan = par_iter(range(9)).map_local(list, lambda state, n: n, close=close)

        with pytest.raises(KeyError, match="closing"):
            run(plan.on(every_engine))

    def test_closing_it_does_not_hide_what_a_function_raised(self, run: Any, every_engine: Pool) -> None:
        plan = par_iter(range(9)).map_local(list, lambda state, n: 1 // n, close=close)

        with pytest.raises(KeyError, match="closing") as caught:
            run(plan.on(every_engine))

        assert ZeroDivisionError in contexts(caught.value)


def contexts(error: BaseException) -> list[type[BaseException]]:
    found = []
    context = error.__context__
    while context is not None:
        found.append(type(context))
        context = context.__context__
    return found
