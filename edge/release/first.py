"""The first release of a bare unit: there is nothing to go back to, so all that can be checked is checked before it starts.

Cut anywhere, all of it may be done again: the unit counts as bare until the journal says otherwise.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.release import RefusedError, ReleaseError, archive, fitness, journal, lock, manifest, stage
from edge.release.disk import point, write_whole
from edge.release.environment import ensure
from edge.release.journal import Outcome
from edge.release.layout import Layout
from edge.release.probation import START_S
from edge.release.services import Services
from edge.release.trust import PublicKey, Trust

LOOK_S = 0.5


def trust_first(layout: Layout, keys: list[PublicKey]) -> None:
    """The keys that whoever provisions the unit brings, over a connection that proves itself. A unit that has keys takes no others so."""
    if not layout.trust.exists():
        Trust(0, tuple(keys)).save(layout.trust)


def bootstrap(layout: Layout, bundle: Path, sha256: str, of_image: Path | None, facts: Mapping[str, Any]) -> Path:
    """The environment in which signatures can be checked at all: `store`/bootstrap/.venv, by the bundle's lock for such a unit.

    No signature is checked yet: the bundle must be, to the byte, what the workstation has verified. Raises RefusedError or ReleaseError.
    """
    with lock.held(layout), tempfile.TemporaryDirectory(dir=layout.store, prefix=".bootstrap-") as folder:
        if (found := archive.sha256_of(bundle)) != sha256:
            raise RefusedError(f"{bundle.name}: sha256 is {found[:16]}…, expected {sha256[:16]}…: copy it again")
        with archive.opened(bundle) as opened:
            about = manifest.parse(opened.manifest)
            if unmet := fitness.unmet(about, facts, of_image is not None):
                raise RefusedError(f"release {about.release} {'; '.join(unmet)}")
            opened.unpack(about, Path(folder))
        environment = ensure(layout, Path(folder), about.environments[fitness.kind(facts)], of_image)
        point(layout.store / "bootstrap/.venv", f"../environments/{environment.name}")
        return environment


def install(layout: Layout, services: Services, number: int, config: Path | None) -> None:
    """Config, unit files, user and folders; nothing is started. Raises ReleaseError where something else is in the way."""
    with lock.held(layout):
        if journal.load(layout.journal).highest:
            raise ReleaseError("this unit has been provisioned already; flash it without --provision")
        if layout.program.exists() and not layout.program.is_symlink():
            raise ReleaseError(f"{layout.program}: is a folder, installed by hand; stop the unit and move it away")
        if config is not None and not layout.config.exists():
            write_whole(layout.config, config.read_bytes())
        point(layout.current, f"releases/{number}")
        point(layout.program, f"{layout.store.name}/{layout.current.name}")
        services.install(number)


def begin(layout: Layout, services: Services, number: int, sleep: Callable[[float], None] = time.sleep) -> str:
    """Start it, and wait for READY → what systemd says of it in the end: active, or what keeps it from that."""
    with lock.held(layout):
        known, about = journal.load(layout.journal), stage.load(layout, number)
        if known.highest:
            raise ReleaseError("this unit has been provisioned already; flash it without --provision")
        if known.examined != about.sha256:
            raise RefusedError(f"release {number} has not passed its self-test here")
        point(layout.good, f"releases/{number}")
        services.restart()
        state, deadline_s = services.state().active, time.monotonic() + START_S
        while state != "active" and time.monotonic() < deadline_s:
            sleep(LOOK_S)
            state = services.state().active
        outcome = Outcome(number, True, f"the first release; the daemon is {state}", time.time())
        journal.save(layout.journal, replace(known, highest=number, highest_sha256=about.sha256, outcome=outcome))
        return state
