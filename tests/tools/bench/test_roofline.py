"""The roofline against known answers: layers of known size, devices of known peaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tools.bench import roofline
from tools.bench.roofline import Device, DeviceError, Layer

ROOT = Path(__file__).parents[3]
ROUND = Device("round numbers", "sm_87", 1, 1.0, 100.0)


def network(path: Path, nodes: list[onnx.NodeProto], weights: dict[str, tuple[int, ...]], sides: list[int | str]) -> Path:
    """A network of these layers from x to y."""
    constants = [numpy_helper.from_array(np.ones(shape, np.float32), name) for name, shape in weights.items()]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes) for name, sizes in (("x", sides), ("y", None))]
    graph = helper.make_graph(nodes, "layers", ends[:1], ends[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


def test_a_convolution_is_counted(tmp_path: Path) -> None:
    """8 outputs of 3x3x4 products at each of 10x6 places, twice for a batch of two."""
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1], strides=[2, 2])
    path = network(tmp_path / "conv.onnx", [node], {"w": (8, 4, 3, 3)}, ["n", 4, "h", "w"])
    assert roofline.layers(path, (2, 4, 20, 12)) == [Layer(2 * 8 * 36 * 60, 2 * 4 * 240, 8 * 36, 2 * 8 * 60)]


def test_an_enlarging_convolution_is_counted_by_its_input(tmp_path: Path) -> None:
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2])
    path = network(tmp_path / "up.onnx", [node], {"w": (4, 8, 2, 2)}, ["n", 4, "h", "w"])
    assert roofline.layers(path, (1, 4, 5, 6)) == [Layer(4 * 30 * 8 * 4, 120, 128, 8 * 120)]


def test_products_of_activations_are_counted(tmp_path: Path) -> None:
    """As in attention: sizes that no shape in the file tells."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 1, 3, 2]),
        helper.make_node("MatMul", ["x", "t"], ["y"]),
    ]
    path = network(tmp_path / "attention.onnx", nodes, {}, ["n", 2, "h", "w"])
    assert roofline.layers(path, (1, 2, 5, 7)) == [Layer(2 * 5 * 5 * 7, 70, 70, 50)]


@pytest.mark.parametrize(
    ("model", "shape", "gmac"), [("detector", (1, 3, 384, 640), 0.367), ("lpsr", (1, 3, 32, 192), 0.101), ("lpsr", (1, 3, 96, 64), 0.101)]
)
def test_released_models_have_the_work_that_their_card_says(model: str, shape: tuple[int, ...], gmac: float) -> None:
    assert roofline.gmacs(roofline.layers(ROOT / f"models/{model}.onnx", shape)) == pytest.approx(gmac, abs=0.0006)


def test_arithmetic_bounds_a_layer_of_many_products_and_memory_one_of_many_bytes() -> None:
    """2048 fp16 operations a clock at 1 GHz, 100 GB/s."""
    busy, wide = Layer(1_024_000_000, 10, 10, 10), Layer(10, 25_000_000, 0, 25_000_000)
    assert roofline.floor_ms([busy], ROUND, "fp16") == pytest.approx(1.0)
    assert roofline.floor_ms([busy], ROUND, "int8") == pytest.approx(0.5)
    assert roofline.floor_ms([wide], ROUND, "fp16") == pytest.approx(1.0)
    assert roofline.floor_ms([busy, wide], ROUND, "fp16") == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("name", "precision", "tops"),
    [
        ("Jetson Nano", "fp16", 0.472),
        ("Jetson Orin Nano", "int8", 40 / 2),
        ("Jetson Orin Nano Super", "int8", 67 / 2),
        ("Jetson Orin NX", "int8", 60 / 2),
        ("Jetson AGX Orin", "int8", 170 / 2),
        ("Jetson AGX Thor", "fp16", 2070 / 8),
    ],
)
def test_peaks_are_those_that_are_published(name: str, precision: str, tops: float) -> None:
    """Half of the sparse figure, and for Thor an eighth of its sparse FP4."""
    assert roofline.named(name).peak_tops(precision) == pytest.approx(tops, rel=0.03)


def test_a_device_is_found_by_any_of_its_names() -> None:
    assert roofline.named("orin-nx").name == "Jetson Orin NX"
    assert roofline.of_board("NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super\0") == roofline.named("Orin Nano")
    assert roofline.of_board("Raspberry Pi 5") is None
    with pytest.raises(DeviceError, match="'tx2': not known; expected one of Jetson Nano"):
        roofline.named("tx2")


def test_a_gpu_is_known_by_its_driver_or_not_at_all() -> None:
    told = {"name": "NVIDIA H100", "arch": "sm_90", "multiprocessors": 132, "clock_khz": 1_830_000}
    known = roofline.of_gpu(told | {"memory_clock_khz": 2_619_000, "memory_bits": 5120})
    assert (
        known is not None and known.peak_tops("fp16") == pytest.approx(989, rel=0.01) and known.memory_gbs == pytest.approx(3352, rel=0.01)
    )
    assert roofline.of_gpu(told | {"memory_clock_khz": 0, "memory_bits": 0}) is None
    assert roofline.of_gpu(told | {"arch": "sm_61", "memory_clock_khz": 1, "memory_bits": 64}) is None
