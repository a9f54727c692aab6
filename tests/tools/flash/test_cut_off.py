"""The workstation or the unit goes away in the middle: the unit always has a working release, and the same command again ends it well.

tests/edge/release/test_cuts.py cuts the unit at every change on its disk; here the cuts come over a real connection.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.edge.waiting import until
from tests.tools.flash.bundles import CRASH
from tests.tools.flash.conftest import Road
from tests.tools.flash.sshd import keygen, needs_sshd
from tests.tools.flash.station import Station, Watcher
from tools.bundle import keys
from tools.bundle.keys import rotation
from tools.flash import AwayError, UnitError
from tools.flash.connection import Connection
from tools.flash.inventory import of_file

pytestmark = needs_sshd
ROOT = Path(__file__).parents[3]
STEPS = ("check", "copy", "verify", "engines", "self-test", "trial")
PATIENCE_S = 240.0


def provisioned(road: Road) -> Station:
    (station,) = road.stations
    if not station.journal.get("highest"):
        assert road.flash("--provision", "--bundle", road.press.bundle(), *road.trust) == 0
    return station


def begun(road: Road, bundle: Path, *words: str) -> subprocess.Popen[str]:
    """A workstation at work, in a process group of its own: its ssh and rsync belong to it."""
    command = [sys.executable, "-u", "-m", "tools.flash", "--inventory", str(road.inventory), "--bundle", str(bundle), *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def reached(work: subprocess.Popen[str], step: str) -> None:
    assert work.stdout is not None
    said = []
    for line in work.stdout:
        said.append(line)
        if line.startswith(f"light: {step}"):
            return
    raise AssertionError(f"never came to {step}: {''.join(said)}")


def killed(work: subprocess.Popen[str]) -> None:
    os.killpg(work.pid, signal.SIGKILL)
    work.communicate(timeout=30)


def test_the_workstation_dies_at_every_step(light_road: Road) -> None:
    """Each time the same command is given again, and dies at the next step; the last time it may end."""
    station = provisioned(light_road)
    before, bundle = station.runs, light_road.press.bundle()
    number = light_road.press.last
    with Watcher(station) as watcher:
        for step in STEPS:
            work = begun(light_road, bundle, "--probation", "2")
            reached(work, step)
            killed(work)
            assert station.whole() in (before, number)
        assert light_road.flash("--bundle", bundle, "--probation", "2") == 0
    assert watcher.gaps == [] and watcher.seen <= {before, number} and station.whole() == number
    assert station.journal["trial"] is None and station.journal["previous"] == before


def test_the_unit_loses_its_power(light_road: Road) -> None:
    """While it unpacks, and again in the trial: then it boots with the release on trial, and its guard goes on."""
    station = provisioned(light_road)
    before, bundle = station.runs, light_road.press.bundle()
    number = light_road.press.last
    with Watcher(station) as watcher:
        for step in ("verify", "trial"):
            work = begun(light_road, bundle, "--probation", "2")
            reached(work, step)
            station.cut()
            killed(work)
            assert station.whole() in (before, number)
            station.power()
        assert light_road.flash("--bundle", bundle, "--probation", "2") == 0
    assert watcher.gaps == [] and watcher.seen <= {before, number} and station.whole() == number


def test_nobody_is_connected_when_a_release_turns_out_bad(light_road: Road) -> None:
    """The workstation dies as soon as the trial begins, and the line with it; the unit goes back by itself, and remembers."""
    station = provisioned(light_road)
    before, bundle = station.runs, light_road.press.bundle({"edge/__main__.py": CRASH})
    with Watcher(station) as watcher:
        work = begun(light_road, bundle, "--probation", "60")
        reached(work, "trial")
        until(lambda: station.journal.get("trial"), "a trial", PATIENCE_S)
        station.sshd.stop()
        killed(work)
        until(lambda: station.journal["trial"] is None, "its end", PATIENCE_S)
    station.sshd.start()
    assert watcher.gaps == [] and watcher.seen == {before, light_road.press.last} and station.whole() == before
    assert light_road.press.last in {entry["release"] for entry in station.journal["blocked"].values()}


def test_the_power_goes_in_the_trial_of_a_bad_release(light_road: Road) -> None:
    """The boot starts the bad release, and the guard beside it, which goes on where it was."""
    station = provisioned(light_road)
    before, bundle = station.runs, light_road.press.bundle({"edge/__main__.py": CRASH})
    work = begun(light_road, bundle, "--probation", "60")
    reached(work, "trial")
    until(lambda: station.runs == light_road.press.last, "the bad release", PATIENCE_S)
    station.cut()
    killed(work)
    assert station.whole() == light_road.press.last
    station.power()
    until(lambda: station.journal["trial"] is None, "the end of the trial", PATIENCE_S)
    assert station.whole() == before and station.journal["outcome"]["kept"] is False


def test_back_to_the_release_before(light_road: Road, capsys: pytest.CaptureFixture[str]) -> None:
    station = provisioned(light_road)
    bundle, before = light_road.press.bundle(), station.runs
    assert light_road.flash("--bundle", bundle, "--probation", "1") == 0
    assert light_road.flash("--rollback", "--probation", "1") == 0
    assert f"back to release {before}" in capsys.readouterr().out and station.whole() == before
    assert light_road.flash("--bundle", bundle, "--probation", "1") == 0, "it was good once, and may come again"


def test_keys_are_rotated_on_the_way(light_road: Road, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    station = provisioned(light_road)
    new = keys.make(tmp_path, "next-year")
    bundle = light_road.press.bundle(key=new)
    assert light_road.flash("--bundle", bundle, "--probation", "1") == 1
    assert "which is not trusted" in capsys.readouterr().out
    (tmp_path / "rotation-0001.json").write_text(rotation(light_road.key, 1, [light_road.key.public, new.public]))
    assert light_road.flash("--bundle", bundle, "--probation", "1", "--rotation", tmp_path / "rotation-0001.json") == 0
    assert station.whole() == light_road.press.last
    (tmp_path / "rotation-0002.json").write_text(rotation(new, 2, [light_road.key.public]))
    assert light_road.flash("--bundle", bundle, "--rotation", tmp_path / "rotation-0002.json") == 0, "though nothing is to be flashed"
    assert json.loads(station.layout.trust.read_text())["keys"] == [str(light_road.key.public)]


def connection(road: Road, **changed: object) -> Connection:
    return Connection(replace(of_file(road.inventory)[0], **changed), threading.Event())  # type: ignore[arg-type]


def test_a_unit_that_cannot_prove_itself_is_not_talked_to(light_road: Road, tmp_path: Path) -> None:
    other = keygen(tmp_path / "host_key").with_suffix(".pub").read_text()
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{light_road.stations[0].sshd.port} {other}")
    for known in (tmp_path / "known_hosts", tmp_path / "nobody"):
        with pytest.raises(AwayError, match="compare the fingerprint that ssh-keyscan gives"):
            connection(light_road, known_hosts=known).run("true")


def test_what_is_out_of_reach_is_said(light_road: Road) -> None:
    with pytest.raises(AwayError, match="refused"):
        connection(light_road, port=1).run("true")
    with pytest.raises(AwayError, match=r"no end after 0\.5 s"):
        connection(light_road).run("sleep 60", timeout_s=0.5)
    with pytest.raises(UnitError, match="No such file"):
        connection(light_road).run("/no/such/program")


def test_a_copy_goes_on_where_it_was_cut(light_road: Road, tmp_path: Path) -> None:
    """Nearly all of it is there already: at 64 KiB a second, the whole would take a minute."""
    source, target = tmp_path / "large", tmp_path / "unit/large"
    source.write_bytes(os.urandom(4 << 20))
    target.parent.mkdir()
    target.write_bytes(source.read_bytes()[: (4 << 20) - 5000])
    shares: list[float] = []
    connection(light_road).copy([source], str(target), 64, shares.append, 50.0)
    assert target.read_bytes() == source.read_bytes() and shares and shares[-1] == 1.0
