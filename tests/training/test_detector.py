"""The detector learns, says the same in torch and in ONNX, and what it is shown is labelled right."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import yaml

torch = pytest.importorskip("torch", reason="training needs torch")

from alpr import contract  # noqa: E402
from alpr.imaging import Letterbox  # noqa: E402
from alpr.types import Detections  # noqa: E402
from training.detector import __main__ as training  # noqa: E402
from training.detector import augmentation, composition, data, evaluation, export, network  # noqa: E402
from training.detector.batches import collate, image_from_pictures  # noqa: E402
from training.detector.losses import Gains, Targets, assign, complete_iou, detection_loss, height_of, hull_of, outside_margin, pair_iou  # noqa: E402
from training.detector.network import Detector, cost, grid  # noqa: E402
from training.synth import paste  # noqa: E402

torch.set_num_threads(1)  # beside another busy process, two threads wait for each other at every small layer: a hundred times slower

RED, GREEN, BLUE, WHITE = (0, 0, 255), (0, 255, 0), (255, 0, 0), (255, 255, 255)


def four_colours(_: np.random.Generator) -> np.ndarray:
    """A plate that says which corner is which: red, green, blue, white clockwise from the top left."""
    plate = np.zeros((64, 192, 3), np.uint8)
    plate[:32, :96], plate[:32, 96:], plate[32:, 96:], plate[32:, :96] = RED, GREEN, BLUE, WHITE
    return plate


def street(seed: int, size: tuple[int, int] = (240, 320)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 160, (6, 8, 3)).astype(np.uint8)
    return cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)


def stored(bgr: np.ndarray, *boxes: tuple[float, float, float, float]) -> data.Stored:
    return data.Stored(cv2.imencode(".png", bgr)[1], np.array(boxes, np.float32).reshape(-1, 4))


def composer(**mix: float) -> composition.Composer:
    pictures = [stored(street(i), (100, 120, 180, 145), (240, 60, 262, 68)) for i in range(4)]
    crops = [stored(street(9, (60, 120)), (12, 10, 108, 50))]
    return composition.Composer([pictures], [1.0], crops, composition.PlateBank(four_colours, 4, 4), composition.Mix(**mix))


def colour_near(bgr: np.ndarray, quad: np.ndarray, corner: int) -> tuple[int, int, int]:
    """The colour a fifth of the way from a corner to the middle."""
    x, y = (quad[corner] * 0.7 + quad.mean(axis=0) * 0.3).round().astype(int)
    return tuple(int(value) for value in bgr[y, x])


@pytest.mark.parametrize("mirror", [1.0, -1.0])
def test_corners_stay_clockwise_from_the_top_left_of_what_is_seen(mirror: float) -> None:
    bgr = np.full((200, 300, 3), 90, np.uint8)
    quad = np.float32([[60, 50], [200, 62], [195, 120], [58, 100]])
    paste.paste(bgr, quad, four_colours(np.random.default_rng(0)), np.random.default_rng(0))
    picture = data.Labelled(bgr, quad[None], np.ones(1, bool))
    turn = np.deg2rad(8)
    linear = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.diag([1.2 * mirror, 1.2])
    offset = np.array([190, 120]) - linear @ np.array([150, 90])
    seen = augmentation.transformed(picture, np.concatenate([linear, offset[:, None]], axis=1), (256, 384), np.random.default_rng(1))
    expected = [RED, GREEN, BLUE, WHITE] if mirror > 0 else [GREEN, RED, WHITE, BLUE]
    for corner, colour in enumerate(expected):
        assert np.abs(np.subtract(colour_near(seen.bgr, seen.quads[0], corner), colour)).max() < 60
    top_left, top_right, bottom_right, _ = seen.quads[0]
    assert top_left[0] < top_right[0] and top_right[1] < bottom_right[1]


def test_a_replacing_plate_fills_the_box_and_leaves_the_rest_alone() -> None:
    bgr = street(3)
    before, box = bgr.copy(), np.float32([100, 100, 180, 130])
    quad = paste.replace_plate(bgr, box, four_colours(np.random.default_rng(0)), np.random.default_rng(5))
    assert quad is not None
    np.testing.assert_allclose(np.concatenate([quad.min(axis=0), quad.max(axis=0)]), box, atol=0.01)
    changed = np.argwhere((bgr != before).any(axis=2))
    assert changed[:, 0].min() >= 94 and changed[:, 0].max() <= 136 and changed[:, 1].min() >= 92 and changed[:, 1].max() <= 188


def test_a_plate_is_not_pasted_where_there_is_no_room() -> None:
    bgr = street(3)
    before = bgr.copy()
    plate, rng = four_colours(np.random.default_rng(0)), np.random.default_rng(0)
    assert paste.replace_plate(bgr, np.float32([318, 100, 340, 120]), plate, rng) is None
    assert paste.add_plate(bgr, plate, 400, np.zeros((0, 4), np.float32), rng) is None
    assert paste.add_plate(bgr, plate, 60, np.float32([[0, 0, 320, 240]]), rng) is None
    np.testing.assert_array_equal(bgr, before)


def test_tiny_and_hidden_plates_are_ignored_and_those_outside_dropped() -> None:
    quads = [[[x, 20], [x + w, 20], [x + w, 30], [x, 30]] for x, w in ((10, 40), (60, 6), (90, 40), (200, 20))]
    framed = composition.framed(data.Labelled(np.zeros((50, 100, 3), np.uint8), np.float32(quads), np.zeros(4, bool)))
    assert framed.boxes.tolist() == [[10, 20, 50, 30], [60, 20, 66, 30], [90, 20, 100, 30]]
    assert framed.ignored.tolist() == [False, True, True]


@pytest.mark.parametrize("mix", [{"mosaic": 1.0}, {"mosaic": 0.0, "crop": 1.0}, {"mosaic": 0.0, "crop": 0.0, "add": 1.0}])
def test_samples_hold_their_plates_and_can_be_drawn_again(mix: dict[str, float]) -> None:
    first, again = (composer(**mix).sample((192, 256), np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(first.bgr, again.bgr)
    rng, scene = np.random.default_rng(6), composer(**mix)
    samples = [scene.sample((192, 256), rng) for _ in range(20)]
    assert all(sample.bgr.shape == (192, 256, 3) and sample.bgr.dtype == np.uint8 for sample in samples)
    boxes = np.concatenate([sample.boxes for sample in samples])
    assert len(boxes) > 10 and (boxes[:, :2] >= 0).all() and (boxes[:, 2:] <= [256, 192]).all() and (boxes[:, 2:] > boxes[:, :2]).all()
    cornered = np.concatenate([sample.cornered for sample in samples])
    hulls = np.concatenate([np.concatenate([s.quads.min(axis=1), s.quads.max(axis=1)], axis=1) for s in samples])
    np.testing.assert_allclose(np.clip(hulls, 0, [256, 192, 256, 192])[cornered], boxes[cornered], atol=1e-3)
    assert cornered.any()


def test_rendered_scenes_can_be_mixed_in() -> None:
    scene = composer(mosaic=0.0, crop=0.0, rendered=1.0)
    quad = np.float32([[[40, 40], [120, 44], [120, 70], [40, 66]]])
    scene.rendered = iter([(street(1), np.zeros((1, 4), np.float32), quad)])
    assert scene.sample((192, 256), np.random.default_rng(0)).cornered.tolist() == [True]


def test_a_set_is_read_and_a_bad_row_is_named(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "0.png"), street(0))
    labels = tmp_path / "labels.jsonl"
    good = json.dumps({"image": "images/0.png", "plates": [{"box": [1, 2, 30, 12]}]})
    labels.write_text(good + "\n")
    (picture,) = data.load(tmp_path)
    assert picture.decode().boxes.tolist() == [[1, 2, 30, 12]]
    labels.write_text(good + "\n" + json.dumps({"image": "images/none.png", "plates": []}) + "\n")
    with pytest.raises(ValueError, match=r"labels\.jsonl:2: expected image and plates"):
        data.load(tmp_path)
    with pytest.raises(ValueError, match="not there"):
        data.load(tmp_path / "images")


def test_overlaps_and_hulls_have_their_known_values() -> None:
    a, b = torch.tensor([[0.0, 0.0, 4.0, 2.0]]), torch.tensor([[2.0, 0.0, 6.0, 2.0]])
    assert pair_iou(a[None], b[None]).item() == pytest.approx(1 / 3)
    assert complete_iou(a, a).item() == pytest.approx(1)
    assert complete_iou(a, b).item() == pytest.approx(1 / 3 - 4 / 40)  # same shape: overlap less centre distance² over diagonal²
    assert hull_of(torch.tensor([[1.0, 2, 9, 0, 8, 7, 0, 6]])).tolist() == [[0, 0, 9, 7]]


def test_a_quad_may_leave_the_margin_of_a_labelled_box_but_not_more_and_not_less() -> None:
    box = torch.tensor([[0.0, 0.0, 100.0, 40.0]])  # margins of 5 and 6 px
    tight, small, large = torch.tensor([[4.0, 6, 96, 34]]), torch.tensor([[0.0, 10, 90, 40]]), torch.tensor([[-2.0, 0, 100, 43]])
    assert outside_margin(tight, box).tolist() == [[0, 0, 0, 0]]
    assert outside_margin(small, box).tolist() == [[0, 4, 5, 0]]
    assert outside_margin(large, box).tolist() == [[2, 0, 0, 3]]
    assert height_of(torch.tensor([[0.0, 0, 50, 9, 50, 19, 0, 20]])).item() == 15


def test_views_turn_far_only_where_corners_are_known() -> None:
    quad = np.float32([[[100, 100], [180, 100], [180, 120], [100, 120]]])

    def steepest(cornered: bool) -> float:
        rng = np.random.default_rng(0)
        picture = data.Labelled(street(0), quad, np.array([cornered]))
        sides = [view.quads[0, 1] - view.quads[0, 0] for view in (augmentation.look(picture, (192, 256), rng) for _ in range(60))]
        return max(float(np.degrees(np.abs(np.arctan(y / x)))) for x, y in sides)

    assert steepest(True) > 17 > steepest(False)


def test_a_plate_smaller_than_a_cell_still_gets_points() -> None:
    """Plates of a dozen pixels contain no point of stride 8: with points asked to lie inside, they were never learned."""
    centres, _ = grid(64, 64, torch.zeros(1))
    boxes = torch.tensor([[[13.0, 13.0, 19.0, 15.0]]])
    true = torch.ones(1, 1, dtype=torch.bool)
    targets = Targets(boxes, torch.zeros(1, 1, 8), true, ~true, ~true)
    predicted = torch.cat([centres - 4, centres + 4], 1)[None]
    assigned = assign(torch.full((1, len(centres)), 0.01), predicted, centres, targets)
    assert assigned.chosen.sum() >= 2
    assert (centres[assigned.chosen[0]] - torch.tensor([16.0, 14.0])).abs().max() < 8


def test_what_is_ignored_costs_nothing() -> None:
    torch.manual_seed(0)
    centres, strides = grid(64, 64, torch.zeros(1))
    points = torch.zeros(1, len(centres), 13)
    box, yes, no = torch.tensor([[[0.0, 0.0, 64.0, 64.0]]]), torch.ones(1, 1, dtype=torch.bool), torch.zeros(1, 1, dtype=torch.bool)
    nothing, _ = detection_loss(points, centres, strides, Targets(box, torch.zeros(1, 1, 8), no, no, no), Gains())
    ignored, _ = detection_loss(points, centres, strides, Targets(box, torch.zeros(1, 1, 8), no, yes, no), Gains())
    assert nothing.item() > 1 and ignored.item() == 0


def test_it_fits_the_budget_of_a_roadside_unit() -> None:
    macs, parameters = cost(Detector().eval(), (384, 640))
    assert macs < 0.7e9 and parameters < 1.5e6


def overfitted() -> tuple[Detector, list[composition.Sample]]:
    """A detector that has seen the same four canvases again and again."""
    torch.manual_seed(0)
    scene, rng = composer(mosaic=0.0, crop=0.0, replace=1.0, add=0.0), np.random.default_rng(2)
    samples = [scene.sample((128, 160), rng) for _ in range(4)]
    detector = Detector(backbone=(8, 16, 32, 48, 64), neck=(32, 32, 32), head=32)
    optimiser = torch.optim.AdamW(detector.parameters(), 4e-3)
    pictures, targets = collate(samples)
    image = image_from_pictures(pictures)
    for _ in range(150):
        loss, _ = detection_loss(detector.train()(image), *grid(128, 160, image), targets, Gains())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        for layer in detector.modules():  # the running statistics lag behind weights that move this fast
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = 0.3
        for _ in range(20):
            detector(image)
    return detector.eval(), samples


def test_it_learns_four_pictures_and_is_released_whole(tmp_path: Path) -> None:
    detector, samples = overfitted()
    path = export.release(detector, tmp_path, "0.0.1", {"ap50": 0.5})
    released = contract.load(path)
    assert released.kind == "detection" and released.outputs == ("scores", "boxes", "quads") and released.input.multiple_px == 32
    assert released.measured["ap50"] == 0.5 and any("CC BY 4.0" in source for source in released.trained_on)
    pictures = [(sample.bgr, sample.boxes[~sample.ignored]) for sample in samples]
    for model in (evaluation.torch_model(detector), evaluation.onnx_model(released.path)):
        assert evaluation.evaluate(model, pictures, longest_px=160).ap50 > 0.95
        assert np.median(evaluation.corner_errors(model, samples, longest_px=160)[:, 0]) < 0.15


def labelled_set(folder: Path, count: int) -> None:
    (folder / "images").mkdir(parents=True)
    for i in range(count):
        cv2.imwrite(str(folder / "images" / f"{i}.png"), street(i, (96, 128)))
    row = {"plates": [{"box": [40, 50, 80, 62]}]}
    (folder / "labels.jsonl").write_text("".join(json.dumps({"image": f"images/{i}.png", **row}) + "\n" for i in range(count)))


def test_a_training_ends_on_time_and_goes_on_where_it_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = yaml.safe_load(training.CONFIG.read_text(encoding="utf-8"))
    first_line = training.CONFIG.read_text(encoding="utf-8").splitlines()[0]
    assert first_line.startswith("# python -m training.detector ")
    for name in (*config["scenes"], *config["crops"]):
        labelled_set(tmp_path / "data" / name, 4)
    config.update(sizes_px=[[64, 96]], size_weights=[1], batch_px=64 * 96 * 2, bank=4, corner_samples=2)
    config["network"] = {"backbone": [8, 8, 8, 16, 16], "neck": [8, 8, 8], "head": 8}
    (tmp_path / "detector.yaml").write_text(yaml.safe_dump(config))
    paths = ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "run"), "--config", str(tmp_path / "detector.yaml")]
    for minutes in ("0.001", "0.002"):
        training.main([*paths, "--minutes", minutes, "--threads", "1", "--workers", "0"])
    assert "resumed at step" in capsys.readouterr().out
    rows = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    steps = [int(row.split(",")[0]) for row in rows[1:]]
    assert rows[0].startswith("step,pictures,ap50") and len(steps) == 2 and steps[1] > steps[0] > 0


def test_a_graph_that_disagrees_is_not_released(tmp_path: Path) -> None:
    torch.manual_seed(0)
    detector = Detector().eval()
    export.export_onnx(detector, tmp_path / "one.onnx")
    assert max(export.parity(detector, tmp_path / "one.onnx").values()) < 0.05
    detector.heads[0].shape[-1].bias.data[0] += 0.1
    with pytest.raises(ValueError, match="not to be trusted"):
        export.parity(detector, tmp_path / "one.onnx")


def test_residual_sums_are_taken_up_by_the_convolutions_after_them() -> None:
    torch.manual_seed(0)
    detector, image = Detector((8, 8, 16, 16, 16), (8, 8, 8), 8).eval(), torch.rand(1, 3, 64, 96)
    weights = {name: value.clone() for name, value in detector.state_dict().items()}
    absorbed = network.absorbed(detector)
    assert not any(block.residual for block in absorbed.modules() if isinstance(block, network.CrossStage))
    assert torch.allclose(detector(image), absorbed(image), atol=1e-5)
    assert all(torch.equal(value, weights[name]) for name, value in detector.state_dict().items()), "the detector itself goes on as it was"


def test_the_exported_grid_is_of_integers_and_few_nodes(tmp_path: Path) -> None:
    """TensorRT refused ranges of floats up to 8.4, and torch exports an expand with a search for -1 that runs every time."""
    export.export_onnx(Detector((8, 8, 16, 16, 16), (8, 8, 8), 8).eval(), tmp_path / "one.onnx")
    graph = onnx.shape_inference.infer_shapes(onnx.load(str(tmp_path / "one.onnx"))).graph
    kinds = {value.name: value.type.tensor_type.elem_type for value in graph.value_info}
    ranges = [node for node in graph.node if node.op_type == "Range"]
    assert len(ranges) == 2 and {kinds[node.output[0]] for node in ranges} == {onnx.TensorProto.INT64}
    assert not {"Where", "Expand", "Equal"} & {node.op_type for node in graph.node}


def test_average_precision_has_its_known_value() -> None:
    truths = [np.float32([[0, 0, 10, 10], [20, 0, 30, 10]]), np.float32([[0, 0, 4, 4]])]
    boxes = np.float32([[0, 0, 10, 10], [50, 50, 60, 60], [20, 0, 30, 10]])
    found = [Detections(boxes, np.float32([0.9, 0.8, 0.7]), np.zeros((3, 4, 2), np.float32))]
    found.append(Detections(np.float32([[0, 0, 4, 4]]), np.float32([0.95]), np.zeros((1, 4, 2), np.float32)))
    result = evaluation.accuracy(found, truths, [np.zeros(2, bool), np.ones(1, bool)])
    assert result.ap50 == pytest.approx(0.5 + 0.5 * 2 / 3) and result.plates == 2  # the hit on the ignored plate counts for nothing


def test_what_is_found_is_in_pixels_of_the_picture() -> None:
    def model(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        assert image.shape == (1, 3, 384, 640)
        quad = [320, 192, 400, 192, 400, 212, 320, 212]
        return np.float32([[0.9]]), np.float32([[[320, 192, 400, 212]]]), np.float32([[quad]])

    found = evaluation.find(model, np.zeros((720, 1280, 3), np.uint8), 0.5)
    fit = Letterbox(0.5, (0.0, 12.0))
    np.testing.assert_allclose(found.boxes[0].reshape(2, 2), fit.to_picture(np.float32([[320, 192], [400, 212]])))
