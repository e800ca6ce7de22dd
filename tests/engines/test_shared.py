"""Handles of shared values: the object itself where memory is shared, one copy in each worker process."""

from __future__ import annotations

import os
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest

from pariter import CannotSend, Pool, ProcessPool, SerialPool, ThreadPool, par_iter, shared
from pariter.engines import borrowing


class Counted:
    """Leaves a line in a file whenever it is pickled or unpickled."""

    def __init__(self, path: Path, load: bytes = b"") -> None:
        self.path = path
        self.load = load

    def note(self, what: str) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{what} {os.getpid()}\n")

    def __reduce__(self) -> Any:
        self.note("pickled")
        return _arrive, (self.path, self.load)

    def notes(self) -> list[str]:
        return self.path.read_text(encoding="utf-8").splitlines()


def _arrive(path: Path, load: bytes) -> Counted:
    made = Counted(path, load)
    made.note("unpickled")
    return made


@pytest.mark.parametrize("load", [0, 3 << 20])
def test_it_is_pickled_once_a_run_and_unpickled_once_in_each_process(
    load: int, processes: ProcessPool, tmp_path: Path
) -> None:
    counted = Counted(tmp_path / "notes", bytes(load))
    handle = shared(counted)

    def f(n: int) -> tuple[int, int, int]:
        return n, id(handle.value), os.getpid()

    def g(found: list[Any]) -> list[Any]:
        return [(*each, id(handle.value), len(handle.value.load)) for each in found]

    # the filter makes positions unknown, so that all before `chunks` runs first: two parts of one run
    plan = par_iter(range(5000)).map(f).filter(bool).chunks(3).flat_map(g).on(processes)
    for _ in range(2):
        counted.path.unlink(missing_ok=True)
        found = plan.collect()

        notes = counted.notes()
        workers = {note.split()[1] for note in notes if note.startswith("unpickled")}
        assert notes.count(f"pickled {os.getpid()}") == 1
        assert len(notes) == 1 + len(workers)
        assert str(os.getpid()) not in workers
        assert {each[0] for each in found} == set(range(5000))
        assert {each[4] for each in found} == {load}
        by_worker: dict[int, set[int]] = {}
        for _, first, pid, *_rest in found:
            by_worker.setdefault(pid, set()).add(first)
        assert all(len(seen) == 1 for seen in by_worker.values())


def test_a_later_run_sees_what_was_changed_in_the_caller(processes: ProcessPool) -> None:
    words = {"a": 1}
    handle = shared(words)
    plan = par_iter("ab").map(lambda word: handle.value.get(word)).on(processes)

    before = plan.collect()
    words["b"] = 2

    assert (before, plan.collect()) == ([1, None], [1, 2])


@pytest.mark.parametrize("make", [lambda: ThreadPool(2), SerialPool])
def test_where_memory_is_shared_it_is_the_object_itself(make: Any) -> None:
    obj = object()
    handle = shared(obj)

    with make() as pool:
        assert all(par_iter(range(100)).map(lambda _: handle.value is obj).on(pool).collect())


def test_it_works_wherever_it_is_captured(every_engine: Pool) -> None:
    handle = shared([1, 2, 3])

    class Holder:
        kept = handle

        def f(self, n: int) -> int:
            return sum(self.kept.value) + n

    assert par_iter(range(3)).map(Holder().f).on(every_engine).collect() == [6, 7, 8]
    assert par_iter([handle, handle]).map(lambda each: each.value[0]).on(every_engine).sum() == 2


def test_tasks_get_a_copy(processes: ProcessPool) -> None:
    handle = shared({"a": 1})

    assert processes.spawn(lambda: handle.value["a"]).result() == 1


def test_nothing_is_kept_when_the_run_is_over(processes: ProcessPool) -> None:
    handle = shared(list(range(1000)))

    assert par_iter(range(100)).map(lambda n: handle.value[n]).on(processes).sum() == 4950

    assert processes.broadcast(lambda: len(borrowing._borrowed)) == [0, 0]


def test_what_cannot_be_pickled_is_reported_by_name(processes: ProcessPool) -> None:
    handle = shared(threading.Lock())

    with pytest.raises(CannotSend, match=r"map\(\) cannot send .*: its variable 'handle'"):
        par_iter(range(10)).map(lambda n: (handle, n)[1]).on(processes).collect()


def test_a_handle_shows_and_pickles_what_it_holds() -> None:
    handle = shared([1, 2])

    assert repr(handle) == "shared([1, 2])"
    assert pickle.loads(pickle.dumps(handle)).value == [1, 2]
