"""Large arrays go to worker processes as shared memory, come back through it, and nothing of it is left."""

from __future__ import annotations

import array
import gc
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

from pariter import Pool, ProcessPool, WorkerDied, par_chunks, par_iter, par_windows
from pariter.engines import borrowing, memory
from pariter.plan.sources import Slices

ROWS = numpy.arange(400_000, dtype=float).reshape(-1, 20)
SHARED = Path("/dev/shm")

on_linux = pytest.mark.skipif(not SHARED.is_dir(), reason="names of shared memory can be listed on Linux only")


def names(pid: int | None = None) -> list[str]:
    """The shared memory of a process, if the system tells."""
    return sorted(path.name for path in SHARED.glob(f"pariter-{pid or os.getpid():x}-*"))


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    assert names() == []


def traits(data: Any) -> tuple[Any, ...]:
    """What a function can see of an array."""
    return type(data), data.dtype, data.shape, data.tolist()


KINDS: dict[str, Callable[[], Any]] = {
    "rows": lambda: ROWS,
    # its rows are not neighbours in memory
    "columns": lambda: numpy.asfortranarray(ROWS),
    "every other": lambda: ROWS.repeat(4, axis=0)[1::2, ::2],
    "backwards": lambda: ROWS[::-1],
    "dates": lambda: numpy.arange(200_000).astype("datetime64[s]").reshape(-1, 20),
    "records": lambda: numpy.zeros((10_000, 20), dtype=[("a", "i4"), ("b", "f8")]),
    "texts": lambda: numpy.arange(100_000).astype("U8").reshape(-1, 20),
    "other byte order": lambda: ROWS.astype(">f4"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_items_chunks_and_batches_of_an_array_are_what_they_are_in_the_loop(kind: str, processes: ProcessPool) -> None:
    data = KINDS[kind]()
    assert memory.size_of(data) > memory.LENT_FROM

    rows = par_iter(data).map(traits).on(processes).collect()
    chunks = par_chunks(data, 3000).map(traits).on(processes).collect()
    batches = par_iter(data).map_batches(lambda batch: [traits(batch)], 3000).on(processes).collect()

    assert rows == list(map(traits, data))
    assert chunks == batches == [traits(data[low : low + 3000]) for low in range(0, len(data), 3000)]


def test_positions_over_an_array_are_those_of_the_loop(processes: ProcessPool) -> None:
    plan = par_iter(ROWS).map(lambda row: float(row[3]))
    expected = ROWS[:, 3].tolist()

    assert plan.rev().on(processes).collect() == expected[::-1]
    assert plan.step_by(7).skip(5).on(processes).collect() == expected[35::7]
    assert list(plan.on(processes)) == expected
    assert par_iter(ROWS).zip(ROWS).map(lambda pair: float(pair[0][3] + pair[1][3])).on(processes).sum() == sum(
        2 * value for value in expected
    )
    windows = par_windows(ROWS, 2).map(lambda two: float(two[1, 3] - two[0, 3])).on(processes).collect()
    assert windows == [20.0] * (len(ROWS) - 1)


def test_what_workers_see_of_a_large_array_is_read_only_in_every_part(processes: ProcessPool) -> None:
    def write(row: Any) -> None:
        row[0] = 1

    assert not any(par_iter(ROWS).map(lambda row: row.flags.writeable).on(processes).collect())
    with pytest.raises(ValueError, match="read-only"):
        par_iter(ROWS).map(write).on(processes).collect()
    assert ROWS[0, 0] == 0


def test_a_part_reaches_the_workers_in_memory_that_both_have_mapped(processes: ProcessPool) -> None:
    def from_shared(batch: Any) -> list[bool]:
        address = batch.__array_interface__["data"][0]
        with open("/proc/self/maps", encoding="utf-8") as maps:
            for line in maps:
                low, high = (int(bound, 16) for bound in line.split()[0].split("-"))
                if low <= address < high:
                    return ["/dev/shm/pariter-" in line]
        return [False]

    if SHARED.is_dir():
        assert all(par_iter(ROWS).map_batches(from_shared, 1000).on(processes).collect())


def test_what_is_shared_at_a_time_is_a_part_of_the_data() -> None:
    lender = memory.Lender(2)
    data = numpy.zeros(64 << 20, dtype="u1")
    most = lender.most_items(_piped(data))

    for low in range(0, len(data), most):
        reduced = lender.reducers()[Slices](_piped(data).source.cut(low, low + most))
        opened = _open(lender, reduced)
        assert opened.nbytes == most
        del opened

    assert most == 2 << 20
    assert len(lender._slabs) == 1
    lender.close()
    borrowing.forget(lender.token)


def test_a_part_that_somebody_keeps_keeps_its_values() -> None:
    lender = memory.Lender(2)
    data = numpy.arange(4 << 20)
    source = _piped(data).source
    lender.most_items(_piped(data))

    kept = [_open(lender, lender.reducers()[Slices](source.cut(low, low + 100_000)))[7:9] for low in (0, 100_000)]

    assert len(lender._slabs) == 2
    lender.close()
    borrowing.forget(lender.token)
    assert [part.tolist() for part in kept] == [[7, 8], [100_007, 100_008]]


def _piped(data: Any) -> Any:
    return memory.Piped(Slices(data), ())


def _open(lender: memory.Lender, reduced: Any) -> Any:
    function, arguments = lender.reducers()[memory.Loan](reduced[1][0])
    return function(*arguments)


def test_state_that_keeps_views_sees_them_unchanged_when_it_is_closed(processes: ProcessPool, tmp_path: Path) -> None:
    def close(kept: list[Any]) -> None:
        for row in kept:
            assert row.tolist() == list(range(int(row[0]), int(row[0]) + 20))
        (tmp_path / f"{os.getpid()}-{id(kept)}").write_text(str(len(kept)))

    par_iter(ROWS).map_local(list, lambda kept, row: kept.append(row), close=close).on(processes).count()

    assert sum(int(path.read_text()) for path in tmp_path.iterdir()) == len(ROWS)


BYTES: dict[str, Callable[[], Any]] = {
    "bytes": lambda: bytes(range(256)) * 5000,
    "bytearray": lambda: bytearray(range(256)) * 5000,
    "array": lambda: array.array("d", range(150_000)),
    "memoryview": lambda: memoryview(array.array("i", range(300_000))),
    "every other byte": lambda: memoryview(bytes(range(256)) * 10_000)[::2],
}


@pytest.mark.parametrize("kind", BYTES)
def test_bytes_and_their_kin_are_what_they_are_in_the_loop(kind: str, processes: ProcessPool) -> None:
    data = BYTES[kind]()
    assert memory.size_of(data) > memory.LENT_FROM

    total = par_iter(data).on(processes).sum()
    chunks = par_chunks(data, 70_001).map(lambda chunk: (type(chunk), bytes(chunk))).on(processes).collect()

    assert total == sum(data)
    cut = [data[low : low + 70_001] for low in range(0, len(data), 70_001)]
    assert chunks == [(type(part), bytes(part)) for part in cut]


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_a_memory_map_is_opened_by_the_workers_themselves(mode: Any, tmp_path: Path, processes: ProcessPool) -> None:
    numpy.save(tmp_path / "rows.npy", ROWS)
    mapped = numpy.load(tmp_path / "rows.npy", mmap_mode=mode)
    if mode != "r":
        mapped[500] = -1

    rows = par_iter(mapped[100:]).map(traits).on(processes).collect()
    captured = par_iter(range(100, 200)).map(lambda n: mapped[n].tolist()).on(processes).collect()

    assert rows == list(map(traits, mapped[100:]))
    assert captured == [row.tolist() for row in mapped[100:200]]
    assert (memory._file_under(mapped) is None) == (mode == "c")


@on_linux
def test_a_memory_map_of_a_file_that_was_replaced_keeps_its_values(tmp_path: Path, processes: ProcessPool) -> None:
    numpy.save(tmp_path / "rows.npy", ROWS)
    mapped = numpy.load(tmp_path / "rows.npy", mmap_mode="r")
    numpy.save(tmp_path / "other.npy", -ROWS)
    os.replace(tmp_path / "other.npy", tmp_path / "rows.npy")

    assert par_iter(mapped).map(lambda row: float(row[1])).on(processes).collect() == ROWS[:, 1].tolist()


def test_captured_arrays_are_lent_once_a_run(processes: ProcessPool, monkeypatch: pytest.MonkeyPatch) -> None:
    lent: list[int] = []
    whole = memory.Lender._whole
    monkeypatch.setattr(
        memory.Lender, "_whole", lambda lender, data: (lent.append(data.nbytes), whole(lender, data))[1]
    )
    columns = numpy.asfortranarray(ROWS)

    def look(n: int) -> Any:
        return float(ROWS[n, 1] + columns[n, 1]), columns.flags.f_contiguous, columns.flags.writeable

    found = par_iter(range(2000)).map(look).filter().chunks(10).map(lambda c: (ROWS.size, c)).on(processes).collect()

    assert [each for _, chunk in found for each in chunk] == [(float(row[1] * 2), True, False) for row in ROWS[:2000]]
    assert lent == [ROWS.nbytes, columns.nbytes]


def test_results_for_an_array_are_written_by_the_workers(processes: ProcessPool) -> None:
    flat, rows, whole = numpy.zeros(200_000), numpy.zeros((20_000, 20)), numpy.zeros(400_000, dtype="i8")

    par_iter(range(200_000)).map(lambda n: n / 2).on(processes).collect_into(flat)
    par_iter(ROWS).map(lambda row: row * 2).on(processes).collect_into(rows)
    par_iter(range(400_000)).map(abs).step_by(2).on(processes).collect_into(whole[1::2])

    assert flat.tolist() == [n / 2 for n in range(200_000)]
    assert rows.tolist() == (ROWS * 2).tolist()
    assert whole[::2].sum() == 0
    assert whole[1::2].tolist() == list(range(0, 400_000, 2))


@pytest.mark.parametrize(
    ("dtype", "odd"),
    [
        # a float for an integer is cut off
        ("i8", 2.5),
        # a text for a number is read
        ("f8", "17"),
        # too large
        ("i8", 1 << 70),
        ("f8", 1 << 2000),
        # no number at all
        ("f8", "none"),
        ("f8", None),
        ("f8", [1, 2]),
    ],
)
def test_results_that_do_not_fit_are_assigned_as_by_the_loop(dtype: str, odd: Any, processes: ProcessPool) -> None:
    def f(n: int) -> Any:
        return odd if n == 150_000 else n

    expected, out = numpy.zeros(200_000, dtype=dtype), numpy.zeros(200_000, dtype=dtype)
    raised: list[Any] = []
    try:
        expected[:] = [f(n) for n in range(200_000)]
    except Exception as error:
        raised.append(type(error))

    try:
        par_iter(range(200_000)).map(f).on(processes).collect_into(out)
    except Exception as error:
        raised.append(type(error))

    if raised:
        assert raised[0] is raised[1]
    else:
        assert numpy.array_equal(out, expected, equal_nan=True)


def test_an_array_is_not_touched_if_the_run_fails_or_has_too_few_results(processes: ProcessPool) -> None:
    out = numpy.ones(200_000)

    with pytest.raises(ZeroDivisionError):
        par_iter(range(200_000)).map(lambda n: 1 / (150_000 - n)).on(processes).collect_into(out)
    with pytest.raises(ValueError, match="199999 items for 200000 places"):
        par_iter(range(200_000)).filter().on(processes).collect_into(out)

    assert out.tolist() == [1.0] * 200_000


def test_blocks_of_results_find_their_places(every_engine: Pool) -> None:
    out = numpy.zeros(200_000)

    par_iter(range(200_000)).map(float).by_uniform_blocks(70_000).on(every_engine).collect_into(out)

    assert out.tolist() == list(map(float, range(200_000)))


def test_data_travels_by_the_pipe_when_there_is_no_room(
    processes: ProcessPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    for method in ("write", "reserve"):
        monkeypatch.setattr(memory.Segment, method, full)
    out = numpy.zeros(200_000)

    par_iter(range(200_000)).map(lambda n: float(ROWS[n % 20_000, 1])).on(processes).collect_into(out)
    found = par_iter(ROWS).map(lambda row: (float(row[1]), row.flags.writeable)).on(processes).collect()

    assert out[:20_000].tolist() == ROWS[:, 1].tolist()
    assert found == [(value, False) for value in ROWS[:, 1].tolist()]


def test_memory_that_turned_out_to_be_full_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    write = memory.Segment.write

    def full(segment: Any, content: memoryview, at: int = 1) -> None:
        if len(content) > 1:
            raise OSError(28, "No space left on device")
        write(segment, content, at)

    lender = memory.Lender(2)
    slices = lender.reducers()[Slices]
    monkeypatch.setattr(memory.Segment, "write", full)

    first = _open(lender, slices(_piped(ROWS).source))
    assert names() == []
    monkeypatch.setattr(memory.Segment, "write", write)
    second = _open(lender, slices(_piped(ROWS).source))
    del second
    monkeypatch.setattr(memory.Segment, "write", full)
    third = _open(lender, slices(_piped(ROWS).source))

    assert len(lender._slabs) == 1
    assert lender._slabs[0].take_back()
    lender.close()
    borrowing.forget(lender.token)
    assert first.tolist() == third.tolist() == ROWS.tolist()


@on_linux
def test_memory_is_freed_after_an_exception_a_death_and_a_stream_that_was_left() -> None:
    with ProcessPool(2) as pool:
        captured = ROWS + 1
        seen: list[str] = []

        with pytest.raises(ZeroDivisionError):
            par_iter(ROWS).map(lambda row: (captured, 1 // (1000 - int(row[0])))).on(pool).collect()
        assert names() == []
        with pytest.raises(WorkerDied):
            par_iter(ROWS).map(lambda row: (captured, os._exit(3) if row[0] == 200_000 else 0)[1]).on(pool).collect()
        assert names() == []
        stream = iter(par_iter(ROWS).map(lambda row: float(row[0] + captured[0, 0])).on(pool))
        assert next(stream) == 1.0
        seen += names()
        stream.close()  # type: ignore[attr-defined]
        assert names() == []
        stream = iter(par_iter(ROWS).map(lambda row: float(row[0] + captured[0, 0])).on(pool))
        assert next(stream) == 1.0
        seen += names()
        del stream
        gc.collect()
        assert names() == []

        assert len(seen) >= 2
        borrowed = pool.broadcast(lambda: len(borrowing._borrowed))
        assert borrowed == [0, 0]


PROGRAM = """
import os, sys
import numpy
from pariter import ProcessPool, par_iter

def work(row):
    if row[0] == 0:
        os.write(1, b"begun\\n")
    while row[0] == {busy}:
        pass
    return float(row[0] + captured[0, 0])

captured = numpy.ones((1000, 200))
data = numpy.arange(400_000, dtype=float).reshape(-1, 20)
with ProcessPool(2) as pool:
    try:
        pool.par_iter(data).map(work).collect_into(numpy.zeros(20_000 * {times}))
    except (KeyboardInterrupt, ValueError):
        os.write(1, b"ended\\n")
        print([name for name in os.listdir("/dev/shm") if name.startswith(f"pariter-{{os.getpid():x}}-")], flush=True)
"""


@on_linux
@pytest.mark.parametrize("kill", ["SIGINT", "SIGKILL", "SIGTERM"])
def test_memory_is_freed_after_ctrl_c_and_when_the_program_is_killed(kill: str) -> None:
    code = textwrap.dedent(PROGRAM.format(busy=200, times=1))
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    assert names(process.pid) != []

    process.send_signal(getattr(signal, kill))
    stdout, stderr = process.communicate(timeout=30)  # workers and the resource tracker hold the pipes as well

    assert names(process.pid) == []
    if kill == "SIGINT":
        assert stdout == "ended\n[]\n"
        assert stderr == ""


@on_linux
def test_a_program_that_lent_memory_ends_in_silence() -> None:
    code = textwrap.dedent(PROGRAM.format(busy=-1, times=1))

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.stdout, done.stderr, done.returncode) == ("begun\n", "", 0)
