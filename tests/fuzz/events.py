"""Plate events of any values: refused with the field's name, or valid by the schema and the same at the consumer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from alpr.types import ALPHABET, Candidate, CharacterVote, PlateEvent, RegionMatch, Vote
from edge.events import DIRECTIONS, TYPES, EventError, Identity, Place, backfilled, describe, seal
from tests.edge.plates import IDENTITY, plate_event
from tests.fuzz.mutations import changed
from tests.fuzz.target import Check, Target
from tools.watch.inbox import Inbox
from tools.watch.screen import COLUMNS, cells, style

PLACE = Place("0f" * 16, 3, 42)

plates = st.text(ALPHABET, min_size=1, max_size=10)
texts = plates | st.text(max_size=12)
scores = st.floats(0, 1) | st.floats() | st.floats(-1e-7, 1 + 1e-6)
counts = st.integers(0, 100) | st.integers() | st.just(10**400)
candidates = st.lists(st.builds(Candidate, texts, scores), max_size=2).map(tuple)
characters = st.builds(CharacterVote, st.sampled_from(ALPHABET) | texts, scores, candidates)
regions = st.builds(
    RegionMatch, st.sampled_from(["", "VN"]) | st.text(max_size=4), st.text(max_size=5), scores, st.booleans(), st.text(max_size=9)
)
votes = st.builds(
    Vote, texts, texts, st.integers(0, 3), scores, st.lists(characters, max_size=4).map(tuple), candidates, regions, counts, counts, counts
)
shapes = {"box": [(4,), (3,), (4, 1)], "quad": [(4, 2), (8,), (4, 3), (0, 2)]}
numbers = st.floats(width=32) | st.floats(-10, 2000, width=32)
any_events = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(TYPES) | st.text(max_size=5),
        "camera": st.sampled_from(["gate", "a b", "a/b", "a\n", ""]) | st.text(max_size=8),
        "track": counts,
        "captured_utc_s": st.floats() | st.floats(-1e12, 1e12),
        "captured_ns": st.integers(-(2**70), 2**70) | st.just(10**400),
        "vote": votes,
        "frames_seen": counts,
        "box": st.sampled_from(shapes["box"]).flatmap(lambda shape: arrays.arrays(np.float32, shape, elements=numbers)),
        "quad": st.sampled_from(shapes["quad"]).flatmap(lambda shape: arrays.arrays(np.float32, shape, elements=numbers)),
        "height_px": st.floats(),
        "image_size": st.tuples(counts, counts),
        "direction": st.sampled_from(DIRECTIONS) | st.text(max_size=5),
        "latency_ms": st.dictionaries(st.text(max_size=6), st.floats() | st.just(10**400), max_size=3),
    },
).map(lambda fields: plate_event(**fields))
sites = st.text(max_size=8) | st.just("")
KNOWN = json.loads(seal(describe(plate_event(), IDENTITY), PLACE))


def event(folder: Path) -> Check:
    inbox = Inbox()
    number = iter(range(1, 1 << 62))

    def check(given: tuple[PlateEvent, str]) -> bool:
        made, site = given
        try:
            body = seal(describe(made, Identity("kerb-01", site, {"ocr": "reader 1"})), Place("0f" * 16, 3, next(number)))
        except EventError as error:
            assert len(str(error)) > 10
            return False
        (kept,) = inbox.take([body])
        assert not inbox.take([backfilled(body)]) and not inbox.complaints
        assert json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode() == body
        assert (kept["plate"], kept["camera"], kept["track"]) == (made.vote.plate, made.camera, made.track)
        return True

    return check


@contextmanager
def consumer(folder: Path) -> Iterator[Check]:
    """An event that was changed on its way → tools.watch: taken and shown, or counted as invalid with a reason."""
    inboxes = (Inbox(), Inbox(folder / "kept.db"))

    def check(body: bytes) -> bool:
        taken = {_taken(inbox, body) for inbox in inboxes}
        assert len(taken) == 1, "with a file and without one, the same is valid"
        return taken.pop()

    yield check
    for inbox in inboxes:
        inbox.close()


def _taken(inbox: Inbox, body: bytes) -> bool:
    before = inbox.counts.invalid
    new = inbox.take([body])
    for each in new:
        _is_shown(each)
    for device, ids in inbox.kept.items():
        _can_be_told(device, ids)
    if inbox.counts.invalid == before:
        return True
    assert inbox.counts.invalid == before + 1 and not inbox.kept
    (reason,) = inbox.complaints
    assert reason.isprintable() and len(reason) < 1000, reason
    return False


def _is_shown(each: dict[str, Any]) -> None:
    shown = cells(each)
    assert len(shown) == len(COLUMNS) and all(cell.isprintable() for cell in shown), shown
    style(each)
    json.loads(json.dumps(each, ensure_ascii=False, allow_nan=False).encode())


def _can_be_told(device: str, ids: list[str]) -> None:
    """MQTT 5, 1.5.4 and 4.7: no level holds a wildcard or a separator, no topic a control character, and 65,535 bytes are its most."""
    topic = f"kerbside/{device}/ack".encode()
    assert len(topic) <= 65_535 and not set(device) & set("/+#") and not re.search("[\0-\x1f\x7f-\x9f]", device)
    assert all(each.encode() for each in ids)


TARGETS = (
    Target("event", st.tuples(any_events, sites), event, quick=300),
    Target("event at the consumer", changed(KNOWN), consumer, quick=300),
)
