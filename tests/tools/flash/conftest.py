from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.edge.mqtt.mosquitto import Mosquitto
from tests.tools.flash import bundles
from tests.tools.flash.bundles import Press
from tests.tools.flash.sshd import keygen
from tests.tools.flash.station import Station
from tools.bundle import keys
from tools.bundle.keys import SigningKey
from tools.flash.__main__ import main


@dataclass(slots=True)
class Road:
    """Units along a road, and the workshop that flashes them."""

    folder: Path
    key: SigningKey
    press: Press
    stations: list[Station] = field(default_factory=list)

    @property
    def inventory(self) -> Path:
        return self.folder / "fleet.yaml"

    @property
    def trust(self) -> list[str]:
        return ["--trust", str(self.folder / "workshop.pub")]

    def add(self, station: Station) -> Station:
        self.stations.append(station)
        self.inventory.write_text(yaml.safe_dump({"units": {each.name: each.entry for each in self.stations}}))
        station.power()
        return station

    def flash(self, *words: str | Path) -> int:
        """`python -m tools.flash` with the inventory, in this process."""
        return main(["--inventory", str(self.inventory), *map(str, words)])

    def close(self) -> None:
        for station in self.stations:
            station.close()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    running = Mosquitto(tmp_path_factory.mktemp("broker")).start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keygen(tmp_path_factory.mktemp("ssh") / "identity")


@pytest.fixture(scope="module")
def light_road(tmp_path_factory: pytest.TempPathFactory, identity: Path) -> Iterator[Road]:
    """One unit, whose releases cost nothing."""
    folder = tmp_path_factory.mktemp("workshop")
    key = keys.make(folder, "workshop")
    road = Road(folder, key, bundles.light(key, folder / "dist"))
    road.add(Station("light", identity, broker_port=1))
    yield road
    road.close()


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory, identity: Path, broker: Mosquitto) -> Iterator[Road]:
    """Three units, and the project as it is."""
    folder = tmp_path_factory.mktemp("workshop")
    key = keys.make(folder, "workshop")
    road = Road(folder, key, bundles.shipped(key, folder / "dist"))
    for name in ("north", "south", "west"):
        road.add(Station(name, identity, broker.port, model="NVIDIA Jetson Orin Nano Developer Kit\0"))
    yield road
    road.close()
