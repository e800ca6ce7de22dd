"""The census finds what is there, on every engine, and says how it went."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from examples import stdlib_census

from tests.examples.programs import run_program

MODULE = """\
import os, sys
import os.path
from collections.abc import Iterable
from . import sibling


def outer():
    async def inner():
        return 1

    return inner


class Thing:
    def method(self): ...
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small standard library, most of whose files cannot be parsed."""
    files = {
        "good.py": MODULE.encode(),
        "empty.py": b"",
        "latin.py": "# -*- coding: latin-1 -*-\nname = 'é'\ndef f():\n    return name\n".encode("latin-1"),
        "old.py": b"pattern = '\\d'\n",
        "bad/syntax.py": b"print 'hello'\n",
        "bad/bytes.py": b"name = '\xf6'\n",
        "bad/codec.py": b"# -*- coding: uft-8 -*-\n",
        "bad/null.py": b"a\0b\n",
        "site-packages/other.py": b"def not_ours(): ...\n",
        "notes.txt": b"def not_python(): ...\n",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    monkeypatch.setattr(stdlib_census, "STDLIB", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("library")
class TestOfASmallLibrary:
    def test_it_finds_the_python_files_that_are_not_packages_of_the_site(self) -> None:
        names = stdlib_census.find_files()

        assert names == [
            "bad/bytes.py", "bad/codec.py", "bad/null.py", "bad/syntax.py",
            "empty.py", "good.py", "latin.py", "old.py",
        ]  # fmt: skip

    @pytest.mark.parametrize("engine", ["serial", "threads"])
    def test_it_counts_files_functions_and_lines(self, engine: str) -> None:
        census = stdlib_census.plan_for(stdlib_census.find_files(), engine).reduce(
            stdlib_census.Census, stdlib_census.Census.add
        )

        assert (census.files, census.functions, census.lines) == (8, 4, 15 + 4 + 1 + 4)
        assert [(f.name, f.path, f.line, f.lines) for f in census.longest] == [
            ("outer", "good.py", 7, 5),
            ("inner", "good.py", 8, 2),
            ("f", "latin.py", 3, 2),
            ("method", "good.py", 15, 1),
        ]
        assert census.imports == {"os": 2, "sys": 1, "collections": 1}

    def test_a_file_that_does_not_parse_or_decode_is_named_and_not_fatal(self) -> None:
        census = stdlib_census.loop_over(stdlib_census.find_files())

        assert list(census.unreadable) == ["bad/bytes.py", "bad/codec.py", "bad/null.py", "bad/syntax.py"]
        assert census.unreadable["bad/syntax.py"].startswith("SyntaxError: ")

    def test_it_prints_a_table_and_that_both_agree(self, capsys: pytest.CaptureFixture[str]) -> None:
        stdlib_census.main(["--engine", "threads"])

        printed = capsys.readouterr().out
        assert "8 files, 4 functions, 24 lines" in printed
        assert "5 lines  outer  (good.py:7)" in printed
        assert "2 times  os" in printed
        assert "Not parsed: 4" in printed
        assert "The plan and the loop agree." in printed


def test_of_functions_of_the_same_length_the_first_ones_are_kept() -> None:
    function = stdlib_census.Function("f", "a.py", 0, lines=3)
    functions = [function._replace(line=line) for line in range(stdlib_census.TOP + 5)]

    kept = stdlib_census.longest_of(functions)

    assert kept == functions[: stdlib_census.TOP]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        # the default, whatever it is here
        ([], "because this interpreter "),
        (["--engine", "serial"], "because of .on('serial')"),
        (["--engine", "threads"], "because of .on('threads')"),
        (["--engine", "processes"], "because of .on('processes')"),
    ],
)
def test_the_program_says_how_fast_it_was_on_which_engine_and_why(
    arguments: list[str], why: str, tmp_path: Path
) -> None:
    run = run_program("stdlib_census.py", "--limit", "60", *arguments, cwd=tmp_path)

    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("60 files, ")
    assert "The plan and the loop agree." in run.stdout
    assert re.search(r"plain loop +\d+\.\d\d s\n +plan +\d+\.\d\d s +\d+\.\d\d times as fast\n", run.stdout)
    assert re.search(rf"engine: \w+.*{re.escape(why)}", run.stdout)


def test_no_files_at_all_make_an_empty_census(tmp_path: Path) -> None:
    run = run_program("stdlib_census.py", "--limit", "0", cwd=tmp_path)

    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("0 files, 0 functions, 0 lines\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--limit", "-1"], "--limit must not be negative, got -1"),
        (["--engine", "fibres"], "invalid choice: 'fibres'"),
    ],
)
def test_it_refuses_arguments_that_mean_nothing(arguments: list[str], complaint: str, tmp_path: Path) -> None:
    run = run_program("stdlib_census.py", *arguments, cwd=tmp_path)

    assert run.returncode == 2
    assert complaint in run.stderr
