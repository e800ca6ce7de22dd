"""From programs as people write them: scripts without a guard, `-c`, standard input, a prompt."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.callers.programs import EVERYWHERE, FUNCTIONS, Ended, run

PROGRAM = FUNCTIONS + EVERYWHERE + "print('the same')\n"


def test_from_a_script_without_a_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(PROGRAM, encoding="utf-8")

    assert run(str(script)) == Ended(0, "the same\n", "", [])


def test_from_a_script_without_a_guard_that_starts_by_a_module_name(tmp_path: Path) -> None:
    (tmp_path / "named.py").write_text(PROGRAM, encoding="utf-8")

    assert run("-m", "named", cwd=tmp_path) == Ended(0, "the same\n", "", [])


def test_from_a_program_on_the_command_line() -> None:
    assert run("-c", PROGRAM) == Ended(0, "the same\n", "", [])


def test_from_a_program_on_standard_input() -> None:
    assert run("-", stdin=PROGRAM) == Ended(0, "the same\n", "", [])


def test_from_a_prompt_with_functions_that_were_defined_there() -> None:
    ended = run("-i", "-q", stdin=PROGRAM)

    assert (ended.code, ended.out, ended.left) == (0, "the same\n", [])
    assert "Error" not in ended.err


def test_a_function_that_is_defined_again_at_the_prompt_is_the_new_one() -> None:
    again = "def slow(n):\n    return -n\n\nWANTED = [Item(-n) for n in range(1000)]\n"

    ended = run("-i", "-q", stdin=FUNCTIONS + EVERYWHERE + again + EVERYWHERE + "print('the same')\n")

    assert (ended.code, ended.out, ended.left) == (0, "the same\n", [])
    assert "Error" not in ended.err


@pytest.mark.parametrize("end", ["raise SystemExit(3)", "import os; os._exit(3)", "1 / 0"])
def test_nothing_is_left_of_a_program_that_ends_beside_its_pools(end: str) -> None:
    pools = "p, t = ProcessPool(2), ThreadPool(2)\ncheck(p, t)\n"

    ended = run("-c", FUNCTIONS + pools + EVERYWHERE + end)

    assert (ended.code, ended.left) == (1 if end == "1 / 0" else 3, [])
