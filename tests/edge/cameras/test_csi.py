from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.cameras import CameraError, CameraSpec, capture_command, csi, open_camera

TAIL = "queue leaky=downstream max-size-buffers=1 max-size-bytes=0 max-size-time=0"


def test_pipeline() -> None:
    assert csi.pipeline(CameraSpec("gate", "csi://1")) == (
        "nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM),width=1920,height=1080,framerate=30/1 ! "
        f"{TAIL} ! nvvidconv ! video/x-raw,format=I420 ! gdppay ! fdsink fd=1 sync=false"
    )


def test_pipeline_with_a_size_and_a_rate() -> None:
    text = csi.pipeline(CameraSpec("gate", "csi://0", width=1280, height=720, fps=60))
    assert text.startswith("nvarguscamerasrc sensor-id=0 ! video/x-raw(memory:NVMM),width=1280,height=720,framerate=60/1 ! ")


@pytest.mark.parametrize("source", ["csi://", "csi://left", "csi://-1", "csi://0/1"])
def test_what_names_no_sensor_is_refused(source: str) -> None:
    with pytest.raises(CameraError, match="expected csi://0"):
        csi.sensor(source)


def test_only_a_jetson_has_it(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="needs a Jetson"):
        open_camera(CameraSpec("gate", "csi://0"), np.random.default_rng(0), root=tmp_path)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/nv_tegra_release").write_text("# R36 (release), REVISION: 4.0\n")
    assert capture_command(CameraSpec("gate", "csi://0"), tmp_path).argv[:3] == ("gst-launch-1.0", "-q", "nvarguscamerasrc")
