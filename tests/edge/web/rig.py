"""A unit with its page open, on a config of its own that the page may change."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alpr.types import Detections, Frame
from edge.config import load
from edge.config.file import ConfigFile
from edge.reload import Reloader
from edge.unit import Unit
from edge.web.view import LiveView

CONFIG = """\
device: {{id: unit-1, site: North gate}}
cameras:
  - id: road      # over the kerb
    source: {clip}
    loop: true
    realtime: true
{cameras}detector: {{model: {root}/models/detector.yaml}}
enhancer: {{model: {root}/models/lpsr.yaml}}
reader: {{model: {root}/models/reader.yaml}}
mqtt: {{port: 1}}
outbox: {{path: {folder}/outbox.db}}
audit: {{path: {folder}/audit.jsonl}}
zones: []         # none yet
web:
  enabled: true
  port: 0
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Rig:
    """A wired unit and its view; the unit runs only where `run` is called. Use as a context."""

    def __init__(self, folder: Path, root: Path, web: str = "", more: str = "", cameras: str = "", clip: Path | None = None) -> None:
        """`web` and `cameras` are further lines of those sections, `more` further sections."""
        self.path, self.folder, self.tls = folder / "config.yaml", folder, "cert_file" in web
        text = CONFIG.format(clip=clip or root / "samples/street.mp4", root=root, folder=folder, cameras=cameras)
        self.path.write_text(text + web + more)
        self.stop = threading.Event()
        self.unit = Unit(load(self.path), np.random.default_rng(0), self.stop)
        reloader = Reloader(self.unit, lambda: load(self.path))
        self.reload = reloader
        self.view = LiveView(self.unit, ConfigFile(self.path, lambda text: load(self.path, text=text)), reloader)

    def __enter__(self) -> Rig:
        self.view.start()
        assert self.view.server.opened.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.view.close()
        self.unit.close()

    @property
    def url(self) -> str:
        return f"http{'s' * self.tls}://127.0.0.1:{self.view.server.port}"

    def ask(self, path: str, body: Any = None, method: str = "", **headers: str) -> Answer:
        """One request on a connection of its own; a body goes as JSON, as the page sends it."""
        port = self.view.server.port
        plain = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        secure = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=ssl._create_unverified_context())
        connection = secure if self.tls else plain
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            if body is not None:
                given.setdefault("Content-Type", "application/json")
            sent = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
            connection.request(method or ("GET" if body is None else "POST"), path, sent, given)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()


def frame(colour: int = 90, number: int = 0, size: tuple[int, int] = (320, 180)) -> Frame:
    """An even picture."""
    return Frame(np.full((size[1], size[0], 3), colour, np.uint8), "road", number, 0, 1_700_000_000.0, number * 40_000_000)


def nothing_found() -> Detections:
    return Detections.none()
