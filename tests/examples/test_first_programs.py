"""The first programs print the facts they are known by, as programs and as functions."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.examples.programs import EXAMPLES, run_program

FACTS = {
    "answers": ["8 answers came in the order", "7! = 5,040"],
    "batches": ["of 500,000 readings in 50 batches is 714,429,525"],
    "global_pool": ["The global pool has 3 threads.", "A second call raises GlobalPoolAlreadyInitialized"],
    "install": ["add up to 500,000,500,000"],
    "primes": ["17,984 primes below 200,000", "add up to 1,709,600,813"],
    "quicksort": ["200,000 numbers are sorted, from 0 to 999,994"],
    "scorers": ["10,000 documents score 160,000, the highest 16", "scorer-0, scorer-1, scorer-2, scorer-3"],
    "squares": ["[1, 4, 9, 16]"],
}


@pytest.mark.parametrize("name", FACTS)
def test_the_program_prints_its_facts_and_nothing_to_stderr(name: str, tmp_path: Path) -> None:
    run = run_program(f"first_programs/{name}.py", cwd=tmp_path)

    assert [fact for fact in FACTS[name] if fact not in run.stdout] == []
    assert (run.returncode, run.stderr) == (0, "")


# The global pool can be built once in a process, and that is not the tests' to do.
@pytest.mark.parametrize("name", sorted(FACTS.keys() - {"global_pool", "primes", "quicksort"}))
def test_its_main_runs_inside_another_program_again_and_again(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    program = importlib.import_module(f"examples.first_programs.{name}")

    program.main()
    first = capsys.readouterr().out
    program.main()
    second = capsys.readouterr().out

    assert [fact for fact in FACTS[name] if fact not in first or fact not in second] == []


def test_every_first_program_has_facts() -> None:
    assert sorted(path.stem for path in (EXAMPLES / "first_programs").glob("*.py")) == sorted(FACTS)


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param([], id="nothing to sort"),
        pytest.param([3, 1, 2], id="shorter than a task"),
        pytest.param([5] * 30_000, id="all equal"),
        pytest.param(list(range(30_000)), id="sorted already"),
        pytest.param(list(range(30_000, 0, -1)), id="the wrong way round"),
    ],
)
def test_quicksort_sorts_what_quicksorts_stumble_over(numbers: list[int]) -> None:
    quicksort = importlib.import_module("examples.first_programs.quicksort")
    expected = sorted(numbers)

    quicksort.par_quicksort(numbers, 0, len(numbers))

    assert numbers == expected


def test_the_sum_of_primes_is_the_same_wherever_a_range_is_halved() -> None:
    primes = importlib.import_module("examples.first_programs.primes")

    sums = [primes.sum_of_primes(0, 5_000), primes.sum_of_primes(0, 1_234) + primes.sum_of_primes(1_234, 5_000)]

    assert sums == [1_548_136, 1_548_136]
