"""What workers log reaches the caller's handlers, on every way into a pool."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from pariter import Pool, ProcessPool, par_iter
from pariter.engines.mailbox import Mailbox
from pariter.engines.tasks import Task
from pariter.engines.worker_process import Letter, Told
from tests.engines.hearing import LOG, Heard, in_own_process, log_info, one_message


def test_records_reach_the_callers_handlers_on_every_engine(every_engine: Pool, heard: Heard) -> None:
    assert every_engine.par_iter(range(30)).map(log_info).sum() == 435

    assert sorted(heard.texts) == sorted(f"item {n}" for n in range(30))
    assert {record.name for record in heard.records} == {LOG}


def test_records_carry_the_name_and_the_number_of_their_process(processes: ProcessPool, heard: Heard) -> None:
    pids = processes.broadcast(os.getpid)
    processes.par_iter(range(30)).by_uniform_blocks(1).for_each(log_info)

    names = {(record.processName, record.process) for record in heard.records}
    assert names <= {("process 0", pids[0]), ("process 1", pids[1])}
    assert {Path(record.pathname).name for record in heard.records} == {Path(log_info.__code__.co_filename).name}
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


def test_closing_a_pool_shows_what_was_logged_until_then(heard: Heard) -> None:
    with ProcessPool(1) as pool:
        pool.spawn(log_info, 8)

    assert heard.texts == ["item 8"]


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
