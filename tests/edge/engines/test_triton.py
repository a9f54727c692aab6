"""The engine against Triton's own server, over HTTP and gRPC: the same numbers and events as here, and how a server may fail."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from alpr import contract
from alpr.contract import Contract
from alpr.types import F32, Frame, PlateEvent
from edge.config import load
from edge.engines import EngineError
from edge.engines.onnx import OnnxEngine
from edge.engines.triton.connection import Connection
from edge.engines.triton.engine import TritonEngine
from edge.engines.triton.link import Link, ServerAwayError
from edge.engines.triton.served import version_of
from edge.engines.triton.server import Server
from edge.pipeline import in_one_thread
from edge.unit import loop_from
from tests.edge.engines.triton_server import TritonServer
from tests.edge.mqtt.certificates import Authority
from tools.export_triton.config import Serving
from tools.export_triton.repository import export

ROOT = Path(__file__).parents[3]
MODELS = ("detector", "lpsr", "reader")
SHAPES = {
    "detector": [(1, 3, 384, 640), (2, 3, 480, 640)],
    "lpsr": [(1, 3, 32, 192), (3, 3, 64, 96)],
    "reader": [(1, 3, 64, 128), (5, 3, 64, 128)],
}
PROTOCOLS = ("http", "grpc")
FRAMES = range(100, 220)
"""Of the sample clip: its first vehicles, from where they come into sight to their final events."""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    for name in MODELS:
        export(ROOT / f"models/{name}.yaml", folder, Serving("python"))
    return folder


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    with TritonServer(repository, tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def reader() -> Contract:
    return contract.load(ROOT / "models/reader.yaml")


def pictures(*shape: int) -> F32:
    return np.random.default_rng(0).random(shape, np.float32)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", MODELS)
def test_a_tensor_gives_exactly_what_it_gives_here(server: TritonServer, protocol: str, name: str) -> None:
    model = contract.load(ROOT / f"models/{name}.yaml")
    here, there = OnnxEngine(model, precision="fp32"), TritonEngine(model, Server(getattr(server, protocol)))
    for shape in SHAPES[name]:
        expected, found = here(pictures(*shape)), there(pictures(*shape))
        assert list(found) == list(model.outputs)
        for output in model.outputs:
            assert found[output].dtype == np.float32
            np.testing.assert_array_equal(found[output], expected[output])
    there.close()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_more_pictures_than_a_batch_holds_go_in_several(server: TritonServer, protocol: str, reader: Contract) -> None:
    tensor = pictures(19, 3, 64, 128)
    expected, found = OnnxEngine(reader, precision="fp32")(tensor), TritonEngine(reader, Server(getattr(server, protocol)))(tensor)
    assert found["probabilities"].shape == (19, 10, 37) and found["two_lines"].shape == (19,)
    for output in reader.outputs:  # a batch of another size is summed up in another order
        np.testing.assert_allclose(found[output], expected[output], atol=1e-6)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    capture = cv2.VideoCapture(str(ROOT / "samples/street.mp4"))
    found = []
    for number in range(FRAMES.stop):
        ok, bgr = capture.read()
        assert ok
        if number in FRAMES:
            found.append(Frame(bgr, "gate", number, number * 40_000_000, 0.0, number * 40_000_000))
    capture.release()
    return found


def events(frames: list[Frame], **settings: Any) -> list[dict[str, Any]]:
    """What the shipped config makes of the frames, but for its timings; arrays as lists, which can be compared."""
    fp32 = {f"{stage}.precision": "fp32" for stage in ("detector", "enhancer", "reader")}
    config = load(ROOT / "config.yaml", {"cameras": [{"id": "gate", "source": str(ROOT / "samples/street.mp4")}], **fp32, **settings})
    found = in_one_thread(frames, loop_from(config).stages())
    return [_comparable(event) for event in found]


def _comparable(event: PlateEvent) -> dict[str, Any]:
    fields = asdict(replace(event, latency_ms={})) | {"box": event.box.tolist(), "quad": event.quad.tolist()}
    assert event.vote.lattice is not None
    return fields | {"vote": fields["vote"] | {"lattice": event.vote.lattice.tolist()}}


@pytest.fixture(scope="module")
def events_here(frames: list[Frame]) -> list[dict[str, Any]]:
    found = events(frames)
    assert {event["type"] for event in found} == {"early", "final"}
    return found


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_clip_gives_the_same_events(
    server: TritonServer, protocol: str, frames: list[Frame], events_here: list[dict[str, Any]]
) -> None:
    assert events(frames, engine="triton", triton={"url": getattr(server, protocol)}) == events_here


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_engine_is_made_in_one_thread_and_used_in_another(server: TritonServer, protocol: str, reader: Contract) -> None:
    engine, found = TritonEngine(reader, Server(getattr(server, protocol))), list[dict[str, F32]]()
    user = threading.Thread(target=lambda: found.append(engine(pictures(1, 3, 64, 128))))
    user.start()
    user.join(30)
    assert len(found) == 1 and engine(pictures(1, 3, 64, 128)).keys() == found[0].keys()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_tensor_of_another_shape_is_refused_by_name(server: TritonServer, protocol: str, reader: Contract) -> None:
    engine = TritonEngine(reader, Server(getattr(server, protocol)))
    with pytest.raises(EngineError, match=r"refuses ocr of 1x3x32x96: .*64"):
        engine(pictures(1, 3, 32, 96))
    with pytest.raises(EngineError, match=r"refuses ocr of 1x3x64x128: .*FP64"):
        engine(pictures(1, 3, 64, 128).astype(np.float64))  # type: ignore[arg-type]
    engine(pictures(1, 3, 64, 128))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_model_that_is_not_the_contracts_is_refused(server: TritonServer, protocol: str, reader: Contract) -> None:
    others = {
        "sha256": replace(reader, sha256="0" * 64),
        "has inputs": replace(reader, input=replace(reader.input, name="picture")),
        r"\(3, 32, 96\)": replace(reader, input=replace(reader.input, size_px=(32, 96))),
        "has outputs": replace(reader, outputs=("probabilities",)),
        "expected version 2000000": replace(reader, version="2.0.0"),
    }
    for said, other in others.items():
        with pytest.raises(EngineError, match=rf"^{getattr(server, protocol)}: .*{said}.*tools.export_triton"):
            TritonEngine(other, Server(getattr(server, protocol)))


def test_a_model_that_is_missing_or_did_not_load_is_named(repository: Path, reader: Contract, tmp_path: Path) -> None:
    lpsr = contract.load(ROOT / "models/lpsr.yaml")
    export(ROOT / "models/lpsr.yaml", tmp_path / "repository", Serving("python"))
    (tmp_path / "repository/super_resolution" / version_of(lpsr) / "model.onnx").write_bytes(b"cut off")
    with TritonServer(tmp_path / "repository", tmp_path) as broken:
        for url in (broken.http, broken.grpc):
            with pytest.raises(EngineError, match=f"the server has no ocr; expected version {version_of(reader)} of ocr"):
                TritonEngine(reader, Server(url))
            broke = rf"the server has super_resolution {version_of(lpsr)} UNAVAILABLE (?s:.*)INVALID_PROTOBUF(?s:.*)load it there"
            with pytest.raises(EngineError, match=broke):
                TritonEngine(lpsr, Server(url))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_server_that_was_never_there_is_waited_for_and_said(protocol: str, reader: Contract) -> None:
    began = time.monotonic()
    with pytest.raises(EngineError, match=r"no connection for 0\.5 s .*is tritonserver running there"):
        TritonEngine(reader, Server(f"{protocol}://127.0.0.1:1", timeout_s=1, away_s=0.5))
    assert 0.5 <= time.monotonic() - began < 3


def test_a_server_that_goes_and_comes_back_is_found_again(repository: Path, reader: Contract, tmp_path: Path) -> None:
    with TritonServer(repository, tmp_path) as server:
        engines = [TritonEngine(reader, Server(url, timeout_s=10, away_s=60)) for url in (server.http, server.grpc)]
        expected = OnnxEngine(reader, precision="fp32")(pictures(2, 3, 64, 128))
        server.kill()
        back = threading.Timer(1, server.start)
        back.start()
        for engine in engines:
            np.testing.assert_array_equal(engine(pictures(2, 3, 64, 128))["probabilities"], expected["probabilities"])
        back.join(60)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_server_that_hangs_is_waited_for_no_longer_than_said(server: TritonServer, protocol: str, reader: Contract) -> None:
    engine = TritonEngine(reader, Server(getattr(server, protocol), timeout_s=1))
    server.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(EngineError, match=r"no answer for ocr of 1x3x64x128 within triton\.timeout_s, 1 s"):
            engine(pictures(1, 3, 64, 128))
        assert time.monotonic() - began < 3
    finally:
        server.signal(signal.SIGCONT)
    engine(pictures(1, 3, 64, 128))


def test_tls_takes_the_certificate_that_it_was_told_and_no_other(repository: Path, reader: Contract, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "certificates")
    certificate, key = authority.sign("server")
    tls = ("--grpc-use-ssl=true", f"--grpc-server-cert={certificate}", f"--grpc-server-key={key}", f"--grpc-root-cert={authority.ca_file}")
    with TritonServer(repository, tmp_path, *tls) as server:
        url = server.grpc.replace("grpc://", "grpcs://")
        assert TritonEngine(reader, Server(url, ca_file=authority.ca_file))(pictures(1, 3, 64, 128))["two_lines"].shape == (1,)
        with pytest.raises(EngineError, match="no connection"):
            TritonEngine(reader, Server(url, away_s=0.5, ca_file=Authority(tmp_path / "others").ca_file))
        with pytest.raises(EngineError, match=r"triton\.ca_file: \S+gone\.crt cannot be read"):
            TritonEngine(reader, Server(url, ca_file=tmp_path / "gone.crt"))


def test_closing_wakes_a_thread_that_waits_for_the_server() -> None:
    def away(link: Link) -> None:
        raise ServerAwayError("gone")

    connection, said = Connection(Server(away_s=60), lambda link: None, lambda server: _Silent()), list[str]()

    def ask() -> None:
        try:
            connection.ask(away, "anything")
        except EngineError as error:
            said.append(str(error))

    asker = threading.Thread(target=ask)
    asker.start()
    time.sleep(0.3)
    connection.close()
    asker.join(2)
    assert said and "closed" in said[0]
    connection.close()


def test_a_unit_without_tritonclient_runs_and_says_what_is_missing() -> None:
    code = (
        "import sys; sys.modules['tritonclient'] = None\n"
        "import edge.unit\n"
        "from edge.engines.triton.connection import open_link\n"
        "from edge.engines.triton.server import Server\n"
        "for url in ('http://a:1', 'grpc://a:1'):\n"
        "    try: open_link(Server(url))\n"
        "    except edge.unit.contract.ContractError: pass\n"
        "    except RuntimeError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.count("pip install 'tritonclient[grpc,http]'") == 2, done.stderr


@pytest.mark.parametrize("url", ["triton:8001", "ftp://a:1", "grpc://a", "grpc://a:0", "grpc://a:99999", "http://a:8000/v2", ""])
def test_a_url_that_reaches_no_server_is_told(url: str) -> None:
    with pytest.raises(ValueError, match="expected http://host:8000, grpc://host:8001"):
        Server(url)


class _Silent:
    """A link that is never asked."""

    def close(self) -> None:
        return None
