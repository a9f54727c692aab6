"""Corners at the plate's own scale: found where a model says, the detector's where that is no plate or another one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr import contract
from alpr.imaging import quad_from_box, quad_size, rectify
from alpr.types import F32, Detections, Frame, Track
from edge.corners import Corners, as_found
from edge.engines.onnx import OnnxEngine
from edge.gate import Gate, GateRules
from edge.loop import Loop
from edge.tracker import TrackerRules

FOUND = quad_from_box(np.float32([100, 60, 200, 100]))


class Says:
    """An engine that answers the same shares for ever."""

    def __init__(self, root: Path, shares: F32) -> None:
        self.contract, self.shares = contract.load(root / "models/corners.yaml"), shares
        self.seen: list[F32] = []

    def __call__(self, tensor: F32) -> dict[str, F32]:
        self.seen.append(tensor)
        return {"corners": self.shares.reshape(1, 8)}

    def close(self) -> None: ...


def test_shares_of_the_surroundings_become_corners_of_the_picture(root: Path) -> None:
    engine = Says(root, np.float32([0.2, 0.3, 0.8, 0.2, 0.8, 0.7, 0.2, 0.8]))
    quad = Corners(engine)(np.zeros((240, 320, 3), np.uint8), FOUND)
    np.testing.assert_allclose(quad, [[111, 67.2], [189, 60.8], [189, 92.8], [111, 99.2]], atol=0.01)  # the piece: x 85..215, y 48..112
    assert engine.seen[0].shape == (1, 3, 48, 96)


@pytest.mark.parametrize(
    "shares",
    [
        [0.2, 0.2, 0.8, 0.2, 0.8, 0.2, 0.2, 0.2],  # no area
        [0.8, 0.2, 0.2, 0.2, 0.2, 0.8, 0.8, 0.8],  # mirrored
        [0.8, 0.8, 0.95, 0.8, 0.95, 0.95, 0.8, 0.95],  # something else beside it
        [np.nan] * 8,
    ],
)
def test_what_is_no_plate_or_another_one_changes_nothing(root: Path, shares: list[float]) -> None:
    assert Corners(Says(root, np.float32(shares)))(np.zeros((240, 320, 3), np.uint8), FOUND) is FOUND


def test_the_released_model_follows_a_slant_that_a_box_hides(root: Path) -> None:
    """A plate turned by 15 degrees, found as the box around it: the corners come within a seventh of its height."""
    corners = Corners(OnnxEngine(contract.load(root / "models/corners.yaml")))
    bgr = np.full((240, 320, 3), (90, 80, 70), np.uint8)
    plate = np.full((60, 240, 3), 235, np.uint8)
    cv2.rectangle(plate, (2, 2), (237, 57), (30, 30, 30), 2)
    cv2.putText(plate, "51F-734.20", (12, 44), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (25, 25, 25), 5, cv2.LINE_AA)
    turn = cv2.getRotationMatrix2D((160, 120), -15, 0.7)
    turn[:, 2] += turn[:, :2] @ [40, 90]  # the plate's middle to the picture's
    cv2.warpAffine(plate, turn, (320, 240), dst=bgr, borderMode=cv2.BORDER_TRANSPARENT)
    true = np.float32([[0, 0], [240, 0], [240, 60], [0, 60]]) @ turn[:, :2].T.astype(np.float32) + turn[:, 2].astype(np.float32)
    around = quad_from_box(np.concatenate([true.min(axis=0), true.max(axis=0)]))
    quad = corners(bgr, around)
    assert np.linalg.norm(quad - true, axis=1).mean() < quad_size(true)[0] / 7


def test_the_loop_reads_a_plate_by_its_refined_corners() -> None:
    rng = np.random.default_rng(0)
    frame = Frame(
        bgr=rng.integers(0, 256, (240, 320, 3), dtype=np.uint8), camera="road", number=0, captured_ns=0, captured_utc_s=0.0, scene_ns=0
    )
    nothing = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 4, 2), np.float32))
    moved = FOUND + np.float32([3, 2])

    def job(corners):  # type: ignore[no-untyped-def]
        loop = Loop(lambda bgr: nothing, list, list, Gate(GateRules()), None, TrackerRules(), corners=corners)  # type: ignore[arg-type]
        (one,) = loop._job(frame, Track(1, np.float32([100, 60, 200, 100]), FOUND, 0.9, 0, 0, 1, (0, 0), 0.0))
        return one.crop

    np.testing.assert_array_equal(job(as_found).bgr, rectify(frame.bgr, FOUND))
    crop = job(lambda bgr, quad: quad + np.float32([3, 2]))
    np.testing.assert_array_equal(crop.bgr, rectify(frame.bgr, moved))
    np.testing.assert_array_equal(crop.quad, moved)
