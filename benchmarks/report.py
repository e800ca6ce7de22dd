"""Run every benchmark on one interpreter or several, and write what they print into the documentation.

    python benchmarks/report.py --python .venv/bin/python --python .venv-free-threaded/bin/python

writes `docs/performance.md` and the pictures beside it. `--only NAME` runs some, and keeps the rest of the page's
numbers from `benchmarks/results/`, where each run's output is kept.
"""

from __future__ import annotations

import argparse
import ast
import datetime
import importlib
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PAGE = HERE.parent / "docs" / "performance.md"
PICTURES = PAGE.parent / "images"

QUESTIONS = {
    "peers": "The same sums by everybody",
    "closures": "Functions on threads",
    "collect": "Results in a list",
    "processes": "Cheap items on processes",
    "skew": "Items of very different cost",
    "small_plans": "Small plans",
    "slow_items": "A few slow items",
    "join_overhead": "What a join costs",
    "recipes": "What people write",
    "streams": "A generator as source",
    "many_plans": "Plan after plan",
    "search": "Semantic search",
    "sorting": "Sorting",
    "import_time": "Importing",
    "memory": "Large arrays",
    "simulate": "Beyond the cores at hand",
}
WITHOUT_GIL_ONLY = {"join_overhead"}
ONCE = {"simulate", "memory"}
PEERS = ("numpy", "loky", "joblib", "mpire", "dask", "pyfunctional")


def tag(python: str) -> str:
    """The interpreter in a word, as in `3.13t`."""
    code = "import sys, sysconfig; print(f'{sys.version_info[0]}.{sys.version_info[1]}' + "
    code += "('t' if sysconfig.get_config_var('Py_GIL_DISABLED') else ''))"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def versions(python: str) -> str:
    """The versions of the peers that are installed."""
    code = f"""
from importlib import metadata
for name in {PEERS!r}:
    try: print(name, metadata.version(name), end=", ")
    except metadata.PackageNotFoundError: pass
"""
    found = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    return found.stdout.strip().rstrip(",")


def run(python: str, name: str, tagged: str) -> None:
    """Run one benchmark and keep what it printed."""
    done = subprocess.run(
        [python, str(HERE / f"{name}.py")], capture_output=True, text=True, cwd=HERE.parent, check=False
    )
    if done.returncode:
        raise SystemExit(f"{name}.py failed on {tagged}:\n{done.stderr}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}-{tagged}.md").write_text(done.stdout.strip() + "\n", encoding="utf-8")


def section(name: str, tags: list[str]) -> str:
    """What the page says of one question."""
    told = ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8"))) or ""
    lines = [f"## {QUESTIONS[name]}", "", told.split("\n\n    python")[0].strip(), ""]
    for tagged in tags:
        path = RESULTS / f"{name}-{tagged}.md"
        if path.exists():
            what, build, command, *table = path.read_text(encoding="utf-8").strip().splitlines()
            lines += [f"{what}: {build}, `{command.removeprefix('$ ')}`", "", *table[1:], ""]
    if (PICTURES / f"{name}.svg").exists():
        lines += [f"![{QUESTIONS[name]}](images/{name}.svg)", ""]
    return "\n".join(lines)


def cpu() -> str:
    """The processor, as far as the system tells."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii")
    except OSError:
        return platform.processor() or platform.machine()
    found = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return f"{len(found)} x {found[0]}" if found else platform.machine()


def head(pythons: dict[str, str]) -> str:
    """The page before its first section."""
    installed = "\n".join(f"- {tagged}: {versions(python)}" for tagged, python in pythons.items())
    return f"""# Performance

All numbers are ratios within one run, warm: contenders take turns, and rounds that other processes disturbed are
measured again. Above 1.00x is faster than the loop. Losses stand here as well as wins.
`make bench` writes this page anew.

- machine: {cpu()}, {platform.system()}
- date: {datetime.date.today()}
{installed}
"""


def draw_peers(tags: list[str]) -> None:
    """Bars: everybody's ratio to the loop, where items are worth shipping."""
    plt: Any = importlib.import_module("matplotlib.pyplot")
    figure, many = plt.subplots(1, len(tags), figsize=(4.5 * len(tags), 3.6), sharex=True, squeeze=False)
    for axes, tagged in zip(many[0], tags, strict=True):
        text = (RESULTS / f"peers-{tagged}.md").read_text(encoding="utf-8")
        rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
        found = [(row[0].strip(), float(row[1].strip().rstrip("x"))) for row in rows if row[1].strip().endswith("x")]
        found.sort(key=lambda pair: pair[1])
        names, ratios = zip(*found, strict=True)
        axes.barh(names, ratios, color=["#c44e52" if name.startswith("pariter") else "#8c8c8c" for name in names])
        axes.axvline(1, color="black", linewidth=0.8)
        axes.set(title=f"CPython {tagged}", xlabel="times as fast as the loop")
    figure.suptitle("Primes below 200,000")
    figure.tight_layout()
    PICTURES.mkdir(exist_ok=True)
    figure.savefig(PICTURES / "peers.svg", metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", action="append", help="an interpreter with pariter and the peers")
    parser.add_argument("--only", action="append", choices=list(QUESTIONS), help="run this one; may be repeated")
    parser.add_argument("--keep", action="store_true", help="run none, only write the page")
    options = parser.parse_args()
    pythons = {tag(python): python for python in options.python or [sys.executable]}
    for name in [] if options.keep else options.only or QUESTIONS:
        for tagged, python in pythons.items():
            skipped = name in WITHOUT_GIL_ONLY and not tagged.endswith("t")
            if not skipped and not (name in ONCE and tagged != next(iter(pythons))):
                print(f"{name} on {tagged}", flush=True)
                run(python, name, tagged)
    tags = list(pythons)
    if all((RESULTS / f"peers-{tagged}.md").exists() for tagged in tags):
        draw_peers(tags)
    PAGE.write_text("\n".join([head(pythons), *(section(name, tags) for name in QUESTIONS)]), encoding="utf-8")


if __name__ == "__main__":
    main()
