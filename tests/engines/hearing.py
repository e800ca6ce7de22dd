"""What the tests of log records and warnings share: functions that log and warn, and a handler that hears."""

from __future__ import annotations

import logging
import pickle
import threading
import warnings
from collections.abc import Callable
from typing import Any

from pariter import ProcessPool

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
