"""A unit on disk with releases that cost nothing, and a service manager that says what a test wants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.release import archive, examination, first, manifest, stage, trial
from edge.release.guard import Guard
from edge.release.layout import Layout
from edge.release.services import DaemonState, Services
from tools.bundle import keys
from tools.bundle.keys import SigningKey
from tools.bundle.seal import seal

FACTS: dict[str, Any] = {
    "model": "stand-in", "machine": "x86_64", "l4t": "", "jetpack": "", "tensorrt": "", "python": "3.11.2",
    "memory_mb": 8000, "disk_free_mb": 8000, "utc_s": 0.0, "modules": [], "compiles": [], "store": {"environments": []},
}  # fmt: skip
REPORT = {"plates": 4, "exact": 4, "pictures": 4, "agreeing": 4, "ms": 5.0, "other": []}
PYTHON = """#!/bin/sh
case "$*" in
*edge.release.selftest*) exec cat selftest/report.json ;;
esac
"""
"""Of an environment that an image brought: has every pin, and reports what the release's own folder says."""


def key(folder: Path, name: str = "workshop") -> SigningKey:
    return keys.make(folder, name)


def image(folder: Path) -> Path:
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    (folder / "bin/python").write_text(PYTHON)
    (folder / "bin/python").chmod(0o755)
    return folder


def files(**report: Any) -> dict[str, bytes]:
    """`report` changes what its self-test reports."""
    return {
        "config.yaml": b"health: {port: 0}\n",
        "edge/__main__.py": b"print('a daemon')\n",
        "requirements/unit.lock": b"# nothing is pinned\n",
        "selftest/report.json": json.dumps(REPORT | report).encode(),
        "systemd/install": b"#!/bin/sh\n",
    }


def about(release: int, **changed: Any) -> dict[str, Any]:
    limits = {"least_exact": 4, "least_agreeing": 3, "most_ms": 100.0}
    plain = {
        "version": "1",
        "revision": "r",
        "made_at": "",
        "lock": "requirements/unit.lock",
        "needs": {},
        "limits": limits,
        "accuracy": {},
    }
    return {"release": release, **plain, **changed}


def bundle(
    folder: Path, release: int, signer: SigningKey | None, content: Mapping[str, bytes] | None = None, name: str = "", **changed: Any
) -> Path:
    path = folder / (name or f"{release}.tar.gz")
    seal(content or files(), about(release, **changed), signer, path)
    return path


@dataclass(slots=True)
class StandinServices(Services):
    """`broken`: releases whose daemon ends as often as it is started."""

    layout: Layout
    broken: frozenset[int] = frozenset()
    asked: list[str] = field(default_factory=list)
    _restarts: int = 0

    def state(self) -> DaemonState:
        if self.layout.number(self.layout.current) in self.broken:
            self._restarts += 1
            return DaemonState("activating", 0, self._restarts)
        return DaemonState("active", 1, 0)

    def restart(self) -> None:
        self.asked.append(f"restart {self.layout.number(self.layout.current)}")
        self._restarts = 0

    def watch(self) -> None:
        self.asked.append("watch")

    def build_engines(self, release: int) -> None:
        self.asked.append(f"engines {release}")

    def install(self, release: int) -> None:
        self.asked.append(f"install {release}")

    def have_installed(self, release: int) -> None:
        self.asked.append(f"have {release} installed")


@dataclass(slots=True)
class Time:
    """Goes on only where somebody sleeps."""

    now_s: float = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def guard(layout: Layout, services: Services) -> Guard:
    time = Time()
    return Guard(layout, services, time.monotonic, time.sleep)


def provision(layout: Layout, services: Services, path: Path, signer: SigningKey, of_image: Path) -> None:
    """All that a bare unit is asked for, from its keys on. May be done again."""
    first.trust_first(layout, [signer.public])
    number = stage.stage(layout, path, FACTS, of_image).release
    first.install(layout, services, number, None)
    examination.examine(layout, number)
    first.begin(layout, services, number)


def update(layout: Layout, services: Services, path: Path, of_image: Path, probation_s: float = 20.0) -> str:
    """All that is asked for an update, and what the guard makes of it. May be done again."""
    number = stage.stage(layout, path, FACTS, of_image).release
    examination.examine(layout, number)
    trial.activate(layout, services, number, probation_s)
    return guard(layout, services).run()


def whole(layout: Layout) -> int:
    """The release that `current` names, complete to the byte. Fails where it is not."""
    number = layout.number(layout.current)
    found = manifest.parse((layout.current / manifest.NAME).read_bytes())
    assert found.release == number and archive.differing(found, layout.release(number)) == []
    assert (layout.current / ".venv/bin/python").exists()
    return number
