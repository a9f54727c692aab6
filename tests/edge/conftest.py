"""A rendered recording and the shipped config, for tests of the whole unit with the released models."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def clip(root: Path) -> Path:
    return root / "samples/street.mp4"
