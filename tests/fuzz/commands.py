"""Commands and acknowledgements as anybody may publish them: done or refused with a reason, counted, and never more than that."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from hypothesis import strategies as st

from alpr.types import Frame
from edge.audit import Audit
from edge.commands.acts import acts_of
from edge.commands.command import MOST_BYTES, Done, moment_of
from edge.commands.desk import Desk
from edge.mqtt.ack import MOST_IDS, AckError, ack_of, sequences_of
from edge.outbox import OutboxError
from edge.reload import Reloader
from edge.unit import Unit
from tests.fuzz.mutations import changed
from tests.fuzz.target import Check, Target

NOW_UTC_S = 1_800_000_000.0
NAMES = ("status", "replay", "snapshot", "reload", "log_level")
WITH: dict[str, dict[str, str]] = {
    "replay": {"since": moment_of(NOW_UTC_S - 3600), "until": moment_of(NOW_UTC_S)},
    "snapshot": {"camera": "road"},
    "log_level": {"level": "info"},
}
DEVICE, OUTBOX = "kerb-01", "0f" * 16


def sample(do: str) -> dict[str, Any]:
    made = {"schema": "kerbside.command/1", "id": "a-1", "expires": moment_of(NOW_UTC_S + 60), "do": do}
    return made | ({"with": WITH[do]} if do in WITH else {})


def command(folder: Path) -> Check:
    """A message → the desk, with the acts of a unit that has one camera; a quarter of the messages are retained."""
    path, moments = folder / "audit.jsonl", itertools.count()
    acts = {**acts_of(_unit(), cast(Reloader, None)), "status": _done, "reload": _done, "log_level": _done}  # no global level is set here
    desk = Desk(NAMES, acts, Audit(path).open(), lambda: NOW_UTC_S, lambda: 10.0 * next(moments))

    def check(given: tuple[bytes, bool]) -> bool:
        before, lines = (desk.done, desk.refused), _lines(path)
        answer, done = desk.hear(*given)
        assert (desk.done - before[0]) + (desk.refused - before[1]) == 1 and desk.overrun == 0
        last = json.loads(_lines(path)[-1])
        assert len(_lines(path)) > len(lines) and last["what"] in ("command", "command refused")
        desk._used.clear()  # ids are for test_desk: here every message has the same one
        if answer is not None:
            said = json.loads(answer)
            assert said["ok"] is (done is not None) and said["id"] == last["id"] and said["id"].isprintable()
        if done is None:
            assert last["why"] and path.stat().st_size
        path.write_bytes(path.read_bytes()[-4096:].partition(b"\n")[2])  # or every look at it takes longer than the one before
        return done is not None

    return check


def acknowledgement(folder: Path) -> Check:
    def check(payload: bytes) -> bool:
        try:
            found = sequences_of(payload, DEVICE, OUTBOX)
        except AckError as error:
            assert 10 < len(str(error)) < 400
            return False
        assert len(found) <= MOST_IDS and all(isinstance(each, int) and 0 <= each < 10**18 for each in found)
        assert sequences_of(ack_of(f"{DEVICE}-{OUTBOX}-{each}" for each in found), DEVICE, OUTBOX) == found
        return True

    return check


def _unit() -> Unit:
    picture = Frame(np.full((40, 60, 3), 90, np.uint8), "road", 1, 1, NOW_UTC_S, 1)
    cameras = {name: SimpleNamespace(state=SimpleNamespace(phase="connecting")) for name in ("road", "yard")}
    return cast(Unit, SimpleNamespace(cameras=cameras, latest={"road": picture}, outbox=SimpleNamespace(replay=_replay)))


def _replay(since_utc_s: float, until_utc_s: float) -> int:
    if since_utc_s < 0:
        raise OutboxError("outbox: is shut")
    return round(until_utc_s - since_utc_s)


def _done(given: Any) -> Done:
    return Done({"given": len(given)})


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []


def _long(payload: bytes) -> bytes:
    return payload + b" " * (MOST_BYTES - len(payload) + 1)


commands = st.sampled_from(NAMES).flatmap(lambda do: changed(sample(do), 2))
good = st.sampled_from(NAMES).map(lambda do: json.dumps(sample(do)).encode())
ACK = {"schema": "kerbside.ack/1", "ids": [f"{DEVICE}-{OUTBOX}-{number}" for number in (1, 7, 12_345)] + ["other-1", ""]}

TARGETS = (
    Target(
        "command",
        st.tuples(commands | good | st.binary(max_size=60) | commands.map(_long), st.sampled_from((False, False, False, True))),
        command,
        200,
    ),
    Target("acknowledgement", changed(ACK) | st.binary(max_size=60), acknowledgement, quick=300),
)
