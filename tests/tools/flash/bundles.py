"""Bundles for the tests: the project as it is packed, or a light one with the same manners; each with whatever a test changes in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.bundle import contents, pack
from tools.bundle.keys import SigningKey
from tools.bundle.seal import Content, seal

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
CRASH = b"raise SystemExit('this release cannot start')\n"


@dataclass(slots=True)
class Press:
    """Makes bundles with rising numbers out of the same files."""

    files: dict[str, Content]
    about: dict[str, Any]
    key: SigningKey
    folder: Path
    last: int = 4

    def bundle(self, changed: Mapping[str, Content] | None = None, release: int = 0, key: SigningKey | None = None, **about: Any) -> Path:
        """Of the next number, or of `release`; `about` replaces fields of the manifest."""
        number = release or self._next()
        path = self.folder / f"kerbside-{number}.tar.gz"
        seal({**self.files, **(changed or {})}, {**self.about, "release": number, **about}, key or self.key, path)
        return path

    def unsigned(self) -> Path:
        path = self.folder / f"kerbside-{self._next()}.tar.gz"
        seal(self.files, {**self.about, "release": self.last}, None, path)
        return path

    def _next(self) -> int:
        self.last += 1
        return self.last


def shipped(key: SigningKey, folder: Path) -> Press:
    """The project, with a self-test of a few pictures."""
    files, about = pack.gather(pack.Order(ROOT, 1, crops=2, scenes=1, most_ms=60_000))
    return Press(files, about, key, folder)


def light(key: SigningKey, folder: Path) -> Press:
    """The real edge.release and services, around a daemon and a self-test that cost nothing."""
    lock = "requirements/run.lock"
    wanted = ("edge/__init__.py", "edge/notify.py", "config.yaml", lock)
    found = {
        name: path for name, path in contents.files(ROOT, lock).items() if name.startswith(("edge/release/", "systemd/")) or name in wanted
    }
    files: dict[str, Content] = {
        **found,
        "edge/__main__.py": HERE / "light_daemon.py",
        "edge/release/selftest.py": HERE / "light_selftest.py",
        "selftest/right.txt": b"4\n",
    }
    limits = {"least_exact": 3, "least_agreeing": 3, "most_ms": 0}
    about = {"version": "0", "revision": "test", "made_at": "", "lock": lock, "needs": {}, "limits": limits, "accuracy": {}}
    return Press(files, about, key, folder)
