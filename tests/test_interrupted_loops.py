"""No interrupt between two rounds of a loop passes by the `with` or `finally` around it.

From 3.12 on CPython gives a loop that ends in a condition a jump of its own, and that jump no place in the exception
table (python/cpython#130279). A KeyboardInterrupt that comes with it leaves a lock locked for ever. A loop that may be
interrupted is therefore a function of its own, called under the guard, or ends without a condition.
"""

from __future__ import annotations

import _thread
import ast
import dis
import operator
import signal
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import CodeType

import pytest

import pariter

SRC = Path(pariter.__file__).parent
MODULES = sorted(path.relative_to(SRC).as_posix() for path in SRC.rglob("*.py"))


def codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


def unguarded_jumps(code: CodeType) -> Iterator[int]:
    """The lines of those jumps back which no handler covers although one covers where they lead."""
    table = dis.Bytecode(code).exception_entries  # type: ignore[attr-defined]
    line = code.co_firstlineno

    def covered(offset: int) -> bool:
        return any(entry.start <= offset < entry.end for entry in table)

    for step in dis.get_instructions(code):
        if step.positions is not None and step.positions.lineno is not None:
            line = step.positions.lineno
        leads_back = "JUMP" in step.opname and isinstance(step.argval, int) and step.argval <= step.offset
        if leads_back and "NO_INTERRUPT" not in step.opname and covered(step.argval) and not covered(step.offset):
            yield line


def guarded_lines(tree: ast.AST) -> set[int]:
    """The lines within `with`, within `try` with a `finally`, and within `try` that catches KeyboardInterrupt."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        inside: list[ast.stmt] = []
        if isinstance(node, (ast.With, ast.AsyncWith)):
            inside = node.body
        elif isinstance(node, ast.Try):
            inside = node.body if node.finalbody or any(map(catches_interrupts, node.handlers)) else []
            inside = [*inside, *(line for handler in node.handlers if node.finalbody for line in handler.body)]
        for statement in inside:
            lines.update(range(statement.lineno, (statement.end_lineno or 0) + 1))
    return lines


def catches_interrupts(handler: ast.ExceptHandler) -> bool:
    names = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else set()
    return handler.type is None or not names.isdisjoint({"BaseException", "KeyboardInterrupt"})


def interruptible_under_guard(source: str) -> list[int]:
    guarded = guarded_lines(ast.parse(source))
    inner = [code for code in codes(compile(source, "<module>", "exec")) if code.co_name != "<genexpr>"]
    return sorted({line for code in inner for line in unguarded_jumps(code) if line in guarded})


LOOPS = [
    "with lock:\n    while going:\n        pass",
    "with lock:\n    while True:\n        if not going:\n            break\n        pass",
    "def wait():\n    while going:\n        pass\nwith lock:\n    wait()",
]


@pytest.mark.parametrize("source", LOOPS, ids=["under the guard", "without condition", "in a function"])
def test_a_lock_stays_locked_where_we_say_so(source: str) -> None:
    interrupted = map(_thread.interrupt_main, [signal.SIGINT])

    class Going:
        """True; and an interrupt comes, which is not looked for before the next jump: all of this is in C."""

        __bool__ = staticmethod(partial(next, map(operator.not_, interrupted), True))

    lock = threading.Lock()

    with pytest.raises(KeyboardInterrupt):
        # Compiled before: after KeyboardInterrupt in exec() of a string, the interpreter ends by SIGINT when it exits.
        exec(compile(source, "<module>", "exec"), {"lock": lock, "going": Going()})

    assert lock.locked() == bool(interruptible_under_guard(source))


def test_a_function_of_its_own_is_safe_on_every_interpreter() -> None:
    assert interruptible_under_guard(LOOPS[1]) == interruptible_under_guard(LOOPS[2]) == []


@pytest.mark.parametrize("module", MODULES)
def test_no_loop_under_a_guard_can_be_interrupted_past_it(module: str) -> None:
    source = (SRC / module).read_text(encoding="utf-8")

    assert interruptible_under_guard(source) == []
