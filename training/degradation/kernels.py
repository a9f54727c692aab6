"""The bank of blur kernels estimated from real poor plates, and the commands that make it and check the estimator.

python -m training.degradation.kernels --images DATA/train/plates-poor --out training/degradation/kernels.npz
python -m training.degradation.kernels --check --csv results/kernels-synthetic.csv
python -m training.degradation.kernels --compare DATA/kernels/estimated-80.npz --csv results/kernels-bank.csv
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from alpr.types import F32, U8
from training.degradation import blind

BANK = Path(__file__).with_name("kernels.npz")
LINE_PX = 48
"""The bank's scale: every plate was brought to this height before its blur was estimated."""
HEIGHTS_PX = (11.0, 30.0)
"""Lower plates hold too few pixels to tell a blur from a letter; higher ones are not poor for their size."""
ONE_LINE = 2.4
"""From this aspect on a plate has one line, and its height is the line's, nearly."""


@lru_cache(maxsize=1)
def bank(path: Path = BANK) -> F32:
    """The kernels (n, size, size), each of sum 1 and centred, for lines `LINE_PX` high."""
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there; make it with: python -m training.degradation.kernels --images DIR --out {path}")
    with np.load(path) as data:
        kernels = data["kernels"].astype(np.float32)
    kernels /= kernels.sum((1, 2), keepdims=True)  # float16 rounds
    kernels.setflags(write=False)
    return kernels  # type: ignore[no-any-return]


def scaled(kernel: F32, scale: float) -> F32:
    """The same blur where a pixel is 1/scale as large; odd size, sum 1. Far below one pixel it is no blur."""
    half = max(1, int(np.ceil(kernel.shape[0] / 2 * scale)))
    reach = 2 * half + 1
    middle = kernel.shape[0] // 2
    if scale < 1:  # or the few points that are looked at would miss most of it
        kernel = cv2.GaussianBlur(kernel, (0, 0), max(0.35 * (1 / max(scale, 0.05) - 1), 0.05), borderType=cv2.BORDER_CONSTANT)  # type: ignore[assignment]
    place = np.float32([[scale, 0, half - scale * middle], [0, scale, half - scale * middle]])
    moved = np.maximum(cv2.warpAffine(np.ascontiguousarray(kernel), place, (reach, reach), flags=cv2.INTER_LINEAR), 0)
    return (moved / moved.sum()).astype(np.float32)  # type: ignore[no-any-return]


def widths(kernel: F32) -> tuple[float, float]:
    """Standard deviations along the long and the short axis, in pixels."""
    axis = np.arange(kernel.shape[0]) - kernel.shape[0] // 2
    x, y = np.meshgrid(axis, axis)
    weights = kernel / kernel.sum()
    mx, my = (weights * x).sum(), (weights * y).sum()
    xx, yy, xy = (weights * (x - mx) ** 2).sum(), (weights * (y - my) ** 2).sum(), (weights * (x - mx) * (y - my)).sum()
    short, long = np.sqrt(np.maximum(np.linalg.eigvalsh([[xx, xy], [xy, yy]]), 0))
    return float(long), float(short)


def entropy(kernel: F32) -> float:
    """In bits: 0 for a point, log2 of its size for an even square."""
    share = kernel[kernel > 0] / kernel.sum()
    return float(-(share * np.log2(share)).sum())


def fault(kernel: F32) -> str:
    """Why a kernel is none to keep, or nothing."""
    if kernel.max() > 0.35 or widths(kernel)[0] < 0.8:
        return "a point: nothing was blurred, or nothing found"
    rim = kernel.sum() - kernel[1:-1, 1:-1].sum()
    if rim > 0.01:
        return "it touches the border: wider than the frame, or adrift"
    strong = np.where(kernel > 0.25 * kernel.max(), kernel, 0).astype(np.float64)
    if blind.one_piece(strong).sum() < 0.95 * strong.sum():
        return "several blobs: a letter's echo, not a blur"
    if smoothness(kernel) < 0.85:
        return "ragged: noise"
    return ""


def smoothness(kernel: F32, sigma_px: float = 0.8) -> float:
    """The share of a kernel's energy that a small blur leaves, per what it leaves of a Gaussian as wide: low for scattered points."""
    soft = cv2.GaussianBlur(kernel, (0, 0), sigma_px, borderType=cv2.BORDER_CONSTANT)
    axes = np.maximum(widths(kernel), 0.3)
    left = np.prod(axes / np.hypot(axes, sigma_px))
    return float((soft**2).sum() / (kernel**2).sum() / left)


def crops(folder: Path) -> Iterator[U8]:
    """One-line plates of a set, gray, with a tenth around them, brought to the bank's scale."""
    for line in (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        for plate in row["plates"]:
            x1, y1, x2, y2 = plate["box"]
            height = y2 - y1
            if not (HEIGHTS_PX[0] <= height <= HEIGHTS_PX[1] and (x2 - x1) >= ONE_LINE * height):
                continue
            gray = cv2.imread(str(folder / row["image"]), cv2.IMREAD_GRAYSCALE)
            if gray is None:
                raise FileNotFoundError(f"{folder / row['image']} is in labels.jsonl, and cannot be read")
            margin = 0.1 * height
            top, left = max(0, round(y1 - margin)), max(0, round(x1 - margin))
            part = gray[top : round(y2 + margin), left : round(x2 + margin)]
            yield cv2.resize(part, None, fx=LINE_PX / height, fy=LINE_PX / height, interpolation=cv2.INTER_CUBIC)  # type: ignore[misc]


def collect(folder: Path, most: int) -> tuple[F32, Counter[str]]:
    """The kernels that are worth keeping of a set's first plates, and what became of all: kept, or why not."""
    kept, fates = [], Counter[str]()
    for gray in crops(folder):
        if fates.total() >= most:
            break
        kernel = blind.estimate(gray)
        why = fault(kernel)
        fates[why or "kept"] += 1
        if not why:
            kept.append(kernel)
    if not kept:
        raise ValueError(f"no kernel of {folder} is worth keeping: {dict(fates)}")
    return np.stack(kept), fates


def statistics(name: str, kernels: F32) -> dict[str, object]:
    """Medians with the 10th and 90th percentile of width, elongation and entropy."""
    axes = np.array([widths(kernel) for kernel in kernels])
    values = {
        "width_px": np.sqrt(axes[:, 0] * axes[:, 1]),
        "elongation": axes[:, 0] / np.maximum(axes[:, 1], 0.1),
        "entropy_bits": np.array([entropy(kernel) for kernel in kernels]),
        "smoothness": np.array([smoothness(kernel) for kernel in kernels]),
    }
    row: dict[str, object] = {"bank": name, "n": len(kernels)}
    for key, found in values.items():
        for mark, level in (("p10", 10), ("median", 50), ("p90", 90)):
            row[f"{key}_{mark}"] = round(float(np.percentile(found, level)), 3)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description="Estimate blur kernels from real poor plates, or check the estimator.")
    parser.add_argument("--images", type=Path, help="a set of plates: a folder with labels.jsonl")
    parser.add_argument("--out", type=Path, default=BANK, help="where the bank goes")
    parser.add_argument("--most", type=int, default=600, help="plates to look at")
    parser.add_argument("--check", action="store_true", help="measure the estimator on rendered plates with known blurs")
    parser.add_argument("--count", type=int, default=180, help="known blurs to check with")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--compare", type=Path, help="another bank, to compare this one with")
    parser.add_argument("--csv", type=Path, help="where the check's or the comparison's table goes")
    wanted = parser.parse_args()
    if not (wanted.images or wanted.check or wanted.compare):
        parser.error("nothing to do: --images DIR, --check or --compare FILE")
    cv2.setNumThreads(1)
    if wanted.images:
        kernels, fates = collect(wanted.images, wanted.most)
        np.savez_compressed(wanted.out, kernels=kernels.astype(np.float16))
        for why, count in fates.most_common():
            print(f"{count:5d}  {why}")
    if wanted.check:
        _report(check(wanted.seed, wanted.count), wanted.csv)
    if wanted.compare:
        with np.load(wanted.compare) as data:
            _report([statistics("kerbside", bank(wanted.out)), statistics(wanted.compare.stem, data["kernels"])], wanted.csv)


def check(seed: int, count: int) -> list[dict[str, object]]:
    from training.degradation import known
    from training.synth import glyphs

    rng = np.random.default_rng(seed)
    return known.table(list(known.cases(rng, glyphs.faces(rng, strokes=10), count, LINE_PX)))


def _report(rows: list[dict[str, object]], csv: Path | None) -> None:
    from training.degradation import known

    for row in rows:
        print("  ".join(f"{key} {value}" for key, value in row.items()))
    if csv:
        known.write(csv, rows)


if __name__ == "__main__":
    main()
