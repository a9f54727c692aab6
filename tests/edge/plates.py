"""Events as the vote hands them over, for the tests of what comes after it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from alpr.types import Candidate, CharacterVote, PlateEvent, RegionMatch, Vote
from edge.events import Identity

IDENTITY = Identity("kerb-01", "Nguyễn Trãi / 3", {"detection": "plates 1.0.0", "ocr": "reader 1.0.0"})


def vote(plate: str = "51F73420", **changes: Any) -> Vote:
    chars = tuple(CharacterVote(char, 0.99, (Candidate("", 0.004), Candidate("8", 0.003))) for char in plate)
    region = RegionMatch("VN", "car", 0.97, True, f"{plate[:3]}-{plate[3:6]}.{plate[6:]}")
    made = Vote(plate, plate, 1, 0.93, chars, (Candidate("51F73428", 0.02),), region, 5, 4, 1)
    return replace(made, **changes)


def plate_event(plate: str = "51F73420", **changes: Any) -> PlateEvent:
    made = PlateEvent(
        type="final",
        camera="gate",
        track=17,
        captured_utc_s=1_700_000_000.1239,
        captured_ns=12_345_678_901_234,
        vote=vote(plate),
        frames_seen=31,
        box=np.array([100.123, 200, 180, 225.55], np.float32),
        quad=np.array([[100, 201], [180, 200], [180, 225], [100.25, 226]], np.float32),
        height_px=24.96,
        image_size=(1280, 720),
        direction="approaching",
        stationary=False,
        latency_ms={"detect": 8.1234, "capture_to_event": 212.5},
    )
    return replace(made, **changes)
