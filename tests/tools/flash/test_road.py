"""Three units behind real sshds: provisioned, updated, a canary that fails, eight kinds of bad bundle. Everything but systemd is real.

The tests of this file go on with the units as the one before left them, as days do on a road; each flashes a release of its own.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.edge.mqtt.mosquitto import needs_mosquitto
from tests.edge.waiting import until
from tests.systemd.rig import got
from tests.tools.flash.bundles import CRASH
from tests.tools.flash.conftest import Road
from tests.tools.flash.sshd import needs_sshd
from tests.tools.flash.station import Station, Watcher
from tools.bundle import keys
from tools.flash import UnitError
from tools.flash.connection import Connection
from tools.flash.inventory import of_file
from tools.flash.unit import Unit

pytestmark = [needs_sshd, needs_mosquitto]
PATIENCE_S = 240.0


def frames(station: Station) -> float:
    return got(station.health_port, "/metrics").get("kerbside_frames_detected_total", 0)


def flow(station: Station) -> None:
    """The daemon of `current` looks at pictures and reaches its broker."""
    until(lambda: frames(station) > 2, f"frames of {station.name}", PATIENCE_S)
    until(lambda: got(station.health_port, "/metrics").get("kerbside_broker_connected") == 1, f"a broker for {station.name}", PATIENCE_S)


def provisioned(road: Road) -> None:
    if not all(station.journal.get("highest") for station in road.stations):
        assert road.flash("--provision", "--bundle", road.press.bundle(), *road.trust) == 0


def test_bare_units_are_provisioned_and_read(road: Road, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = road.press.bundle()
    assert road.flash("--bundle", bundle) == 1
    assert "has never been provisioned: --provision --trust KEY.pub" in capsys.readouterr().out
    assert road.flash("--provision", "--dry-run", "--bundle", bundle, *road.trust) == 0
    assert f"would provision it with release {road.press.last}" in capsys.readouterr().out and not any(
        each.layout.store.exists() for each in road.stations
    )
    assert road.flash("--provision", "--bundle", bundle, *road.trust) == 0
    for station in road.stations:
        assert station.whole() == road.press.last and station.layout.program.resolve() == station.layout.release(road.press.last)
        assert station.layout.config.read_bytes() == station.config.read_bytes()
        assert station.systemd.engines == [f"kerbside-engines@{road.press.last}.service"]
        flow(station)
    assert road.flash("--provision", "--bundle", bundle, *road.trust) == 0
    assert capsys.readouterr().out.count(f"runs release {road.press.last} already") == 3


def test_all_of_them_are_updated_under_watch(road: Road, capsys: pytest.CaptureFixture[str]) -> None:
    provisioned(road)
    bundle = road.press.bundle()
    number, before = road.press.last, [station.runs for station in road.stations]
    with ExitStack() as stack:
        watchers = [stack.enter_context(Watcher(station)) for station in road.stations]
        assert road.flash("--bundle", bundle, "--probation", "6") == 0, capsys.readouterr().out
    for station, watcher, old in zip(road.stations, watchers, before, strict=True):
        assert (station.whole(), station.journal["previous"], station.journal["trial"]) == (number, old, None)
        assert watcher.gaps == [] and watcher.seen == {old, number} and watcher.looks > 100
        assert station.journal["outcome"]["why"] == "ready and as good as before for 6 s"
        flow(station)
    assert road.flash("--status", "--json") == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {name: each["store"]["current"] for name, each in told.items()} == {station.name: number for station in road.stations}


def test_a_canary_that_fails_its_self_test_spares_the_others(road: Road, capsys: pytest.CaptureFixture[str]) -> None:
    """It reads other texts than the packer said: the release never runs, is blocked there, and nobody else hears of it."""
    provisioned(road)
    canary, *others = road.stations
    before, seen = canary.runs, [station.layout.journal.read_bytes() for station in others]
    bundle = road.press.bundle({"selftest/pictures.json": misread(road)})
    with Watcher(canary) as watcher:
        assert road.flash("--bundle", bundle, "--canary", "1", "--probation", "4") == 1
    said = capsys.readouterr().out
    assert "self-test failed: 0 of" in said and said.count("not touched: north went first, and failed") == 2
    assert watcher.gaps == [] and watcher.seen == {before} and canary.whole() == before
    assert [entry["release"] for entry in canary.journal["blocked"].values()] == [road.press.last]
    assert [station.layout.journal.read_bytes() for station in others] == seen
    assert not any(station.layout.release(road.press.last).exists() for station in others)
    assert road.flash("north", "--bundle", bundle) == 1
    assert "has release" in (said := capsys.readouterr().out) and "on its blocklist: self-test failed" in said


def misread(road: Road) -> bytes:
    """The self-test's pictures with texts that nobody can read in them."""
    rows = json.loads(bytes(road.press.files["selftest/pictures.json"]))  # type: ignore[arg-type]
    return json.dumps([{**row, "truth": ["0000"] * len(row["truth"]), "read": ["0000"]} for row in rows]).encode()


def wrong_key(road: Road) -> Path:
    name = f"stranger-{road.press.last}"
    return road.press.bundle(key=keys.make(road.folder, name))


def older(road: Road) -> Path:
    return road.press.bundle(release=road.stations[1].runs - 1)


def truncated(road: Road) -> Path:
    path = road.press.bundle()
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    return path


def flipped(road: Road) -> Path:
    """One bit of a model, under an unchanged signature."""
    path = road.press.bundle()
    data = bytearray(gzip.decompress(path.read_bytes()))
    data[data.index(b"models/reader.onnx", 60_000) + 100_000] ^= 4
    path.write_bytes(gzip.compress(bytes(data), 1))
    return path


def wrong_device(road: Road) -> Path:
    return road.press.bundle(needs={"models": ["NVIDIA Jetson AGX Thor*"]})


def wrong_self_test(road: Road) -> Path:
    return road.press.bundle({"selftest/pictures.json": misread(road)})


def crash_on_start(road: Road) -> Path:
    """And with a guard of its own that would let it stay: what decides is the code of the release before it."""
    return road.press.bundle({"edge/__main__.py": CRASH, "edge/release/guard.py": b"raise SystemExit(0)\n"})


BAD: list[tuple[Callable[[Road], Path], str]] = [
    (wrong_key, "which is not trusted"),
    (older, "is older than"),
    (truncated, "is cut off or damaged"),
    (flipped, "is not what was signed"),
    (wrong_device, "is for NVIDIA Jetson AGX Thor*, the unit is NVIDIA Jetson Orin Nano Developer Kit"),
    (wrong_self_test, "self-test failed: 0 of"),
    (crash_on_start, "did not stay: the daemon ended and was started again"),
]


@pytest.mark.parametrize(("bad", "said"), BAD, ids=[bad.__name__ for bad, _ in BAD])
def test_a_bad_bundle(road: Road, bad: Callable[[Road], Path], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    provisioned(road)
    station, before = road.stations[1], road.stations[1].runs
    with Watcher(station) as watcher:
        assert road.flash("south", "--bundle", bad(road), "--probation", "6") == 1
    assert said in capsys.readouterr().out
    assert watcher.gaps == [] and watcher.seen <= {before, road.press.last} and station.whole() == before
    assert station.journal["trial"] is None and station.layout.number(station.layout.good) == before
    blocked = {entry["release"] for entry in station.journal["blocked"].values()}
    assert (road.press.last in blocked) == (bad in (wrong_self_test, crash_on_start))
    flow(station)


def test_an_unsigned_bundle(road: Road, capsys: pytest.CaptureFixture[str]) -> None:
    """It does not even leave the workshop; a unit that is asked all the same refuses it too, and takes the file away."""
    provisioned(road)
    station, before, path = road.stations[1], road.stations[1].runs, road.press.unsigned()
    assert road.flash("south", "--bundle", path) == 1
    assert "is not signed" in capsys.readouterr().err
    unit = Unit(Connection(of_file(road.inventory, ["south"])[0], threading.Event()))
    unit.connection.copy([path], f"{unit.store}/incoming/", 0, lambda share: None, PATIENCE_S)
    with pytest.raises(UnitError, match="is not signed"):
        unit.ask("good", ["stage", f"{unit.store}/incoming/{path.name}"], timeout_s=PATIENCE_S)
    assert station.whole() == before and not (station.layout.store / "incoming" / path.name).exists()
