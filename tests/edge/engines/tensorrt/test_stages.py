"""The stages on the device, with stand-ins for TensorRT and CUDA, against the same stages on onnxruntime."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr.contract import Contract
from alpr.imaging import rectify
from alpr.types import Frame, PlateCrop
from edge.config import load
from edge.detector import Detector
from edge.engines import EngineError
from edge.engines.onnx import OnnxEngine
from edge.engines.tensorrt.builder import Workshop
from edge.engines.tensorrt.cache import Cache
from edge.engines.tensorrt.enhancer import HeldCrop
from edge.engines.tensorrt.gpu import Gpu
from edge.engines.tensorrt.recipe import recipe
from edge.engines.tensorrt.session import Session
from edge.engines.tensorrt.stages import DeviceLoop, DeviceStages, Engines
from edge.enhancer import Enhancer
from edge.loop import Sighting
from edge.reader import Reader
from edge.unit import loop_from
from tests.edge.engines.tensorrt.cuda_standin import Cuda, Graphs, standin_gpu
from tests.edge.engines.tensorrt.trt_standin import Trt

CANVASES = ((384, 640),)
Contracts = tuple[Contract, Contract, Contract]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory, contracts: Contracts) -> Engines:
    folder = tmp_path_factory.mktemp("engines")
    for contract in contracts:
        made = recipe(Trt(), "Stand-in (sm_87)", contract, "fp16", CANVASES)
        Cache(folder).store(made, Workshop(Trt(), contract.path.parent, folder).build(made))
    return Engines(folder, "fp16", CANVASES)


@pytest.fixture(scope="module", params=["discrete", "integrated"])
def gpu(request: pytest.FixtureRequest, kernels: Path) -> Iterator[Gpu]:
    found = standin_gpu(kernels, request.param == "integrated", Graphs())
    yield found
    found.close()
    found.close()


@pytest.fixture(scope="module")
def stages(gpu: Gpu, engines: Engines, contracts: Contracts) -> DeviceStages:
    return DeviceStages.open(*contracts, engines, threshold=0.1, gpu=gpu, trt=Trt())


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    """Every tenth frame of the sample clip's fifth second."""
    capture = cv2.VideoCapture(str(Path(__file__).parents[4] / "samples/street.mp4"))
    pictures = [capture.read()[1] for _ in range(150)]
    return [Frame(bgr, "road", i, 1000 + i, 0.0, 1000 + i) for i, bgr in list(enumerate(pictures))[100::10]]


CLOCK_NS = itertools.count(10**9)


def held(frame: Frame, stages: DeviceStages) -> Frame:
    """The frame as if it was captured now, on the device."""
    frame = replace(frame, captured_ns=next(CLOCK_NS))
    stages.detector.hold([frame])
    return frame


def crops_of(frame: Frame, stages: DeviceStages) -> list[PlateCrop]:
    found = stages.detector(frame.bgr)
    return [PlateCrop(rectify(frame.bgr, quad), quad, 20.0, frame.number, frame.captured_ns) for quad in found.quads[found.scores > 0.5]]


def test_the_same_plates_are_found(stages: DeviceStages, contracts: Contracts, frames: list[Frame]) -> None:
    cpu = Detector(OnnxEngine(contracts[0], precision="fp32"), 0.1)
    seen = 0
    for frame in frames:
        found, wanted = stages.detector(frame.bgr), cpu(frame.bgr)
        assert len(found) == len(wanted)
        seen += len(wanted)
        np.testing.assert_allclose(found.scores, wanted.scores, atol=0.01)
        np.testing.assert_allclose(found.quads, wanted.quads, atol=0.5)
    assert seen > 0


def test_a_frame_goes_up_once(stages: DeviceStages, gpu: Gpu, frames: list[Frame]) -> None:
    """The detector, LPSR and the reader all take their pixels from one upload; where host and device share memory, there is none."""
    before = gpu.cuda.uploaded
    crops = crops_of(held(frames[0], stages), stages)
    stages.reader([*crops, *stages.enhancer(crops)])
    assert crops
    uploaded, once = gpu.cuda.uploaded - before, frames[0].bgr.nbytes
    assert uploaded == 0 if gpu.integrated else once < uploaded < once + 20_000


def test_frames_of_several_cameras_are_looked_at_together(stages: DeviceStages, gpu: Gpu, frames: list[Frame]) -> None:
    """In one run, of other sizes too, and each finds what it finds alone; more than a batch holds go in several."""
    pictures = [frames[0].bgr, cv2.resize(frames[1].bgr, (960, 540)), frames[2].bgr, *(frame.bgr for frame in frames[3:5]), frames[0].bgr]
    alone = [stages.detector(bgr) for bgr in pictures]
    for found, wanted in zip(stages.detector.all(pictures), alone, strict=True):
        assert len(found) == len(wanted)
        np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-5)
        np.testing.assert_allclose(found.quads, wanted.quads, atol=1e-2)
    assert sum(len(each) for each in alone) > 0 and stages.detector.all([]) == []
    before = gpu.cuda.uploaded
    stages.detector.hold(frames[:3])
    stages.detector.all([frame.bgr for frame in frames[:3]])
    once = sum(frame.bgr.nbytes for frame in frames[:3])
    assert gpu.integrated or once < gpu.cuda.uploaded - before < once + 1000, "each goes up once"


def test_the_loop_of_several_cameras_sees_what_each_alone_would(stages: DeviceStages, contracts: Contracts) -> None:
    """Tracks, crops and reads of three cameras, together and one by one."""
    cameras = ("gate", "road", "yard")
    streams = {camera: list(of_the_clip(60 * i, 12, camera)) for i, camera in enumerate(cameras)}
    rounds = list(zip(*streams.values(), strict=True))
    together = loop_of(stages)
    batched = [s for some in rounds for s in together.read_together(list(together.enhance_together(list(together.see_together(some)))))]
    single = loop_of(stages)
    seen = [sighting for some in rounds for frame in some for sighting in single.see(frame)]
    one_by_one = [read for sighting in seen for drawn in single.enhance(sighting) for read in single.read(drawn)]
    assert texts(batched) == texts(one_by_one) and len(texts(batched)) > 10
    assert together.counts == single.counts and together.detector.most == 4


def of_the_clip(start: int, count: int, camera: str) -> Iterator[Frame]:
    capture = cv2.VideoCapture(str(Path(__file__).parents[4] / "samples/street.mp4"))
    capture.set(cv2.CAP_PROP_POS_FRAMES, 100 + start)
    for i in range(count):
        now_ns = next(CLOCK_NS) * 40_000_000
        yield Frame(capture.read()[1], camera, i, now_ns, now_ns / 1e9, i * 40_000_000)


def loop_of(stages: DeviceStages) -> DeviceLoop:
    plain = loop_from(load(Path(__file__).parents[4] / "config.yaml"))
    return DeviceLoop(stages.detector, stages.enhancer, stages.reader, plain.gate, plain.judge, plain.tracker_rules, corners=plain.corners)


def texts(sightings: list[Sighting]) -> list[tuple[str, int, list[str]]]:
    return sorted((s.seen.camera, job.track.id, [read.text for _, read in job.reads]) for s in sightings for job in s.jobs)


def test_plates_are_read_alike_from_frame_crop_and_enhanced_picture(
    stages: DeviceStages, contracts: Contracts, frames: list[Frame]
) -> None:
    cpu_enhancer, cpu_reader = Enhancer(OnnxEngine(contracts[1], precision="fp32")), Reader(OnnxEngine(contracts[2], precision="fp32"))
    compared = 0
    for frame in frames:
        crops = crops_of(held(frame, stages), stages)
        strangers = [replace(crop, frame=-1) for crop in crops]  # of a frame that is gone: their pixels go up by themselves
        enhanced, wanted = stages.enhancer(crops), cpu_enhancer(crops)
        for mine, theirs in zip(enhanced, wanted, strict=True):
            assert isinstance(mine, HeldCrop) and mine.token >= 0 and mine.enhanced
            np.testing.assert_allclose(mine.bgr.astype(int), theirs.bgr.astype(int), atol=6)
        plain = [PlateCrop(crop.bgr, crop.quad, crop.height_px, crop.frame, crop.captured_ns, True) for crop in enhanced]
        expected = cpu_reader([*crops, *crops, *enhanced, *enhanced])
        for read, other in zip(stages.reader([*crops, *strangers, *enhanced, *plain]), expected, strict=True):
            np.testing.assert_allclose(read.lattice, other.lattice, atol=0.05)
            assert read.enhanced == other.enhanced
            compared += 1
    assert compared > 20


def test_more_plates_than_a_batch_holds_are_read_in_several(stages: DeviceStages, contracts: Contracts) -> None:
    rng = np.random.default_rng(0)
    crops = [PlateCrop(rng.integers(0, 256, (20 + i, 60, 3), dtype=np.uint8), np.zeros((4, 2), np.float32), 20, 0, 0) for i in range(37)]
    mine, theirs = stages.reader(crops), Reader(OnnxEngine(contracts[2], precision="fp32"))(crops)
    np.testing.assert_allclose([read.lattice for read in mine], [read.lattice for read in theirs], atol=1e-5)
    enhanced = Enhancer(OnnxEngine(contracts[1], precision="fp32"))(crops)
    assert [crop.bgr.shape for crop in stages.enhancer(crops)] == [crop.bgr.shape for crop in enhanced]
    assert stages.reader([]) == [] and stages.enhancer([]) == []


def test_graphs_are_replayed_and_a_refused_capture_is_survived(
    kernels: Path, engines: Engines, contracts: Contracts, frames: list[Frame], caplog: pytest.LogCaptureFixture
) -> None:
    graphs, refusing = Graphs(), Graphs(refuses=True)
    with caplog.at_level(logging.WARNING):
        one, other = (
            DeviceStages.open(*contracts, engines, threshold=0.1, gpu=standin_gpu(kernels, graphs=each), trt=Trt())
            for each in (graphs, refusing)
        )
    assert "runs without a CUDA graph: cuStreamEndCapture: error 901" in caplog.text
    with_graph, without = one.detector(frames[0].bgr), other.detector(frames[0].bgr)
    np.testing.assert_array_equal(with_graph.quads, without.quads)
    assert graphs.launches == 1 and refusing.launches == 0


def test_another_camera_s_canvas_is_refused_with_what_to_do(stages: DeviceStages) -> None:
    with pytest.raises(EngineError, match=r"no canvas of 480x640 .* add \[480, 640\] to tensorrt.canvases_px"):
        stages.detector(np.zeros((480, 640, 3), np.uint8))


def test_what_tensorrt_refuses_is_told_in_its_own_words(kernels: Path, engines: Engines, contracts: Contracts) -> None:
    for breaks, said in (("load", "kSERIALIZATION_VERSION"), ("half", "scores, boxes, quads is not float32"), ("run", "did not run")):
        with pytest.raises(EngineError, match=said):
            DeviceStages.open(*contracts, engines, threshold=0.1, gpu=standin_gpu(kernels), trt=Trt(breaks=breaks))


def test_a_full_gpu_is_named(kernels: Path, engines: Engines, contracts: Contracts) -> None:
    def fails(nbytes: int) -> None:
        raise Cuda.MemoryError("cuMemAlloc failed: out of memory")

    gpu = standin_gpu(kernels, cuda=Cuda(kernels, fails))
    with pytest.raises(EngineError, match=r"loading kerbside-detector: out of GPU memory, 3 of 4096 MB are free .* fewer cameras"):
        DeviceStages.open(*contracts, engines, threshold=0.1, gpu=gpu, trt=Trt())


def test_an_engine_behind_the_common_protocol(gpu: Gpu, engines: Engines, contracts: Contracts) -> None:
    from edge.engines.tensorrt.engine import TensorRtEngine

    session: Session = engines.load(Trt(), gpu, contracts[2])
    tensor = np.random.default_rng(1).random((19, 3, 64, 128), np.float32)
    mine, theirs = TensorRtEngine(gpu, session)(tensor), OnnxEngine(contracts[2], precision="fp32")(tensor)
    for name in contracts[2].outputs:
        np.testing.assert_allclose(mine[name], theirs[name], atol=1e-5)


def test_kernels_of_other_sources_are_refused(kernels: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"python -m edge.cuda.build"):
        standin_gpu(tmp_path / "kernels-0.fatbin", cuda=Cuda(kernels))


def test_a_machine_without_a_gpu_says_so() -> None:
    try:
        import pycuda.driver  # noqa: F401
    except ImportError:
        with pytest.raises(EngineError, match=r"no GPU can be used .* set engine: onnx"):
            Gpu.open()
