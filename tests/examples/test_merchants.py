"""The merchants' totals agree whichever way they are found, to the cent."""

from __future__ import annotations

from pathlib import Path

import pytest
from examples import merchants

from pariter import Break, Pool
from tests.examples.programs import run_program

TOTALS = {"a": (2, 11_729), "b": (2, 30), "c": (1, 1)}


@pytest.fixture
def transactions(tmp_path: Path) -> Path:
    path = tmp_path / "transactions.csv"
    path.write_text("b,0.10\na,17.29\nb,0.20\na,100.00\nc,0.01\n", encoding="utf-8")
    return path


class TestTotals:
    def test_all_ways_give_counts_and_cents(self, transactions: Path, every_shared: Pool) -> None:
        lines = transactions.read_text(encoding="utf-8").splitlines()

        found = every_shared.install(
            lambda: [
                merchants.totals_by_lock(lines),
                merchants.totals_by_fold(lines),
                merchants.totals_by_lines(transactions),
            ]
        )

        assert found == [TOTALS] * 3
        assert merchants.totals_by_loop(transactions) == TOTALS

    def test_worker_processes_read_the_file_themselves(self, transactions: Path, processes: Pool) -> None:
        found = processes.install(merchants.totals_by_lines, transactions)

        assert found == TOTALS


def test_the_files_are_the_same_every_time(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"

    for path in (first, second):
        merchants.write_transactions(path, 250_000)

    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().count(b"\n") == 250_000


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], 0),
        (["1", "2", "3"], 6),
        (["1", "12x", "3"], Break("12x")),
        # of several, the one that a loop would have met
        (["1", "x", "2", "y"], Break("x")),
    ],
)
def test_numbers_have_a_sum_unless_one_is_none(texts: list[str], expected: object) -> None:
    assert merchants.sum_by_plan(texts) == merchants.sum_by_loop(texts) == expected


def test_its_main_compares_everything_inside_another_program(capsys: pytest.CaptureFixture[str]) -> None:
    merchants.main(["--rows", "3000"])

    printed = capsys.readouterr().out
    assert "3,000 transactions of " in printed
    assert "750 numbers add up to 280,875." in printed
    assert "With '12x' among them there is no sum." in printed


def test_the_program_prints_its_facts_and_the_times_of_all_ways(tmp_path: Path) -> None:
    run = run_program("merchants.py", "--rows", "20000", cwd=tmp_path)

    assert (run.returncode, run.stderr) == (0, "")
    assert "20,000 transactions of 500 merchants come to 4,9" in run.stdout
    assert "of 2,000 lines of the log are errors." in run.stdout
    for way in ("plain loop", "a lock around one dict", "fold and reduce", "par_lines", "in chunks"):
        assert way in run.stdout


def test_no_rows_at_all_have_no_totals(tmp_path: Path) -> None:
    run = run_program("merchants.py", "--rows", "0", cwd=tmp_path)

    assert (run.returncode, run.stderr) == (0, "")
    assert "0 transactions of 0 merchants come to 0.00." in run.stdout


@pytest.mark.parametrize("rows", ["-1", "12000001", "many"])
def test_it_refuses_numbers_of_rows_that_it_cannot_write(rows: str, tmp_path: Path) -> None:
    run = run_program("merchants.py", "--rows", rows, cwd=tmp_path)

    assert run.returncode == 2
    assert "--rows" in run.stderr
