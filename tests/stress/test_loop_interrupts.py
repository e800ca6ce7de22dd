"""KeyboardInterrupt at any bytecode of a loop over a plan on threads: it ends, no seat is lost, the next loop works."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from pariter import ThreadPool, par_iter
from pariter.engines.streams import Stream
from pariter.sched.pool import WorkerPool
from tests.eager import eager
from tests.stress.alarms import BY_ALARM, Alarm

pytestmark = BY_ALARM

_ROUNDS = 500
_LONGEST_S = 0.004


LOOPS: dict[str, Callable[[ThreadPool], Iterable[int]]] = {
    "over a generator": lambda pool: par_iter(n for n in range(2000)).map(abs).on(pool),
    "in any order": lambda pool: par_iter(range(2000)).map(abs).unordered().on(pool),
    "a window ahead": lambda pool: par_iter(range(2000)).map(abs).buffered(2).on(pool),
}


STEPS = [(Stream, "_keep"), (Stream, "_hand_on"), (WorkerPool, "leave")]


@pytest.mark.parametrize(("owner", "step"), STEPS, ids=[step for _, step in STEPS])
def test_an_interrupt_just_before_a_batch_or_a_seat_is_given_back_ends_the_loop(
    owner: type, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = getattr(owner, step)
    interrupts = [KeyboardInterrupt]

    def interrupted(self: Any, *args: Any) -> Any:
        if interrupts and threading.current_thread() is threading.main_thread():
            raise interrupts.pop()
        return done(self, *args)

    monkeypatch.setattr(owner, step, interrupted)

    with ThreadPool(1) as pool:
        with pytest.raises(KeyboardInterrupt):
            list(par_iter(range(3)).map(abs).on(pool))
        assert pool.workers.seats.free == pool.workers.seats.all
        assert list(par_iter(range(3)).map(abs).on(pool)) == [0, 1, 2]


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("loop", LOOPS)
def test_an_interrupt_anywhere_ends_the_loop_and_leaves_the_pool_as_it_was(loop: str, size: int) -> None:
    rng = random.Random(size)
    interrupted = 0

    with Alarm() as alarm, ThreadPool(size) as pool, eager():
        for _ in range(_ROUNDS):
            items = iter(LOOPS[loop](pool))
            try:
                alarm.set(rng.uniform(1e-6, _LONGEST_S))
                for _ in items:
                    pass
                alarm.stop()
            except KeyboardInterrupt:
                interrupted += 1
            alarm.stop()
            items.close()  # type: ignore[attr-defined]
            assert list(par_iter(iter(range(9))).map(abs).on(pool)) == list(range(9))

        seats = pool.workers.seats
        for _ in range(1000):
            if seats.free == seats.all:
                break
            threading.Event().wait(0.001)
        assert seats.free == seats.all
        assert seats.guests_waiting == 0

    assert interrupted
