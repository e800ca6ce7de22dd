"""A worker process does not hear Ctrl-C, not even while it starts."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from pariter import ProcessPool

# Python imports this module as the first thing it does: the earliest moment a signal can find it.
INTERRUPTED_AT_START = """\
import os, signal
os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no signal masks there")
class TestInterrupts:
    def test_ctrl_c_does_not_reach_a_process_that_is_starting(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "sitecustomize.py").write_text(INTERRUPTED_AT_START, encoding="utf-8")

        with ProcessPool(1, env={"PYTHONPATH": str(tmp_path)}) as pool:
            results = pool.par_iter(range(3)).map(str).collect()

        assert results == ["0", "1", "2"]
        assert capfd.readouterr().err == ""

    def test_a_process_ignores_interrupts_but_does_not_block_them_for_its_own_children(
        self, processes: ProcessPool
    ) -> None:
        handler, mask = processes.spawn(lambda: (signal.getsignal(signal.SIGINT), blocked())).result()

        assert (handler, mask) == (signal.SIG_IGN, blocked())

    def test_starting_a_process_leaves_the_caller_as_it_was(self) -> None:
        before = blocked()

        with ProcessPool(1) as pool:
            pool.spawn(int).result()

        assert blocked() == before


def blocked() -> set[signal.Signals | int]:
    """The signals that this thread does not get."""
    return set(signal.pthread_sigmask(signal.SIG_BLOCK, []))
