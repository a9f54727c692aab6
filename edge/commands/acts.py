"""What each command does with the unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import cv2

from edge import logs, status
from edge.commands.command import CommandError, Done, utc_s
from edge.commands.desk import Act
from edge.outbox import OutboxError
from edge.reload import Reloader
from edge.unit import Unit

QUALITY: Final = 85


def acts_of(unit: Unit, reloader: Reloader) -> dict[str, Act]:
    """Every command by its name."""
    return {
        "status": lambda given: Done(status.describe(unit)),
        "replay": lambda given: replay(unit, given),
        "snapshot": lambda given: snapshot(unit, given["camera"]),
        "reload": lambda given: reload(reloader),
        "log_level": log_level,
    }


def replay(unit: Unit, given: Mapping[str, str]) -> Done:
    since, until = utc_s(given["since"]), utc_s(given["until"])
    if since >= until:
        raise CommandError(f"since {given['since']} is not before until {given['until']}")
    try:
        return Done({"events": unit.outbox.replay(since, until)})
    except OutboxError as error:
        raise CommandError(str(error)) from error


def snapshot(unit: Unit, camera: str) -> Done:
    frame = unit.latest.get(camera)
    if camera not in unit.cameras:
        raise CommandError(f"camera is {camera!r}, expected one of {', '.join(unit.cameras)}")
    if frame is None:
        raise CommandError(f"camera {camera} has given no picture yet: {unit.cameras[camera].state.phase}")
    jpeg = cv2.imencode(".jpg", frame.bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
    height, width = frame.bgr.shape[:2]
    told = {"topic": f"{camera}/snapshot", "bytes": len(jpeg), "size": [width, height], "captured_utc_s": frame.captured_utc_s}
    return Done(told, (f"{camera}/snapshot", jpeg))


def reload(reloader: Reloader) -> Done:
    outcome = reloader()
    if outcome.refused:
        raise CommandError(str(outcome))
    return Done(str(outcome))


def log_level(given: Mapping[str, str]) -> Done:
    logs.set_level(given["level"])
    return Done({"level": given["level"]})
