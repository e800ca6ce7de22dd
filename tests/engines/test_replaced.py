"""A worker process whose memory has grown is replaced by loky, in the middle of a run, and nobody notices."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from pariter import ProcessPool, WorkerDied

pytestmark = pytest.mark.filterwarnings("ignore:A worker was restarted:UserWarning")  # loky's, once a process

SMALL = {"LOKY_MAX_MEMORY_LEAK_SIZE": "2e6"}


def begin() -> None:
    setattr(sys, "begun", True)  # noqa: B010 - in a module that stays


def leak(n: int) -> tuple[int, int, bool, bool]:
    """Keep a megabyte, and take a tenth of a second: loky looks once a second."""
    sys.__dict__.setdefault("leaked", []).append(b"x" * (1 << 20))
    end = time.monotonic() + 0.1
    while time.monotonic() < end:
        pass
    return n, os.getpid(), getattr(sys, "begun", False), signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.parametrize("source", [range(16), iter(range(16))], ids=["known", "stream"])
def test_its_successor_is_prepared_and_gets_the_functions_of_the_run(source: object) -> None:
    with ProcessPool(1, initializer=begin, env=SMALL) as pool:
        results = pool.par_iter(source).map(leak).with_max_len(1).collect()  # type: ignore[call-overload]
        again = pool.par_iter(range(3)).map(str).collect()

    assert [n for n, *_ in results] == list(range(16))
    assert len({pid for _, pid, _, _ in results}) > 1
    assert all(begun and ignores for *_, begun, ignores in results)
    assert again == ["0", "1", "2"]


def test_it_closes_the_state_it_kept_for_the_run(tmp_path: Path) -> None:
    def make() -> Path:
        path = tmp_path / str(os.getpid())
        path.write_text("made", encoding="utf-8")
        return path

    def use(state: Path, n: int) -> int:
        assert state.read_text(encoding="utf-8") == "made"
        return leak(n)[1]

    def close(state: Path) -> None:
        assert state.read_text(encoding="utf-8") == "made"
        state.write_text("closed", encoding="utf-8")

    with ProcessPool(1, env=SMALL) as pool:
        pids = pool.par_iter(range(16)).map_local(make, use, close=close).with_max_len(1).collect()

    assert {int(path.name) for path in tmp_path.iterdir()} == set(pids)
    assert len(set(pids)) > 1
    assert {path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {"closed"}


def test_the_death_of_a_successor_is_told_with_its_own_cause() -> None:
    def f(n: int) -> int:
        if n == 15:
            os._exit(3)
        return leak(n)[1]

    with ProcessPool(1, env=SMALL) as pool:
        with pytest.raises(WorkerDied, match="exit code 3, while it held item 15"):
            pool.par_iter(range(16)).map(f).with_max_len(1).collect()

        assert pool.par_iter(range(3)).map(str).collect() == ["0", "1", "2"]
