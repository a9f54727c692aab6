"""The whole unit, with the released models on the sample clip: from picture to acknowledged event, and how it stops and fails."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from alpr.types import PlateEvent
from edge.config import load
from edge.pipeline import StageError, in_one_thread
from edge.unit import Unit, loop_from


def overrides(folder: Path, source: Path | str, **more: Any) -> dict[str, Any]:
    camera = {"id": "gate", "source": str(source), **more}
    return {"cameras": [camera], "outbox.path": str(folder / "outbox.db"), "mqtt": {"host": "127.0.0.1", "port": 1}}


@pytest.fixture
def first_seconds(clip: Path, tmp_path: Path) -> Path:
    """150 frames of the clip, from its first vehicles on."""
    capture = cv2.VideoCapture(str(clip))
    path = tmp_path / "short.avi"
    size = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, size)
    for number in range(250):
        ok, bgr = capture.read()
        if ok and number >= 100:
            writer.write(bgr)
    writer.release()
    return path


def test_threads_and_one_thread_give_the_same_plates(root: Path, first_seconds: Path, tmp_path: Path) -> None:
    config = load(root / "config.yaml", overrides(tmp_path, first_seconds))
    found: list[PlateEvent] = []
    stop = threading.Event()
    unit = Unit(config, np.random.default_rng(0), stop)
    unit.accepted = lambda event_id, event: found.append(event)
    try:
        unit.pipeline.start()
        while not unit.pipeline.wait(0.1):
            pass
    finally:
        unit.close()
    assert unit.loop.counts["frames"] == 150 and unit.slots.dropped == {"gate": 0}
    assert unit.outbox.state.accepted == len(found) > 0

    again = Unit(load(root / "config.yaml", overrides(tmp_path / "again", first_seconds)), np.random.default_rng(0), threading.Event())
    try:
        frames = again.cameras["gate"].frames(threading.Event())
        alone = [event.vote.plate for event in in_one_thread(frames, again.loop.stages()) if event.type == "final"]
    finally:
        again.close()
    # threads see a verdict a few frames later, so they may read a crop more: finals agree, early ones need not
    assert Counter(alone) == Counter(event.vote.plate for event in found if event.type == "final")


@pytest.mark.parametrize("stage", ["detector", "enhancer", "reader", "judge"])
def test_an_exception_in_any_stage_ends_the_unit_with_its_reason(root: Path, first_seconds: Path, tmp_path: Path, stage: str) -> None:
    config = load(root / "config.yaml", overrides(tmp_path, first_seconds) | {"gate.enhance": "always"})
    unit = Unit(config, np.random.default_rng(0), threading.Event())

    class Broken:
        def __call__(self, *args: Any) -> Any:
            raise ArithmeticError("the field's bug")

        hear = close = __call__

    setattr(unit.loop, stage, Broken())
    unit.pipeline.start()
    began = time.monotonic()
    with pytest.raises(StageError, match="ArithmeticError: the field's bug"):
        while not unit.pipeline.wait(0.05):
            assert time.monotonic() - began < 60
    setattr(unit.loop, stage, Broken()) if stage != "judge" else setattr(unit.loop, "judge", loop_from(config).judge)
    ended = time.monotonic()
    unit.close()
    assert time.monotonic() - ended < 2


def run(root: Path, *arguments: str, timeout_s: float = 100) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge", "--config", "config.yaml", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=timeout_s)


def test_the_demo_prints_reads_as_they_are_published_and_a_summary(root: Path, first_seconds: Path) -> None:
    done = run(root, "--demo", "--source", str(first_seconds))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    finals = [line for line in done.stdout.splitlines() if " final " in line]
    assert finals and all(re.search(r"\d+\.\d%", line) for line in finals)
    assert re.search(r"150 frames in [\d.]+ s: [\d.]+ FPS, 0 dropped", done.stdout)
    assert "capture to publish" in done.stdout


def test_a_stop_is_quick_and_keeps_what_was_accepted(root: Path, clip: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    text = (root / "config.yaml").read_text()
    text = text.replace("models/", f"{root}/models/").replace("rtsp://192.0.2.10/stream1", str(clip)).replace("loop: false", "loop: true")
    config.write_text(text.replace("path: var/outbox.db", f"path: {tmp_path}/outbox.db").replace("port: 0 ", "port: 1 "))
    process = subprocess.Popen([sys.executable, "-m", "edge", "--config", str(config)], cwd=root, stderr=subprocess.PIPE, text=True)
    try:
        wal = tmp_path / "outbox.db-wal"  # the running unit lets nobody else look into its outbox
        assert _until(lambda: wal.exists() and wal.stat().st_size > 60_000, 60)
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        _, said = process.communicate(timeout=10)
        assert time.monotonic() - began < 2.5
        assert process.returncode == 0 and "Traceback" not in said
        assert _rows(tmp_path / "outbox.db") > 0
    finally:
        process.kill()


def test_check_config_says_good_or_what_is_wrong(root: Path, tmp_path: Path) -> None:
    assert run(root, "--check-config").returncode == 0
    bad = tmp_path / "bad.yaml"
    bad.write_text("device: {id: a}\ncameras: []\nnonsense: 1\n")
    done = subprocess.run([sys.executable, "-m", "edge", "--config", str(bad), "--check-config"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 1 and "line 3" in done.stdout and "Traceback" not in done.stderr


def test_a_corrupted_model_is_refused_with_a_message(root: Path, first_seconds: Path, tmp_path: Path) -> None:
    for name in ("reader.onnx", "reader.yaml"):
        (tmp_path / name).write_bytes((root / "models" / name).read_bytes())
    with (tmp_path / "reader.onnx").open("r+b") as file:
        file.seek(1000)
        file.write(b"\xff" * 8)
    config = tmp_path / "config.yaml"
    text = (
        (root / "config.yaml")
        .read_text()
        .replace("models/reader.yaml", str(tmp_path / "reader.yaml"))
        .replace("models/", f"{root}/models/")
    )
    config.write_text(text)
    command = [sys.executable, "-m", "edge", "--config", str(config), "--source", str(first_seconds)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "sha256" in done.stderr and "Traceback" not in done.stderr


def test_a_source_that_is_not_there_is_a_message(root: Path) -> None:
    done = run(root, "--source", "/nowhere/at/all.mp4")
    assert done.returncode == 1 and "no such file" in done.stderr and "Traceback" not in done.stderr


def _rows(path: Path) -> int:
    import sqlite3

    if not path.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1) as db:
            tables = [name for (name,) in db.execute("select name from sqlite_master where type = 'table'")]
            return sum(db.execute(f"select count(*) from {name}").fetchone()[0] for name in tables if name == "event")
    except sqlite3.Error:
        return 0


def _until(holds: Any, timeout_s: float) -> bool:
    end = time.monotonic() + timeout_s
    while not holds() and time.monotonic() < end:
        time.sleep(0.1)
    return bool(holds())


def test_published_json_names_the_models(root: Path) -> None:
    from edge.unit import models

    assert set(models(load(root / "config.yaml"))) == {"detector", "corners", "enhancer", "reader"}
    assert json.dumps(models(load(root / "config.yaml")))
    assert os.path.exists(root / "models/reader.yaml")
