"""Latches in every order of setting and waiting."""

from __future__ import annotations

from pariter.sched.latch import Latch
from tests.interleavings.scenarios import try_seeds
from tests.interleavings.seeded import spread


def test_everybody_who_waits_returns_after_set() -> None:
    def scenario() -> None:
        latch = Latch()
        answers: list[bool] = []
        spread([lambda: answers.append(latch.wait()), latch.set, lambda: answers.append(latch.wait())])
        assert answers == [True, True]
        assert not latch._tokens

    try_seeds(300, scenario)
    try_seeds(100, scenario, by_bytecode=True)


def test_a_wait_that_times_out_leaves_nothing_behind_and_a_later_one_still_works() -> None:
    def scenario() -> None:
        first, second = Latch(), Latch()

        def impatient() -> None:
            first.wait(0.001)
            assert not first._tokens or first.is_set()
            second.wait()

        spread([impatient, first.set, second.set])
        assert second.wait(0)

    try_seeds(300, scenario)


def test_one_thread_waits_for_several_latches_in_a_row_with_one_token() -> None:
    def scenario() -> None:
        latches = [Latch() for _ in range(4)]

        def waiter() -> None:
            for latch in latches:
                assert latch.wait()

        spread([waiter, *(latch.set for latch in reversed(latches))])

    try_seeds(300, scenario)
