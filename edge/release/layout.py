"""Where a unit keeps its releases, its keys and what it knows of both.

/opt/kerbside -> kerbside-store/current      what the services start, the same path for ever
/opt/kerbside-store/
    current -> releases/8                    what runs: changed by one rename
    good -> releases/7                       what has stood its probation: its code decides about `current`
    releases/7 releases/8                    complete, checked, never written to again
    environments/KEY                         a venv for each lock file; releases with the same lock share it
    incoming/                                what is being copied
    trust.json journal.json                  whose signatures count; what was tried, kept, refused
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of a unit whose system lies below `root`: "/", an image, a test's folder."""

    root: Path = Path("/")

    @property
    def program(self) -> Path:
        return self.root / "opt/kerbside"

    @property
    def store(self) -> Path:
        return self.root / "opt/kerbside-store"

    @property
    def config(self) -> Path:
        return self.root / "etc/kerbside/config.yaml"

    @property
    def secrets(self) -> Path:
        return self.root / "etc/kerbside/secrets"

    @property
    def current(self) -> Path:
        return self.store / "current"

    @property
    def good(self) -> Path:
        return self.store / "good"

    @property
    def releases(self) -> Path:
        return self.store / "releases"

    @property
    def environments(self) -> Path:
        return self.store / "environments"

    @property
    def cuda(self) -> Path:
        """JetPack's, compiler and headers."""
        return self.root / "usr/local/cuda"

    @property
    def trust(self) -> Path:
        return self.store / "trust.json"

    @property
    def journal(self) -> Path:
        return self.store / "journal.json"

    @property
    def surrender(self) -> Path:
        """Somebody wants the trial that is under way to end, and the release before it back."""
        return self.store / "surrender"

    def release(self, number: int) -> Path:
        return self.releases / str(number)

    def number(self, link: Path) -> int:
        """The release that `current` or `good` names; 0 where it names none."""
        name = link.readlink().name if link.is_symlink() else ""
        return int(name) if name.isdigit() else 0
