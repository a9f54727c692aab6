"""Export trained weights to ONNX: nothing is written unless torch and onnxruntime agree.

python -m tools.export_onnx --model-type sr|detection|corners|ocr|degradation --weights checkpoint.pt|x.safetensors --output x.onnx
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

MODEL_TYPES = ("sr", "detection", "corners", "ocr", "degradation")


def main(arguments: list[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    if not args.weights.is_file():
        print(f"{args.weights}: no such file; expected a training's checkpoint.pt or a release's .safetensors", file=sys.stderr)
        return 1
    try:
        apart = export(args.model_type, args.weights, args.output)
    except (ValueError, KeyError, RuntimeError) as error:  # torch raises RuntimeError for weights of another network
        print(f"{args.weights}: cannot be exported as {args.model_type}: {error}", file=sys.stderr)
        return 1
    print(f"wrote {args.output} ({args.output.stat().st_size / 1e6:.1f} MB); torch and onnxruntime differ by {apart}")
    return 0


def export(model_type: str, weights: Path, output: Path) -> str:
    """Write the graph whole or not at all → how far torch and onnxruntime are apart. Raises ValueError where they are too far."""
    write = {"sr": _sr, "detection": _detection, "corners": _corners, "ocr": _ocr, "degradation": _degradation}[model_type]
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        draft = Path(folder) / "draft.onnx"
        apart = write(_weights(weights), draft)
        draft.replace(output)
    return apart


def _weights(path: Path) -> dict[str, Any]:
    """The averaged weights of a checkpoint, or those of a release."""
    import torch
    from safetensors.torch import load_file

    if path.suffix == ".safetensors":
        return load_file(path)
    found = torch.load(path, map_location="cpu", weights_only=True)
    if "average" not in found:
        raise ValueError("holds no averaged weights; expected the checkpoint.pt of one of this project's trainings")
    average: dict[str, Any] = found["average"]
    return average


def _plain(module: Any, draft: Path, outputs: tuple[str, ...], sizes: tuple[tuple[int, int], ...], tolerance: float) -> str:
    from training import release

    release.export_onnx(module, draft, outputs, sizes[0], len(sizes) > 1)
    return f"{release.parity(module, draft, sizes, tolerance):.2g}"


def _sr(weights: dict[str, Any], draft: Path) -> str:
    from alpr.imaging import ONE_LINE_PX, TWO_LINE_PX
    from training.lpsr.network import from_weights

    return _plain(from_weights(weights), draft, ("enhanced",), (ONE_LINE_PX, TWO_LINE_PX), 1e-4)


def _ocr(weights: dict[str, Any], draft: Path) -> str:
    from training.ocr.checkpoint import from_weights
    from training.ocr.network import ReaderForExport

    return _plain(ReaderForExport(from_weights(weights)), draft, ("probabilities", "two_lines"), ((64, 128),), 1e-3)


def _detection(weights: dict[str, Any], draft: Path) -> str:
    from training.detector.export import export_onnx, parity
    from training.detector.network import from_weights

    detector = from_weights(weights)
    export_onnx(detector, draft)
    apart = parity(detector, draft)
    return f"{apart['score']:g} in score, {apart['px']:g} px"


def _corners(weights: dict[str, Any], draft: Path) -> str:
    from training.corners.network import SIZE_PX, CornerNet

    net = CornerNet()
    net.load_state_dict(weights)
    return _plain(net.eval(), draft, ("corners",), (SIZE_PX,), 1e-4)


def _degradation(weights: dict[str, Any], draft: Path) -> str:
    from training.cyclegan.export import SIZES, export_onnx, parity
    from training.cyclegan.network import Generator

    mine = {name.removeprefix("to_poor."): value for name, value in weights.items() if name.startswith("to_poor.")} or weights
    generator = Generator(mine["enter.1.weight"].shape[0], mine["mix.0.weight"].shape[1])
    generator.load_state_dict(mine)
    export_onnx(generator.eval(), draft)
    return f"{parity(generator, draft, SIZES):.2g}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.export_onnx", description="Export trained weights to ONNX.")
    parser.add_argument("--model-type", choices=MODEL_TYPES, required=True)
    parser.add_argument("--weights", type=Path, required=True, help="checkpoint.pt of a training, or a release's .safetensors")
    parser.add_argument("--output", type=Path, required=True)
    return parser


if __name__ == "__main__":
    sys.exit(main())
