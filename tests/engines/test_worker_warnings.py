"""What workers warn of reaches the caller's filters."""

from __future__ import annotations

import importlib
import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from pariter import Pool, ProcessPool
from tests.engines.hearing import LOG, Heard, log_info, warn_of


def test_warnings_reach_the_callers_filters(processes: ProcessPool) -> None:
    with pytest.warns(UserWarning, match="warned of") as caught:
        assert processes.par_iter(range(3)).map(warn_of).collect() == [0, 1, 2]

    assert sorted(str(one.message) for one in caught) == ["warned of 0", "warned of 1", "warned of 2"]
    assert {(one.filename, one.lineno) for one in caught} == {
        (warn_of.__code__.co_filename, warn_of.__code__.co_firstlineno + 1),
    }


def test_a_function_may_catch_warnings_itself(processes: ProcessPool) -> None:
    def catch(n: int) -> list[str]:
        with warnings.catch_warnings(record=True) as own:
            warnings.simplefilter("always")
            warn_of(n)
        warn_of(n + 1)
        return [str(one.message) for one in own]

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert processes.par_iter([1]).map(catch).collect() == [["warned of 1"]]

    assert [str(one.message) for one in caught] == ["warned of 2"]


def test_warnings_that_the_caller_ignores_stay_away(processes: ProcessPool) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", "warned of 1")
        processes.par_iter(range(3)).map(warn_of).collect()

    assert sorted(str(one.message) for one in caught) == ["warned of 0", "warned of 2"]


@pytest.mark.parametrize(("action", "shown"), [("default", 1), ("module", 1), ("once", 1), ("always", 40)])
def test_a_warning_is_shown_as_often_as_in_a_loop(action: Any, shown: int, processes: ProcessPool) -> None:
    def warn_alike(n: int) -> int:
        warnings.warn("alike", ResourceWarning, stacklevel=1)
        return n

    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        warnings.simplefilter(action)
        getattr(warnings, "onceregistry", {}).clear()
        for _ in range(2):
            processes.par_iter(range(20)).by_uniform_blocks(2).map(warn_alike).collect()

    assert [str(one.message) for one in caught] == ["alike"] * shown


def test_a_warning_that_is_an_error_is_raised_in_the_function_as_in_a_loop(every_engine: Pool) -> None:
    def guarded(n: int) -> int:
        try:
            return warn_of(n)
        except UserWarning:
            return -n

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert every_engine.par_iter(range(3)).map(guarded).collect() == [0, -1, -2]
        with pytest.raises(UserWarning, match="warned of 0") as caught:
            every_engine.par_iter(range(5)).map(warn_of).collect()

    assert "raised by map(warn_of) at item 0" in caught.value.__notes__[0]


WARNS_AT_IMPORT = """
import warnings

warnings.warn("imported")

def warn(n):
    warnings.warn(f"called {n}")

def double(n):
    return 2 * n
"""


def test_what_a_worker_imports_to_begin_with_may_warn_under_the_filter_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "warns_at_import.py").write_text(WARNS_AT_IMPORT)
    monkeypatch.syspath_prepend(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module: Any = importlib.import_module("warns_at_import")

    with ProcessPool(1) as pool, warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pool.par_iter([1, 2]).map(module.double).collect() == [2, 4]
        with pytest.raises(UserWarning, match="called 1"):
            pool.par_iter([1]).map(module.warn).collect()
        with pytest.raises(UserWarning, match="called 2"):
            pool.spawn(module.warn, 2).result()


class WarnsWhenPickled:
    def __reduce__(self) -> Any:
        warnings.warn("pickled", stacklevel=1)
        return WarnsWhenPickled, ()


def test_a_result_may_warn_on_its_way_back_under_the_filter_error(processes: ProcessPool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results = processes.par_iter(range(2)).map(lambda n: WarnsWhenPickled()).collect()
        result = processes.spawn(WarnsWhenPickled).result()

    assert [type(one) for one in (*results, result)] == [WarnsWhenPickled] * 3


def test_a_warning_of_closing_state_is_an_error_under_the_filter_error(processes: ProcessPool) -> None:
    def close(state: str) -> None:
        warnings.warn(f"closed {state}", stacklevel=1)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="closed it"):
            processes.par_iter(range(3)).map_local(lambda: "it", lambda state, n: n, close=close).collect()


def test_a_filter_that_became_an_error_meanwhile_fails_the_run(processes: ProcessPool, heard: Heard) -> None:
    class Tightening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            warnings.simplefilter("error")

    def log_and_warn(n: int) -> int:
        log_info(n)
        return warn_of(n)

    tightening = Tightening()
    logging.getLogger(LOG).addHandler(tightening)
    try:
        for run in (
            lambda: processes.par_iter([1]).map(log_and_warn).collect(),
            lambda: list(processes.par_iter(iter([1])).map(log_and_warn)),
            lambda: processes.spawn(log_and_warn, 1).result(),
        ):
            with warnings.catch_warnings():
                warnings.simplefilter("always")
                with pytest.raises(UserWarning, match="warned of 1"):
                    run()
    finally:
        logging.getLogger(LOG).removeHandler(tightening)


class OwnWarning(UserWarning):
    """A category with a constructor of its own."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def test_own_categories_arrive_with_their_attributes(processes: ProcessPool) -> None:
    with pytest.warns(OwnWarning, match="seven") as caught:
        processes.spawn(lambda: warnings.warn(OwnWarning(7, "seven"), stacklevel=1)).result()

    [message] = [one.message for one in caught]
    assert isinstance(message, OwnWarning)
    assert message.code == 7


def test_local_categories_are_filtered_where_they_are_given(processes: ProcessPool) -> None:
    class LocalWarning(Warning):
        pass

    def guarded(n: int) -> str:
        try:
            warnings.warn("local", LocalWarning, stacklevel=1)
        except LocalWarning:
            return "raised"
        return "shown"

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert processes.par_iter([1]).map(guarded).collect() == ["shown"]
        warnings.simplefilter("error", LocalWarning)
        assert processes.par_iter([1]).map(guarded).collect() == ["raised"]

    assert [one.category for one in caught] == [LocalWarning]


def test_a_category_that_cannot_be_had_here_becomes_a_user_warning_with_its_name(
    processes: ProcessPool, tmp_path: Path
) -> None:
    (tmp_path / "only_in_worker.py").write_text("class StrangeWarning(Warning): pass\n")

    def warn_strangely() -> None:
        sys.path.append(str(tmp_path))
        from only_in_worker import StrangeWarning  # type: ignore[import-not-found]

        warnings.warn("seen there", StrangeWarning, stacklevel=1)
        sys.path.remove(str(tmp_path))

    with pytest.warns(UserWarning, match="StrangeWarning: seen there"):
        processes.spawn(warn_strangely).result()


def set_up_filter() -> None:
    warnings.filterwarnings("ignore", "warned of 1")


def test_filters_that_an_initializer_sets_up_hold() -> None:
    with ProcessPool(1, initializer=set_up_filter) as pool, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pool.par_iter(range(3)).map(warn_of).collect()
        warnings.simplefilter("always", UserWarning)
        pool.par_iter(range(3)).map(warn_of).collect()

    assert [str(one.message) for one in caught] == ["warned of 0", "warned of 2"] * 2


def test_warnings_and_records_come_in_their_order(processes: ProcessPool, heard: Heard) -> None:
    def both(n: int) -> None:
        log_info(n)
        warn_of(n)
        log_info(n + 1)

    logging.captureWarnings(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            processes.spawn(both, 1).result()
    finally:
        logging.captureWarnings(False)

    assert [record.name for record in heard.records] == [LOG, "py.warnings", LOG]
