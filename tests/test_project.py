"""The project's scripts and pages say what is so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pariter

ROOT = Path(__file__).parent.parent
REFERENCE = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "docs/reference").glob("*.md"))
DOCUMENTED = re.findall(r"^\.\. auto\w+:: pariter\.([\w.]+)$", REFERENCE, re.MULTILINE)


def public_names() -> set[str]:
    """The names of the package, and the methods of a plan."""
    methods = {
        f"ParIter.{name}"
        for cls in pariter.ParIter.__mro__[:-1]
        if cls.__module__.startswith("pariter.")
        for name, value in vars(cls).items()
        if not name.startswith("_") and callable(value)
    }
    return set(pariter.__all__) | methods


def test_every_public_name_is_in_the_reference() -> None:
    assert sorted(public_names() - set(DOCUMENTED) - {"__version__"}) == []


def test_no_name_is_in_the_reference_twice() -> None:
    assert sorted(DOCUMENTED) == sorted(set(DOCUMENTED))


def test_every_make_target_that_the_pages_name_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    prose = "\n".join(page.read_text(encoding="utf-8") for page in pages)

    named = set(re.findall(r"(?:^|`)make ([\w-]+)", prose, re.MULTILINE))

    assert {"demo", "test"} <= named <= targets


@pytest.mark.skipif(os.name == "nt", reason="a bash script")
class TestFreeThreadedPython:
    SCRIPT = ROOT / "scripts/free-threaded-python"

    def run(self, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self.SCRIPT], env=os.environ | env, capture_output=True, text=True, check=False)

    @pytest.fixture
    def stand_in(self, tmp_path: Path) -> Path:
        """Something that answers like a free-threaded interpreter: a script that exits with 0."""
        script = tmp_path / "python3.15t"
        script.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
        script.chmod(0o755)
        return script

    def test_it_prints_the_interpreter_that_the_variable_names(self, stand_in: Path) -> None:
        run = self.run(PARITER_FREE_THREADED_PYTHON=str(stand_in))

        assert (run.returncode, run.stdout) == (0, f"{stand_in}\n")

    def test_it_prefers_the_newest_on_the_path(self, stand_in: Path) -> None:
        path = f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}"

        run = self.run(PARITER_FREE_THREADED_PYTHON="", PATH=path)

        assert (run.returncode, run.stdout) == (0, f"{stand_in}\n")

    @pytest.mark.skipif(not getattr(sys, "_is_gil_enabled", lambda: True)(), reason="this interpreter has no GIL")
    def test_it_refuses_a_variable_that_names_an_interpreter_with_a_gil(self) -> None:
        run = self.run(PARITER_FREE_THREADED_PYTHON=sys.executable)

        assert (run.returncode, run.stdout) == (1, "")
        assert "is not a free-threaded Python" in run.stderr


def test_the_digest_of_a_log_says_what_failed_and_where_each_thread_hung(tmp_path: Path) -> None:
    test = tmp_path / "tests/test_hanging.py"
    test.parent.mkdir()
    test.write_text(
        "import threading\n"
        "def test_hanging():\n"
        "    for _ in range(2):\n"
        "        threading.Thread(target=wait, daemon=True).start()\n"
        "    wait()\n"
        "def wait():\n"
        "    threading.Event().wait()\n"
    )
    hanging = ["-m", "pytest", "-o", "faulthandler_timeout=1", "-o", "faulthandler_exit_on_timeout=true", str(test)]
    log = tmp_path / "log"
    with log.open("w") as out:
        subprocess.run([sys.executable, *hanging], cwd=tmp_path, stdout=out, stderr=out, check=False, timeout=100)

    digest = [sys.executable, str(ROOT / "scripts/log_digest.py"), str(log)]
    told = subprocess.run(digest, capture_output=True, text=True, check=True).stdout.splitlines()

    assert "Timeout (0:00:01)!" in told[0]
    assert sorted(told[1:]) == [
        "1 x tests/test_hanging.py:7 wait < tests/test_hanging.py:5 test_hanging",
        "2 x tests/test_hanging.py:7 wait",
    ]
