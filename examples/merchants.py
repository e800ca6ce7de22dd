"""Totals per merchant from a large file, three ways; errors in a log; a number that is none.

    python examples/merchants.py [--rows N]

Each answer is found by a plain loop first, and every plan has to give the same. Money is counted in
cents, as integers: then it does not matter in which order it is added up.
"""

from __future__ import annotations

import argparse
import operator
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from pariter import Break, par_iter, par_lines

T = TypeVar("T")
Totals = dict[str, tuple[int, int]]
"""For each merchant: how many transactions, and how many cents they come to."""

ROWS = 2_000_000
MOST_ROWS = 12_000_000
MERCHANTS = [f"merchant-{number:03}" for number in range(500)]
AMOUNTS = [f"{cents // 100}.{cents % 100:02}" for cents in range(1, 50_000, 7)]
LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"]


# -- The files ----------------------------------------------------------------


def write_transactions(path: Path, rows: int) -> None:
    """Write `rows` lines such as `merchant-042,17.29`, the same ones every time."""
    rng = random.Random(42)
    with path.open("w", encoding="utf-8") as file:
        while rows:
            batch = min(rows, 100_000)
            merchants = rng.choices(MERCHANTS, k=batch)
            amounts = rng.choices(AMOUNTS, k=batch)
            file.write("".join(map("{},{}\n".format, merchants, amounts)))
            rows -= batch


def write_log(path: Path, rows: int) -> None:
    """Write `rows` lines of a log, one in a hundred an error."""
    levels = random.Random(42).choices(LEVELS, weights=[50, 40, 9, 1], k=rows)
    lines = (f"{row:09} {level} a request was handled\n" for row, level in enumerate(levels))
    with path.open("w", encoding="utf-8") as file:
        file.writelines(lines)


def write_files(transactions: Path, log: Path, rows: int) -> float:
    """Write both; the seconds that took."""
    began = time.perf_counter()
    write_transactions(transactions, rows)
    write_log(log, rows // 10)
    return time.perf_counter() - began


# -- Totals per merchant ------------------------------------------------------


def parse(line: str) -> tuple[str, int]:
    """The merchant and the cents of a line."""
    merchant, amount = line.split(",")
    return merchant, int(amount.replace(".", ""))


def enter(totals: Totals, merchant: str, count: int, cents: int) -> None:
    """Enter `count` transactions of a merchant, which come to `cents`."""
    count_before, cents_before = totals.get(merchant, (0, 0))
    totals[merchant] = count_before + count, cents_before + cents


def add(totals: Totals, line: str) -> Totals:
    """Enter one line."""
    merchant, cents = parse(line)
    enter(totals, merchant, 1, cents)
    return totals


def merge(left: Totals, right: Totals) -> Totals:
    """Enter all of `right` into `left`."""
    for merchant, (count, cents) in right.items():
        enter(left, merchant, count, cents)
    return left


def totals_by_loop(path: Path) -> Totals:
    totals: Totals = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            add(totals, line)
    return totals


def totals_by_lock(lines: list[str]) -> Totals:
    """All workers enter into one dict, one at a time: they spend their time waiting for the lock."""
    totals: Totals = {}
    lock = threading.Lock()

    def add_locked(line: str) -> None:
        merchant, cents = parse(line)
        with lock:
            enter(totals, merchant, 1, cents)

    par_iter(lines).for_each(add_locked)
    return totals


def totals_by_fold(lines: list[str]) -> Totals:
    """Each worker enters into dicts of its own, and these are merged."""
    return par_iter(lines).fold(dict, add).reduce(dict, merge)


def totals_by_lines(path: Path) -> Totals:
    """The same over the file itself: each worker reads its own parts, and nobody holds all lines."""
    return par_lines(path).fold(dict, add).reduce(dict, merge)


def compare_totals(path: Path) -> None:
    expected, loop_s = timed(lambda: totals_by_loop(path))
    by_lines, lines_s = timed(lambda: totals_by_lines(path))
    lines = path.read_text(encoding="utf-8").splitlines()  # in memory, for the other two
    by_fold, fold_s = timed(lambda: totals_by_fold(lines))
    by_lock, lock_s = timed(lambda: totals_by_lock(lines))

    cents = sum(cents for _, cents in expected.values())
    print(f"{len(lines):,} transactions of {len(expected)} merchants come to {cents / 100:,.2f}.")
    for merchant, (count, cents) in sorted(expected.items(), key=lambda item: -item[1][1])[:3]:
        print(f"    {merchant}  {count:,} transactions  {cents / 100:,.2f}")
    show_times(loop_s, {"a lock around one dict": lock_s, "fold and reduce": fold_s, "par_lines": lines_s})
    assert by_lock == by_fold == by_lines == expected


# -- Errors in a log ----------------------------------------------------------


def count_errors(lines: Iterable[str]) -> int:
    return sum(" ERROR " in line for line in lines)


def compare_errors(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    expected, loop_s = timed(lambda: count_errors(lines))
    errors, plan_s = timed(lambda: par_iter(lines).chunks(10_000).map(count_errors).sum())

    print(f"{errors:,} of {len(lines):,} lines of the log are errors.")
    show_times(loop_s, {"in chunks": plan_s})
    assert errors == expected


# -- A number that is none ----------------------------------------------------


def add_number(total: int, text: str) -> int | Break[str]:
    """The next total, or the end of it all."""
    return total + int(text) if text.isdecimal() else Break(text)


def sum_by_loop(texts: list[str]) -> int | Break[str]:
    total = 0
    for text in texts:
        result = add_number(total, text)
        if isinstance(result, Break):
            return result
        total = result
    return total


def sum_by_plan(texts: list[str]) -> int | Break[str]:
    return par_iter(texts).try_fold(int, add_number).try_reduce(int, operator.add)


def compare_sums(rows: int) -> None:
    texts = [str(number) for number in range(rows)]
    total, loop_s = timed(lambda: sum_by_loop(texts))
    by_plan, plan_s = timed(lambda: sum_by_plan(texts))
    print(f"{rows:,} numbers add up to {total:,}.")
    show_times(loop_s, {"try_fold, try_reduce": plan_s})
    assert by_plan == total

    texts.insert(rows // 2, "12x")
    found = sum_by_plan(texts)
    assert isinstance(found, Break)
    print(f"With {found.value!r} among them there is no sum.")
    assert found == sum_by_loop(texts) == Break("12x")


# -- All of it ----------------------------------------------------------------


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What `work` returns, and the seconds that took."""
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began


def show_times(loop_s: float, plans: dict[str, float]) -> None:
    print(f"    {'plain loop':24}{loop_s:8.2f} s")
    for name, seconds in plans.items():
        print(f"    {name:24}{seconds:8.2f} s   {loop_s / seconds:.2f} times as fast")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Totals per merchant from a large file, three ways.")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"transactions, {ROWS:,} unless told")
    rows = parser.parse_args(arguments).rows
    if not 0 <= rows <= MOST_ROWS:
        parser.error(f"--rows must be from 0 to {MOST_ROWS:,}, got {rows:,}")

    with tempfile.TemporaryDirectory() as folder:
        transactions, log = Path(folder, "transactions.csv"), Path(folder, "requests.log")
        seconds = write_files(transactions, log, rows)
        print(f"Wrote {transactions.stat().st_size / 1e6:.1f} MB in {seconds:.1f} s.")
        compare_totals(transactions)
        compare_errors(log)
    compare_sums(rows // 4)


if __name__ == "__main__":
    main()
