"""More messages than anybody can show, workers that die, handlers that take long."""

from __future__ import annotations

import gc
import logging
import os
import queue
import signal
import threading
import warnings
from typing import Any

import pytest

from pariter import ProcessPool, WorkerDied
from pariter.engines import mailbox, messages
from pariter.engines.mailbox import Mailbox
from pariter.engines.worker_process import Told
from tests.engines.hearing import LOG, Heard, log_info, one_message


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
