"""Every example in the documentation runs: ```python blocks of the pages, and docstrings.

A page is one namespace, from its first block to its last. A block is either plain code or an
interactive session (`>>>`), whose output is compared as doctest does it.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

import pariter

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL

OF_CLUSTERS = {"pariter.clusters.DaskPool": "distributed", "pariter.clusters.RayPool": "ray"}
"""Examples that need an extra; `make test-clusters` has it."""


def blocks(page: Path) -> list[tuple[int, str]]:
    """Each block of a page, with the number of lines above it."""
    text = page.read_text(encoding="utf-8")
    return [(text.count("\n", 0, m.start(1)), m[1]) for m in BLOCK.finditer(text)]


def run_session(session: doctest.DocTest) -> None:
    report: list[str] = []
    doctest.DocTestRunner(verbose=False, optionflags=FLAGS).run(session, out=report.append, clear_globs=False)
    assert not report, "".join(report)


@pytest.mark.parametrize(
    "page",
    [pytest.param(p, id=p.relative_to(ROOT).as_posix()) for p in PAGES if blocks(p)],
)
def test_every_block_of_the_page_runs(page: Path) -> None:
    namespace: dict[str, object] = {"__name__": page.stem}
    for line, block in blocks(page):
        if block.startswith(">>>"):
            # DocTest copies what it is given, so what a session defines is carried on by hand.
            session = doctest.DocTestParser().get_doctest(block, namespace, page.name, str(page), line)
            run_session(session)
            namespace = session.globs
        else:
            # The newlines above it make a traceback point at the line of the page.
            exec(compile("\n" * line + block, page, "exec"), namespace)


@pytest.mark.parametrize(
    "module",
    ["pariter", *(m.name for m in pkgutil.walk_packages(pariter.__path__, "pariter."))],
)
def test_every_docstring_example_runs(module: str) -> None:
    public = {name: getattr(pariter, name) for name in pariter.__all__}

    for session in doctest.DocTestFinder().find(importlib.import_module(module)):
        if find_spec(OF_CLUSTERS.get(session.name, "pariter")) is None:
            continue
        session.globs |= public
        run_session(session)


def public_callables() -> dict[str, object]:
    """What the package exports but errors, the methods of plans, and those of pools."""
    found = {name: getattr(pariter, name) for name in pariter.__all__}
    methods = {
        f"{cls.__name__}.{name}": inspect.getattr_static(cls, name)
        for cls in (pariter.ParIter, pariter.Pool)
        for name in dir(cls)
        if not name.startswith("_") and callable(getattr(cls, name))
    }
    errors = {name for name, value in found.items() if isinstance(value, type) and issubclass(value, Exception)}
    return {name: value for name, value in (found | methods).items() if name not in errors | {"Pool.engine"}}


def test_every_public_name_has_an_example_that_runs() -> None:
    modules = ["pariter", *(m.name for m in pkgutil.walk_packages(pariter.__path__, "pariter."))]
    finder = doctest.DocTestFinder()
    sessions = [session for module in modules for session in finder.find(importlib.import_module(module))]

    run = {session.docstring for session in sessions if any(not example.options for example in session.examples)}

    assert [name for name, value in public_callables().items() if value.__doc__ not in run] == []
