"""What a unit knows of its releases across every cut: what is tried, what was kept, what never again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from edge.release import ReleaseError
from edge.release.disk import write_whole

SCHEMA: Final = "kerbside.journal/1"
ASKED, WATCHING, RETURNING = "asked", "watching", "returning"


@dataclass(frozen=True, slots=True)
class Trial:
    """A release that takes the place of another, and has yet to show that it may keep it."""

    release: int
    fallback: int
    phase: str  # ASKED, WATCHING, RETURNING
    probation_s: float
    before: Mapping[str, Any] = field(default_factory=dict)  # what the unit did under `fallback`: an Observation
    lives: int = 0  # how often somebody began to watch it: a machine that falls over again and again ends it too
    why: str = ""  # it goes
    since_utc_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Blocked:
    """A release that this unit will not have again."""

    release: int
    why: str
    at_utc_s: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the latest examination or trial ended."""

    release: int
    kept: bool
    why: str
    at_utc_s: float


@dataclass(frozen=True, slots=True)
class Journal:
    """Bundles are told apart by the hash of their manifest: a number can be given twice, a hash cannot."""

    highest: int = 0  # the highest release that was ever kept; 0: this unit has never been provisioned to its end
    highest_sha256: str = ""
    previous: int = 0  # what was good before what is good
    examined: str = ""  # the manifest whose self-test was passed last
    trial: Trial | None = None
    blocked: Mapping[str, Blocked] = field(default_factory=dict)
    outcome: Outcome | None = None


def load(path: Path) -> Journal:
    """An empty one where there is none. Raises ReleaseError for one that cannot be read: then nothing may be changed here."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        if fields.pop("schema") != SCHEMA:
            raise ReleaseError(f"{path}: is not {SCHEMA}: written by another version of this program")
        trial, outcome = fields.pop("trial"), fields.pop("outcome")
        return Journal(
            trial=Trial(**trial) if trial else None,
            outcome=Outcome(**outcome) if outcome else None,
            blocked={sha256: Blocked(**entry) for sha256, entry in fields.pop("blocked").items()},
            **fields,
        )
    except FileNotFoundError:
        return Journal()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReleaseError(f"{path}: cannot be used ({error}); look at it before anything is changed here") from error


def save(path: Path, journal: Journal) -> None:
    write_whole(path, json.dumps({"schema": SCHEMA, **asdict(journal)}, indent=1).encode())
