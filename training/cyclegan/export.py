"""Release a trained degradation: degradation.onnx, .safetensors, .yaml, and degradation-styles.npy, a bank of real plates' styles.

    python -m training.cyclegan.export --checkpoint runs/cyclegan/checkpoint.pt --data DATA/train --out models

The bank holds style vectors only, no picture. It is sorted: the first style leaves the most edges of a plate, the last one the fewest.
`release.write` knows graphs of one picture alone; this one has a style beside it, so it is exported and compared here.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
import yaml
from safetensors.torch import save_file

from alpr import contract
from alpr.imaging import ONE_LINE_PX, TWO_LINE_PX
from alpr.types import F32, U8
from training import release
from training.cyclegan import data
from training.cyclegan.network import Generator, Makers
from training.run import load

NAME = "degradation"
TOLERANCE = 1e-4
SIZES = (ONE_LINE_PX, TWO_LINE_PX, (48, 100))
"""Compared in torch and ONNX: both canvases, and a size that no training has seen."""
IMAGE = {"name": "image", "layout": "NCHW", "colour": "RGB", "range": [0, 1],
         "size_px": list(ONE_LINE_PX), "other_sizes_px": [list(TWO_LINE_PX)]}  # fmt: skip
TRAINED_ON = (
    release.RENDERED,
    "plates-sharp, plates-poor: unread crops of open-lpr (faisalthaheem/open-lpr-dataset-plate-detection), Apache-2.0; "
    "Open Images (unknowncz/LP_recognition), CC BY 4.0; RobertLucian/license-plate-dataset, MIT",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.cyclegan.export", description="Release a trained degradation.")
    parser.add_argument("--checkpoint", type=Path, required=True)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="folder of plates-poor, whose styles make the bank")
    source.add_argument("--dataroot", type=Path, help="folder of trainB, whose styles make the bank")
    parser.add_argument("--out", type=Path, default=Path("models"))
    parser.add_argument("--styles", type=int, default=200, help="most styles in the bank")
    parser.add_argument("--version", default="0.1.0")
    parser.add_argument("--measured", type=Path, help="JSON object of numbers that go into the contract")
    args = parser.parse_args()
    found = load(args.checkpoint)
    if found is None:
        raise SystemExit(f"{args.checkpoint}: no such file; train first: python -m training.cyclegan")
    makers = Makers(**found["network"])
    makers.load_state_dict(found["average"])
    poor = data.folder(args.dataroot / "trainB") if args.dataroot else data.labelled(args.data / "plates-poor")[0]
    rng = np.random.default_rng(0)
    chosen = [poor[i] for i in rng.permutation(len(poor))[: args.styles]]
    measured = json.loads(args.measured.read_text(encoding="utf-8")) if args.measured else {}
    path = write(makers.eval().to_poor, args.out, args.version, measured)
    np.save(args.out / f"{NAME}-styles.npy", bank(makers, chosen, data.rendered_plates(rng, 8)[0]))
    print(f"wrote {path} and {len(chosen)} styles beside it")


def write(generator: Generator, out: Path, version: str, measured: dict[str, Any]) -> Path:
    """Export, compare, and write three files → the contract's path. Raises ParityError before anything is written."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "draft.onnx"
        export_onnx(generator, draft)
        apart = parity(generator, draft, SIZES)
        shutil.copyfile(draft, out / f"{NAME}.onnx")
    weights = {name: value.contiguous() for name, value in generator.state_dict().items()}
    save_file(weights, out / f"{NAME}.safetensors")
    parameters = sum(value.numel() for value in weights.values())
    fields = {
        "name": f"kerbside-{NAME}",
        "kind": NAME,
        "version": version,
        "file": f"{NAME}.onnx",
        "sha256": contract.sha256_of(out / f"{NAME}.onnx"),
        "licence": "Apache-2.0",
        "input": IMAGE,
        "style": {"name": "style", "layout": "NS", "size": style_size(generator), "bank": f"{NAME}-styles.npy"},
        "outputs": ["poor"],
        "trained_on": list(TRAINED_ON),
        "measured": {"parameters": parameters, "torch_onnx_apart": float(f"{apart:.2g}"), **measured},
    }
    path = out / f"{NAME}.yaml"
    path.write_text(yaml.safe_dump(fields, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def export_onnx(generator: Generator, path: Path) -> None:
    """One graph from `image` (n, 3, h, w) and `style` (n, s) to `poor`, for any batch and any sides that are multiples of 4."""
    any_size = {0: "n", 2: "h", 3: "w"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter is deprecated, and still writes the plainer graph
        torch.onnx.export(
            generator.eval(),
            (torch.rand(2, 3, *ONE_LINE_PX), torch.randn(2, style_size(generator))),
            str(path),
            opset_version=release.OPSET,
            dynamo=False,
            input_names=["image", "style"],
            output_names=["poor"],
            dynamic_axes={"image": any_size, "style": {0: "n"}, "poor": any_size},
        )


@torch.no_grad()
def parity(generator: Generator, path: Path, sizes: Sequence[tuple[int, int]]) -> float:
    """The largest difference between torch and onnxruntime on random pictures and styles, at every size, single and in a batch."""
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rng, apart = np.random.default_rng(0), 0.0
    for height, width in sizes:
        for n in (1, 3):
            image = rng.random((n, 3, height, width), np.float32)
            style = rng.standard_normal((n, style_size(generator)), np.float32)
            ours = generator(torch.from_numpy(image), torch.from_numpy(style)).numpy()
            apart = max(apart, float(np.abs(ours - session.run(None, {"image": image, "style": style})[0]).max()))
    if apart > TOLERANCE:
        raise release.ParityError(f"torch and onnxruntime differ by {apart:.2g}, expected at most {TOLERANCE:g}")
    return apart


@torch.no_grad()
def bank(makers: Makers, poor: Sequence[U8], probes: Sequence[U8]) -> F32:
    """Styles (n, s) float32 of real poor plates, sorted by how much of the probes' edges they leave, the mildest first."""
    styles = torch.cat([makers.style(data.tensor(bgr, data.canvas_of(bgr))[None]) for bgr in poor])
    seen = torch.stack([data.tensor(bgr, ONE_LINE_PX) for bgr in probes])
    left = [float(makers.to_poor(seen, style.expand(len(seen), -1)).diff(dim=3).abs().mean()) for style in styles]
    sorted_styles: F32 = styles.numpy()[np.argsort(left)[::-1]]
    return np.ascontiguousarray(sorted_styles)


def style_size(generator: Generator) -> int:
    """How many numbers a style has."""
    return int(generator.mix[0].in_features)  # type: ignore[index,union-attr]


if __name__ == "__main__":
    main()
