"""The live view of one unit, opened and closed as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from alpr.types import Detections, Frame, PlateEvent, Track
from edge.config.file import ConfigFile
from edge.loop import Job
from edge.reload import Reloader
from edge.unit import Unit
from edge.web import access
from edge.web.ground import Editor
from edge.web.meter import Meters
from edge.web.pages import Pages
from edge.web.picture import Studio
from edge.web.reads import Reads
from edge.web.server import Server


class LiveView:
    """The unit's onlooker, and the page that tells what it saw."""

    def __init__(self, unit: Unit, file: ConfigFile, reloader: Reloader) -> None:
        """Raises AccessError, and AuditError where the ground may be changed and nobody could write that down."""
        web = unit.config.web
        self._unit = unit
        self.meters = Meters()
        self.reads = Reads(lambda: unit.config.privacy, lambda: unit.eraser.asked)
        self.studio = Studio(web.fps, web.longest_px, self.reads.last, lambda: unit.config.privacy.mode != "plain")
        self.access = access.Access(access.secret(web.token_file))
        editor = Editor(file, reloader, unit.audit.open()) if web.edit else None
        pages = Pages(unit, self.access, self.studio, self.meters, self.reads, editor)
        self.studio.developed = pages.developed
        self.server = Server(web.host, web.port, access.tls(web.cert_file, web.key_file), pages.application)

    def start(self) -> LiveView:
        self._unit.loop.onlooker = self
        self.studio.start()
        self.server.start()
        return self

    def close(self) -> None:
        """May be called again."""
        self._unit.loop.onlooker = None
        self.server.close()
        self.studio.close()

    def saw(self, frame: Frame, found: Detections, tracks: Sequence[Track]) -> None:
        self.studio.offer(frame, found, tracks)
        self.meters.note(frame, tracks)

    def heard(self, camera: str, job: Job) -> None:
        self.reads.heard(camera, job)

    def accepted(self, event_id: str, event: PlateEvent) -> None:
        self.reads.accepted(event_id, event)
