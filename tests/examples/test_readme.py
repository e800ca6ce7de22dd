"""The page about the examples lists all of them."""

from __future__ import annotations

import re

from tests.examples.programs import EXAMPLES


def test_every_example_has_one_line_in_the_readme() -> None:
    listed = re.findall(r"^\| \[[\w.]+\]\(([\w/.]+)\) \| \S", (EXAMPLES / "README.md").read_text("utf-8"), re.MULTILINE)

    assert sorted(listed) == sorted(path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.py"))
