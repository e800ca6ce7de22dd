"""Tells of a process whether it has ended, and how."""

from __future__ import annotations

import signal
from multiprocessing.connection import wait
from typing import Any


def has_ended(process: Any) -> bool:
    """Whether a process is gone, without reaping it: that is its executor's."""
    try:
        return process._popen.returncode is not None or bool(wait([process.sentinel], 0))
    except (OSError, ValueError, AttributeError):  # its executor has reaped it, and closed what tells
        return True


def describe_exit(exit_code: int | None) -> str:
    """An exit code in words: a number, or the name of the signal."""
    if exit_code is None:
        return "its exit code is not known"
    if exit_code < 0:
        try:
            return f"killed by {signal.Signals(-exit_code).name}"
        except ValueError:
            return f"killed by signal {-exit_code}"
    return f"exit code {exit_code}"
