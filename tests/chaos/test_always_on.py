"""The commands that show a unit always on, for seconds. How quick anything is, is for their long forms to say."""

from __future__ import annotations

import csv
import os
import socket
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.chaos import cameras, frozen, load, soak
from tests.chaos.__main__ import main
from tests.chaos.daemon import Page
from tests.chaos.imposter import Imposter
from tests.chaos.process import Vitals, slope
from tests.chaos.source import KINDS
from tests.edge.cameras.conftest import needs_rtsp_server
from tests.edge.mqtt.mosquitto import free_port, needs_mosquitto

__all__ = ["needs_rtsp_server"]
pytestmark = needs_mosquitto


def test_cameras_that_suffer_come_back_and_the_one_beside_them_is_left_alone(needs_rtsp_server: None, tmp_path: Path) -> None:
    rows = cameras.run(tmp_path, cycles=2, csv=tmp_path / "cameras.csv", conditions="a test")
    assert [(row.kind, row.n) for row in rows] == [(kind, 2) for kind in KINDS]
    assert all(row.other_reconnects == 0 and row.worst_s > 0 for row in rows), rows
    assert rows[0].children_last == len(KINDS) + 1, "a capture process for each camera, and none left over"
    with (tmp_path / "cameras-rows.csv").open(newline="") as lines:
        assert [float(row["rss_mib"]) for row in csv.DictReader(lines)] == [rows[0].rss_mib_first, rows[0].rss_mib_last]


def test_a_publisher_that_freezes_is_named_ended_and_back(tmp_path: Path) -> None:
    """It was noticed after 40 s, for it might have been waiting for the outbox."""
    found = frozen.run(tmp_path, "publish", "wait", stage_s=8)
    assert (found.ended_by, found.told, found.where) == ("watchdog", "mqtt", "publish"), found


def test_a_soak_loses_nothing_and_keeps_its_rows(needs_rtsp_server: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the command itself."""
    file = tmp_path / "soak.csv"
    main(["soak", "--minutes", "0.5", "--csv", str(file), "--conditions", "a test"])
    with file.open(newline="") as summary, (tmp_path / "soak-rows.csv").open(newline="") as lines:
        (found,), rows = list(csv.DictReader(summary)), list(csv.DictReader(lines))
    assert found["lost"] == "0" and int(found["accepted"]) > 0 and int(found["faults"]) > 0
    assert len(rows) >= 3 and all(row["conditions"].startswith("a test; ") and float(row["rss_mib"]) > 50 for row in rows)
    picture = cv2.imread(str(tmp_path / "soak.png"))
    assert picture is not None and len(np.unique(picture.reshape(-1, 3), axis=0)) > 10
    assert "of 1 passed" in capsys.readouterr().out


def test_a_load_goes_through_beside_the_loop(tmp_path: Path) -> None:
    found = load.run(tmp_path, minutes=0.1, rate=40, window_s=4)
    assert (found.lost, found.rejected) == (0, 0)
    assert found.accepted > 40 and found.frames_a_second_loaded > 0 and found.detect_p95_ms_loaded > 0


def test_a_slope_and_what_is_allowed_of_it() -> None:
    assert slope([0, 1, 2], [5, 7, 9]) == pytest.approx(2)
    sound = soak.Soak(30, 9000, 99, 500, 0, 200, 200, 0.4, 17, 17, 17, 17, 30, 31, 80, 90)
    assert sound.passed
    for fault in ({"lost": 1}, {"mib_an_hour": 1.1}, {"fds_last": 18}, {"early_p95_ms_last_third": 130.0}, {"accepted": 0}):
        assert not replace(sound, **fault).passed, fault
    assert replace(sound, minutes=2, mib_an_hour=50).passed, "of so short a run no slope is judged"


def test_a_quantile_is_what_prometheus_would_say() -> None:
    """Of the difference of two pages: 10 within 10 ms, 30 more within 20 ms."""

    def page(*counts: int) -> Page:
        buckets = zip(("0.01", "0.02", "+Inf"), counts, strict=True)
        lines = "".join(f'kerbside_stage_seconds_bucket{{stage="read",le="{le}"}} {count}\n' for le, count in buckets)
        return Page(f"# TYPE kerbside_stage_seconds histogram\n{lines}")

    before, after = page(5, 6, 6), page(15, 46, 46)
    assert after.quantile(0.25, before, "stage_seconds", stage="read") == pytest.approx(0.01)
    assert after.quantile(0.625, before, "stage_seconds", stage="read") == pytest.approx(0.015)
    assert after.quantile(0.5, after, "stage_seconds", stage="read") == 0, "nothing since"


def test_vitals_are_this_process_own() -> None:
    before = Vitals.of(os.getpid())
    with socket.socket(), socket.socket():
        now = Vitals.of(os.getpid())
    assert now.fds == before.fds + 2 and now.threads >= 1 and now.rss_mib > 20


@pytest.mark.parametrize("converses", [False, True])
def test_an_imposter_sends_what_is_no_picture(converses: bool) -> None:
    port = free_port()
    imposter = Imposter(port, converses, np.random.default_rng(3))
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            if converses:
                for number, method in enumerate(("OPTIONS", "DESCRIBE", "SETUP", "PLAY")):
                    client.sendall(f"{method} rtsp://127.0.0.1/gate RTSP/1.0\r\nCSeq: {number}\r\n\r\n".encode())
                    assert f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\n" in client.recv(4096).decode()
            said = client.recv(4096)
    finally:
        imposter.close()
    assert said.startswith(b"$\0") if converses else len(said) > 100
