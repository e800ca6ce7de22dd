"""What log records of workers hold when they arrive, and the handlers of both sides."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from pariter import ProcessPool
from tests.engines.hearing import LOG, Heard, in_own_process, log_info

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
