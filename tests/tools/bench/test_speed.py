"""The bench of speed: every way of an engine in one run, the GPU's own times, what a board draws."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.config import load
from edge.engines import EngineError
from edge.engines.tensorrt import bindings
from edge.engines.tensorrt.gpu import Gpu
from tests.edge.engines.tensorrt.cuda_standin import Graphs, standin_gpu
from tests.edge.engines.tensorrt.trt_standin import Trt
from tools.bench import ways
from tools.bench.__main__ import main
from tools.bench.power import EVERY_S, Meter
from tools.bench.ways import Way
from tools.build_engines.__main__ import main as build_engines

ROOT = Path(__file__).parents[3]


def test_speed_is_measured_on_the_clip_and_kept_as_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = tmp_path / "speed.csv"
    arguments = ["speed", "--seconds", "2", "--csv", str(rows), "--config", str(ROOT / "config.yaml"), "--device", "orin nx"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "FPS" in said and "at best on Jetson Orin NX" in said
    (row,) = csv.DictReader(rows.open())
    assert float(row["fps"]) > 0 and int(row["drops"]) == 0 and float(row["stages_ms.detect.p95"]) > 0


def test_an_unknown_device_is_refused_before_anything_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["speed", "--device", "abacus", "--config", str(ROOT / "config.yaml")]) == 1
    assert "'abacus': not known; expected one of Jetson Nano" in capsys.readouterr().err


def test_the_processor_runs_every_way_in_one_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    numbers, rows = tmp_path / "ways.json", tmp_path / "ways.csv"
    arguments = ["speed", "--side-by-side", "--rounds", "1", "--seconds", "1", "--config", str(ROOT / "config.yaml")]
    assert main([*arguments, "--json", str(numbers), "--csv", str(rows)]) == 0
    found = json.loads(numbers.read_text())
    assert [run["way"] for run in found["ways"]] == ["fp32, sync", "fp32, async", "int8, sync", "int8, async"]
    assert all(run["fps"] > 0 and run["stages_ms"]["detect"]["p50"] > 0 for run in found["ways"])
    assert [run["engine"].count("INT8") for run in found["ways"]] == [0, 0, 1, 1]
    assert found["models"]["detector"]["gmac"] == pytest.approx(0.367, abs=0.001)
    assert len(list(csv.DictReader(rows.open()))) == 4 and "times" in capsys.readouterr().out


def test_a_gpu_is_timed_by_its_own_events(
    kernels: Path, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hurried: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Engines that are onnxruntime itself, on a device that is this machine."""
    fields = yaml.safe_load(config.read_text())
    fields["tensorrt"]["canvases_px"], fields["engine"] = [[384, 640]], "tensorrt"
    config.write_text(yaml.safe_dump(fields))
    monkeypatch.setattr(bindings, "tensorrt", Trt)
    monkeypatch.setattr(Gpu, "open", lambda kernels_=None, graphs=True: standin_gpu(kernels, graphs=Graphs() if graphs else None))
    assert build_engines(["--config", str(config), "--precision", "fp16"]) == 0
    numbers = tmp_path / "ways.json"
    arguments = ["speed", "--side-by-side", "--rounds", "1", "--seconds", "1", "--config", str(config), "--json", str(numbers)]
    assert main([*arguments, "--device", "Orin NX"]) == 0
    said, found = capsys.readouterr().out, json.loads(numbers.read_text())
    assert said.count("left out: ") == 8 and "fp32, async, graphs: left out" in said
    assert [run["way"] for run in found["ways"]] == [
        f"fp16, {mode}, {how}" for mode in ("sync", "async") for how in ("plain launches", "graphs")
    ]
    for run in found["ways"]:
        assert run["gpu"]["multiprocessors"] == 8 and 0 < run["gpu_busy"] <= 1
        assert run["gpu_ms"]["kerbside-detector"]["p50"] > 0 and run["detector_times_floor"] > 1


def test_ways_take_turns_and_the_median_counts() -> None:
    order: list[str] = []
    speeds = {"a": iter((10.0, 90.0, 30.0)), "b": iter((20.0, 20.0, 20.0))}

    def measure(way: Way) -> dict[str, Any]:
        order.append(way.precision)
        return {"fps": next(speeds[way.precision]), "stages_ms": {}}

    found = list(ways.side_by_side([Way("a"), Way("b")], measure, 3, lambda line: None))
    assert order == ["a", "b"] * 3
    assert [(way.precision, run["fps"]) for way, run in found] == [("a", 30.0), ("b", 20.0)]
    assert "   30.0   1.00" in ways.table(found) and "   20.0   0.67" in ways.table(found)


def test_a_way_that_cannot_run_leaves_the_others() -> None:
    def measure(way: Way) -> dict[str, Any]:
        if way.precision == "int8":
            raise EngineError("no engine for it")
        return {"fps": 1.0, "stages_ms": {}}

    said: list[str] = []
    found = list(ways.side_by_side([Way("fp16"), Way("int8")], measure, 2, said.append))
    assert [way.precision for way, _ in found] == ["fp16"]
    assert "int8, async: left out: no engine for it" in said


def test_every_engine_has_its_ways() -> None:
    config = load(ROOT / "config.yaml", {"engine": "tensorrt"})
    assert len(ways.all_of(config)) == 12
    assert Way("int8", graphs=False).overrides("tensorrt") == {"tensorrt.precision": "int8", "tensorrt.graphs": False}
    assert Way().overrides("onnx") == {} and Way().overrides("tensorrt") == {"tensorrt.precision": "auto"}


def test_power_is_the_mean_of_what_the_module_draws(tmp_path: Path) -> None:
    chip = tmp_path / "sys/class/hwmon/hwmon0"
    chip.mkdir(parents=True)
    for name, text in (("in1_label", "VDD_IN"), ("in1_input", "5000"), ("curr1_input", "2000")):
        (chip / name).write_text(text)
    meter = Meter(tmp_path)
    with meter.running():
        (chip / "curr1_input").write_text("4000")
        time.sleep(6 * EVERY_S)
    assert meter.watts is not None and 15 < meter.watts < 20
    assert Meter(tmp_path / "nothing").watts is None


def test_a_machine_without_sensors_starts_no_thread(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    with meter.running():
        time.sleep(2 * EVERY_S)
    assert meter.watts is None
