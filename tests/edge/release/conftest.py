from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from edge.release.layout import Layout
from tests.edge.release import units
from tests.edge.release.units import StandinServices
from tools.bundle.keys import SigningKey


@dataclass(slots=True)
class Unit:
    """A unit that runs release 1, and what belongs to it."""

    layout: Layout
    services: StandinServices
    key: SigningKey
    image: Path
    folder: Path  # where bundles are made

    def update(self, path: Path, probation_s: float = 20.0) -> str:
        return units.update(self.layout, self.services, path, self.image, probation_s)


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    layout, signer, image = Layout(tmp_path / "unit"), units.key(tmp_path / "keys"), units.image(tmp_path / "image")
    services = StandinServices(layout)
    units.provision(layout, services, units.bundle(tmp_path / "bundles", 1, signer), signer, image)
    return Unit(layout, services, signer, image, tmp_path / "bundles")
