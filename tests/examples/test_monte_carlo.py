"""The same numbers come out of the loop and of every engine, and they are near what they estimate."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from examples import monte_carlo

from pariter import Pool
from tests.examples.programs import run_program


@pytest.mark.parametrize("f", [monte_carlo.darts, monte_carlo.payoffs])
@pytest.mark.parametrize("seed", [0, 7, -7])
def test_every_engine_gives_the_numbers_of_the_loop(
    f: Callable[[Random, int], Any], seed: int, every_engine: Pool
) -> None:
    found = monte_carlo.by_plan(f, 3, seed, every_engine)

    assert found == monte_carlo.by_loop(f, 3, seed)


def test_the_darts_estimate_pi() -> None:
    hits = sum(monte_carlo.by_loop(monte_carlo.darts, 20, 7))

    assert abs(4 * hits / (20 * monte_carlo.BATCH) - math.pi) < 0.02


def test_the_paths_estimate_what_the_formula_says() -> None:
    paid = math.fsum(monte_carlo.by_loop(monte_carlo.payoffs, 20, 7))

    assert abs(paid / (20 * monte_carlo.BATCH) - monte_carlo.price_by_formula()) < 0.2


def test_the_formula_prices_an_option_as_the_books_do(monkeypatch: pytest.MonkeyPatch) -> None:
    # The example of Hull, Options, Futures, and Other Derivatives.
    option = monte_carlo.Option(price=42, strike=40, years=0.5, rate=0.1, volatility=0.2)
    monkeypatch.setattr(monte_carlo, "OPTION", option)

    assert round(monte_carlo.price_by_formula(), 2) == 4.76


def test_the_program_prints_its_estimates_and_the_times_of_all_engines(tmp_path: Path) -> None:
    run = run_program("monte_carlo.py", "--batches", "4", cwd=tmp_path)

    assert (run.returncode, run.stderr) == (0, "")
    assert "20,000 darts, seed 7:" in run.stdout
    assert "pi is about 3.1" in run.stdout
    assert "by the formula." in run.stdout
    for engine in ("serial", "threads", "processes"):
        assert run.stdout.count(engine) == 2


@pytest.mark.parametrize("batches", ["0", "-1", "100001", "many"])
def test_it_refuses_numbers_of_batches_that_it_cannot_run(batches: str, tmp_path: Path) -> None:
    run = run_program("monte_carlo.py", "--batches", batches, cwd=tmp_path)

    assert run.returncode == 2
    assert "--batches" in run.stderr
