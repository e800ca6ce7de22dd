"""Interrupts at each place where CPython looks for signals, one after the other."""

from __future__ import annotations

import dis
import sys
from functools import cache
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, Self

import pariter

SRC = str(Path(pariter.__file__).parent)


@cache
def places(code: CodeType) -> frozenset[int]:
    """The offsets before which an interrupt may come: jumps back, and what follows a call under the same handler."""
    table = dis.Bytecode(code).exception_entries  # type: ignore[attr-defined]

    def handler(offset: int) -> int | None:
        return next((entry.target for entry in table if entry.start <= offset < entry.end), None)

    steps = list(dis.get_instructions(code))
    found = {step.offset for step in steps if step.opname == "JUMP_BACKWARD"}
    for call, after in zip(steps, steps[1:], strict=False):
        if call.opname.startswith("CALL") and handler(call.offset) == handler(after.offset):
            found.add(after.offset)
    return frozenset(found)


class InterruptAt:
    """Raises KeyboardInterrupt in this thread at the place `number` of the library that it comes to in its block."""

    def __init__(self, number: int) -> None:
        self._number = self._left = number
        self._where = "nowhere"

    def __repr__(self) -> str:
        return f"interrupt {self._number}, which came at {self._where}"

    @property
    def came(self) -> bool:
        """Whether the place was reached."""
        return self._left <= 0

    def __enter__(self) -> Self:
        self._before = sys.gettrace()
        sys.settrace(self._called)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        sys.settrace(self._before)

    def _called(self, frame: FrameType, event: str, arg: object) -> Any:
        if not frame.f_code.co_filename.startswith(SRC):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        self._reached(frame)
        return self._stepped

    def _stepped(self, frame: FrameType, event: str, arg: object) -> Any:
        if event == "opcode" and frame.f_lasti in places(frame.f_code):
            self._reached(frame)
        return self._stepped

    def _reached(self, frame: FrameType) -> None:
        self._left -= 1
        if not self._left:
            self._where = f"{frame.f_code.co_qualname}, line {frame.f_lineno}"
            sys.settrace(None)
            raise KeyboardInterrupt
