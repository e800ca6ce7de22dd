"""Every test of the scheduler ends or says where it hangs."""

from __future__ import annotations

import faulthandler
from collections.abc import Iterator

import pytest

_HANGS_AFTER_S = 110


@pytest.fixture(autouse=True)
def watchdog() -> Iterator[None]:
    """Show what every thread does, and end the process, if a test takes far too long."""
    faulthandler.dump_traceback_later(_HANGS_AFTER_S, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()
