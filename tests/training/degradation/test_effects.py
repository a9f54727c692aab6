"""Effects: size and type kept, input untouched, nothing done at no strength, and what physics says about each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from alpr.types import U8
from training.degradation import effects

NAMES = effects.__all__
SAMPLES: dict[str, dict[str, Any]] = {
    "blocking": {"qp": 34, "motion_px": (0.5, 0.2)},
    "colour_cast": {"gains": (0.8, 1.0, 1.2), "saturation": 0.5},
    "defocus": {"radius_px": 2.0},
    "dirt": {"spots": 5, "radius_px": 3.0, "opacity": 0.7, "dust": 0.2},
    "exposure": {"gain": 1.5, "offset": 5, "gamma": 0.9},
    "fog": {"distance_m": 20, "visibility_m": 60},
    "gaussian_blur": {"sigma_x_px": 2.0, "sigma_y_px": 1.0, "angle_deg": 30.0},
    "glare": {"centre": (0.5, 0.5), "radius": 0.3, "strength": 0.6},
    "headlight": {"centre": (0.1, 0.5), "radius": 0.3, "strength": 0.8},
    "infrared": {"flash": 2.0},
    "interlace": {"shift_px": 2},
    "isp_noise": {"white_e": 800, "read_e": 4, "balance": (1.9, 1.0, 1.6)},
    "jpeg": {"quality": 30},
    "kernel_blur": {"kernel": ((0, 1, 0), (1, 2, 1), (0, 1, 0))},
    "low_resolution": {"factor": 0.4},
    "motion_blur": {"length_px": 6.0, "angle_deg": 20.0},
    "occlusion": {"box": (0.2, 0.2, 0.5, 0.6), "colour": (10, 20, 30)},
    "rain": {"streaks": 4, "length_px": 9, "angle_deg": 80},
    "rolling_shutter": {"skew_px": 3, "wobble_px": 1},
    "sensor_noise": {"shot": 8, "read": 4},
    "shadow": {"edge": (1.0, 0.0, 0.5), "depth": 0.5},
    "sharpen": {"sigma_px": 1.0, "amount": 1.0},
    "slant": {"shear_x": 0.1, "squeeze_x": 0.1},
}
NOTHING: dict[str, dict[str, Any]] = {
    "colour_cast": {"gains": (1, 1, 1), "saturation": 1},
    "dirt": {"spots": 0, "radius_px": 3.0, "opacity": 0.7},
    "exposure": {"gain": 1, "offset": 0, "gamma": 1},
    "fog": {"distance_m": 0, "visibility_m": 60},
    "gaussian_blur": {"sigma_x_px": 0, "sigma_y_px": 0},
    "glare": {"centre": (0.5, 0.5), "radius": 0.3, "strength": 0},
    "headlight": {"centre": (0.1, 0.5), "radius": 0.3, "strength": 0},
    "interlace": {"shift_px": 0},
    "kernel_blur": {"kernel": ((1,),)},
    "low_resolution": {"factor": 1},
    "rain": {"streaks": 0, "length_px": 9, "angle_deg": 80},
    "rolling_shutter": {"skew_px": 0},
    "sensor_noise": {"shot": 0, "read": 0},
    "shadow": {"edge": (1.0, 0.0, 0.5), "depth": 1},
    "sharpen": {"sigma_px": 1.0, "amount": 0},
    "slant": {},
}
BLURS = ("gaussian_blur", "motion_blur", "defocus", "kernel_blur")


def apply(name: str, bgr: U8, parameters: dict[str, Any], seed: int = 0) -> U8:
    effect: Callable[..., U8] = getattr(effects, name)
    noise = {"rng": np.random.default_rng(seed)} if "rng" in effect.__code__.co_varnames[: effect.__code__.co_argcount] else {}
    return effect(bgr, **parameters, **noise)


def flat(value: float | tuple[float, float, float], size: tuple[int, int] = (60, 180)) -> U8:
    picture = np.empty((*size, 3), np.uint8)
    picture[:] = value
    return picture


@pytest.fixture
def plate() -> U8:
    """Dark bars on a bright ground, sides odd and no multiple of a block."""
    bgr = flat((210, 220, 225), (41, 133))
    for x in range(12, 120, 14):
        cv2.rectangle(bgr, (x, 8), (x + 5, 32), (30, 25, 20), -1)
    return bgr


def test_every_effect_is_tested() -> None:
    assert set(SAMPLES) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_effect_keeps_size_and_type_and_leaves_its_input_alone(name: str, plate: U8) -> None:
    before = plate.copy()
    after = apply(name, plate, SAMPLES[name])
    assert after.shape == plate.shape and after.dtype == np.uint8
    assert np.array_equal(plate, before) and not np.shares_memory(after, plate)
    assert not np.array_equal(after, plate), "an effect that does nothing"
    assert np.array_equal(after, apply(name, plate, SAMPLES[name])), "the same seed must give the same bytes"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(8, 8), (9, 31)])
def test_an_effect_survives_the_smallest_crops(name: str, size: tuple[int, int]) -> None:
    assert apply(name, flat(120, size), SAMPLES[name]).shape == (*size, 3)


@pytest.mark.parametrize("name", sorted(NOTHING))
def test_no_strength_is_no_change(name: str, plate: U8) -> None:
    assert np.abs(apply(name, plate, NOTHING[name]).astype(int) - plate).max() == 0


@pytest.mark.parametrize("name", BLURS)
def test_blurs_keep_the_light_and_lower_the_contrast(name: str, plate: U8) -> None:
    framed = cv2.copyMakeBorder(plate, 12, 12, 12, 12, cv2.BORDER_CONSTANT, value=(100, 100, 100))
    after = apply(name, framed, SAMPLES[name])
    assert after.mean() == pytest.approx(framed.mean(), abs=0.3)
    assert after.std() < 0.97 * framed.std()


def test_a_kernel_must_have_a_middle() -> None:
    with pytest.raises(ValueError, match="odd height and width"):
        effects.kernel_blur(flat(100), ((0.5, 0.5),))


def test_sensor_noise_is_as_strong_as_asked() -> None:
    noisy = effects.sensor_noise(flat(128, (200, 200)), np.random.default_rng(0), shot=8, read=6)
    assert noisy.std() == pytest.approx(np.sqrt(8**2 * 128 / 255 + 6**2), rel=0.03)


def test_the_processor_gives_back_a_noiseless_flat_picture() -> None:
    """Also the mosaic's order: blue and red changed places when the pattern was named wrongly."""
    colour = flat((40, 120, 200), (31, 45))
    after = effects.isp_noise(colour, np.random.default_rng(0), white_e=1e9, read_e=0, balance=(1.9, 1.0, 1.6))
    assert np.abs(after.astype(int) - colour).max() <= 1


def test_shot_noise_follows_the_electrons() -> None:
    """A linear camera without gains: a quarter of the electrons, twice the noise, and green at its own pixels shows root-of-count noise."""
    gray = flat(128, (200, 200))
    deviations = []
    for white_e in (4000, 1000):
        noisy = effects.isp_noise(gray, np.random.default_rng(1), white_e=white_e, read_e=0, gamma=1.0)
        deviations.append(noisy[20:180:2, 21:180:2, 1].std())  # blue's neighbours in its row: green is measured there, not guessed
    assert deviations[0] == pytest.approx(255 * np.sqrt(128 / 255 / 4000), rel=0.1)
    assert deviations[1] / deviations[0] == pytest.approx(2, rel=0.1)


def test_an_amplified_channel_is_noisier() -> None:
    noisy = effects.isp_noise(flat(128, (120, 120)), np.random.default_rng(2), white_e=500, read_e=2, balance=(2.5, 1.0, 1.0))
    assert noisy[..., 0].std() > 1.2 * noisy[..., 2].std()


def test_coarser_quantisers_lose_more(plate: U8) -> None:
    losses = [np.abs(effects.blocking(plate, qp).astype(int) - plate).mean() for qp in (4, 24, 34, 44)]
    assert losses == sorted(losses) and losses[0] < 1.5 < losses[-1]


@pytest.mark.parametrize("block_px", [4, 8])
def test_blocks_show_their_edges_unless_they_are_filtered(block_px: int) -> None:
    ramp = np.repeat(np.repeat(np.linspace(60, 180, 128).astype(np.uint8)[None, :, None], 64, 0), 3, 2)

    def edges(deblock: bool) -> float:
        steps = np.abs(np.diff(effects.blocking(ramp, 40, block_px, deblock=deblock)[..., 1].astype(float), axis=1)).mean(0)
        return float(steps[block_px - 1 :: block_px].mean() - steps.mean())

    assert edges(False) > 1.3 * max(edges(True), 0.1)


def test_what_does_not_move_is_predicted(plate: U8) -> None:
    """Wrongly predicted pictures cost detail: that is what a codec does to moving plates."""
    still, moved = (np.abs(effects.blocking(plate, 36, motion_px=m).astype(int) - plate).mean() for m in ((0, 0), (0.5, 0.5)))
    assert moved > still


def test_a_rolling_shutter_skews_about_the_middle_row() -> None:
    bar = flat(0, (41, 60))
    bar[:, 30] = 255
    after = effects.rolling_shutter(bar, skew_px=8)[..., 0]
    assert [int(after[row].argmax()) for row in (0, 20, 40)] == [26, 30, 34]


def test_rain_only_brightens_and_more_rain_more() -> None:
    means = []
    for streaks in (1, 4, 12):
        after = effects.rain(flat(90), np.random.default_rng(3), streaks, length_px=10, angle_deg=90)
        assert after.min() >= 90
        means.append(after.mean())
    assert 90 < means[0] < means[1] < means[2]


def test_rain_falls_down() -> None:
    after = effects.rain(flat(90), np.random.default_rng(3), 3, length_px=15, angle_deg=90).astype(float)[..., 0]
    assert np.abs(np.diff(after, axis=0)).mean() < 0.5 * np.abs(np.diff(after, axis=1)).mean()


def test_at_the_visibility_a_fiftieth_of_the_contrast_is_left() -> None:
    picture = np.concatenate([flat(0, (20, 20)), flat(255, (20, 20))], axis=1)
    after = effects.fog(picture, distance_m=50, visibility_m=50, airlight=(200, 200, 200)) / 255
    light = after[..., 0] ** 2.2
    assert light[0, -1] - light[0, 0] == pytest.approx(0.02, abs=0.006)
    assert effects.fog(picture, 10, 50).std() < effects.fog(picture, 2, 50).std() < picture.std()


def test_a_headlight_is_brightest_at_its_middle_and_only_adds() -> None:
    dark = flat(20, (61, 121))
    after = effects.headlight(dark, centre=(0.5, 0.5), radius=0.2, strength=0.5, streak=0.5, angle_deg=0)[..., 1].astype(int)
    assert after.min() >= 20 and after[30, 60] == after.max()
    assert after[30, 110] > after[30 - 25, 60], "the streak lies along x"


def test_infrared_is_gray_saturates_the_ground_and_darkens_what_is_around(plate: U8) -> None:
    after = effects.infrared(plate, flash=2.5, beam=0.5, ambient=0.02)
    assert np.array_equal(after[..., 0], after[..., 1]) and np.array_equal(after[..., 1], after[..., 2])
    assert after[20, 64].max() == 255, "retro-reflective ground"
    assert after[:, :4].mean() < 0.5 * plate[:, :4].mean()
    assert (after[10:30, 66:76] < 128).any(), "ink stays"


def test_exposure_clips_as_a_sensor_does() -> None:
    assert effects.exposure(flat(200), 2.0, 0, 1.0).min() == 255
    assert effects.exposure(flat(200), 0.25, 0, 1.0).max() == 50


def test_dirt_covers_with_its_colour() -> None:
    after = effects.dirt(flat(230, (80, 160)), np.random.default_rng(5), spots=12, radius_px=6, opacity=1.0, colour=(20, 40, 60))
    covered = (after.mean(2) < 140).mean()
    assert 0.03 < covered < 0.6
    assert after[after.mean(2) < 45].mean(0) == pytest.approx((20, 40, 60), abs=6)


def test_slant_keeps_the_middle_and_moves_the_corners() -> None:
    dot = flat(0, (61, 121))
    dot[30, 60] = 255
    after = effects.slant(dot, shear_x=0.3, shear_y=0.1)[..., 0]
    assert np.unravel_index(after.argmax(), after.shape) == (30, 60)
    line = flat(0, (61, 121))
    line[:, 60] = 255
    sheared = effects.slant(line, shear_x=0.3)[..., 0]
    assert sheared[0].argmax() < 60 < sheared[-1].argmax()
