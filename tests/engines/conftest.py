"""A handler that hears what workers log."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.engines.hearing import Heard


@pytest.fixture
def heard() -> Iterator[Heard]:
    """A handler on the root logger, for everything from INFO on."""
    root, handler, level = logging.getLogger(), Heard(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)
