"""What comes to the watcher's inbox from outside: valid and shown, or invalid with a reason; nothing ends the watcher."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tools.test_watch import event
from tools.watch.inbox import Inbox
from tools.watch.screen import cells

BROKEN = {
    "a day that no calendar has": ({"captured": {"utc": "2024-02-30T00:00:00.000Z", "monotonic_s": 1}}, "captured.utc"),
    "a score that is no number": ({"score": float("nan")}, "NaN is no number"),
    "a height of 400 digits": ({"height_px": 10**400}, "an integer of 401 digits"),
    "a sequence that no database holds": ({"sequence": 1e300}, "sequence"),
    "half of a character": ({"site": "\ud800"}, "surrogates"),
    "a topic's end in the device": ({"device": "kerb\0"}, "device"),
    "a line break behind the plate": ({"plate": "51F73420\n"}, "plate"),
    "an id longer than an acknowledgement": ({"id": "a" * 500}, "id"),
}


@pytest.mark.parametrize(("changes", "says"), BROKEN.values(), ids=BROKEN.keys())
def test_an_event_that_a_watcher_could_not_show_keep_or_acknowledge_is_invalid(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    """Each was valid, and then ended the watcher: in the table, in the database, or on the way to the broker."""
    inbox = Inbox(tmp_path / "kept.db")
    assert inbox.take([json.dumps({**json.loads(event(1)), **changes}).encode(), event(2)]) == [json.loads(event(2))]
    assert inbox.counts.invalid == 1 and says in inbox.complaints[0]
    inbox.close()


def test_nothing_that_is_shown_moves_the_cursor() -> None:
    """Names come from outside, and an escape in one would write anywhere on the terminal."""
    found = json.loads(event(1))
    found["region"]["display"] = "51F\x1b[2J\n"
    found["latency_ms"] = {"\x1b[2J": -1}
    assert all(cell.isprintable() for cell in cells(found)) and "51F·[2J·" in cells(found)
    inbox = Inbox()
    assert not inbox.take([json.dumps(found).encode()]) and inbox.complaints[0].isprintable()


def test_what_is_missing_of_many_outboxes_is_counted(tmp_path: Path) -> None:
    """SQLite's sum() raises where integers overflow; gaps this wide come from one damaged message each."""
    inbox = Inbox(tmp_path / "kept.db")
    for number in range(20):
        for sequence in (1, 999_999_999_999_999_999):
            body = json.loads(event(1)) | {"id": f"kerb-01-{number}-{sequence}", "sequence": sequence}
            assert len(inbox.take([json.dumps(body).encode()])) == 1
    assert inbox.missing() > 10**19
    inbox.close()
