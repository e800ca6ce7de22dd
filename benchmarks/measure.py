"""How the benchmarks measure: contenders take turns, each ratio is taken within one round, and disturbed rounds go.

A round runs every contender once. What other processes did to the machine meanwhile is read from `/proc/stat`
where there is one; a round in which they took more than a tenth of a CPU is measured again, a few times.
"""

from __future__ import annotations

import gc
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping

QUIET = 0.1
"""The share of one CPU that other processes may take during a round."""
PATIENCE = 3
"""How many rounds may be measured for each that counts."""

Contender = Callable[[], object]


def has_no_gil() -> bool:
    """Whether threads of this interpreter run Python at the same time."""
    is_gil_enabled = getattr(sys, "_is_gil_enabled", None)
    return is_gil_enabled is not None and not is_gil_enabled()


def build() -> str:
    """This interpreter and this machine in one line."""
    gil = "no GIL" if has_no_gil() else "GIL"
    return (
        f"CPython {platform.python_version()}, {gil}, {os.cpu_count()} CPUs, {platform.system()} {platform.machine()}"
    )


def headline(what: str) -> None:
    """Say what follows and how to get it again."""
    command = " ".join(["python", *(os.path.relpath(sys.argv[0]), *sys.argv[1:])])
    print(f"{what}\n{build()}\n$ {command}\n")


def busy_s() -> float:
    """The seconds that all CPUs have been at work so far, for anybody; 0 where that is not known."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _idle, _wait, irq, softirq, *_ = map(int, file.readline().split()[1:])
    except (OSError, ValueError):
        return 0.0
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def own_s() -> float:
    """The seconds of CPU that this process and its children have used; children count when they have ended."""
    times = os.times()
    return sum(times[:4])


class Round:
    """What each contender took, in seconds."""

    def __init__(self, contenders: Mapping[str, Contender], repeat: int) -> None:
        self.seconds: dict[str, float] = {}
        busy, own, began = busy_s(), own_s(), time.perf_counter()
        for name, contender in contenders.items():
            gc.collect()
            start = time.perf_counter()
            for _ in range(repeat):
                contender()
            self.seconds[name] = (time.perf_counter() - start) / repeat
        self.foreign = (busy_s() - busy - (own_s() - own)) / (time.perf_counter() - began)


def rounds(contenders: Mapping[str, Contender], *, count: int = 7, repeat: int = 1, quiet: bool = True) -> list[Round]:
    """The least disturbed `count` rounds, after one to warm up.

    With `quiet` off all rounds count: for contenders that work in processes which live on.
    """
    Round(contenders, 1)
    found: list[Round] = []
    for _ in range(count * (PATIENCE if quiet else 1)):
        found.append(Round(contenders, repeat))
        if sum(each.foreign <= QUIET for each in found) >= count:
            break
    if quiet:
        found.sort(key=lambda each: each.foreign)
    return found[:count]


class Table:
    """Rows of one peer and its contenders, and what the machine was like."""

    def __init__(self, *columns: str) -> None:
        self._columns = columns
        self._disturbed = 0
        print(f"| | {' | '.join(columns)} |")
        print(f"|---|{'---:|' * len(columns)}", flush=True)

    def row(self, name: str, *cells: str) -> None:
        """Print one row."""
        print(f"| {name} | {' | '.join(cells)} |", flush=True)

    def noted(self, measured: list[Round]) -> list[Round]:
        """Remember how quiet it was."""
        self._disturbed += sum(each.foreign > QUIET for each in measured)
        return measured

    def end(self) -> None:
        """Say if the numbers are to be doubted."""
        if self._disturbed:
            print(f"\n({self._disturbed} of the rounds were disturbed by other processes)")
        print(flush=True)


def best(measured: list[Round], name: str) -> float:
    """The least time."""
    return min(each.seconds[name] for each in measured)


def median(measured: list[Round], name: str) -> float:
    """The median time."""
    return statistics.median(each.seconds[name] for each in measured)


def ratio(measured: list[Round], peer: str, name: str) -> float:
    """How many times as fast as its peer, by the median of what was seen within a round."""
    return statistics.median(each.seconds[peer] / each.seconds[name] for each in measured)


def times(value: float) -> str:
    """A ratio as text."""
    return f"{value:.2f}x"


def milliseconds(seconds: float) -> str:
    """A time as text."""
    return f"{seconds * 1e3:.1f} ms"


def microseconds(seconds: float) -> str:
    """A short time as text."""
    return f"{seconds * 1e6:.1f} us"
