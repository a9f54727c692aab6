"""The command, with several stand-in units on a real mosquitto."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.edge.mqtt.mosquitto import HOST, Ear, Mosquitto, free_port, needs_mosquitto
from tests.edge.waiting import until
from tests.tools.fleet.standin import STATUS, StandIn
from tools.fleet.__main__ import LOOK_AT, main
from tools.fleet.baseline import Baselines
from tools.fleet.quality import BASELINE, RECENT, Vehicle
from tools.fleet.screen import COLUMNS, row, table

pytestmark = needs_mosquitto
Brokers = Callable[..., Mosquitto]


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[Callable[..., StandIn]]:
    made: list[StandIn] = []

    def make(*given: Any, **status: Any) -> StandIn:
        made.append(StandIn(tmp_path, *given, **status))
        return made[-1]

    yield make
    for each in made:
        each.close()


class Watching:
    """The command as a process; its lines as they come."""

    def __init__(self, port: int, *options: str) -> None:
        command = [sys.executable, "-m", "tools.fleet", "--port", str(port), "--json", "--every", "0.3", "--listen", "0.3", *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def until(self, holds: Callable[[dict[str, Any]], bool], lines: int = 400) -> dict[str, Any]:
        """The first report in which it holds, units by name."""
        assert self._process.stdout is not None
        for _ in range(lines):
            line = self._process.stdout.readline()
            assert line, self._process.stderr.read() if self._process.stderr else ""
            units = {unit["device"]: unit for unit in json.loads(line)["units"]}
            if holds(units):
                return units
        raise AssertionError(f"not in {lines} reports; the last one: {units}")

    def stop(self) -> int:
        self._process.terminate()
        return self._process.wait(30)


@pytest.fixture
def watching() -> Iterator[Callable[..., Watching]]:
    made: list[Watching] = []

    def start(port: int, *options: str) -> Watching:
        made.append(Watching(port, *options))
        return made[-1]

    yield start
    for each in made:
        each.stop()


def test_three_units_one_of_them_gone_one_in_trouble(
    mosquitto: Brokers, stand_in: Callable[..., StandIn], watching: Callable[..., Watching]
) -> None:
    broker = mosquitto()
    stand_in("kerb-01", broker.port)
    stand_in("kerb-02", broker.port, version="0.1.0", events={**STATUS["events"], "backlog": 1234, "trouble": "database or disk is full"})
    gone = stand_in("kerb-03", broker.port)
    fleet = watching(broker.port)
    fleet.until(lambda units: len(units) == 3 and all(unit["online"] and unit["version"] for unit in units.values()))
    gone.close()
    units = fleet.until(lambda units: units["kerb-03"]["online"] is False)
    assert units["kerb-01"]["alarms"] == [] and units["kerb-03"]["alarms"] == ["is away"]
    assert (units["kerb-02"]["version"], units["kerb-02"]["backlog"]) == ("0.1.0", 1234)
    assert units["kerb-02"]["alarms"] == ["database or disk is full"]
    assert fleet.stop() == 0


def test_missing_events_and_drift_are_found_and_the_baseline_outlives_the_command(
    mosquitto: Brokers, stand_in: Callable[..., StandIn], watching: Callable[..., Watching], tmp_path: Path
) -> None:
    broker, file = mosquitto(), tmp_path / "fleet.db"
    unit, other = stand_in("kerb-01", broker.port), stand_in("kerb-02", broker.port)
    first = watching(broker.port, "--baseline", str(file))
    first.until(lambda units: len(units) == 2)
    unit.read(BASELINE)
    other.read(20)
    first.until(lambda units: units["kerb-01"]["reads"] == BASELINE and units["kerb-02"]["reads"] == 20)
    assert first.stop() == 0
    second = watching(broker.port, "--baseline", str(file))
    second.until(lambda units: len(units) == 2)
    unit.read(RECENT // 2, agreeing=4, matches=False, height_px=14.0)
    units = second.until(lambda units: len(units["kerb-01"]["alarms"]) == 3)
    assert units["kerb-01"]["cameras"]["gate"]["drifts"] == [
        "reads of a vehicle agree to 40%, did to 90%",
        "plates of a known kind are 0%, were 100%",
        "plates are 16 px high, were 27 px",
    ]
    assert units["kerb-02"]["alarms"] == []
    unit.lose(3)
    unit.close()
    stand_in("kerb-01", broker.port).read(1)  # started anew, on the same outbox
    units = second.until(lambda units: units["kerb-01"]["missing"] > 0)
    assert units["kerb-01"]["missing"] == 3 and units["kerb-02"]["missing"] == 0


def test_once_says_it_in_its_exit_code(mosquitto: Brokers, stand_in: Callable[..., StandIn], capsys: pytest.CaptureFixture[str]) -> None:
    broker = mosquitto()
    stand_in("kerb-01", broker.port)
    ear = Ear(broker.port, "kerbside/kerb-01/status")
    until(lambda: ear.heard, "a retained status")
    ear.close()
    once = ["--port", str(broker.port), "--once", "--json", "--listen", "2"]
    assert main(once) == 0
    assert [unit["device"] for unit in json.loads(capsys.readouterr().out)["units"]] == ["kerb-01"]
    stand_in("kerb-02", broker.port, events={**STATUS["events"], "alarm": "outbox.db: damaged"})
    until(lambda: main(once) == LOOK_AT, "the alarm")
    assert "outbox.db: damaged" in capsys.readouterr().out


def test_a_broker_that_goes_away_is_waited_for(
    mosquitto: Brokers, stand_in: Callable[..., StandIn], watching: Callable[..., Watching]
) -> None:
    broker = mosquitto()
    unit = stand_in("kerb-01", broker.port)
    fleet = watching(broker.port)
    fleet.until(lambda units: "kerb-01" in units)
    broker.stop()
    broker.start()
    until(lambda: unit.publisher.state.connected, "the unit's return")
    fleet.until(lambda units: unit.read(1) is None and units["kerb-01"]["reads"] > 0)


def test_nobody_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", str(free_port()), "--once"]) == 1
    assert f"fleet: {HOST}" in capsys.readouterr().err


def test_a_camera_is_rebased(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "fleet.db"
    rebase = ["--baseline", str(file), "--rebase", "kerb-01/gate"]
    assert main(rebase) == 1 and "expected DEVICE/CAMERA" in capsys.readouterr().err
    baselines = Baselines(file)
    baselines.add("kerb-01", "gate", Vehicle(0.9, True, 25.0))
    baselines.close()
    assert main(rebase) == 0 and "its next vehicles are its baseline" in capsys.readouterr().out
    assert main(rebase) == 1


def test_the_table_shows_a_row_a_unit(mosquitto: Brokers, stand_in: Callable[..., StandIn], capsys: pytest.CaptureFixture[str]) -> None:
    broker = mosquitto()
    stand_in("kerb-01", broker.port)
    until(lambda: main(["--port", str(broker.port), "--once", "--listen", "1"]) == 0, "a table")
    assert "1 units on" in (shown := capsys.readouterr().out) and "kerb-01" in shown


def test_what_a_unit_says_cannot_move_the_cursor() -> None:
    unit = {
        "device": "kerb-\x1b[2J", "online": None, "version": None, "fps": None, "drops": 0, "backlog": None, "temperature_c": None,
        "last_read_utc": None, "missing": 0, "cameras": {}, "alarms": ["evil\x1b]0;title\x07"],
    }  # fmt: skip
    out = io.StringIO()
    Console(file=out, force_terminal=True, width=200).print(table([unit], "here"))
    assert "\x1b[2J" not in out.getvalue() and "\x1b]0" not in out.getvalue()
    assert len(row(unit)) == len(COLUMNS)
