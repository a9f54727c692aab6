"""The blind estimator on blurs that are known, what is kept of its kernels, and the bank that is shipped."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr.types import F32, U8
from training.degradation import blind, kernels, known
from training.degradation.effects.optics import disc_kernel, filtered, gaussian_kernel, motion_kernel


@pytest.fixture(scope="module")
def plate() -> U8:
    bgr = np.full((58, 230, 3), 220, np.uint8)
    cv2.putText(bgr, "51F73420", (10, 44), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (25, 25, 25), 5, cv2.LINE_AA)
    return bgr


@pytest.mark.parametrize(
    ("truth", "least"),
    [(motion_kernel(9, 20), 0.7), (gaussian_kernel(2.5, 1.4, 40), 0.85), (disc_kernel(3.0), 0.8)],
    ids=["motion", "gaussian", "defocus"],
)
def test_a_known_blur_is_found(truth: F32, least: float, plate: U8) -> None:
    """Beside it, no blur at all would reach: 0.3 to 0.45."""
    case = known.spoilt(np.random.default_rng(0), plate, "", truth, sampled=False)
    found = blind.estimate(case.gray)
    assert found.shape == (25, 25) and found.min() >= 0 and found.sum() == pytest.approx(1, abs=1e-5)
    assert known.similarity(found, truth) > least


def test_the_direction_of_a_smear_is_found(plate: U8) -> None:
    for angle in (0, 60, 120):
        gray = cv2.cvtColor(filtered(plate, motion_kernel(10, angle)), cv2.COLOR_BGR2GRAY)
        found = blind.estimate(gray)
        scores = {other: known.similarity(found, motion_kernel(10, other)) for other in (0, 60, 120)}
        assert max(scores, key=lambda other: scores[other]) == angle


def test_bright_text_is_as_good_as_dark(plate: U8) -> None:
    blurred = cv2.cvtColor(filtered(plate, disc_kernel(2.5)), cv2.COLOR_BGR2GRAY)
    assert known.similarity(blind.estimate(blurred), blind.estimate(255 - blurred)) > 0.95


def test_similarity_forgives_a_shift_and_nothing_else() -> None:
    kernel = np.zeros((15, 15), np.float32)
    kernel[2:9, 4] = 1 / 7
    assert known.similarity(kernel, np.roll(kernel, (3, 5), (0, 1))) == pytest.approx(1, abs=1e-5)
    assert known.similarity(kernel, np.ascontiguousarray(kernel.T)) == pytest.approx(1 / 7, abs=1e-4)


def test_centring_moves_the_mass_to_the_middle() -> None:
    kernel = np.zeros((9, 9))
    kernel[1, 2] = 3.0
    centred = blind.centred(kernel)
    assert centred[4, 4] == 1 and centred.sum() == 1


def test_what_is_no_clean_kernel_is_refused() -> None:
    def placed(kernel: F32, size: int = 25) -> F32:
        whole = np.zeros((size, size), np.float32)
        y, x = ((size - side) // 2 for side in kernel.shape)
        whole[y : y + kernel.shape[0], x : x + kernel.shape[1]] = kernel
        return whole / whole.sum()

    good = placed(gaussian_kernel(2, 1.2, 30))
    assert kernels.fault(good) == ""
    assert "a point" in kernels.fault(placed(np.ones((1, 1), np.float32)))
    assert "border" in kernels.fault(placed(np.ones((3, 25), np.float32)))
    assert "blobs" in kernels.fault((np.roll(good, 6, 1) + np.roll(good, -6, 1)) / 2)
    rough = good * np.random.default_rng(0).gamma(0.4, 1.0, good.shape).astype(np.float32)
    assert kernels.fault(rough / rough.sum()) != ""


def test_statistics_of_a_gaussian_are_its_own() -> None:
    kernel = gaussian_kernel(3.0, 1.5, 25)
    assert kernels.widths(kernel) == pytest.approx((3.0, 1.5), rel=0.03)
    row = kernels.statistics("one", kernel[None])
    assert row["elongation_median"] == pytest.approx(2, rel=0.03) and row["n"] == 1


@pytest.mark.parametrize("scale", [0.15, 0.5, 0.8, 1.0, 1.7])
def test_a_scaled_kernel_is_as_much_wider(scale: float) -> None:
    wide = np.zeros((25, 25), np.float32)
    part = gaussian_kernel(3.0, 2.0, 25)
    wide[3:22, 3:22] = part[:19, :19]
    small = kernels.scaled(wide, scale)
    assert small.shape[0] % 2 == 1 and small.sum() == pytest.approx(1, abs=1e-5)
    if scale >= 0.5:
        assert np.prod(kernels.widths(small)) ** 0.5 == pytest.approx(scale * np.prod(kernels.widths(wide)) ** 0.5, rel=0.2)


def test_the_bank_is_of_clean_kernels() -> None:
    bank = kernels.bank()
    assert len(bank) >= 40 and bank.shape[1] == bank.shape[2] == blind.SETTINGS.size
    assert np.allclose(bank.sum((1, 2)), 1, atol=1e-5) and bank.min() >= 0
    axis = np.arange(bank.shape[1]) - bank.shape[1] // 2
    assert np.abs(bank.sum(1) @ axis).max() < 1 and np.abs(bank.sum(2) @ axis).max() < 1
    assert kernels.BANK.stat().st_size < 200_000
    assert not bank.flags.writeable


def test_a_missing_bank_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"python -m training\.degradation\.kernels --images"):
        kernels.bank(tmp_path / "none.npz")


def test_kernels_are_collected_from_a_set(tmp_path: Path, plate: U8) -> None:
    """A set as the project's data folders are; a square plate and a high one are left out."""
    (tmp_path / "images").mkdir()
    blurred = filtered(plate, gaussian_kernel(3.0, 2.0))
    small = cv2.resize(blurred, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(tmp_path / "images/0.png"), small)
    boxes = ([2, 1, 90, 22], [0, 0, 22, 22], [0, 0, 90, 60])
    rows = [{"image": "images/0.png", "plates": [{"box": box}]} for box in boxes]
    (tmp_path / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = list(kernels.crops(tmp_path))
    assert len(found) == 1 and abs(found[0].shape[0] - 1.2 * kernels.LINE_PX) < 8
    kept, fates = kernels.collect(tmp_path, most=5)
    assert len(kept) == 1 and fates == {"kept": 1}


def test_the_check_writes_its_table(tmp_path: Path) -> None:
    rows = kernels.check(seed=3, count=6)
    assert [row["n"] for row in rows] == [1, 1, 1, 1, 1, 1, 6]
    known.write(tmp_path / "check.csv", rows)
    assert (tmp_path / "check.csv").read_text().startswith("blur,sampled,n,estimated,edge_gaussian,best_gaussian,")
