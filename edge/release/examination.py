"""The self-test of a release in a child process, and what comes of it: a release that fails is blocked before it ever ran."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from edge.release import RefusedError, ReleaseError, journal, lock, stage
from edge.release.journal import Blocked, Journal, Outcome
from edge.release.layout import Layout
from edge.release.manifest import Limits, Manifest

MOST_S: Final = 600.0
USER: Final = "kerbside"
"""Whom the daemon runs as: the self-test may do no more, and finds the same devices."""
STANDIN_SECRET: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Examined:
    """A self-test that was passed."""

    manifest: Manifest
    report: dict[str, Any]


def examine(layout: Layout, number: int, timeout_s: float = MOST_S) -> Examined:
    """Raises RefusedError for a release that fails, which is on the blocklist from then on."""
    with lock.held(layout):
        manifest, known = stage.load(layout, number), journal.load(layout.journal)
        if known.trial is not None:
            raise ReleaseError(f"release {known.trial.release} is on trial; wait for its end")
        try:
            report = run(layout, number, timeout_s)
            if failures := list(_failures(manifest.limits, report)):
                raise RefusedError(f"self-test failed: {'; '.join(failures)}")
        except RefusedError as error:
            _fail(layout, known, manifest, str(error))
            raise
        journal.save(layout.journal, replace(known, examined=manifest.sha256))
        return Examined(manifest, report)


def _fail(layout: Layout, known: Journal, manifest: Manifest, why: str) -> None:
    if known.highest_sha256 != manifest.sha256:  # what was kept once is not given up for a busy machine
        journal.save(layout.journal, blocked(known, manifest, why))
    if not known.highest:
        layout.current.unlink(missing_ok=True)  # a bare unit must not start it with the next boot


def blocked(known: Journal, manifest: Manifest, why: str) -> Journal:
    """The journal after a release has failed."""
    now_s = time.time()
    entry = Blocked(manifest.release, why, now_s)
    return replace(known, blocked={**known.blocked, manifest.sha256: entry}, outcome=Outcome(manifest.release, False, why, now_s))


def run(layout: Layout, number: int, timeout_s: float) -> dict[str, Any]:
    """What the child reports. Raises RefusedError where it reports nothing."""
    release = layout.release(number)
    config = layout.config if layout.config.exists() else release / "config.yaml"
    python = str(release / ".venv/bin/python")
    command = [python, "-m", "edge.release.selftest", "--release", str(release), "--config", str(config)]
    with _secrets(layout) as folder:
        environment = {"PATH": os.environ.get("PATH", os.defpath), "CREDENTIALS_DIRECTORY": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(command, cwd=release, env=environment, capture_output=True, text=True, timeout=timeout_s, **_as_unit())
        except subprocess.TimeoutExpired as error:
            raise RefusedError(f"self-test failed: it had not ended after {timeout_s:g} s") from error
    if done.returncode:
        raise RefusedError(f"self-test failed: its process ended with {done.returncode}: {done.stderr.strip()[-600:]}")
    try:
        return dict(json.loads(done.stdout.splitlines()[-1]))
    except (ValueError, IndexError) as error:
        raise RefusedError(f"self-test failed: it said {done.stdout[-200:]!r}, expected a report") from error


def _failures(limits: Limits, report: dict[str, Any]) -> Iterator[str]:
    other = f" ({'; '.join(report['other'])})" if report["other"] else ""
    if report["exact"] < limits.least_exact:
        yield f"{report['exact']} of {report['plates']} plates read right, expected {limits.least_exact}{other}"
    if report["agreeing"] < limits.least_agreeing:
        yield f"{report['agreeing']} of {report['pictures']} pictures read as where it was packed, expected {limits.least_agreeing}{other}"
    if limits.most_ms and report["ms"] > limits.most_ms:
        yield f"{report['ms']:.0f} ms a picture, expected {limits.most_ms:g} at most"


@contextmanager
def _secrets(layout: Layout) -> Iterator[Path]:
    """A stand-in for each of the unit's secrets, with which the self-test has no business: older releases ask for what the config names."""
    with tempfile.TemporaryDirectory(prefix="kerbside-selftest-") as folder:
        Path(folder).chmod(0o755)
        for name in [path.name for path in layout.secrets.glob("*")] if os.access(layout.secrets, os.R_OK) else []:
            (Path(folder) / name).write_text(STANDIN_SECRET)
        yield Path(folder)


def _as_unit() -> dict[str, Any]:
    """As the daemon's user, where we may become it and it exists."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam(USER)
    except KeyError:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": os.getgrouplist(USER, user.pw_gid)}
