"""The models of a unit as the bench tells them: how large, how much work, and how far above what the device could do at best."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from alpr import contract as contracts
from alpr.contract import Contract
from alpr.imaging import detector_canvas
from edge.config import Config
from edge.engines.onnx import chosen
from tools.bench import roofline
from tools.bench.roofline import PRECISION_BYTES, Device

BOARD: Final = Path("/proc/device-tree/model")
FRAME_PX: Final = (720, 1280)
"""What a detector's work is told for; other frames have another canvas."""


def described(config: Config, device: Device | None) -> dict[str, dict[str, Any]]:
    """Stage → name, megabytes, GMACs of one picture, and with a device the milliseconds that it cannot go below, by precision.

    Nothing where onnx is not installed, as on a unit: products are counted on its graph. Raises ContractError for a model that cannot
    be trusted.
    """
    if find_spec("onnx") is None:
        return {}
    import onnx

    from calibration.work import gmacs, layers

    found = {}
    for stage in ("detector", "enhancer", "reader"):
        contract = contracts.load(getattr(config, stage).model)
        size = _size(config, contract) if stage == "detector" else contract.input.size_px
        work = layers(onnx.load(str(contract.path)), (1, 3, *size))
        found[stage] = {
            "name": f"{contract.name} {contract.version}",
            "input": "x".join(map(str, size)),
            "file_mb": round(_file(config, stage, contract).stat().st_size / 1e6, 2),
            "gmac": round(gmacs(work), 4),
        }
        if device is not None:
            found[stage] |= {f"floor_{each}_ms": round(roofline.floor_ms(work, device, each), 4) for each in PRECISION_BYTES}
    return found


def device_of(gpu: Mapping[str, Any] | None) -> Device | None:
    """The device that a unit ran on (`gpu` of its report): by its board, otherwise by what its driver says. None on a processor."""
    if gpu is None:
        return None
    board = roofline.of_board(BOARD.read_text(errors="replace")) if BOARD.exists() else None
    return board or roofline.of_gpu(gpu)


def table(found: Mapping[str, Mapping[str, Any]], device: Device | None) -> str:
    """For a person."""
    if not found:
        return "the models' work is not told: onnx is not installed (make env)"
    floors = [f"floor_{each}_ms" for each in PRECISION_BYTES] if device else []
    told = f"   at best on {device.name}, ms: {', '.join(PRECISION_BYTES)}" if device else ""
    lines = [f"{'':10}{'input':>10}{'MB':>8}{'GMAC':>8}{told}"]
    for stage, each in found.items():
        best = "".join(f"{each[floor]:9.3f}" for floor in floors)
        lines.append(f"{stage:10}{each['input']:>10}{each['file_mb']:8.2f}{each['gmac']:8.3f}   {best}")
    return "\n".join(lines)


def above(described: Mapping[str, Mapping[str, Any]], precision: str, found: Mapping[str, Any]) -> dict[str, float]:
    """How many times its floor a detector's median run on the GPU takes, kernels before and after it included.

    Batches differ from run to run in the other stages, so that theirs has no one floor.
    """
    if not described:
        return {}
    floor_ms = described["detector"].get(f"floor_{precision}_ms")
    name = described["detector"]["name"].split()[0]
    took = found.get("gpu_ms", {}).get(name)
    return {"detector_times_floor": round(took["p50"] / floor_ms, 1)} if floor_ms and took else {}


def _size(config: Config, contract: Contract) -> tuple[int, int]:
    longest_px = config.detector.longest_px or max(contract.input.size_px)
    return detector_canvas(*FRAME_PX, longest_px, contract.input.multiple_px)


def _file(config: Config, stage: str, contract: Contract) -> Path:
    """What is loaded on a processor; what an engine is built from elsewhere."""
    return chosen(contract, getattr(config, stage).precision).path if config.engine == "onnx" else contract.path
