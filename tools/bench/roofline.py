"""What a device could do at best: a model's products and bytes, and the milliseconds that neither peak nor memory lets it go below.

After Williams, Waterman & Patterson, "Roofline: An Insightful Visual Performance Model for Multicore Architectures" (2009), layer by
layer: each reads its input and weights and writes its output once, and the slower of arithmetic and memory decides. What a
compiler fuses across layers may go below it; nothing else does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

PRECISION_BYTES: Final = {"fp32": 4, "fp16": 2, "int8": 1}

OPS_A_CLOCK: Final[Mapping[str, Mapping[str, int]]] = {
    "sm_53": {"fp32": 256, "fp16": 512, "int8": 256},
    "sm_72": {"fp32": 128, "fp16": 1024, "int8": 2048},
    "sm_80": {"fp32": 128, "fp16": 2048, "int8": 4096},
    "sm_87": {"fp32": 256, "fp16": 2048, "int8": 4096},
    "sm_90": {"fp32": 256, "fp16": 4096, "int8": 8192},
    "sm_110": {"fp32": 256, "fp16": 8192, "int8": 16384},
}
"""Dense operations a clock of one multiprocessor, a product with its sum counting as two. fp32 without tensor cores, as our fp32 engines
run (TF32 is off). They follow from what NVIDIA publishes of each device: with its clock and multiprocessors they give half of its
sparse INT8 figure. Maxwell (sm_53) has no INT8 units: what is INT8 there runs as fp32."""


class Layer(Protocol):
    """What a weighted layer does: `calibration.work.Layer` is one."""

    @property
    def macs(self) -> int: ...

    @property
    def inputs(self) -> int: ...

    @property
    def weights(self) -> int: ...

    @property
    def outputs(self) -> int: ...


class DeviceError(ValueError):
    """A device that is not known."""


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU by its limits, at the clocks of its largest power mode."""

    name: str
    arch: str
    multiprocessors: int
    clock_ghz: float
    memory_gbs: float  # 10^9 bytes a second

    def peak_tops(self, precision: str) -> float:
        """Dense 10^12 operations a second."""
        return self.multiprocessors * OPS_A_CLOCK[self.arch][precision] * self.clock_ghz / 1000


DEVICES: Final = (
    Device("Jetson Nano", "sm_53", 1, 0.9216, 25.6),
    Device("Jetson Xavier NX", "sm_72", 6, 1.1, 59.7),
    Device("Jetson Orin Nano", "sm_87", 8, 0.625, 68.0),
    Device("Jetson Orin Nano Super", "sm_87", 8, 1.02, 102.0),
    Device("Jetson Orin NX", "sm_87", 8, 0.918, 102.4),
    Device("Jetson AGX Orin", "sm_87", 16, 1.3, 204.8),
    Device("Jetson AGX Thor", "sm_110", 20, 1.57, 273.0),
)
"""The largest module of each name (Orin Nano 8 GB, Orin NX 16 GB, AGX Orin 64 GB, T5000), GPU alone, without its DLAs."""


def named(name: str) -> Device:
    """A device by its name, in any case, with or without "Jetson". Raises DeviceError with the names there are."""
    wanted = name.lower().replace("-", " ").removeprefix("jetson ").strip()
    for device in DEVICES:
        if device.name.lower().removeprefix("jetson ") == wanted:
            return device
    raise DeviceError(f"--device {name!r:.60}: not known; expected one of {', '.join(device.name for device in DEVICES)}")


def of_board(model: str) -> Device | None:
    """The device of a board as its device tree calls it; the longest name that is in it. None where none is."""
    fitting = [device for device in DEVICES if device.name.lower() in model.lower()]
    return max(fitting, key=lambda device: len(device.name), default=None)


def of_gpu(told: Mapping[str, Any]) -> Device | None:
    """A GPU by what its driver says of it: name, arch, multiprocessors, clock_khz, memory_clock_khz, memory_bits; None where that is
    not enough."""
    memory_gbs = 2 * told["memory_clock_khz"] * told["memory_bits"] / 8 / 1e6
    if told["arch"] not in OPS_A_CLOCK or not memory_gbs or not told["clock_khz"]:
        return None
    return Device(told["name"], told["arch"], told["multiprocessors"], told["clock_khz"] / 1e6, memory_gbs)


def floor_ms(work: Sequence[Layer], device: Device, precision: str) -> float:
    """No run of these layers on this device is shorter."""
    width, peak = PRECISION_BYTES[precision], device.peak_tops(precision)
    return sum(
        max(2 * layer.macs / peak / 1e9, width * (layer.inputs + layer.weights + layer.outputs) / device.memory_gbs / 1e6) for layer in work
    )
