"""How another process asks a running outbox."""

from __future__ import annotations

import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.outbox import Outbox
from edge.outbox.door import Door, DoorError, ask, door_of
from tests.edge.plates import IDENTITY, plate_event
from tests.edge.waiting import until


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    folder = tmp_path / ("far-" * 20) / ("down-" * 20)  # an address has room for 108 bytes
    opened = Outbox(folder / "outbox.db", IDENTITY)
    yield opened
    opened.close()


@pytest.fixture
def door(outbox: Outbox) -> Iterator[Door]:
    made = Door(outbox)
    until(door_of(outbox.path).exists, "the door")
    yield made
    made.close()


def test_state_and_replay_by_request(outbox: Outbox, door: Door) -> None:
    for _ in range(4):
        outbox.accept(plate_event())
    outbox.acknowledge([1, 2])
    assert ask(outbox.path, {"do": "replay", "since_utc_s": 0, "until_utc_s": 4e9}) == {"events": 2}
    state = ask(outbox.path, {"do": "state"})
    assert (state["backlog"], state["replayed"], state["uuid"]) == (4, 2, outbox.state.uuid)


@pytest.mark.parametrize(
    "request_", [{}, {"do": "erase"}, {"do": "replay"}, {"do": "replay", "since_utc_s": "x", "until_utc_s": 1}, {"do": ["state"]}]
)
def test_what_cannot_be_done_is_said(outbox: Outbox, door: Door, request_: dict[str, object]) -> None:
    with pytest.raises(DoorError, match="expected"):
        ask(outbox.path, request_)


def test_one_who_hangs_up_or_mumbles_closes_no_door(outbox: Outbox, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(outbox.path.parent)
    for said in (b"", b"\xff\xfe\n", b"[1]\n", b"{" * 10_000):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(door_of(outbox.path).name)
            sock.sendall(said)
    assert ask(outbox.path, {"do": "state"})["run"] == 1


def test_only_its_owner_may_knock(outbox: Outbox, door: Door) -> None:
    assert stat.S_IMODE(door_of(outbox.path).stat().st_mode) == 0o600


def test_nobody_opens_where_no_unit_runs_and_the_next_one_does(outbox: Outbox) -> None:
    with pytest.raises(FileNotFoundError):
        ask(outbox.path, {"do": "state"})
    door_of(outbox.path).touch()  # left behind by a unit that was killed: nobody listens
    with pytest.raises(ConnectionRefusedError):
        ask(outbox.path, {"do": "state"})
    door = Door(outbox)
    until(lambda: door_of(outbox.path).is_socket(), "the door")
    assert ask(outbox.path, {"do": "state"})["run"] == 1
    door.close()
    door.close()
    assert not door_of(outbox.path).exists()
