"""What workers log and warn of reaches the caller's handlers and filters."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import pickle
import queue
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from pariter import Pool, ProcessPool, WorkerDied, par_iter
from pariter.engines import mailbox, messages
from pariter.engines.mailbox import Mailbox
from pariter.engines.tasks import Task
from pariter.engines.worker_process import Letter, Told

LOG = "test_messages.worker"


class Heard(logging.Handler):
    """A handler that keeps what it gets, and on which thread it got it."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.threads: set[int] = set()
        self.came = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.threads.add(threading.get_ident())
        self.came.set()

    @property
    def texts(self) -> list[str]:
        return [record.getMessage() for record in self.records]


@pytest.fixture
def heard() -> Iterator[Heard]:
    """A handler on the root logger, for everything from INFO on."""
    root, handler, level = logging.getLogger(), Heard(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


def log_info(n: int) -> int:
    logging.getLogger(LOG).info("item %d", n)
    return n


def warn_of(n: int) -> int:
    warnings.warn(f"warned of {n}", stacklevel=1)
    return n


def one_message(text: str) -> bytes:
    return pickle.dumps([(True, {"name": LOG, "msg": text, "levelno": logging.INFO}, {})])


def in_own_process(pool: ProcessPool, f: Callable[[], Any]) -> Any:
    return pool.spawn(f).result()


# Log records, on every way into a pool.


def test_records_reach_the_callers_handlers_on_every_engine(every_engine: Pool, heard: Heard) -> None:
    assert every_engine.par_iter(range(30)).map(log_info).sum() == 435

    assert sorted(heard.texts) == sorted(f"item {n}" for n in range(30))
    assert {record.name for record in heard.records} == {LOG}


def test_records_carry_the_name_and_the_number_of_their_process(processes: ProcessPool, heard: Heard) -> None:
    pids = processes.broadcast(os.getpid)
    processes.par_iter(range(30)).by_uniform_blocks(1).for_each(log_info)

    names = {(record.processName, record.process) for record in heard.records}
    assert names <= {("process 0", pids[0]), ("process 1", pids[1])}
    assert {Path(record.pathname).name for record in heard.records} == {Path(__file__).name}
    assert {(record.funcName, record.levelname) for record in heard.records} == {("log_info", "INFO")}


def test_records_of_a_worker_come_in_the_order_in_which_it_logged(processes: ProcessPool, heard: Heard) -> None:
    def log_numbered(n: int) -> None:
        for part in range(3):
            logging.getLogger(LOG).warning("%d.%d", n, part, extra={"clock": float(f"{n}.{part}")})

    processes.par_iter(range(400)).by_uniform_blocks(7).for_each(log_numbered)

    assert len(heard.records) == 1200
    for name in ("process 0", "process 1"):
        created = [record.created for record in heard.records if record.processName == name]
        assert created == sorted(created)


def test_records_are_shown_by_the_thread_that_called(processes: ProcessPool, heard: Heard) -> None:
    processes.par_iter(range(50)).for_each(log_info)
    assert list(processes.par_iter(iter(range(50))).map(log_info)) == list(range(50))
    processes.spawn(log_info, 1).result()

    assert len(heard.records) == 101
    assert heard.threads == {threading.get_ident()}


def test_a_stream_shows_what_was_logged_before_it_hands_out_the_results(processes: ProcessPool, heard: Heard) -> None:
    for n in processes.par_iter(iter(range(100))).map(log_info):
        assert f"item {n}" in heard.texts

    assert sorted(heard.texts) == sorted(f"item {n}" for n in range(100))


def test_a_stream_that_is_left_shows_what_was_done_ahead(processes: ProcessPool, heard: Heard) -> None:
    items = iter(processes.par_iter(range(1000)).map(log_info))
    taken = [next(items) for _ in range(5)]
    items.close()  # type: ignore[attr-defined]

    assert taken == [0, 1, 2, 3, 4]
    assert set(heard.texts) >= {f"item {n}" for n in taken}


def test_asynchronous_runs_show_records_too(processes: ProcessPool, heard: Heard) -> None:
    async def main() -> list[int]:
        total = await processes.par_iter(range(5)).map(log_info).run_async(lambda plan: plan.sum())
        return [total, *[n async for n in processes.par_iter(range(5, 8)).map(log_info)]]

    assert asyncio.run(main()) == [10, 5, 6, 7]
    assert sorted(heard.texts) == [f"item {n}" for n in range(8)]


def test_tasks_joins_scopes_and_broadcasts_show_records(processes: ProcessPool, heard: Heard) -> None:
    assert processes.spawn(log_info, 0).result() == 0
    assert processes.join(lambda: log_info(1), lambda: log_info(2)) == (1, 2)
    with processes.scope() as s:
        s.spawn(log_info, 3)
    processes.broadcast(lambda: log_info(4))
    assert list(processes.map(log_info, [5, 6])) == [5, 6]

    assert sorted(heard.texts) == [f"item {n}" for n in (0, 1, 2, 3, 4, 4, 5, 6)]
    assert {record.processName for record in heard.records} == {"process 0", "process 1"}


def test_records_of_a_task_whose_result_nobody_asks_for_are_shown_in_a_moment(
    processes: ProcessPool, heard: Heard
) -> None:
    processes.spawn(log_info, 5)

    assert heard.came.wait(10)
    assert heard.texts == ["item 5"]


def test_a_callback_that_asks_for_the_result_runs_no_handlers(heard: Heard) -> None:
    class HandSlot:
        """Gives the answer when it is told to."""

        def __init__(self) -> None:
            self.answer: Future[Any] = Future()

        def send_call(self, letter: Letter) -> Future[Any]:
            return self.answer

    slot, asked = HandSlot(), []
    task = Task(b"", Mailbox(shows_itself=True))
    task.send(slot).add_done_callback(lambda done: asked.append((done.result(), list(heard.texts))))
    thread = threading.Thread(target=slot.answer.set_result, args=(Told(pickle.dumps((6,)), one_message("late")),))
    thread.start()
    receiver = thread.ident
    thread.join()

    assert heard.came.wait(10)
    assert asked == [(6, [])]
    assert heard.texts == ["late"]
    assert receiver not in heard.threads


def test_records_of_a_piece_that_raised_are_shown(processes: ProcessPool, heard: Heard) -> None:
    def log_and_raise(n: int) -> int:
        log_info(n)
        raise ValueError(n)

    with pytest.raises(ValueError, match="0"):
        processes.par_iter([0]).map(log_and_raise).collect()
    future: Future[int] = processes.spawn(log_and_raise, 7)

    assert isinstance(future.exception(), ValueError)
    assert heard.texts == ["item 0", "item 7"]


def test_records_of_closing_state_are_shown(processes: ProcessPool, heard: Heard) -> None:
    plan = processes.par_iter(range(10)).map_local(
        lambda: "state", lambda state, n: n, close=lambda state: log_info(len(state))
    )
    assert plan.sum() == 45
    assert list(plan) == list(range(10))

    assert set(heard.texts) == {"item 5"}
    assert len(heard.texts) >= 2


def test_a_plan_that_moves_to_processes_shows_records_once_wherever_it_ran(heard: Heard) -> None:
    def slow(n: int) -> int:
        log_info(n)
        return sum(range(400_000)) and n

    assert par_iter(range(60)).map(slow).collect() == list(range(60))

    assert sorted(heard.texts) == sorted(f"item {n}" for n in range(60))


def test_records_of_plans_inside_a_worker_are_shown_once(processes: ProcessPool, heard: Heard) -> None:
    def nested(n: int) -> int:
        return par_iter(range(n)).map(log_info).sum()

    assert processes.par_iter([3]).map(nested).collect() == [3]

    assert heard.texts == ["item 0", "item 1", "item 2"]


def test_records_of_threads_that_a_function_starts_are_shown(processes: ProcessPool, heard: Heard) -> None:
    def beside() -> None:
        thread = threading.Thread(target=log_info, args=(3,), name="beside")
        thread.start()
        thread.join()

    processes.spawn(beside).result()

    assert [(record.getMessage(), record.threadName) for record in heard.records] == [("item 3", "beside")]


def test_records_from_an_executor_of_processes_are_shown(heard: Heard) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        assert par_iter(range(10)).on(executor).map(log_info).sum() == 45
        assert list(par_iter(iter(range(3))).on(executor).map(log_info)) == [0, 1, 2]
        executor.submit(logging.getLogger(LOG).warning, "to its own standard error").result()
        level = executor.submit(logging.getLogger().getEffectiveLevel).result()

    assert heard.texts == [f"item {n}" for n in (*range(10), *range(3))]
    assert level == logging.WARNING


class InlineExecutor(Executor):
    """Runs every call at once, in the process of the caller."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_an_executor_that_stays_in_the_callers_process_lets_functions_log_as_ever(heard: Heard) -> None:
    def log_handlers(n: int) -> int:
        return log_info(n) + len(logging.getLogger().handlers)

    handlers = len(logging.getLogger().handlers)

    assert par_iter(range(3)).on(InlineExecutor()).map(log_handlers).collect() == [handlers + n for n in range(3)]
    assert sorted(heard.texts) == ["item 0", "item 1", "item 2"]


# Levels.


def test_levels_of_the_caller_hold_in_workers_and_change_from_run_to_run(processes: ProcessPool, heard: Heard) -> None:
    loud, quiet = logging.getLogger(LOG), logging.getLogger(f"{LOG}.quiet")

    def levels() -> list[int]:
        names = "", LOG, f"{LOG}.quiet", f"{LOG}.child"
        return [logging.getLogger(name).getEffectiveLevel() for name in names]

    try:
        loud.setLevel(logging.DEBUG)
        quiet.setLevel(logging.ERROR)
        set_in_caller = processes.broadcast(levels)
        logging.disable(logging.INFO)
        disabled = in_own_process(processes, lambda: logging.root.manager.disable)
    finally:
        loud.setLevel(logging.NOTSET)
        quiet.setLevel(logging.NOTSET)
        logging.disable(logging.NOTSET)

    assert set_in_caller == [[logging.INFO, logging.DEBUG, logging.ERROR, logging.DEBUG]] * 2
    assert disabled == logging.INFO
    assert processes.broadcast(levels) == [[logging.INFO] * 4] * 2
    assert in_own_process(processes, lambda: logging.root.manager.disable) == 0


def test_what_the_caller_does_not_want_is_not_even_formatted(processes: ProcessPool, heard: Heard) -> None:
    class Unprintable:
        def __str__(self) -> str:
            raise AssertionError("formatted")

    def log_debug(n: int) -> int:
        logging.getLogger(LOG).debug("%s", Unprintable())
        return n

    assert processes.par_iter(range(5)).map(log_debug).sum() == 10
    assert heard.texts == []


# What records hold.


def test_arguments_that_cannot_be_pickled_are_formatted_where_they_are(processes: ProcessPool, heard: Heard) -> None:
    processes.spawn(lambda: logging.getLogger(LOG).info("a %s", type(threading.Lock()).__name__)).result()
    processes.spawn(lambda: logging.getLogger(LOG).info(Path("no text"))).result()
    processes.spawn(lambda: logging.getLogger(LOG).info("%s", (x for x in "ab"))).result()

    assert heard.texts[:2] == ["a lock", "no text"]
    assert heard.texts[2].startswith("<generator object")


def test_attributes_of_records_travel_and_become_text_if_they_cannot(processes: ProcessPool, heard: Heard) -> None:
    def log_extra() -> None:
        logging.getLogger(LOG).info("", extra={"user": "ada", "parts": [1, 2], "lock": threading.Lock()})

    processes.spawn(log_extra).result()

    [record] = [vars(record) for record in heard.records]
    assert (record["user"], record["parts"]) == ("ada", [1, 2])
    assert "lock" in record["lock"]


def test_exceptions_and_stacks_come_as_text(processes: ProcessPool, heard: Heard) -> None:
    def log_exception() -> None:
        try:
            raise KeyError("lost")
        except KeyError:
            logging.getLogger(LOG).exception("failed", stack_info=True)

    processes.spawn(log_exception).result()

    text = logging.Formatter("%(message)s").format(heard.records[0])
    assert text.startswith("failed\nTraceback (most recent call last)")
    assert "KeyError: 'lost'\nStack (most recent call last)" in text
    assert 0 < heard.records[0].relativeCreated < 1e9


def test_a_record_that_cannot_be_formatted_breaks_nothing(processes: ProcessPool, heard: Heard) -> None:
    def log_badly(n: int) -> int:
        logging.raiseExceptions = False
        logging.getLogger(LOG).info("%d", "no number")
        logging.raiseExceptions = True
        return log_info(n)

    assert processes.par_iter([1]).map(log_badly).collect() == [1]
    assert heard.texts == ["item 1"]


# The handlers of workers.


def set_up_file(path: str) -> None:
    logging.basicConfig(filename=path, level=logging.DEBUG, format="%(processName)s %(message)s")


def test_handlers_that_an_initializer_sets_up_keep_their_records(heard: Heard, tmp_path: Path) -> None:
    path = tmp_path / "worker.log"

    def log_debug(n: int) -> int:
        logging.getLogger(LOG).debug("debug %d", n)
        return n

    with ProcessPool(1, initializer=set_up_file, initargs=(str(path),)) as pool:
        assert pool.par_iter([1]).map(log_debug).map(log_info).collect() == [1]

    lines = [line for line in path.read_text().splitlines() if "item" in line or "debug" in line]
    assert lines == ["process 0 debug 1", "process 0 item 1"]
    assert heard.texts == []


def test_a_null_handler_of_a_library_keeps_nothing(processes: ProcessPool, heard: Heard) -> None:
    def log_as_library(n: int) -> None:
        logging.getLogger(LOG).handlers[:] = [logging.NullHandler()]
        log_info(n)
        logging.getLogger(LOG).handlers.clear()

    processes.spawn(log_as_library, 1).result()

    assert heard.texts == ["item 1"]


def test_a_worker_is_left_without_handlers_of_ours(processes: ProcessPool, heard: Heard) -> None:
    def handlers() -> int:
        return len(logging.getLogger().handlers)

    processes.spawn(log_info, 1).result()

    assert in_own_process(processes, handlers) == 1
    assert len(heard.records) == 1


# The handlers of the caller.


class Raising(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise OSError("disk full")


def test_a_handler_that_raises_is_reported_as_logging_does_and_breaks_no_run(
    processes: ProcessPool, heard: Heard, capsys: pytest.CaptureFixture[str]
) -> None:
    raising = Raising()
    logging.getLogger(LOG).addHandler(raising)
    try:
        assert processes.par_iter(range(20)).map(log_info).sum() == 190
    finally:
        logging.getLogger(LOG).removeHandler(raising)

    assert "OSError: disk full" in capsys.readouterr().err
    assert processes.par_iter(range(20)).map(log_info).sum() == 190
    assert len(heard.records) == 20


def test_a_handler_that_calls_pariter_is_served(processes: ProcessPool, heard: Heard) -> None:
    totals: list[int] = []

    class Calling(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            totals.append(processes.par_iter(range(4)).map(abs).sum() + processes.spawn(abs, -1).result())

    calling = Calling()
    logging.getLogger(LOG).addHandler(calling)
    try:
        assert processes.par_iter(range(3)).map(log_info).collect() == [0, 1, 2]
        assert processes.spawn(log_info, 3).result() == 3
    finally:
        logging.getLogger(LOG).removeHandler(calling)

    assert totals == [7] * 4


def test_a_handler_that_interrupts_ends_the_run(processes: ProcessPool, heard: Heard) -> None:
    class Interrupting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise KeyboardInterrupt

    interrupting = Interrupting()
    logging.getLogger(LOG).addHandler(interrupting)
    try:
        with pytest.raises(KeyboardInterrupt):
            processes.par_iter(range(1000)).by_uniform_blocks(1).map(log_info).collect()
    finally:
        logging.getLogger(LOG).removeHandler(interrupting)

    assert processes.par_iter(range(3)).map(abs).collect() == [0, 1, 2]


# Warnings.


def test_warnings_reach_the_callers_filters(processes: ProcessPool) -> None:
    with pytest.warns(UserWarning, match="warned of") as caught:
        assert processes.par_iter(range(3)).map(warn_of).collect() == [0, 1, 2]

    assert sorted(str(one.message) for one in caught) == ["warned of 0", "warned of 1", "warned of 2"]
    assert {(one.filename, one.lineno) for one in caught} == {
        (__file__, warn_of.__code__.co_firstlineno + 1),
    }


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


# Floods, and workers that die.


def test_a_flood_is_cut_and_says_so_and_the_run_ends(processes: ProcessPool, heard: Heard) -> None:
    def flood(many: int) -> int:
        for n in range(many):
            logging.getLogger(LOG).info("%d", n)
        return many

    assert processes.par_iter([40_000, 30_000]).map(flood).collect() == [40_000, 30_000]

    said = [text for text in heard.texts if "dropped" in text]
    assert len(heard.records) == 2 * messages.MOST + 2
    assert sorted(text.split()[0] for text in said) == ["20000", "30000"]


def test_a_few_long_records_are_a_flood_too(processes: ProcessPool, heard: Heard) -> None:
    size = messages.MOST_TEXT // 2

    processes.spawn(lambda: [logging.getLogger(LOG).info("x" * size) for _ in range(5)] and None).result()

    assert [len(text) for text in heard.texts[:-1]] == [size] * 2
    assert heard.texts[-1].startswith("3 more log records and warnings were dropped")


def test_a_flood_of_warnings_is_cut_as_well(processes: ProcessPool, heard: Heard) -> None:
    def flood() -> None:
        for _ in range(messages.MOST + 5):
            warnings.warn("again", stacklevel=1)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        processes.spawn(flood).result()

    assert len(caught) == messages.MOST
    assert [text.split()[0] for text in heard.texts] == ["5"]


def test_answers_whose_records_nobody_shows_in_time_are_counted(heard: Heard, monkeypatch: Any) -> None:
    monkeypatch.setattr(mailbox, "MOST_BYTES", 100)
    box = Mailbox()
    answers = [box.put(Told(b"answer", one_message("kept" * 20))) for _ in range(5)]
    box.show()

    assert answers == [b"answer"] * 5
    assert heard.texts == ["kept" * 20, "what workers logged with 4 answers was dropped"]


def test_records_of_a_worker_that_dies_are_lost_and_those_before_are_not(heard: Heard) -> None:
    def die_at_20(n: int) -> int:
        log_info(n)
        if n == 20:
            os.kill(os.getpid(), signal.SIGTERM)
            threading.Event().wait()
        return n

    with ProcessPool(1) as pool, pytest.raises(WorkerDied):
        pool.par_iter(range(40)).by_uniform_blocks(1).map(die_at_20).collect()

    assert heard.texts == [f"item {n}" for n in range(20)]


def test_a_thread_that_shows_for_long_holds_up_nobody_who_waits_for_it(
    processes: ProcessPool, heard: Heard, monkeypatch: Any
) -> None:
    monkeypatch.setattr(mailbox, "PATIENCE_S", 0.05)
    is_in, go_on = threading.Event(), threading.Event()
    results: queue.SimpleQueue[int] = queue.SimpleQueue()

    class Waiting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == "item 1":
                is_in.set()
                go_on.wait(10)

    waiting = Waiting()
    logging.getLogger(LOG).addHandler(waiting)
    try:
        thread = threading.Thread(target=lambda: results.put(processes.spawn(log_info, 1).result()))
        thread.start()
        assert is_in.wait(10)
        results.put(processes.spawn(log_info, 2).result())
        go_on.set()
        thread.join()
    finally:
        logging.getLogger(LOG).removeHandler(waiting)

    assert (results.get(), results.get()) == (2, 1)
    assert heard.texts == ["item 1", "item 2"]


def test_nothing_that_was_logged_is_kept(processes: ProcessPool) -> None:
    processes.spawn(log_info, 1).result()
    gc.collect()

    assert not [one for one in gc.get_objects() if isinstance(one, Told)]
