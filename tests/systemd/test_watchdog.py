"""The daemon under a service manager that speaks the real protocol: ready, alive, stuck, ended, back.

The times are not the shipped ones (`python -m tests.chaos frozen` has those): a machine that builds and trains beside the tests may keep
a thread waiting for seconds, and that is no hang.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.cameras import CameraSpec
from edge.config.sections import Watchdog
from edge.keeper import DISK_S
from tests.edge.mqtt.mosquitto import free_port
from tests.systemd.manager import Manager, Policy
from tests.systemd.rig import UNIT, got, manager, turn_until

Start = Callable[..., Manager]
STAGE_S, STALL_S = 8.0, CameraSpec("gone", "rtsp://127.0.0.1:1/none").stall_s
PATIENT = replace(Policy.of(UNIT), watchdog_s=90.0, abort_s=90.0, start_s=120.0, restart_s=0.2)
"""Only what the daemon asks for itself ends it."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Manager] = []

    def run(policy: Policy = PATIENT, **more: Any) -> Manager:
        started.append(manager(tmp_path, STAGE_S, policy, **more))
        turn_until(started[-1], lambda: bool(started[-1].lives) and started[-1].life.ready_s is not None, "READY")
        return started[-1]

    yield run
    for each in started:
        each.close()


def test_a_frozen_stage_is_ended_by_the_watchdog_and_the_unit_is_back(start: Start, tmp_path: Path) -> None:
    managing = start()
    (tmp_path / "freeze").write_text("detect wait")
    turn_until(managing, lambda: len(managing.lives) > 1 and managing.life.fed > 3, "the second life")
    first, second = managing.lives
    assert (first.ended_by, first.code) == ("watchdog", -signal.SIGABRT)
    assert "WATCHDOG=trigger" in first.told and first.status.startswith("stuck: detect (")
    log = managing.log.read_text()
    assert "CRITICAL edge.keeper: stuck: detect (" in log and "in _freeze" in log, "the log says who is stuck, and where"
    assert second.ready_s is not None and first.told.index("WATCHDOG=trigger") == len(first.told) - 1, "a stuck unit feeds no more"


def test_no_camera_and_no_broker_are_states_and_no_hang(start: Start) -> None:
    """The road's camera plays, the other one and the broker are never there, for longer than any thread may be silent."""
    managing = start()
    past_s = time.monotonic() + STAGE_S + STALL_S + 2
    turn_until(managing, lambda: time.monotonic() > past_s, "the time in which a hang would be seen")
    fed = managing.life.fed
    turn_until(managing, lambda: managing.life.fed > fed, "a watchdog that is fed on")
    assert len(managing.lives) == 1
    assert "1 of 2 cameras" in managing.life.status and "no camera gone" in managing.life.status and "no broker" in managing.life.status


def test_a_process_that_cannot_even_say_so_is_ended_too(start: Start, tmp_path: Path) -> None:
    """An extension that keeps the interpreter's lock stops the main thread as well: nothing is fed, nothing is told."""
    managing = start(policy=replace(PATIENT, watchdog_s=5.0))
    (tmp_path / "freeze").write_text("detect gil")
    turn_until(managing, lambda: len(managing.lives) > 1 and managing.life.ready_s is not None, "the second life")
    assert managing.lives[0].ended_by == "watchdog" and "WATCHDOG=trigger" not in managing.lives[0].told


def test_the_shipped_times_bring_it_back_within_30_s() -> None:
    """Found stuck, or not fed, at the latest; SIGABRT that is not heeded; the pause; and a start, measured by tests.chaos frozen."""
    policy, stage_s, start_s = Policy.of(UNIT), Watchdog().stage_s, 10.0
    again_s = policy.restart_s + start_s
    assert max(stage_s, policy.watchdog_s) + policy.abort_s + again_s <= 30
    assert stage_s + max(DISK_S, STALL_S) + again_s <= 30, "an outbox and a camera have longer; who asks for the bite heeds SIGABRT"


def test_a_stop_says_so_and_ends_well(start: Start) -> None:
    managing = start()
    managing.signal(signal.SIGTERM)
    turn_until(managing, lambda: managing.life.code is not None, "the end")
    assert managing.life.code == 0 and managing.life.told[-1] == "STOPPING=1"


def test_health_and_metrics_are_there_in_every_life(start: Start, tmp_path: Path) -> None:
    port = free_port()
    managing = start(health_port=port)
    turn_until(managing, lambda: got(port, "/metrics").get("kerbside_frames_detected_total", 0) > 0, "frames in the metrics")
    turn_until(managing, lambda: got(port, "/healthz").get("status") == 200, "health")
    (tmp_path / "freeze").write_text("detect wait")
    turn_until(managing, lambda: len(managing.lives) > 1 and got(port, "/healthz").get("status") == 200, "health again, in the next life")


def test_a_reload_is_told_and_the_unit_ready_again(start: Start, tmp_path: Path) -> None:
    managing = start()
    config = tmp_path / "config.yaml"
    config.write_text(config.read_text() + "log: {level: nonsense}\n")
    managing.signal(signal.SIGHUP)
    turn_until(managing, lambda: managing.life.told.count("READY=1") == 2, "READY after the reload")
    told = managing.life.told
    reloading = told.index("RELOADING=1")
    assert told[reloading + 1].startswith("MONOTONIC_USEC=")
    log = managing.log.read_text()
    assert "refused, the old config goes on" in log and "log.level is 'nonsense', expected one of" in log
    config.write_text(config.read_text().replace("log: {level: nonsense}", "events: {early_reads: 3}\nstop_s: 1.5"))
    managing.signal(signal.SIGHUP)
    turn_until(managing, lambda: managing.life.told.count("READY=1") == 3, "READY after a good one")
    assert "reload: in force: events, stop_s" in managing.log.read_text()
    assert len(managing.lives) == 1
