"""Waiting for a latch."""

from __future__ import annotations

import signal
import sys
import threading
from _thread import start_new_thread

import pytest

from pariter.sched.latch import Latch


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal to one thread")
def test_ctrl_c_that_the_system_gives_to_another_thread_is_heard_by_the_main_thread() -> None:
    latch = Latch()
    gave_up = []

    def give_up() -> None:
        gave_up.append(True)
        latch.set()

    def take_signal() -> None:
        sum(range(100_000))  # the main thread should sleep by then, though the test also holds if it does not
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    after_all = threading.Timer(20, give_up)
    after_all.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            start_new_thread(take_signal, ())  # in C, where no interrupt can come between
            latch.wait()
    finally:
        after_all.cancel()

    assert not gave_up
