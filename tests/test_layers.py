"""The architecture, kept: every module has a row in the layer table and imports only from below it.

The rows are those of import-linter in pyproject.toml. `make lint` checks them with import-linter,
which also sees indirect imports; here they hold in plain pytest, and nothing may be left out of
them.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = PROJECT["tool"]["importlinter"]["contracts"]
TABLES = {container: contract["layers"] for contract in CONTRACTS for container in contract["containers"]}
EXCEPTIONS = {line for contract in CONTRACTS for line in contract.get("ignore_imports", [])}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for path in sorted(SRC.rglob("*.py"))}
# The package itself is the row above all others: it lists the public names and may import anything.
LAYERED = [name for name in MODULES if name not in {"pariter", *TABLES}]


def rows(container: str) -> dict[str, tuple[int, bool]]:
    """For each name of a container's table its height, and whether its row is of strangers."""
    return {
        name: (height, ":" not in row)
        for height, row in enumerate(reversed(TABLES[container]))
        for name in re.findall(r"\w+", row)
    }


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below this one but those that only a type checker follows."""
    yield node
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        children: Iterable[ast.AST] = node.orelse
    else:
        children = ast.iter_child_nodes(node)
    for child in children:
        yield from executed(child)


def imported_modules(path: Path) -> Iterator[tuple[int, str]]:
    """The modules a file imports, at its top or inside its functions."""
    for node in executed(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                # `from pariter.plan import sources` names a module, `import Source` does not.
                inner = f"{node.module}.{alias.name}"
                yield node.lineno, inner if inner in MODULES else str(node.module)


def breach(importer: str, imported: str) -> str | None:
    """Why this import goes against the table, or None."""
    if f"{importer} -> {imported}" in EXCEPTIONS:
        return None
    if imported == "pariter":
        return "imports the package from inside it"
    for container in TABLES:
        inside = f"{container}."
        if importer.startswith(inside) and imported.startswith(inside):
            here, there = (name.removeprefix(inside).split(".")[0] for name in (importer, imported))
            table = rows(container)
            (height, strangers), (other, _) = table[here], table[there]
            if here != there and (other > height or (other == height and strangers)):
                return f"{there} is not below {here} in {container}"
    return None


@pytest.mark.parametrize("module", LAYERED)
def test_every_module_has_a_row_in_the_layer_table(module: str) -> None:
    container = max((c for c in TABLES if module.startswith(f"{c}.")), key=len)
    name = module.removeprefix(f"{container}.").split(".")[0]

    assert name in rows(container), f"{module}: add {name} to the layers of {container}"


@pytest.mark.parametrize("module", LAYERED)
def test_every_module_imports_only_from_the_rows_below_its_own(module: str) -> None:
    breaches = [
        f"{MODULES[module].relative_to(ROOT)}:{line}: {why}"
        for line, imported in imported_modules(MODULES[module])
        if imported.split(".")[0] == "pariter" and (why := breach(module, imported))
    ]

    assert breaches == []


def test_plan_and_sched_would_be_caught_importing_each_other() -> None:
    """The check itself can fail."""
    assert breach("pariter.plan.sources", "pariter.sched.lanes")
    assert breach("pariter.sched.lanes", "pariter.plan.sources")
    assert breach("pariter.errors", "pariter.engines.base")
    assert breach("pariter.engines.base", "pariter.plan.sources") is None


@pytest.mark.parametrize("path", MODULES.values(), ids=MODULES.keys())
def test_no_file_passes_400_lines(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())

    assert lines <= 400, "divide it: the layer table says where the new part belongs"
