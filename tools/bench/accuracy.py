"""How much is read right: every picture of a set through the daemon's stages, against its labels."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from alpr import metrics
from alpr.decode import ious
from alpr.metrics import Answer, Scene
from alpr.types import U8
from edge.still import StillPlate, Stills
from tools.bench.dataset import Item, load

OPERATING_SCORE = 0.5
"""The tracker's threshold for a new track: precision and recall are told there, AP50 over all scores."""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One picture, what was found in it, and how long that took."""

    item: Item
    plates: tuple[StillPlate, ...]
    ms: float


def measure(stills: Stills, folder: Path, progress: bool = sys.stderr.isatty()) -> list[Result]:
    """Every picture of a set; one that cannot be decoded counts as read wrong, with a line that says so."""
    results = []
    items = load(folder)
    for i, item in enumerate(items, 1):
        bgr = cv2.imread(str(item.path), cv2.IMREAD_COLOR)
        if bgr is None:
            print(f"{item.path}: cannot be decoded; it counts as not read", file=sys.stderr)
            results.append(Result(item, (), 0.0))
            continue
        results.append(_measured(stills, item, bgr))  # type: ignore[arg-type]
        if progress:
            print(f"\r{i} of {len(items)}", end="" if i < len(items) else "\n", file=sys.stderr, flush=True)
    return results


def report(results: Iterable[Result]) -> dict[str, Any]:
    """All numbers of a set, ready for JSON: texts where there are texts, boxes where there are boxes."""
    results = list(results)
    answers = list(_answers(results))
    found: dict[str, Any] = {"pictures": len(results), "ms_a_picture": metrics.percentiles([r.ms for r in results if r.ms], (50, 95))}
    if answers:
        found |= {
            "plates": _reading(answers),
            "by_tag": _groups(metrics.by_tag(answers)),
            "by_line_height_px": _groups(metrics.by_height(answers)),
        }
        gap = metrics.confidence_gap(answers)
        found["confidence"] = {"right": round(gap.right, 4), "wrong": round(gap.wrong, 4), "separation": round(gap.separation, 4)}
    scenes = [_scene(r) for r in results if r.item.kind == "scene"]
    if scenes and any(len(scene.truths) for scene in scenes):
        precision, recall = metrics.precision_recall(scenes, OPERATING_SCORE)
        found["detection"] = {
            "ap50": round(metrics.average_precision(scenes), 4),
            f"precision_at_{OPERATING_SCORE}": round(precision.value, 4),
            f"recall_at_{OPERATING_SCORE}": round(recall.value, 4),
            "plates": sum(len(scene.truths) for scene in scenes),
        }
    return found


def table(found: dict[str, Any]) -> str:
    """The report for a person."""
    lines = [f"{found['pictures']} pictures, {found['ms_a_picture']['p50']:.1f} ms each (p95 {found['ms_a_picture']['p95']:.1f})"]
    if "detection" in found:
        lines.append("  ".join(f"{name} {value}" for name, value in found["detection"].items()))
    if "plates" in found:
        lines.append(f"{'':14}{'n':>5}{'exact':>9}{'95 % interval':>18}{'CER':>9}")
        groups = {
            "all": found["plates"],
            **found["by_tag"],
            **{f"line {name} px": value for name, value in found["by_line_height_px"].items()},
        }
        for name, group in groups.items():
            interval = f"{group['low']:.1%} – {group['high']:.1%}"
            lines.append(f"{name:14}{group['n']:5d}{group['exact']:9.2%}{interval:>18}{group['cer']:9.2%}")
        sure = found["confidence"]
        lines.append(f"score of right reads {sure['right']:.3f}, of wrong ones {sure['wrong']:.3f}, separation {sure['separation']:.3f}")
    return "\n".join(lines)


def append_csv(path: Path, found: dict[str, Any], conditions: dict[str, str]) -> None:
    """A row for every group of a set; the conditions stand in each."""
    groups = {"all": found["plates"], **found["by_tag"], **_named(found["by_line_height_px"])} if "plates" in found else {}
    rows = [{**conditions, "group": name, **group} for name, group in groups.items()]
    if "detection" in found:
        detection = found["detection"]
        rows.append({**conditions, "group": "detection", "n": detection["plates"], "ap50": detection["ap50"]})
    columns = [*conditions, "group", "n", "exact", "low", "high", "cer", "ap50"]
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=columns)
        if new:
            writer.writeheader()
        writer.writerows(rows)


def _named(by_height: dict[str, Any]) -> dict[str, Any]:
    return {f"line {name} px": group for name, group in by_height.items()}


def predictions(results: Iterable[Result]) -> Iterator[str]:
    """A JSON line a picture."""
    for result in results:
        plates = [
            {
                "box": [round(float(v), 1) for v in plate.box],
                "quad": [[round(float(v), 1) for v in corner] for corner in plate.quad],
                "text": plate.vote.plate,
                "score": round(plate.vote.score, 4),
                "chars": [round(char.score, 4) for char in plate.vote.chars],
            }
            for plate in result.plates
        ]
        yield json.dumps({"image": result.item.name, "plates": plates, "ms": round(result.ms, 2)})


def _measured(stills: Stills, item: Item, bgr: U8) -> Result:
    started = time.perf_counter()
    plates = stills.scene(bgr) if item.kind == "scene" else [stills.crop(bgr)]
    return Result(item, tuple(plates), 1000 * (time.perf_counter() - started))


def _answers(results: Iterable[Result]) -> Iterator[Answer]:
    """Every plate of known text with what was read of it: in a crop the plate, in a scene the find that covers it."""
    for result in results:
        item = result.item
        tags = (*item.tags, *((f"res {item.res}",) if item.res else ()))
        for truth in item.plates:
            if truth.text is None:
                continue
            plate = _covering(result, truth.box)
            text, score, height = (plate.vote.plate, plate.vote.score, plate.height_px) if plate else ("", 0.0, 0.0)
            yield Answer(_latin(truth.text), text, score, height, tags)


def _covering(result: Result, box: np.ndarray | None) -> StillPlate | None:
    if not result.plates:
        return None
    if box is None or result.item.kind == "crop":
        return result.plates[0]
    overlaps = ious(box, np.stack([plate.box for plate in result.plates]))
    return result.plates[int(overlaps.argmax())] if overlaps.max() >= 0.3 else None


def _latin(text: str) -> str:
    return "".join(char for char in text if char.isascii() and char.isalnum())


def _scene(result: Result) -> Scene:
    truths = [plate.box for plate in result.item.plates if plate.box is not None]
    return Scene(
        np.array(truths, np.float32).reshape(-1, 4),
        np.array([plate.box for plate in result.plates], np.float32).reshape(-1, 4),
        np.array([plate.score for plate in result.plates], np.float32),
    )


def _reading(answers: list[Answer]) -> dict[str, Any]:
    share = metrics.accuracy(answers)
    return {
        "n": share.n,
        "exact": round(share.value, 4),
        "low": round(share.low, 4),
        "high": round(share.high, 4),
        "cer": round(metrics.character_error_rate(answers), 4),
    }


def _groups(groups: dict[str, list[Answer]]) -> dict[str, dict[str, Any]]:
    return {str(name): _reading(members) for name, members in groups.items()}
