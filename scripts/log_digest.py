"""Says in a few lines what the log of a failed check comes to: where one sees only the end of it, that is the end."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

FRAME = re.compile(r'^  File "(?:.*/)?(?P<file>(?:src/pariter|tests)/[^"]+)", line (?P<line>\d+) in (?P<name>.+)$')
THREAD = re.compile(r"^(?:Current thread|Thread) ")
TOLD = re.compile(r"^(?:FAILED|ERROR|(?:tests.* )?Timeout \(|Fatal Python error|make(?:\[\d+\])?: |E   )")
FRAMES_SHOWN = 9
LINES_SHOWN = 20


def stacks(lines: Iterable[str]) -> Iterator[str]:
    """The stacks in faulthandler's dumps, a line for each thread: the project's frames, the innermost first."""
    frames: list[str] | None = None
    for line in [*lines, "Thread "]:
        if THREAD.match(line):
            if frames:
                yield " < ".join(frames[:FRAMES_SHOWN])
            frames = []
        elif frames is not None and (found := FRAME.match(line)):
            frames.append(f"{found['file'].removeprefix('src/pariter/')}:{found['line']} {found['name']}")


def digest(log: str) -> Iterator[str]:
    """What failed, then where each thread was if the step was ended because it hung."""
    lines = log.splitlines()
    yield from [line for line in lines if TOLD.match(line)][-LINES_SHOWN:]
    for stack, times in Counter(stacks(lines)).items():
        yield f"{times} x {stack}"


if __name__ == "__main__":
    log = Path(sys.argv[1]).read_text(errors="replace")
    sys.stdout.writelines(f"{line[:400]}\n" for line in digest(log))
