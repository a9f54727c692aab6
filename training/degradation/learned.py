"""The learned step of the hybrid recipe: the CycleGAN's way from sharp to poor, in the style of a real poor plate.

numpy, cv2 and onnxruntime, no torch: calibration uses it too. The network and its training are in training/cyclegan.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
import yaml

from alpr import contract
from alpr.imaging import enhancer_canvas, picture_from_tensor, tensor
from alpr.types import F32, U8

Rng = np.random.Generator


class LearnedDegradation:
    """A plate BGR uint8 of any size → the same plate, poor, at the same size; the same style gives the same bytes.

    `model_path`: degradation.onnx with its contract beside it. `styles` (n, s) float32, the mildest first: an array or an .npy file.
    Raises ContractError for a model that its contract does not speak of, ValueError for styles that are not the model's.
    """

    def __init__(self, model_path: str | Path, styles: F32 | str | Path) -> None:
        model_path = Path(model_path)
        check_hash(model_path)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(str(model_path), options, providers=["CPUExecutionProvider"])
        self.styles = np.asarray(np.load(styles) if isinstance(styles, str | Path) else styles, np.float32)
        wanted = next(entry.shape[1] for entry in self.session.get_inputs() if entry.name == "style")
        if self.styles.ndim != 2 or not len(self.styles) or self.styles.shape[1] != wanted:
            raise ValueError(f"styles are {self.styles.shape}, expected (n, {wanted}), as exported with {model_path.name}")

    def draw(self, rng: Rng, severity: float = 1.0) -> F32:
        """A style (s,): one of the mildest that make up the share `severity` of the bank, 0..1."""
        most = int(np.clip(round(severity * len(self.styles)), 1, len(self.styles)))
        style: F32 = self.styles[int(rng.integers(most))]
        return style

    def __call__(self, bgr: U8, style: F32 | Rng) -> U8:
        """Spoil a plate in a style (s,), or in one that `draw` takes from a generator.

        The network sees the plate on LPSR's canvas, on which it was trained; so a larger picture loses what that canvas cannot hold.
        """
        chosen = self.draw(style) if isinstance(style, np.random.Generator) else np.asarray(style, np.float32)
        made = self.session.run(None, {"image": tensor([bgr], enhancer_canvas(bgr)), "style": chosen[None]})[0]
        poor = picture_from_tensor(made[0])
        height, width = bgr.shape[:2]
        if poor.shape[:2] == (height, width):
            return poor
        return cv2.resize(poor, (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def check_hash(model_path: Path) -> None:
    """Refuse a model without a contract, or one that its contract was not written for."""
    beside = model_path.with_suffix(".yaml")
    if not beside.is_file():
        raise contract.ContractError(f"{beside}: no such file; every model needs its contract beside it")
    said = str(yaml.safe_load(beside.read_text(encoding="utf-8")).get("sha256", ""))
    found = contract.sha256_of(model_path)
    if found != said:
        raise contract.ContractError(f"{model_path}: sha256 is {found[:16]}…, its contract says {said[:16]}…: export both together")
