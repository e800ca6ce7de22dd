"""Count the standard library: what one plan finds on all cores, and what a plain loop finds.

    python examples/stdlib_census.py [--limit N] [--engine threads|processes|serial]

It parses every Python file of the interpreter that runs it, adds up files, functions and lines, and
finds the longest functions and the modules that are imported most. The plan is the loop in other words:
`map` a function over the files, `fold` what it gives into accumulators, `reduce` these to one.
"""

from __future__ import annotations

import argparse
import ast
import heapq
import sysconfig
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pariter import ParIter, par_iter

STDLIB = Path(sysconfig.get_path("stdlib"))
NOT_STDLIB = {"site-packages", "dist-packages"}
TOP = 10


class Function(NamedTuple):
    """A function: its name, where it is, and how many lines it has."""

    name: str
    path: str
    line: int
    lines: int


def longest_of(functions: list[Function]) -> list[Function]:
    """The longest functions; of equally long ones, those that come first."""
    return heapq.nlargest(TOP, functions, key=lambda function: function.lines)


@dataclass
class Census:
    """What is known of some files: of one, of those that one worker has seen, or of all."""

    files: int = 0
    functions: int = 0
    lines: int = 0
    longest: list[Function] = field(default_factory=list)
    imports: Counter[str] = field(default_factory=Counter)
    unreadable: dict[str, str] = field(default_factory=dict)

    def add(self, other: Census) -> Census:
        """Take the files of `other`, which come after these, into this census."""
        self.files += other.files
        self.functions += other.functions
        self.lines += other.lines
        self.longest = longest_of(self.longest + other.longest)
        self.imports.update(other.imports)
        self.unreadable.update(other.unreadable)
        return self


def survey(path: str) -> Census:
    """The census of one file. A file that is not Python is counted and named."""
    warnings.simplefilter("ignore")  # here, because this may be another process; some files are old
    source = Path(STDLIB, path).read_bytes()
    census = Census(files=1, lines=len(source.splitlines()))
    try:
        tree = ast.parse(source, path)
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte
        census.unreadable[path] = f"{type(error).__name__}: {error}"
        return census
    functions = []
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                functions.append(Function(node.name, path, node.lineno, length))
            case ast.Import():
                census.imports.update(alias.name.partition(".")[0] for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                census.imports[module.partition(".")[0]] += 1
    census.functions = len(functions)
    census.longest = longest_of(functions)
    return census


def plan_for(paths: list[str], engine: str | None = None) -> ParIter[Census]:
    """The plan: one census for each run of neighbouring files that one worker has seen."""
    plan = par_iter(paths).map(survey).fold(Census, Census.add)
    return plan.on(engine) if engine else plan


def loop_over(paths: list[str]) -> Census:
    """The same without pariter."""
    census = Census()
    for path in paths:
        census.add(survey(path))
    return census


def find_files(limit: int | None = None) -> list[str]:
    """The standard library's files, relative to its folder, or the first `limit` of them."""
    paths = [path.relative_to(STDLIB) for path in STDLIB.rglob("*.py")]
    names = sorted(path.as_posix() for path in paths if NOT_STDLIB.isdisjoint(path.parts))
    return names[:limit]


def show(census: Census) -> None:
    """Print the table."""
    print(f"{census.files:,} files, {census.functions:,} functions, {census.lines:,} lines\n")
    print("The longest functions")
    for function in census.longest:
        print(f"{function.lines:7,} lines  {function.name}  ({function.path}:{function.line})")
    print("\nThe most imported modules")
    for module, times in census.imports.most_common(TOP):
        print(f"{times:7,} times  {module}")
    print(f"\nNot parsed: {len(census.unreadable)}")
    for path, error in census.unreadable.items():
        print(f"        {path}: {error}")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Count the standard library, by a plan and by a loop.")
    parser.add_argument("--limit", type=int, metavar="N", help="take only the first N files")
    parser.add_argument("--engine", choices=["threads", "processes", "serial"], help="run the plan there")
    options = parser.parse_args(arguments)

    if options.limit is not None and options.limit < 0:
        parser.error(f"--limit must not be negative, got {options.limit}")

    paths = find_files(options.limit)
    for path in paths:
        Path(STDLIB, path).read_bytes()  # so that neither has to wait for the disk

    plan = plan_for(paths, options.engine)
    began = time.perf_counter()
    census = plan.reduce(Census, Census.add)
    plan_s = time.perf_counter() - began

    began = time.perf_counter()
    expected = loop_over(paths)
    loop_s = time.perf_counter() - began

    show(census)
    assert census == expected, "the plan and the loop differ"
    print("\nThe plan and the loop agree.\n")
    print(f"    plain loop  {loop_s:7.2f} s")
    print(f"    plan        {plan_s:7.2f} s    {loop_s / plan_s:.2f} times as fast")
    for line in plan.explain().splitlines()[-2:]:
        print(f"    {line}")


if __name__ == "__main__":
    main()
