"""The config read anew under a running unit: taken up, refused as a whole, or said to need a restart."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from alpr.types import Frame, PlateEvent
from edge import logs
from edge.config import load
from edge.governor import STEPS
from edge.keeper import Keeper, told
from edge.notify import Manager
from edge.pulse import Pulse
from edge.reload import Reloader
from edge.sysfs import Reading
from edge.unit import Unit
from tests.edge.plates import plate_event
from tests.edge.test_governor import put
from tests.edge.waiting import until


class Rig:
    """A unit that is wired and not started, on a config that the test rewrites."""

    def __init__(self, folder: Path, root: Path, clip: Path) -> None:
        self.path, self.folder = folder / "config.yaml", folder
        models = {"detector": "detector", "enhancer": "lpsr", "reader": "reader"}
        self.base: dict[str, Any] = {
            "device": {"id": "unit-1"},
            "cameras": [{"id": "road", "source": str(clip)}],
            **{stage: {"model": str(root / f"models/{name}.yaml")} for stage, name in models.items()},
            "mqtt": {"port": 1},
            "outbox": {"path": str(folder / "o.db")},
        }
        self.write()
        self.unit = Unit(load(self.path), np.random.default_rng(0), threading.Event())
        self.accepted: list[PlateEvent] = []
        self.unit.accepted = lambda _, event: self.accepted.append(event)
        self.reload = Reloader(self.unit, lambda: load(self.path))

    def write(self, **changes: Any) -> None:
        self.path.write_text(yaml.safe_dump(self.base | changes))


@pytest.fixture
def rig(tmp_path: Path, root: Path, clip: Path) -> Iterator[Rig]:
    made = Rig(tmp_path, root, clip)
    yield made
    made.unit.close()


def test_what_may_change_is_in_force_at_once(rig: Rig) -> None:
    rig.write(gate={"give_up_reads": 9}, events={"early_reads": 3}, regions=["VN"], stop_s=1.5)
    outcome = rig.reload()
    assert (set(outcome.changed), outcome.restart, outcome.refused) == ({"gate", "events", "regions", "stop_s"}, (), "")
    assert rig.unit.loop.gate.rules.give_up_reads == 9 and rig.unit.loop.judge.rules.early_reads == 3
    assert rig.unit.config.stop_s == 1.5
    assert str(rig.reload()) == "nothing new that a running unit takes up"


def test_a_bad_config_is_refused_whole_with_its_reasons_and_the_old_one_goes_on(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    before = rig.unit.config, rig.unit.loop.gate.rules
    rig.write(gate={"give_up_reads": 9}, events={"early_score": 7}, nonsense=1)
    with caplog.at_level(logging.ERROR):
        outcome = rig.reload()
    assert outcome.changed == () and "events.early_score is 7" in outcome.refused and "nonsense is no key" in outcome.refused
    assert "refused, the old config goes on" in caplog.text and "line " in caplog.text
    assert (rig.unit.config, rig.unit.loop.gate.rules) == before
    rig.path.unlink()
    assert "cannot be read (No such file" in rig.reload().refused
    rig.write(gate={"give_up_reads": 9})
    assert rig.reload().changed == ("gate",), "and a good one is taken after it"


def test_what_cannot_change_at_run_time_is_said_and_left(rig: Rig) -> None:
    rig.write(mqtt={"port": 2}, watchdog={"stage_s": 5}, gate={"min_line_px": 7})
    outcome = rig.reload()
    assert str(outcome) == "in force: gate; only after a restart: mqtt, watchdog"
    assert rig.unit.config.mqtt.port == 1, "the unit's config says what is in force"
    assert rig.reload().restart == ("mqtt", "watchdog"), "it is said again until it is true"


def test_secrets_of_a_new_config_are_concealed_from_then_on(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    root_logger = logging.getLogger()
    handlers, level = root_logger.handlers[:], root_logger.level
    try:
        logs.configure("info", rig.unit.config.secrets())
        rig.write(cameras=[{"id": "road", "source": "rtsp://viewer:tr0ub4dor@192.0.2.1/a"}])
        assert rig.reload().restart == ("cameras",)
        logging.getLogger("edge").error("somebody says tr0ub4dor")
        assert "somebody says ***" in capsys.readouterr().err
    finally:
        logging.captureWarnings(False)
        root_logger.handlers[:] = handlers
        root_logger.setLevel(level)


def test_privacy_is_taken_up_and_its_counter_goes_on(rig: Rig) -> None:
    (rig.folder / "list").write_text("51F-734.20\n")
    rig.write(privacy={"mode": "allow_list", "allow_list": str(rig.folder / "list")})
    rig.reload()
    assert list(rig.unit._accept(plate_event("51F73420"))) and list(rig.unit._accept(plate_event("29A11111"))) == []
    assert [event.vote.plate for event in rig.accepted] == ["51F73420"] and rig.unit.outbox.state.accepted == 1
    (rig.folder / "list").write_text("29A-111.11\n")
    rig.reload()
    assert list(rig.unit._accept(plate_event("29A11111"))) and list(rig.unit._accept(plate_event("51F73420"))) == []
    assert rig.unit.privacy.withheld == 2, "the list is read anew, and what was withheld before still counts"
    (rig.folder / "list").write_text("")
    assert "names no plate" in rig.reload().refused and list(rig.unit._accept(plate_event("29A11111")))


def test_masks_are_taken_up_for_the_next_frame_and_hold_for_snapshots_too(rig: Rig) -> None:
    frame = Frame(np.full((100, 100, 3), 200, np.uint8), "road", 0, 0, 0.0, 0)
    assert (rig.unit._masked(frame).bgr == 200).all() and rig.unit.latest == {}, "nothing is kept for a snapshot that nobody may ask for"
    left = {"camera": "road", "polygon": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}
    rig.write(privacy={"masks": [left]})
    rig.reload()
    seen = rig.unit._masked(frame).bgr
    assert (seen[:, :50] == 0).all() and (seen[:, 52:] == 200).all()


def test_heat_sheds_work_and_a_reload_does_not_give_it_back(rig: Rig, tmp_path: Path) -> None:
    rig.unit.governor.look(Reading({"cpu": 99.0}), 0)
    rig.unit.settle()
    assert rig.unit.loop.gate.rules.enhance_below_px == 9
    rig.write(gate={"enhance_below_px": 24})
    rig.reload()
    assert rig.unit.governor.at == 1 and rig.unit.loop.gate.rules.enhance_below_px == 12


def test_the_keeper_governs_by_the_kernels_files_and_reloads_when_asked(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "class/thermal/thermal_zone0/type", "cpu-thermal")
    put(tmp_path, "class/thermal/thermal_zone0/temp", 91000)
    monkeypatch.setattr("edge.keeper.GOVERN_S", 0.0)
    asked = threading.Event()
    keeper = Keeper(rig.unit, Manager({}), rig.reload, asked, tmp_path)
    rig.write(events={"early_reads": 4}, governor={"react_s": 0.001, "hot_c": 90, "cool_c": 80})
    asked.set()
    until(lambda: keeper.look() or rig.unit.governor.at == len(STEPS) - 1, "all steps")
    assert rig.unit.loop.judge.rules.early_reads == 4 and not asked.is_set()
    assert rig.unit.loop.gate.rules.enhance == "never" and rig.unit.governor.step.every == 4
    assert told(rig.unit) == "0 of 1 cameras, no camera road (connecting), no broker"


def test_without_a_service_manager_a_hang_ends_the_process_itself(rig: Rig) -> None:
    keeper = Keeper(rig.unit, Manager({}), rig.reload, threading.Event())
    keeper._vigil._watched = tuple(each for each in keeper._vigil._watched if each.name == "read")
    silent = Pulse()
    silent.at_ns -= 11 * 10**9
    rig.unit.pipeline.pulses["read"].at_ns = silent.at_ns
    keeper._vigil._since_ns = [0]
    with pytest.raises(RuntimeError, match=r"stuck: read \(11\.\d s\)"):
        for _ in range(3):
            keeper.look()


class Live:
    """A camera that gives its pictures at once."""

    live = True

    def __init__(self, count: int) -> None:
        self._count = count

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        picture = np.zeros((8, 8, 3), np.uint8)
        return (Frame(picture, "road", number, 0, 0.0, 0) for number in range(self._count))


@pytest.mark.parametrize(("step", "every"), [(0, 1), (4, 2), (5, 4)])
def test_the_last_steps_leave_out_a_live_cameras_frames_and_count_them(rig: Rig, step: int, every: int) -> None:
    for second in range(step):
        rig.unit.governor.look(Reading({"cpu": 99.0}), second * 10)
    rig.unit._source(Live(40), "road")()  # type: ignore[arg-type]
    assert rig.unit.governor.step.every == every
    assert rig.unit.shed["road"] == 40 - 40 // every
    assert rig.unit.slots.dropped["road"] == 40 // every - 1, "what is left still overtakes itself where nobody takes it"
