"""A bundle becomes a complete release on the unit, or nothing does: verified, unpacked, its environment made, renamed into place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.release import RefusedError, ReleaseError, archive, compiled, fitness, journal, lock, manifest
from edge.release.disk import sync_folder
from edge.release.environment import ensure
from edge.release.journal import Journal
from edge.release.layout import Layout
from edge.release.manifest import JETPACK, Manifest
from edge.release.trust import BUNDLE, Trust, check


def stage(layout: Layout, bundle: Path, facts: Mapping[str, Any], of_image: Path | None = None) -> Manifest:
    """Takes the bundle away, whether it is used or refused. A release that is there already stays as it is.

    Raises RefusedError for a bundle that this unit will not have, ReleaseError for what can be mended.
    """
    with lock.held(layout):
        known = journal.load(layout.journal)
        if known.trial is not None:
            raise ReleaseError(f"release {known.trial.release} is on trial; wait for its end, or go back: python -m tools.flash --rollback")
        try:
            found = _staged(layout, bundle, known, facts, of_image)
        except RefusedError:
            bundle.unlink(missing_ok=True)  # it is whole, and not what it should be: the next copy starts anew
            raise
        bundle.unlink(missing_ok=True)
        return found


def load(layout: Layout, number: int) -> Manifest:
    """Of a release that is on the unit. Raises ReleaseError."""
    try:
        return manifest.parse((layout.release(number) / manifest.NAME).read_bytes())
    except OSError as error:
        raise ReleaseError(f"there is no release {number} on this unit") from error


def prune(layout: Layout, keep: set[int]) -> None:
    """Remove all other releases, drafts, and environments that none of those left uses."""
    for path in layout.releases.glob("*"):
        if not (path.name.isdigit() and int(path.name) in keep):
            shutil.rmtree(path, ignore_errors=True)
    links = [*layout.releases.glob("*/.venv"), layout.store / "bootstrap/.venv"]
    used = {link.readlink().name for link in links if link.is_symlink()}
    for path in layout.environments.glob("*"):
        if path.name.removesuffix(".done") not in used:
            path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path, ignore_errors=True)


def _staged(layout: Layout, bundle: Path, known: Journal, facts: Mapping[str, Any], of_image: Path | None) -> Manifest:
    with archive.opened(bundle) as opened:
        check(Trust.load(layout.trust).keys, opened.signature, BUNDLE, opened.manifest)
        found = manifest.parse(opened.manifest)
        _refuse(found, known, fitness.unmet(found, facts, of_image is not None))
        if _is_there(layout, found):
            return found
        in_use = {layout.number(layout.current), layout.number(layout.good), known.previous} if known.highest else set()
        if found.release in in_use:
            raise RefusedError(f"release {found.release} is in use here and differs from the bundle: pack it anew with a higher number")
        prune(layout, in_use)
        draft = layout.releases / f".{found.release}.draft"
        draft.mkdir(parents=True)
        opened.unpack(found, draft)
    environment = ensure(layout, draft, found.environments[fitness.kind(facts)], of_image)
    if fitness.kind(facts) == JETPACK and not fitness.has_kernels(found):
        compiled.kernels(draft, environment / "bin/python", layout.cuda)
    (draft / ".venv").symlink_to(os.path.relpath(environment, draft))
    sync_folder(draft)
    draft.rename(layout.release(found.release))
    sync_folder(layout.releases)
    return found


def _refuse(found: Manifest, known: Journal, unmet: list[str]) -> None:
    if found.sha256 in known.blocked:
        blocked = known.blocked[found.sha256]
        raise RefusedError(f"release {found.release} is on this unit's blocklist: {blocked.why}; mend it and pack it with a higher number")
    if found.release < known.highest:
        raise RefusedError(f"release {found.release} is older than {known.highest}, which this unit has had: pack one with a higher number")
    if found.release == known.highest and found.sha256 != known.highest_sha256:
        raise RefusedError(f"another bundle was release {found.release} here: pack this one with a higher number")
    if unmet:
        raise RefusedError(f"release {found.release} {'; '.join(unmet)}")


def _is_there(layout: Layout, found: Manifest) -> bool:
    """The very same release, with nothing changed on the disk since."""
    folder = layout.release(found.release)
    try:
        same = manifest.parse((folder / manifest.NAME).read_bytes()).sha256 == found.sha256
    except (OSError, RefusedError):
        return False
    return same and (folder / ".venv/bin/python").exists() and not archive.differing(found, folder)
