"""How the tests run an example as a program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
TIMEOUT_S = 100


def run_program(path: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The example at `path`, run to its end by this interpreter, from a folder that is not the project's."""
    command = [sys.executable, str(EXAMPLES / path), *arguments]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", timeout=TIMEOUT_S, check=False
    )
