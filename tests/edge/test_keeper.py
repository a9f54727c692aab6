"""Whose silence is whose fault: the publisher and the accepting stage wait for the outbox, and the outbox for its disk."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from edge.cameras import CameraSpec
from edge.keeper import DATABASE_S, DISK_S, watched
from edge.pulse import Pulse, Vigil

S = 1_000_000_000
STAGE_S = 10.0


@pytest.fixture
def unit() -> Any:
    """What the keeper sees of a unit in which all is well."""
    spec = CameraSpec("gate", "rtsp://127.0.0.1:1/none")
    return SimpleNamespace(
        config=SimpleNamespace(watchdog=SimpleNamespace(stage_s=STAGE_S), cameras=(spec,)),
        pipeline=SimpleNamespace(pulses={"detect": Pulse(), "accept": Pulse()}),
        cameras={"gate": SimpleNamespace(state=SimpleNamespace(phase="streaming"))},
        pulses={"gate": Pulse()},
        publisher=SimpleNamespace(pulse=Pulse(), state=SimpleNamespace(connected=True)),
        outbox=SimpleNamespace(pulse=Pulse(), state=SimpleNamespace(trouble="")),
        eraser=SimpleNamespace(busy=False),
    )


def first_stuck(unit: Any, monkeypatch: pytest.MonkeyPatch, silent: set[str], within_s: float = 100) -> tuple[set[str], float]:
    """Look twice a second while all but the silent threads beat → who is found stuck first, and after how long; nobody: within_s."""
    threads, start_ns = watched(unit), time.monotonic_ns()
    vigil = Vigil(threads)
    for half in range(1, round(within_s * 2) + 1):
        now_ns = start_ns + half * S // 2
        monkeypatch.setattr(time, "monotonic_ns", lambda now_ns=now_ns: now_ns)
        for each in threads:
            if each.name not in silent:
                each.pulse.at_ns = now_ns
        if stuck := {name.rpartition(" (")[0] for name in vigil.stuck()}:
            return stuck, half / 2
    return set(), within_s


@pytest.mark.parametrize(("name", "more_s"), [("detect", 0), ("accept", 0), ("mqtt", 0), ("camera gate", 3), ("outbox", DISK_S)])
def test_each_thread_is_found_and_in_time_to_be_back_within_30_s(
    unit: Any, monkeypatch: pytest.MonkeyPatch, name: str, more_s: float
) -> None:
    """The publisher was found after 40 s and the outbox after 60, since each might have been waiting for the other or for the disk."""
    assert first_stuck(unit, monkeypatch, {name}) == ({name}, STAGE_S + more_s + 0.5)


def test_who_waits_for_a_hanging_outbox_is_not_blamed(unit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert first_stuck(unit, monkeypatch, {"outbox", "mqtt", "accept"})[0] == {"outbox"}


@pytest.mark.parametrize("state", ["trouble", "busy"])
def test_an_outbox_that_reads_all_of_its_database_has_longer(unit: Any, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    unit.outbox.state.trouble, unit.eraser.busy = "disk I/O error" * (state == "trouble"), state == "busy"
    assert first_stuck(unit, monkeypatch, {"outbox", "mqtt"}) == ({"outbox"}, STAGE_S + DATABASE_S + 0.5)


def test_a_camera_or_a_broker_that_is_away_is_nobodys_hang(unit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    unit.cameras["gate"].state.phase, unit.publisher.state.connected = "down", False
    assert first_stuck(unit, monkeypatch, {"camera gate", "mqtt"}) == (set(), 100)
