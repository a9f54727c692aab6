"""Write a trained detector for release: detector.onnx, detector.safetensors to fine-tune from, and their contract, detector.yaml.

    python -m training.detector.export --checkpoint runs/detector/checkpoint.pt --out models [--measured numbers.json]

Nothing is written unless torch and onnxruntime agree on the exported graph.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import save_file

from alpr import contract
from training.detector.evaluation import LONGEST_PX, MULTIPLE_PX, onnx_model, torch_model
from training.detector.network import Deployed, Detector, absorbed, cost
from training.release import measured_of, parser
from training.run import load

OPSET = 17
OUTPUTS = ("scores", "boxes", "quads")
PARITY_SIZES_PX = ((384, 640), (640, 480), (192, 640), (64, 64))
SCORE_TOLERANCE, PIXEL_TOLERANCE = 1e-4, 0.05
TRAINED_ON = (
    "open-lpr (faisalthaheem/open-lpr-dataset-plate-detection), Apache-2.0",
    "ro-dashcam (RobertLucian/license-plate-dataset), MIT",
    "openimages (Open Images, selection of unknowncz/LP_recognition), CC BY 4.0",
    "plates rendered by training/synth, this project, Apache-2.0",
)


def main() -> None:
    args = parser("detector", "Release a trained detector.").parse_args()
    found = load(args.checkpoint)
    if found is None:
        raise SystemExit(f"{args.checkpoint}: not there; train first: python -m training.detector --data … --out {args.checkpoint.parent}")
    detector = Detector(**found["network"]).eval()
    detector.load_state_dict(found["average"])
    measured = {"pictures_trained": found["seen"], **measured_of(args.measured)}
    print(f"wrote {release(detector, args.out, args.version, measured)}")


def release(detector: Detector, out: Path, version: str, measured: Mapping[str, Any]) -> Path:
    """Write the three files and return the contract's path. Raises ValueError, and writes nothing, where torch and ONNX disagree."""
    detector = detector.eval().to(memory_format=torch.contiguous_format)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "detector.onnx"
        export_onnx(detector, draft)
        apart = parity(detector, draft)
        out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(draft, out / "detector.onnx")
    save_file({name: value.contiguous() for name, value in detector.state_dict().items()}, out / "detector.safetensors")
    macs, parameters = cost(detector, (384, 640))
    numbers = {"gmac_640x384": round(macs / 1e9, 3), "parameters": parameters, "torch_onnx_apart": apart, **measured}
    path = out / "detector.yaml"
    path.write_text(yaml.safe_dump(fields(out / "detector.onnx", version, numbers), sort_keys=False, allow_unicode=True), encoding="utf-8")
    contract.load(path)
    return path


def export_onnx(detector: Detector, path: Path, size_px: tuple[int, int] | None = None, batch: int = 1) -> None:
    """The graph from image to scores, boxes and quads; any (h, w) in multiples of 32, or only `size_px` where it is given."""
    dynamic = {"image": {0: "n", 2: "h", 3: "w"}, **{name: {0: "n", 1: "p"} for name in OUTPUTS}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter is deprecated, and still writes the plainer graph
        torch.onnx.export(
            Deployed(absorbed(detector)).eval(),
            (torch.zeros(batch, 3, *(size_px or (384, 640))),),
            str(path),
            opset_version=OPSET,
            dynamo=False,
            input_names=["image"],
            output_names=list(OUTPUTS),
            dynamic_axes=None if size_px else dynamic,
        )


def parity(detector: Detector, path: Path) -> dict[str, float]:
    """The largest difference between torch and onnxruntime, in score and in pixels. Raises ValueError where it is too large."""
    rng, torch_run, onnx_run = np.random.default_rng(0), torch_model(detector), onnx_model(path)
    score = pixels = 0.0
    for height, width in PARITY_SIZES_PX:
        image = rng.random((1, 3, height, width), np.float32)
        differences = [float(np.abs(a - b).max()) for a, b in zip(torch_run(image), onnx_run(image), strict=True)]
        score, pixels = max(score, differences[0]), max(pixels, *differences[1:])
    if score > SCORE_TOLERANCE or pixels > PIXEL_TOLERANCE:
        raise ValueError(
            f"torch and onnxruntime differ by {score:.2g} in score and {pixels:.2g} px, "
            f"expected at most {SCORE_TOLERANCE:g} and {PIXEL_TOLERANCE:g}: the export is not to be trusted"
        )
    return {"score": float(f"{score:.2g}"), "px": float(f"{pixels:.2g}")}


def fields(onnx: Path, version: str, measured: Mapping[str, Any]) -> dict[str, Any]:
    """What the contract says."""
    return {
        "name": "kerbside-detector",
        "kind": "detection",
        "version": version,
        "file": onnx.name,
        "sha256": contract.sha256_of(onnx),
        "licence": "Apache-2.0",
        "input": {
            "name": "image",
            "layout": "NCHW",
            "colour": "RGB",
            "range": [0, 1],
            "size_px": [LONGEST_PX, LONGEST_PX],
            "multiple_px": MULTIPLE_PX,
        },
        "outputs": list(OUTPUTS),
        "trained_on": list(TRAINED_ON),
        "measured": dict(measured),
    }


if __name__ == "__main__":
    main()
