"""Fixtures of the properties."""

from __future__ import annotations

import pytest

from tests.properties.cases import Tallies


@pytest.fixture(scope="session")
def tallies(tmp_path_factory: pytest.TempPathFactory) -> Tallies:
    """Counts calls of functions, also where they are made in other processes."""
    return Tallies(tmp_path_factory.mktemp("tallies"))
