"""The roofline against known answers: layers of known size, devices of known peaks."""

from __future__ import annotations

import pytest

from calibration.work import Layer
from tools.bench import roofline
from tools.bench.roofline import Device, DeviceError

ROUND = Device("round numbers", "sm_87", 1, 1.0, 100.0)


def test_arithmetic_bounds_a_layer_of_many_products_and_memory_one_of_many_bytes() -> None:
    """2048 fp16 operations a clock at 1 GHz, 100 GB/s."""
    busy, wide = Layer("busy", 1_024_000_000, 10, 10, 10), Layer("wide", 10, 25_000_000, 0, 25_000_000)
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
