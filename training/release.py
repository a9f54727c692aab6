"""Write a trained model for release: ONNX, safetensors to fine-tune from, and the contract; nothing unless torch and ONNX agree."""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
import yaml
from safetensors.torch import save_file
from torch import nn

from alpr import contract

OPSET = 17
RENDERED = "plates rendered by training/synth (this project), Apache-2.0"


class ParityError(ValueError):
    """torch and onnxruntime do not agree on a graph: it is not to be trusted."""


@dataclass(frozen=True, slots=True)
class Release:
    """What a contract says besides what can be computed."""

    name: str  # the files' stem too
    kind: str
    version: str
    outputs: tuple[str, ...]
    size_px: tuple[int, int]
    trained_on: tuple[str, ...]
    tolerance: float  # the largest difference between torch and ONNX, in the outputs' unit
    other_sizes_px: tuple[tuple[int, int], ...] = ()
    alphabet: str = ""


def parser(part: str, what: str) -> argparse.ArgumentParser:
    """The options that every `training.<part>.export` has; `measured_of` reads the last."""
    found = argparse.ArgumentParser(prog=f"python -m training.{part}.export", description=what)
    found.add_argument("--checkpoint", type=Path, required=True)
    found.add_argument("--out", type=Path, default=Path("models"))
    found.add_argument("--version", default="0.1.0")
    found.add_argument("--measured", type=Path, help="JSON object of numbers that go into the contract")
    return found


def measured_of(path: Path | None) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path else {}


def write(module: nn.Module, weights: Mapping[str, torch.Tensor], release: Release, out: Path, measured: Mapping[str, Any]) -> Path:
    """Export `module` (what the contract promises), check it, and write three files → the contract's path. Raises ParityError."""
    sizes = (release.size_px, *release.other_sizes_px)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "draft.onnx"
        export_onnx(module, draft, release.outputs, release.size_px, bool(release.other_sizes_px))
        apart = parity(module, draft, sizes, release.tolerance)
        out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(draft, out / f"{release.name}.onnx")
    save_file({name: value.contiguous() for name, value in weights.items()}, out / f"{release.name}.safetensors")
    parameters = sum(value.numel() for value in module.parameters())
    path = out / f"{release.name}.yaml"
    fields = _fields(
        release, out / f"{release.name}.onnx", {"parameters": parameters, "torch_onnx_apart": float(f"{apart:.2g}"), **measured}
    )
    path.write_text(yaml.safe_dump(fields, sort_keys=False, allow_unicode=True), encoding="utf-8")
    contract.load(path)
    return path


def export_onnx(module: nn.Module, path: Path, outputs: Sequence[str], size_px: tuple[int, int], any_size: bool) -> None:
    """One graph from `image` to `outputs`, for any batch, and for any height and width where `any_size`."""
    axes: dict[str, dict[int, str]] = {"image": {0: "n"} | ({2: "h", 3: "w"} if any_size else {}), **{name: {0: "n"} for name in outputs}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter is deprecated, and still writes the plainer graph
        torch.onnx.export(
            module.eval(),
            (torch.rand(2, 3, *size_px),),
            str(path),
            opset_version=OPSET,
            dynamo=False,
            input_names=["image"],
            output_names=list(outputs),
            dynamic_axes=axes,
        )


@torch.no_grad()
def parity(module: nn.Module, path: Path, sizes: Sequence[tuple[int, int]], tolerance: float) -> float:
    """The largest difference between torch and onnxruntime on random pictures, at every size, single and in a batch."""
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rng, apart = np.random.default_rng(0), 0.0
    for size in sizes:
        for n in (1, 3):
            image = rng.random((n, 3, *size), np.float32)
            ours = module(torch.from_numpy(image))
            ours = ours if isinstance(ours, tuple) else (ours,)
            theirs = session.run(None, {"image": image})
            apart = max(apart, *(float(np.abs(a.numpy() - b).max()) for a, b in zip(ours, theirs, strict=True)))
    if apart > tolerance:
        raise ParityError(f"torch and onnxruntime differ by {apart:.2g}, expected at most {tolerance:g}: the export is not to be trusted")
    return apart


def _fields(release: Release, onnx: Path, measured: Mapping[str, Any]) -> dict[str, Any]:
    model_input: dict[str, Any] = {"name": "image", "layout": "NCHW", "colour": "RGB", "range": [0, 1], "size_px": list(release.size_px)}
    if release.other_sizes_px:
        model_input["other_sizes_px"] = [list(size) for size in release.other_sizes_px]
    return {
        "name": f"kerbside-{release.name}",
        "kind": release.kind,
        "version": release.version,
        "file": onnx.name,
        "sha256": contract.sha256_of(onnx),
        "licence": "Apache-2.0",
        "input": model_input,
        "outputs": list(release.outputs),
        **({"alphabet": release.alphabet} if release.alphabet else {}),
        "trained_on": list(release.trained_on),
        "measured": dict(measured),
    }
