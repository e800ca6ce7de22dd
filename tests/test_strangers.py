"""What somebody new to the library gets wrong is answered in words, at the line where it was written."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from pariter import CannotSend, ProcessPool, ThreadPool, WorkerDied, par_iter


@pytest.mark.parametrize(
    ("mistake", "kind", "message"),
    [
        (lambda: ThreadPool(2, thread_name="{name}"), ValueError, "thread_name can only hold {}, for the index"),
        (lambda: ThreadPool(2, thread_name="{} of {}"), ValueError, "got '{} of {}'"),
        (lambda: ProcessPool(1, env={"SIZE": 1}), TypeError, "an env of texts, got 'SIZE': 1"),  # type: ignore[dict-item]
        (lambda: par_iter("ab").progress(5), TypeError, "progress() needs a text as desc, got 5"),  # type: ignore[arg-type]
        (lambda: par_iter("ab").zip("abc", strict=True), ValueError, "equal lengths, got 2 and 3"),
    ],
)
def test_it_is_refused_at_the_call(mistake: Callable[[], object], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as raised:
        mistake()

    assert message in str(raised.value)


def test_items_that_cannot_travel_come_with_what_to_do_instead(processes: ProcessPool) -> None:
    with pytest.raises(CannotSend) as raised:
        processes.par_iter([threading.Lock()]).map(id).collect()

    assert "the items of the source cannot travel" in str(raised.value)
    assert ".on('threads')" in str(raised.value)


def test_the_one_item_that_a_dead_worker_held_is_not_called_a_range() -> None:
    with ProcessPool(1) as pool, pytest.raises(WorkerDied, match=r"while it held item 0 of map\(_exit\)\."):
        pool.par_iter([3]).map(__import__("os")._exit).collect()
