"""An interrupt that comes while a worker process starts leaves nothing behind."""

from __future__ import annotations

from typing import Any

import pytest

from pariter import ProcessPool
from pariter.engines import slots


def test_an_interrupt_while_a_worker_starts_ends_what_had_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = slots._executor_class()
    begun: list[Any] = []

    class Interrupted(kind):  # type: ignore[misc, valid-type]
        def submit(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
            answer = super().submit(fn, *args, **kwargs)
            if not begun:
                begun.extend((self, self._executor_manager_thread, *self._processes.values()))
                raise KeyboardInterrupt
            return answer

    monkeypatch.setattr(slots, "_executor_class", lambda: Interrupted)

    with ProcessPool(1) as pool:
        with pytest.raises(KeyboardInterrupt):
            pool.par_iter(range(3)).map(str).collect()
        _, thread, process = begun  # the executor lives on, as in a traceback that somebody keeps
        thread.join(10)
        process.join(10)

        assert not thread.is_alive()
        assert not process.is_alive()
        assert pool.par_iter(range(3)).map(str).collect() == ["0", "1", "2"]
