"""Prometheus' own parser reads what the unit says of itself, and what it says is what the status says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from edge import status
from edge.config import load
from edge.health import Metrics, healthz
from edge.pipeline import Timing
from edge.unit import Unit
from tests.edge.plates import plate_event


@pytest.fixture
def unit(root: Path, clip: Path, tmp_path: Path) -> Iterator[Unit]:
    """Wired, and not started."""
    overrides = {"cameras": [{"id": "gate", "source": str(clip)}], "outbox.path": str(tmp_path / "o.db"), "mqtt": {"port": 1}}
    made = Unit(load(root / "config.yaml", overrides), np.random.default_rng(0), threading.Event())
    yield made
    made.close()


def samples(unit: Unit, **machine: Any) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    metrics = Metrics(lambda: {**status.describe(unit), **machine}, lambda: unit.pipeline.timings)
    families = list(parsed(metrics.text().decode()))
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def test_what_has_happened_is_counted(unit: Unit) -> None:
    for _ in range(3):
        assert unit._accept(plate_event(camera="gate"))
    unit.slots.dropped["gate"], unit.shed["gate"] = 4, 2
    unit.loop.counts.update({"frames": 10, "plates": 7, "enhance": 2})
    unit.pipeline.timings["read"].add(3_000_000)
    machine = {"temperatures_c": {"cpu": 61.5}, "watts": {"VDD_IN": 12.0}, "throttled": True, "throttles": 3}
    found = samples(unit, **machine)

    def value(name: str, **labels: str) -> float:
        return found[name, frozenset(labels.items())]

    assert value("kerbside_events_total", outcome="accepted") == 3 and value("kerbside_outbox_backlog") == 3
    assert value("kerbside_frames_dropped_total", camera="gate", cause="overtaken") == 4
    assert value("kerbside_frames_dropped_total", camera="gate", cause="shed") == 2
    assert value("kerbside_crops_total", action="enhance") == 2 and value("kerbside_frames_detected_total") == 10
    assert value("kerbside_queue_items", stage="read") == 0
    assert value("kerbside_temperature_celsius", zone="cpu") == 61.5 and value("kerbside_power_watts", rail="VDD_IN") == 12
    assert value("kerbside_throttled") == 1 and value("kerbside_throttles_total") == 3
    assert value("kerbside_broker_connected") == 0 and value("kerbside_governor_step") == 0
    assert value("kerbside_stage_seconds_bucket", stage="read", le="0.005") == 1
    assert value("kerbside_stage_seconds_bucket", stage="read", le="0.0025") == 0
    assert value("kerbside_stage_seconds_count", stage="read") == 1
    assert value("kerbside_stage_seconds_sum", stage="read") == pytest.approx(0.003)


def test_a_histogram_counts_everything_once_and_grows_with_its_bounds() -> None:
    timing = Timing()
    for milliseconds in (0.5, 1.0, 3.0, 99.0, 60_000.0):
        timing.add(round(milliseconds * 1e6))
    assert sum(timing.histogram) == timing.count == 5
    assert timing.histogram[0] == 2 and timing.histogram[-1] == 1, "a bound belongs to its own bucket, what is above all to the last"


def test_a_camera_or_a_broker_that_is_away_is_healthy_and_lost_events_or_a_stuck_thread_are_not(unit: Unit) -> None:
    said = status.describe(unit)
    good, told = healthz(said, [])
    assert good and told["broker"]["connected"] is False and told["cameras"] == {"gate": "connecting"}
    assert healthz(said, ["read (12.0 s)"])[0] is False
    full = {**said, "events": {**said["events"], "trouble": "database or disk is full"}}
    assert healthz(full, []) == (False, {**told, "outbox": "database or disk is full"})


def test_no_password_is_in_status_or_metrics(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cameras that cannot be reached, a broker that cannot either: every message of theirs is in there."""
    monkeypatch.setenv("BROKER_SECRET", "c0rrect%horse")
    source = "rtsp://viewer:tr0ub%40dor@127.0.0.1:1/a?token=q8q8q8q8"
    broker = {"host": "127.0.0.1", "port": 1, "user": "unit", "password_env": "BROKER_SECRET"}
    overrides = {"cameras": [{"id": "gate", "source": source}], "outbox.path": str(tmp_path / "o.db"), "mqtt": broker}
    stop = threading.Event()
    config = load(root / "config.yaml", overrides)
    made = Unit(config, np.random.default_rng(0), stop)
    try:
        made.start()
        for _ in range(100):
            if made.cameras["gate"].state.error and made.publisher.state.problem not in ("", "not started"):
                break
            stop.wait(0.1)
        said = repr(status.describe(made)) + Metrics(lambda: status.describe(made), dict).text().decode() + repr(config)
        assert made.cameras["gate"].state.error and "nothing listens" in said
        for secret in ("tr0ub%40dor", "tr0ub@dor", "c0rrect%horse", "q8q8q8q8"):
            assert secret not in said, secret
        assert {"tr0ub%40dor", "tr0ub@dor", "c0rrect%horse"} <= set(config.secrets()), "a decoder may say it decoded"
    finally:
        made.close()
