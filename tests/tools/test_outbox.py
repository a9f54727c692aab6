"""`tools.outbox` as the operator runs it: on a unit that runs, and on one that does not."""

from __future__ import annotations

import argparse
import json
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from edge.mqtt import MqttConfig, Publisher
from edge.outbox import Outbox
from edge.outbox.door import Door, door_of
from tests.edge.mqtt.mosquitto import Ear, Mosquitto, needs_mosquitto
from tests.edge.plates import IDENTITY, plate_event
from tests.edge.waiting import until
from tools.outbox import main, moment

PLATES = "kerbside/kerb-01/gate/plate"


@needs_mosquitto
def test_a_running_unit_sends_again_what_it_has_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broker = Mosquitto(tmp_path / "broker").start()
    with ExitStack() as stack:
        stack.callback(broker.stop)
        ear = stack.enter_context(closing(Ear(broker.port, PLATES)))
        outbox = stack.enter_context(closing(Outbox(tmp_path / "outbox.db", IDENTITY)))
        stack.enter_context(closing(Door(outbox)))
        publisher = stack.enter_context(closing(Publisher(MqttConfig(port=broker.port), outbox, IDENTITY)))
        publisher.start()
        until(lambda: publisher.state.connected and door_of(outbox.path).exists(), "the unit")
        accepted = [outbox.accept(plate_event(track=track)) for track in range(60)]
        assert publisher.drain(30)
        assert main(["replay", "--outbox", str(outbox.path), "--since", "1h"]) == 0
        assert publisher.drain(30)
        until(lambda: len(ear.payloads(PLATES)) == 120, "every event twice")
        heard = [json.loads(payload) for payload in ear.payloads(PLATES)]
    assert [event["id"] for event in heard] == accepted * 2
    assert [event["backfilled"] for event in heard] == [False] * 60 + [True] * 60
    assert "60 events are sent again\n" in capsys.readouterr().out


def test_where_no_unit_runs_the_outbox_itself_is_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "outbox.db"
    with closing(Outbox(path, IDENTITY)) as outbox:
        outbox.accept(plate_event())
        outbox.acknowledge([1])
    assert main(["replay", "--outbox", str(path)]) == 0
    assert "1 events are sent again when the unit starts" in capsys.readouterr().out
    assert main(["state", "--outbox", str(path)]) == 0
    state = json.loads(capsys.readouterr().out)
    assert (state["backlog"], state["kept"]) == (1, 0)


def test_no_outbox_is_said_and_none_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["state", "--outbox", str(tmp_path / "none.db")]) == 1
    assert "there is no outbox" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_times_are_ago_or_of_the_calendar() -> None:
    assert moment("2d", 1_000_000.0) == 1_000_000.0 - 2 * 86_400
    assert moment("1.5h", 10_000.0) == 10_000.0 - 5400
    assert moment("2026-05-01") == moment("2026-05-01T00:00Z") == moment("2026-05-01T02:00+02:00") == 1_777_593_600
    with pytest.raises(argparse.ArgumentTypeError, match="expected 2d"):
        moment("yesterday")
