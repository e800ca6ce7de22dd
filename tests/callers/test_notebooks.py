"""From a notebook, whose kernel runs each cell inside an event loop of its own."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient

from tests.callers.programs import EVERYWHERE, FUNCTIONS, left_in

CELLS = [
    FUNCTIONS,
    EVERYWHERE,
    # a function of a cell that was run again is the new one
    "def slow(n):\n    return -n\n\nWANTED = [Item(-n) for n in range(1000)]",
    EVERYWHERE,
    # a cell may await
    "assert await par_iter(ITEMS).run_async(lambda plan: plan.map(lambda item: item.n).sum()) == 499500",
    "pool = ProcessPool(2)\ncheck(pool)\nimport os\nos.getpid()",
]


@pytest.mark.filterwarnings("default")  # those of the client are its own affair
def test_from_a_notebook() -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])

    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()

    kernel = int(notebook.cells[-1].outputs[0].data["text/plain"])
    assert left_in(kernel) == []
