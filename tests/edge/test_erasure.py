"""A plate is taken out of everything that is stored, to its last byte, and that it was is written down without it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from edge.audit import Audit, verify
from edge.erasure import Eraser, ErasureError
from edge.outbox import Outbox, OutboxLimits
from edge.outbox.door import Door, ask
from edge.privacy import Privacy, PrivacyRules
from tests.edge.plates import IDENTITY, plate_event, vote
from tests.edge.waiting import until
from tools import erase as tool

PLATE = "51F73420"


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    opened = Outbox(tmp_path / "outbox.db", IDENTITY, OutboxLimits(most_refusals=1))
    yield opened
    opened.close()


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


Erase = Callable[..., dict[str, int]]


@pytest.fixture
def eraser(outbox: Outbox, audit: Path) -> Eraser:
    return Eraser(outbox, lambda: Privacy(PrivacyRules()), Audit(audit))


def fill(outbox: Outbox) -> None:
    """Of the plate: one event waiting, one kept, one dead; and of the first vehicle, an early event that was misread."""
    outbox.accept(plate_event("51E73420", track=1, type="early"))
    for track in (1, 2, 3):
        outbox.accept(plate_event(PLATE, track=track))
    for track in (4, 5, 6):
        outbox.accept(plate_event("29A12345", track=track))
    outbox.acknowledge([3, 6])
    outbox.refuse([4, 7])
    until(lambda: outbox.state.dead_letters == outbox.state.kept == 2, "what is done and what is dead")


def stored(path: Path) -> bytes:
    return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*") if each.is_file())


def test_it_goes_from_wherever_it_is_and_others_stay(outbox: Outbox, eraser: Eraser) -> None:
    fill(outbox)
    assert stored(outbox.path).count(PLATE.encode()) > 0
    assert eraser("51f-734.20", "test") == {"waiting": 2, "kept": 1, "dead_letters": 1, "damaged_databases_not_searched": 0}
    state = outbox.state
    assert (state.backlog, state.kept, state.dead_letters, eraser.erased) == (1, 1, 1, 4)
    assert [json.loads(row.body)["plate"] for row in outbox.fresh(0, 10)] == ["29A12345"]
    outbox.close()
    again = Outbox(outbox.path, IDENTITY)
    assert (again.state.backlog, again.state.kept, again.state.dead_letters) == (1, 1, 1), "the database says the same as the counters"
    again.close()


def test_not_a_byte_of_it_is_left_in_the_files(outbox: Outbox, eraser: Eraser) -> None:
    """secure_delete overwrites the pages, and the log that held them is emptied: both, or `strings` still shows the plate."""
    fill(outbox)
    eraser(PLATE, "test")
    left = stored(outbox.path)
    assert PLATE.encode() not in left and b"51E73420" not in left and b"29A12345" in left


def test_events_go_on_after_it_with_new_sequences(outbox: Outbox, eraser: Eraser) -> None:
    fill(outbox)
    eraser(PLATE, "test")
    assert outbox.accept(plate_event("30E55555")).endswith("-8")


def test_tokens_of_every_key_period_are_found(outbox: Outbox, audit: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k" * 40)
    privacy = Privacy(PrivacyRules("hmac", key_file=tmp_path / "key", rotate_days=1))
    for days in (0, 1, 5):
        event = privacy(plate_event(captured_utc_s=time.time() - days * 86_400, vote=vote(PLATE), track=days))
        assert event is not None
        outbox.accept(event)
    outbox.accept(privacy(plate_event("29A12345", track=9)) or plate_event())
    eraser = Eraser(outbox, lambda: privacy, Audit(audit))
    assert eraser(PLATE, "test")["waiting"] == 3 and outbox.state.backlog == 1


def test_the_audit_log_says_so_and_not_which_plate(outbox: Outbox, eraser: Eraser, audit: Path) -> None:
    fill(outbox)
    eraser(PLATE, "somebody")
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    assert [(line["what"], line["by"]) for line in lines] == [("erasure begun", "somebody"), ("erasure", "somebody")]
    assert (lines[1]["waiting"], lines[1]["kept"], lines[1]["dead_letters"]) == (2, 1, 1)
    assert PLATE not in audit.read_text() and list(verify(audit)) == []


def test_without_an_audit_log_nothing_is_erased(outbox: Outbox, eraser: Eraser, audit: Path) -> None:
    fill(outbox)
    audit.mkdir()
    assert "audit.path" in eraser.answer({"plate": PLATE})["error"]
    assert outbox.state.backlog == 3
    with pytest.raises(ErasureError, match="expected letters and digits"):
        eraser("---", "test")


def test_a_running_unit_is_asked_through_its_door(outbox: Outbox, eraser: Eraser) -> None:
    fill(outbox)
    door = Door(outbox, {"erase": eraser.answer})
    try:
        address = outbox.path.with_name(f"{outbox.path.name}.sock")
        until(address.exists, "the door")
        assert ask(outbox.path, {"do": "erase", "plate": PLATE})["waiting"] == 2
        assert outbox.state.backlog == 1
    finally:
        door.close()


def test_the_command_opens_the_outbox_where_no_unit_runs(
    tmp_path: Path, root: Path, outbox: Outbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(outbox)
    outbox.close()
    models = {"detector": "detector", "enhancer": "lpsr", "reader": "reader"}
    settings = {
        "device": {"id": "unit-1"}, "cameras": [{"id": "road", "source": "/dev/video0"}], "outbox": {"path": str(outbox.path)},
        **{stage: {"model": str(root / f"models/{name}.yaml")} for stage, name in models.items()},
    }  # fmt: skip
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    monkeypatch.setattr("builtins.input", lambda prompt: "51F-734.20")
    assert tool.main(["--config", str(tmp_path / "config.yaml")]) == 0
    assert json.loads(capsys.readouterr().out)["waiting"] == 2
    assert (tmp_path / "var/audit.jsonl").exists()
    assert tool.main(["--config", str(tmp_path / "gone.yaml"), PLATE]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_a_large_outbox_is_searched_while_events_still_come(outbox: Outbox, eraser: Eraser) -> None:
    for track in range(300):
        outbox.accept(plate_event(PLATE if track % 3 == 0 else "29A12345", track=track))
    accepting = threading.Thread(target=lambda: [outbox.accept(plate_event("30E55555", track=1000 + n)) for n in range(50)])
    accepting.start()
    assert eraser(PLATE, "test")["waiting"] == 100
    accepting.join(30)
    assert outbox.state.backlog == 250
