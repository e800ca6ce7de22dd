"""Offers and helpers that come just when a run or a stream ends."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import pytest

from pariter.engines.base import Terms
from pariter.engines.threads import ThreadRun, ThreadStream
from pariter.plan.collecting import Hold
from pariter.plan.piped import Piped
from pariter.plan.sources import Held
from pariter.sched.pool import WorkerPool


@pytest.mark.parametrize("kind", [ThreadRun, ThreadStream])
def test_what_ends_while_it_is_being_offered_is_not_offered_after(kind: Callable[..., Any]) -> None:
    class Slow(WorkerPool):
        def offer(self, helpable: Any, want: int | None = None) -> None:
            helpable.end()
            super().offer(helpable, want)

    pool = Slow(1)
    work = kind(Piped(Held([1, 2]), ()), Hold(), Terms(), pool, copy_context())

    work.open()

    assert not pool.offers.helpables


def test_who_comes_to_help_when_a_run_is_over_gets_nothing() -> None:
    pool = WorkerPool(1)
    run = ThreadRun(Piped(Held([1, 2]), ()), Hold(), Terms(), pool, copy_context())
    run.end()

    helped = run.help_until(lambda: False)

    assert not helped
    assert not run.was_helped
