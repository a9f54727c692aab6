"""The camera, surfaces, rides and what hides what: against answers worked out by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from training.synth import staging, texture
from training.synth.camera import Camera
from training.synth.staging import Sight
from training.synth.surface import Layer, Surface, Texture, draw
from training.synth.traffic import drive, parked
from training.synth.vehicle import Pose, plate_corners, plate_metres, upright

LEVEL = Camera((640, 480), 1000.0, (0.0, 0.0, 2.0))


def plain(value: float) -> Texture:
    return Texture(np.full((8, 8, 3), value, np.float32))


def test_a_point_ahead_falls_where_the_pinhole_says() -> None:
    pixels, depth = LEVEL.project(np.float32([[0, 10, 2], [1, 10, 2], [0, 10, 1], [1, 20, 2]]))
    assert np.allclose(pixels, [[320, 240], [420, 240], [320, 340], [370, 240]], atol=1e-3)
    assert np.allclose(depth, [10, 10, 10, 20])


def test_pitch_lowers_the_horizon_and_yaw_turns_right() -> None:
    camera = Camera((640, 480), 1000.0, (0.0, 0.0, 2.0), yaw=np.deg2rad(5), pitch=np.deg2rad(10))
    assert camera.horizon_px() == pytest.approx(240 - 1000 * np.tan(np.deg2rad(10)))
    far = np.float32([[1e5 * np.sin(np.deg2rad(5)), 1e5 * np.cos(np.deg2rad(5)), 2.0]])
    assert np.allclose(camera.project(far)[0], [[320, camera.horizon_px()]], atol=0.1)


def test_rays_go_back_to_the_ground_they_came_from() -> None:
    camera = Camera((320, 240), 400.0, (0.5, -1.0, 3.0), yaw=-0.1, pitch=0.2, roll=0.03)
    rays = camera.rays()
    row, column = 200, 77
    ground = np.float32(camera.at) + rays[row, column] * (camera.at[2] / -rays[row, column, 2])
    pixel, _ = camera.project(ground[None].astype(np.float32))
    assert np.allclose(pixel, [[column + 0.5, row + 0.5]], atol=0.01)


def test_a_wall_covers_what_it_should() -> None:
    """One metre at ten metres is a hundred pixels."""
    layer = draw(LEVEL, [Surface(upright(-1, 1, 1, 3, 10), plain(0.5))])
    assert layer is not None
    assert layer.alpha.sum() == pytest.approx(200 * 200, rel=0.02)
    assert np.allclose(layer.bgr[layer.alpha == 1], 0.5)
    assert abs(layer.x - 220) <= 1 and abs(layer.y - 140) <= 1


def test_what_turns_its_back_or_lies_behind_is_not_drawn() -> None:
    away = upright(1, -1, 1, 3, 10)
    assert draw(LEVEL, [Surface(upright(-1, 1, 1, 3, -10), plain(0.5))]) is None
    layer = draw(LEVEL, [Surface(away, plain(0.5))])
    assert layer is not None and layer.alpha.sum() == 0


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_wall_hides_the_farther_in_any_order(order: tuple[int, int]) -> None:
    walls = [Surface(upright(-1, 1, 1, 3, 10), plain(0.9)), Surface(upright(-0.5, 0.5, 1, 3, 8), plain(0.1))]
    layer = draw(LEVEL, [walls[i] for i in order])
    assert layer is not None
    middle = layer.bgr[layer.bgr.shape[0] // 2, layer.bgr.shape[1] // 2]
    assert np.allclose(middle, 0.1)


def test_a_texture_lands_upright() -> None:
    quarters = np.zeros((64, 64, 3), np.float32)
    quarters[:32, :32], quarters[32:, 32:] = (1, 0, 0), (0, 0, 1)
    layer = draw(LEVEL, [Surface(upright(-1, 1, 1, 3, 10), Texture(quarters))])
    assert layer is not None
    height, width = layer.alpha.shape
    assert np.allclose(layer.bgr[height // 4, width // 4], (1, 0, 0), atol=0.05)
    assert np.allclose(layer.bgr[3 * height // 4, 3 * width // 4], (0, 0, 1), atol=0.05)
    assert np.allclose(layer.bgr[height // 4, 3 * width // 4], 0, atol=0.05)


def test_a_pose_turns_the_far_end_to_the_right() -> None:
    far_end = np.float32([[0, 4, 0]])
    assert np.allclose(Pose(1, 10).placed(far_end), [[1, 14, 0]])
    assert np.allclose(Pose(1, 10, np.pi / 2).placed(far_end), [[5, 10, 0]], atol=1e-5)


def test_a_ride_is_as_long_as_its_speed_makes_it() -> None:
    ride = drive([(0, 0), (0, 100)], [(0, 5.0), (10, 5.0)], start_s=2.0)
    pose = ride.at(6.0, "rear")
    assert pose is not None and pose.y == pytest.approx(20, abs=0.1) and pose.turn_rad == pytest.approx(0)
    assert ride.at(1.9, "rear") is None and ride.at(60, "rear") is None
    assert not ride.braking(6.0)


def test_a_ride_brakes_stands_and_goes_on() -> None:
    ride = drive([(0, 0), (0, 100)], [(0, 8.0), (2, 8.0), (4, 0.0), (6, 0.0), (8, 8.0), (30, 8.0)], start_s=0)
    assert ride.braking(3.0) and ride.braking(5.0) and not ride.braking(1.0) and not ride.braking(7.0)
    first, last = ride.at(4.5, "rear"), ride.at(5.5, "rear")
    assert first is not None and last is not None and abs(first.y - last.y) < 0.05


def test_a_ride_round_a_corner_turns_without_a_jump() -> None:
    ride = drive([(0, 60), (0, 20), (-30, 20)], [(0, 6.0), (60, 6.0)], start_s=0, radius=6)
    assert np.abs(np.diff(ride.heading_rad)).max() < 0.05
    assert abs(np.diff(ride.x)).max() < 0.07 and abs(np.diff(ride.y)).max() < 0.07
    first, last = ride.at(0.5, "front"), ride.at(float(ride.time_s[-1]) - 0.5, "front")
    assert first is not None and abs(first.turn_rad) == pytest.approx(0, abs=0.02)
    assert last is not None and abs(last.turn_rad) == pytest.approx(np.pi / 2, abs=0.05)


def test_a_parked_car_stays() -> None:
    ride = parked(1.0, 13.0, 0.1, until_s=30)
    for time in (0, 29):
        pose = ride.at(time, "rear")
        assert pose is not None and (pose.x, pose.y) == (1.0, 13.0) and pose.turn_rad == pytest.approx(0.1, abs=1e-6)


def test_an_open_shutter_sees_the_mean() -> None:
    one = Layer(0, 0, np.ones((2, 2, 3), np.float32), np.ones((2, 2), np.float32))
    moved = Layer(1, 0, np.ones((2, 2, 3), np.float32), np.ones((2, 2), np.float32))
    smear = staging.average([one, moved])
    assert smear.alpha.tolist() == [[0.5, 1, 0.5]] * 2 and smear.bgr[0, :, 0].tolist() == [0.5, 1, 0.5]


def test_half_covered_is_half_seen() -> None:
    quad = np.float32([[10, 10], [50, 10], [50, 30], [10, 30]])
    sight = Sight.of(quad, (100, 100))
    assert sight.share == pytest.approx(1, abs=0.02)
    sight.cover(Layer(30, 0, np.zeros((100, 70, 3), np.float32), np.ones((100, 70), np.float32)))
    assert sight.share == pytest.approx(0.5, abs=0.04)


def test_beyond_the_picture_is_not_seen() -> None:
    sight = Sight.of(np.float32([[-20, 10], [20, 10], [20, 30], [-20, 30]]), (100, 100))
    assert sight.share == pytest.approx(0.5, abs=0.05)


def test_plates_have_the_sizes_in_use() -> None:
    assert plate_metres(4.6) == pytest.approx((0.52, 0.113), rel=0.01)
    assert plate_metres(2.0) == pytest.approx((0.33, 0.165), rel=0.01)
    assert plate_metres(1.36, motorcycle=True) == pytest.approx((0.19, 0.14), rel=0.01)
    corners = plate_corners(np.random.default_rng(0), 0.0, 0.8, (0.52, 0.11))
    pixels, _ = LEVEL.project(corners + np.float32([0, 10, 0]))
    assert cv2.contourArea(pixels, True) > 0, "clockwise from the top left"
    assert pixels[0, 0] < pixels[1, 0] and pixels[0, 1] < pixels[3, 1]


def test_light_comes_back_as_it_was_below_the_shoulder() -> None:
    bytes_ = np.arange(0, 200, dtype=np.uint8).reshape(1, -1, 1).repeat(3, axis=2)
    assert np.abs(texture.display(texture.linear(bytes_)).astype(int) - bytes_).max() <= 1
    bright = texture.display(np.float32([[[1.0] * 3, [2.0] * 3, [50.0] * 3]]))[0, :, 0].tolist()
    assert 200 < bright[0] < bright[1] <= bright[2] == 255


def test_noise_has_about_unit_deviation_and_comes_again() -> None:
    fields = [texture.noise(np.random.default_rng(seed), 200, 300, 20) for seed in (1, 1, 2)]
    assert np.array_equal(fields[0], fields[1]) and not np.array_equal(fields[0], fields[2])
    assert 0.5 < fields[0].std() < 1.5 and abs(fields[0].mean()) < 0.3
