"""Daemon, guard and installer need nothing that their units forbid: each does its work under the shipped filter and capabilities."""

from __future__ import annotations

import ctypes.util
import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from edge.release import examination, stage, trial
from tests.edge.cameras.conftest import RtspServer, needs_rtsp_server, rtsp_server
from tests.edge.mqtt.mosquitto import free_port
from tests.edge.release import units
from tests.edge.release.conftest import Unit, unit
from tests.edge.waiting import until
from tests.systemd.rig import ROOT, UNIT, configured, got
from tests.systemd.test_units import needs_systemd, system

__all__ = ["needs_rtsp_server", "rtsp_server", "system", "unit"]
pytestmark = [
    needs_systemd,
    pytest.mark.skipif(os.geteuid() != 0, reason="root alone may drop what it may do"),
    pytest.mark.skipif(ctypes.util.find_library("seccomp") is None, reason="no libseccomp (systemd brings it)"),
]


GUARD, INSTALLER = UNIT.with_name("kerbside-probation.service"), UNIT.with_name("kerbside-install@.service")
NOBODY, SHADOW = 65534, 42


def jailed(*command: str, unit: Path = UNIT) -> list[str]:
    return [sys.executable, "-m", "tests.systemd.jail", str(unit), sys.executable, *command]


@pytest.mark.parametrize("decoder", ["auto", "opencv"])
def test_the_daemon_reads_under_its_units_filter(tmp_path: Path, rtsp_server: RtspServer, decoder: str) -> None:
    """A clip plays, a network camera streams through a decoder of its own, the outbox commits, the page answers."""
    port = free_port()
    config = configured(tmp_path, 10, port)
    camera = f'"{rtsp_server.start().url()}", decoder: {decoder}'
    config.write_text(config.read_text().replace('"rtsp://127.0.0.1:1/none"', camera))
    process = subprocess.Popen(jailed("-m", "edge", "--config", str(config)), cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: got(port, "/metrics").get("kerbside_frames_detected_total", 0) > 20, "frames that were read", 60)
        until(lambda: streams(port, "gone") and streams(port, "road"), "pictures from both cameras", 60)
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status and "CapEff:\t0000000000000000" in status
        assert got(port, "/healthz")["status"] == 200
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 0, said
    assert "not permitted" not in said and "Traceback" not in said


def streams(port: int, camera: str) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
        return bool(json.load(answer)["cameras"][camera] == "streaming")


@pytest.mark.parametrize("call", ["os.chroot('/')", "os.setuid(65534)", "os.nice(-5)"])
def test_the_filter_is_one(call: str) -> None:
    code = f"import os\ntry:\n    {call}\nexcept PermissionError: print('refused')"
    done = subprocess.run(jailed("-c", code), cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "refused\n", done.stderr


def installed(system: Path, unit: Path) -> subprocess.CompletedProcess[str]:
    """By the installer in a unit's jail."""
    command = [sys.executable, "-m", "tests.systemd.jail", str(unit), str(ROOT / "systemd/install"), "--root", str(system)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)


@pytest.fixture
def given_away(system: Path) -> Path:
    """A system whose shadow file is a group's, and one of whose secrets an operator has given to somebody."""
    secrets = system / "etc/kerbside/secrets"
    secrets.mkdir(parents=True)
    for path, owner, group, mode in ((system / "etc/shadow", 0, SHADOW, 0o640), (secrets / "mqtt-password", NOBODY, NOBODY, 0o640)):
        path.write_text("")
        path.chmod(mode)
        os.chown(path, owner, group)
    os.chown(secrets, NOBODY, NOBODY)
    secrets.chmod(0o700)
    return system


def test_the_installer_works_under_its_units_filter_and_touches_etc_alone(given_away: Path) -> None:
    def others() -> dict[str, int]:
        """Files outside /etc, and when they were changed."""
        found = [path for path in given_away.rglob("*") if path.relative_to(given_away).parts[0] != "etc"]
        return {str(path): path.lstat().st_mtime_ns for path in found}

    before = others()
    done = installed(given_away, INSTALLER)
    assert done.returncode == 0, done.stdout + done.stderr
    secret = (given_away / "etc/kerbside/secrets/mqtt-password").stat()
    assert (secret.st_uid, secret.st_gid, secret.st_mode & 0o777) == (0, 0, 0o600)
    assert "kerbside:" in (given_away / "etc/shadow").read_text() and (given_away / "etc/shadow").stat().st_gid == SHADOW
    assert others() == before


def test_the_installer_needs_what_its_unit_keeps(given_away: Path) -> None:
    """Under the daemon's unit, without a capability and without the calls that change owners, it fails."""
    assert installed(given_away, UNIT).returncode != 0


def test_the_guard_carries_out_a_trial_under_its_units_filter_and_touches_the_store_alone(unit: Unit, tmp_path: Path) -> None:
    units.bundle(unit.folder, 2, unit.key)
    stage.stage(unit.layout, unit.folder / "2.tar.gz", units.FACTS, unit.image)
    examination.examine(unit.layout, 2)
    trial.activate(unit.layout, unit.services, 2, probation_s=1)
    unit.layout.config.parent.mkdir(parents=True)
    unit.layout.config.write_text("health: {port: 0}\n")
    before = {path: path.lstat().st_mtime_ns for path in (unit.layout.config, unit.layout.program, unit.layout.config.parent)}
    systemctl = tmp_path / "bin/systemctl"
    systemctl.parent.mkdir()
    systemctl.write_text("#!/bin/sh\necho ActiveState=active; echo MainPID=1; echo NRestarts=0\n")
    systemctl.chmod(0o755)
    path = {"PATH": f"{systemctl.parent}:{os.environ['PATH']}"}
    command = jailed("-m", "edge.release", "--root", str(unit.layout.root), "guard", unit=GUARD)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, env={**os.environ, **path})
    assert json.loads(done.stdout) == {"outcome": "release 2 stays: ready and as good as before for 1 s"}, done.stderr
    assert units.whole(unit.layout) == unit.layout.number(unit.layout.good) == 2
    assert {path: path.lstat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize(("of", "found"), [(GUARD, "http://127.0.0.1:9999\n"), (UNIT, "\n")])
def test_the_guard_may_read_a_config_in_the_daemons_own_folder(tmp_path: Path, of: Path, found: str) -> None:
    """docs/live-view.md has it moved there. Without the one capability that the guard keeps, it would see no page and keep no release."""
    config = tmp_path / "kerbside/config.yaml"
    config.parent.mkdir()
    config.write_text("health: {port: 9999}\n")
    for path, mode in ((config, 0o600), (config.parent, 0o700)):
        path.chmod(mode)
        os.chown(path, NOBODY, NOBODY)
    code = "import sys; from pathlib import Path; from edge.release.observation import page_of; print(page_of(Path(sys.argv[1])))"
    done = subprocess.run(jailed("-c", code, str(config), unit=of), cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == found, done.stderr
