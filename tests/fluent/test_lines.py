"""par_lines: the lines of text files, whatever stands in them and wherever they are cut."""

from __future__ import annotations

import builtins
import codecs
import gzip
import os
import pickle
import re
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pariter import Pool, ProcessPool, par_lines
from pariter.plan import files
from pariter.plan.place import Site
from tests.conftest import ENGINES
from tests.eager import eager

PIECES = [
    "a",
    "bc",
    "é",
    "€",
    "\U0001f600",
    "\n",
    "\r\n",
    "\r",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x85",
    "\u2028",
    "\n\n",
    "x" * 40,
]
texts = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
engines = st.sampled_from(ENGINES)


def stripped(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r") if line.endswith("\n") else line


def model(path: Any, encoding: str = "utf-8", errors: str = "strict", keepends: bool = False) -> Iterator[str]:
    """The lines of the plain loop."""
    file: Any = gzip.open if str(path).endswith(".gz") else open
    with file(path, "rt", encoding=encoding, errors=errors, newline="\n") as lines:
        yield from (line if keepends else stripped(line) for line in lines)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lines")


@pytest.fixture(params=[2, 7, files.AT_ONCE])
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How much is read at a time, in this process."""
    monkeypatch.setattr(files, "AT_ONCE", request.param)
    return int(request.param)


@given(st.lists(texts, min_size=1, max_size=3), st.booleans(), engines)
def test_every_engine_gives_the_lines_of_the_plain_loop(
    pools: dict[str, Pool], folder: Path, contents: list[str], keepends: bool, engine: str
) -> None:
    paths = []
    for number, content in enumerate(contents):
        paths.append(folder / f"{number}.txt")
        paths[-1].write_bytes(content.encode())
    expected = [line for path in paths for line in model(path, keepends=keepends)]

    with eager():
        plan = par_lines(paths, keepends=keepends).on(pools[engine])

        assert plan.collect() == expected
        assert list(plan) == expected
        assert plan.take(3).collect() == expected[:3]
        assert plan.enumerate().rev().collect() == list(enumerate(expected))[::-1]


@pytest.mark.usefixtures("at_once")
def test_every_cut_gives_each_line_once(tmp_path: Path) -> None:
    path = tmp_path / "some.txt"
    for content in (
        "",
        "\n",
        "a",
        "a\n",
        "\n\na\r\nb\rc\r\n",
        "é€\n\U0001f600\n" * 3,
        "x" * 50 + "\n\ny",
        "\ufeffa\nb",
    ):
        path.write_bytes(content.encode())
        source = par_lines([path, path])._plan.origin.bind()
        expected = [*model(path), *model(path)]
        span = source.span
        assert span is not None
        for low in range(span + 1):
            pieces = [source.cut(0, low), source.cut(low, span)]
            found = [line for piece in pieces for line in piece.open(((0, piece.span or 0),), Site())]
            assert found == expected, (content, low)
        by_unit = source.open(((at, at + 1) for at in range(span)), Site())
        assert list(by_unit) == expected, content


ENCODINGS = ["utf-8", "utf-8-sig", "latin-1", "cp1252", "ascii", "koi8-r", "mac-roman", "cp437"]
READ_WHOLE = ["utf-16", "utf-16-le", "utf-32", "utf-7", "shift_jis", "gbk", "iso2022_jp", "hz", "cp037"]


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("encoding", [*ENCODINGS, *READ_WHOLE])
@pytest.mark.parametrize("keepends", [False, True])
def test_lines_in_any_encoding(tmp_path: Path, encoding: str, keepends: bool) -> None:
    path = tmp_path / "some.txt"
    letters = [letter for letter in "abé€ж中ш\x0b\x85" if letter in letter.encode(encoding, "ignore").decode(encoding)]
    content = "".join(f"{letter * 3}\r{letter}\r\n\n{letter}\n" for letter in letters) + "end"
    path.write_bytes(content.encode(encoding))

    expected = list(model(path, encoding, keepends=keepends))

    assert par_lines(path, encoding=encoding, keepends=keepends).on("serial").collect() == expected
    assert len(expected) == 3 * len(letters) + 1


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_files_are_cut_where_the_encoding_allows_it(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "some.txt").write_text("a\nb\n", encoding="ascii")

    assert par_lines(tmp_path / "some.txt", encoding=encoding)._plan.origin.bind().span == 4


@pytest.mark.parametrize("encoding", READ_WHOLE)
def test_files_are_read_whole_where_it_does_not(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "some.txt").write_text("a\nb\n", encoding=encoding)

    assert par_lines(tmp_path / "some.txt", encoding=encoding)._plan.origin.bind().span == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_a_line(tmp_path: Path, every_engine: Pool, encoding: str) -> None:
    paths = [tmp_path / "with.txt", tmp_path / "nothing_else.txt"]
    paths[0].write_text("a\nb", encoding=encoding)
    paths[1].write_bytes(codecs.BOM_UTF8 if encoding == "utf-8-sig" else codecs.BOM_UTF16)

    assert par_lines(paths, encoding=encoding).on(every_engine).collect() == ["a", "b"]


@pytest.mark.parametrize("errors", ["replace", "ignore", "surrogateescape", "backslashreplace"])
@given(content=st.lists(st.sampled_from([b"a", b"\xff", b"\xe2", b"\x82", b"\xc3\xa9", b"\n", b"\r\n"]), max_size=30))
def test_error_handlers_are_those_of_open(folder: Path, errors: str, content: list[bytes]) -> None:
    path = folder / "bad.txt"
    path.write_bytes(b"".join(content))

    for encoding in ("utf-8", "ascii", "cp1252"):
        expected = list(model(path, encoding, errors))
        with eager():
            assert par_lines(path, encoding=encoding, errors=errors).on("threads").collect() == expected


@pytest.mark.parametrize(
    ("encoding", "bad"), [("utf-8", b"c\xffd"), ("ascii", b"\xe9"), ("utf-16-le", b"\x00\xd8b\x00")]
)
def test_what_cannot_be_decoded_raises_at_its_place(
    tmp_path: Path, every_engine: Pool, encoding: str, bad: bytes
) -> None:
    path = tmp_path / "bad.txt"
    good, end = "a\nb\r\n".encode(encoding), "\ne\n".encode(encoding)
    path.write_bytes(good * 2 + bad + end + bad)
    plan = par_lines(path, encoding=encoding).on(every_engine)

    assert plan.take(4).collect() == ["a", "b", "a", "b"]
    found: list[str] = []
    with pytest.raises(UnicodeDecodeError) as raised:
        for line in plan.map(str):
            found.append(line)

    assert found == ["a", "b", "a", "b"]
    (note,) = raised.value.__notes__
    where = "line 5 of" if encoding == "utf-16-le" else "the line beginning at byte 10 of"
    assert re.fullmatch(rf"pariter: raised by the source at {where} 'bad\.txt', on .+", note)


def test_a_note_says_where_the_line_begins(tmp_path: Path, every_engine: Pool) -> None:
    path = tmp_path / "numbers.txt"
    path.write_text("1\n22\n333\nfour\n5\n", encoding="utf-8", newline="\n")
    with gzip.open(tmp_path / "numbers.gz", "wt", encoding="utf-8", newline="\n") as file:
        file.write("1\n22\n333\nfour\n5\n")

    with pytest.raises(ValueError, match="four") as in_bytes:
        par_lines(path).map(int).on(every_engine).collect()
    with pytest.raises(ValueError, match="four") as in_lines:
        par_lines(tmp_path / "numbers.gz").map(int).on(every_engine).sum()

    (note,) = in_bytes.value.__notes__
    assert note.startswith("pariter: raised by map(int) at the line beginning at byte 9 of 'numbers.txt' ('four'), on ")
    (note,) = in_lines.value.__notes__
    assert note.startswith("pariter: raised by map(int) at line 4 of 'numbers.gz' ('four'), on ")


@pytest.mark.parametrize("name", ["numbers.txt", "numbers.gz"])
def test_a_file_is_closed_when_its_leaf_is_over(
    tmp_path: Path, every_shared: Pool, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    opener = gzip.open if name.endswith(".gz") else open
    with opener(tmp_path / name, "wt", encoding="utf-8") as file:
        file.write("1\n22\nthree\n4\n")

    def watched(*args: Any) -> Any:
        opened.append(opener(*args))
        return opened[-1]

    monkeypatch.setattr(gzip if name.endswith(".gz") else builtins, "open", watched)
    with pytest.raises(ValueError, match="three"):
        par_lines(tmp_path / name).map(int).on(every_shared).collect()
    par_lines(tmp_path / name).on(every_shared).find_first(lambda line: line == "1")

    assert len(opened) >= 2
    assert all(file.closed for file in opened)


def test_compressed_files_are_read_by_the_worker_that_has_them(tmp_path: Path, every_engine: Pool) -> None:
    paths = []
    for number in range(5):
        paths.append(tmp_path / f"{number}.txt.gz")
        with gzip.open(paths[-1], "wt", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{number} {line}\r\n" for line in range(1000))
    plan = par_lines(paths).on(every_engine)

    assert plan._plan.origin.bind().span == 5
    assert plan.collect() == [f"{number} {line}" for number in range(5) for line in range(1000)]
    assert plan.find_last(lambda line: line.startswith("3")) == "3 999"


def test_a_broken_compressed_file_raises_at_its_place(tmp_path: Path, every_engine: Pool) -> None:
    (tmp_path / "good.txt").write_text("a\n", encoding="utf-8")
    (tmp_path / "broken.gz").write_bytes(b"no gzip")
    plan = par_lines([tmp_path / "good.txt", tmp_path / "broken.gz"]).on(every_engine)

    assert plan.take(1).collect() == ["a"]
    with pytest.raises(gzip.BadGzipFile) as raised:
        plan.map(len).sum()

    assert "raised by the source" in raised.value.__notes__[0]


def test_paths_come_in_any_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text(f"{name}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    assert par_lines("a.txt").collect() == ["a"]
    assert par_lines(b"a.txt").collect() == ["a"]
    assert par_lines(Path("a.txt")).collect() == ["a"]
    assert par_lines(["a.txt", Path("b.txt")]).collect() == ["a", "b"]
    assert par_lines(sorted(tmp_path.glob("*.txt"))).collect() == ["a", "b"]
    assert sorted(par_lines(path for path in tmp_path.glob("*.txt")).collect()) == ["a", "b"]
    assert par_lines([]).collect() == []


def test_relative_paths_are_those_of_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every_engine: Pool
) -> None:
    (tmp_path / "a.txt").write_text("here", encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    plan = par_lines("a.txt").on(every_engine)
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert plan.collect() == ["here"]


def test_what_shows_at_the_call_is_raised_at_the_call(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a", encoding="utf-8")
    with pytest.raises(FileNotFoundError):
        par_lines([tmp_path / "a.txt", tmp_path / "missing.txt"])
    with pytest.raises(IsADirectoryError) as raised:
        par_lines(tmp_path)
    assert raised.value.filename == os.fspath(tmp_path)
    for encoding in ("no-such", "rot13", "hex"):
        with pytest.raises(LookupError):
            par_lines(tmp_path / "a.txt", encoding=encoding)
    with pytest.raises(LookupError):
        par_lines(tmp_path / "a.txt", errors="no-such")
    with pytest.raises(TypeError, match=r"par_lines\(\) needs paths of files, got 5"):
        par_lines([5])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="names of an encoding"):
        par_lines(tmp_path / "a.txt", encoding=None)  # type: ignore[arg-type]


def test_a_file_that_has_gone_is_an_error_of_the_run(tmp_path: Path, every_engine: Pool) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a", encoding="utf-8")
    plan = par_lines(path).on(every_engine)
    path.unlink()

    with pytest.raises(FileNotFoundError):
        plan.collect()


def test_a_file_is_read_as_it_is_when_the_plan_runs(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a\n", encoding="utf-8")
    plan = par_lines(path)
    path.write_text("b\nc\n", encoding="utf-8")

    assert plan.collect() == ["b", "c"]


def test_the_length_is_not_known_and_positions_need_a_barrier(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a\nb\n", encoding="utf-8")
    plan = par_lines(path).enumerate()

    assert plan.collect() == [(0, "a"), (1, "b")]
    assert "source   lines of 1 file, read by the workers" in plan.explain()
    assert (
        "barrier  results are held, because enumerate needs positions that the source does not know" in plan.explain()
    )
    with pytest.raises(TypeError):
        len(plan)


def test_repr_is_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").touch()

    assert repr(par_lines("a.txt").map(int)) == "par_lines('a.txt').map(int)"
    code = "par_lines(['a.txt'], encoding='ascii', errors='ignore', keepends=True)"
    assert repr(par_lines(["a.txt"], encoding="ascii", errors="ignore", keepends=True)) == code


def test_what_is_no_regular_file_is_read_whole(every_engine: Pool) -> None:
    assert par_lines([os.devnull, os.devnull]).on(every_engine).collect() == []


def big_file(path: Path) -> int:
    line = "merchant-%05d,12.50\n"
    block = "".join(line % number for number in range(10_000)).encode()
    with open(path, "wb") as file:
        file.writelines(block for _ in range(80))
    return 80 * len(block)


def longer(so_far: int, line: str) -> int:
    return so_far + len(line) + 1


@pytest.mark.parametrize("engine", ["serial", "threads-2"])
def test_folding_a_file_holds_a_small_part_of_it(pools: dict[str, Pool], tmp_path: Path, engine: str) -> None:
    size = big_file(tmp_path / "big.csv")
    plan = par_lines(tmp_path / "big.csv").fold(int, longer).on(pools[engine])

    tracemalloc.start()
    try:
        total = plan.sum()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert total == size
    assert peak < size / 2


def test_pieces_carry_paths_and_bounds_only(processes: ProcessPool, tmp_path: Path) -> None:
    size = big_file(tmp_path / "big.csv")
    source: Any = par_lines(tmp_path / "big.csv")._plan.origin.bind()

    assert not source.carries_data
    assert len(pickle.dumps(source.cut(1000, 100_000))) < 1000
    assert par_lines(tmp_path / "big.csv").map(len).sum() == size - 800_000
    assert par_lines(tmp_path / "big.csv").on(processes).fold(int, longer).sum() == size
