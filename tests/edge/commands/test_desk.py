"""Commands, well-formed and not: what may be done is done once, all else is refused with its reason, and all of it is written down."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.audit import Audit
from edge.commands.command import Command, CommandError, Done, moment_of, parse
from edge.commands.desk import BURST, MOST_AHEAD_S, Desk

NOW = 1_800_000_000.0


class Clock:
    utc_s, s = NOW, 0.0


class Bench:
    """A desk whose acts write down what they were asked."""

    def __init__(self, folder: Path, *allowed: str, now: float = NOW) -> None:
        self.clock = Clock()
        self.clock.utc_s = now
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.path = folder / "audit.jsonl"
        names = ("status", "replay", "snapshot", "reload", "log_level")
        acts = {name: (lambda given, name=name: self._act(name, given)) for name in names}
        audit = Audit(self.path).open()
        self.desk = Desk(allowed, acts, audit, lambda: self.clock.utc_s, lambda: self.clock.s)

    def _act(self, name: str, given: Mapping[str, str]) -> Done:
        self.asked.append((name, given))
        if given.get("camera") == "gone":
            raise CommandError("camera is 'gone', expected one of road")
        return Done({"fps": float("nan")})

    def send(self, do: str = "status", retained: bool = False, **changes: Any) -> dict[str, Any]:
        answer, _ = self.desk.hear(command(do, **changes), retained)
        assert answer is not None
        loaded: dict[str, Any] = json.loads(answer)
        return loaded

    def audited(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []


def command(do: str = "status", **changes: Any) -> bytes:
    made = {"schema": "kerbside.command/1", "id": "a-1", "expires": moment_of(NOW + 60), "do": do, **changes}
    return json.dumps(made).encode()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, "status", "snapshot", "log_level")


def test_an_allowed_command_is_done_answered_and_audited_before(bench: Bench) -> None:
    assert bench.send() == {"schema": "kerbside.result/1", "id": "a-1", "do": "status", "ok": True, "result": {"fps": None}}
    assert bench.asked == [("status", {})]
    (line,) = bench.audited()
    assert (line["what"], line["by"], line["do"], line["id"]) == ("command", "mqtt", "status", "a-1")


REFUSED = {
    "not allowed": ("reload", {}, False, "do reload is not allowed here: commands.allow has log_level, snapshot, status"),
    "retained": ("status", {}, True, "was retained: a command is for now"),
    "expired": ("status", {"expires": moment_of(NOW - 1)}, False, "expires -1 s from now"),
    "for later": ("status", {"expires": moment_of(NOW + MOST_AHEAD_S + 30)}, False, "expected 0 to 600"),
}


@pytest.mark.parametrize(("do", "changes", "retained", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_may_not_be_done_is_refused_with_its_reason(bench: Bench, do: str, changes: dict[str, Any], retained: bool, why: str) -> None:
    answer = bench.send(do, retained, **changes)
    assert answer["ok"] is False and why in answer["error"]
    assert bench.asked == [] and [line["what"] for line in bench.audited()] == ["command refused"]


def test_an_id_is_good_for_one_command(bench: Bench) -> None:
    """QoS 1 delivers at least once, and so does somebody who has recorded it."""
    assert bench.send()["ok"]
    assert "id a-1 was used before" in bench.send()["error"]
    assert len(bench.asked) == 1
    bench.clock.utc_s += 100
    assert "used before" not in str(bench.send(expires=moment_of(NOW + 160))), (
        "it may be forgotten once the first one could not be done any more"
    )


def test_an_id_is_used_up_over_a_restart_too(tmp_path: Path) -> None:
    """Who has recorded a command need only wait for the power to fail."""
    now = time.time()
    ahead = moment_of(now + 60)
    first = Bench(tmp_path, "status", now=now)
    assert first.send(expires=ahead)["ok"]
    again = Bench(tmp_path, "status", now=now + 30)
    assert "used before" in again.send(expires=ahead)["error"] and again.send(id="a-2", expires=ahead)["ok"]


def test_a_clock_that_is_not_set_lets_nothing_through(bench: Bench) -> None:
    bench.clock.utc_s = 1000.0
    assert "clock is not set" in bench.send(expires=moment_of(1060))["error"]


def test_one_that_cannot_be_done_says_so(bench: Bench) -> None:
    answer = bench.send("snapshot", **{"with": {"camera": "gone"}})
    assert (answer["ok"], answer["error"]) == (False, "camera is 'gone', expected one of road")
    assert [line["what"] for line in bench.audited()] == ["command", "command refused"]


def test_a_flood_is_dropped_and_does_not_wear_the_disk(bench: Bench) -> None:
    for number in range(BURST + 50):
        bench.desk.hear(command(id=f"n{number}"), False)
    assert len(bench.asked) == BURST == len(bench.audited()) and bench.desk.overrun == 50
    bench.clock.s += 2.5
    for number in range(5):
        bench.desk.hear(command(id=f"m{number}"), False)
    assert len(bench.asked) == BURST + 2


def test_without_an_audit_log_nothing_is_done(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "sub", "status")
    bench.path.mkdir()
    assert "Is a directory" in bench.send()["error"] and bench.asked == []


BROKEN = {
    "no JSON": (b"{", "is no JSON"),
    "too long": (b" " * 5000, "has 5000 bytes, expected at most 4096"),
    "a list": (b"[]", "is not of type 'object'"),
    "no id": (command().replace(b'"id": "a-1", ', b""), "'id' is a required property"),
    "an unknown thing to do": (command("shell"), "$.do: 'shell' is not one of"),
    "a key of its own": (command(path="/etc/passwd"), "'path' was unexpected"),
    "a path for a camera": (command("snapshot", **{"with": {"camera": "../../etc"}}), "does not match"),
    "an argument too many": (command("snapshot", **{"with": {"camera": "road", "file": "/tmp/x"}}), "'file' was unexpected"),
    "arguments for none": (command("reload", **{"with": {"config": "/tmp/x.yaml"}}), "$.with"),
    "a level that there is not": (command("log_level", **{"with": {"level": "DEBUG; rm"}}), "is not one of"),
    "no time": (command(expires="tomorrow"), "$.expires"),
    "a day that there is not": (command(expires="2027-02-30T00:00:00Z"), "is no moment"),
    "a window that is missing": (command("replay"), "'with' is a required property"),
    "a line break behind the id": (command(id="a-1\n"), "$.id"),
    "brackets without end": (b"[" * 4096, "nests deeper than"),
    "as deep as can be read": (b"[" * 990 + b"]" * 990, "nests deeper than"),
    "a number that is none": (command(more=float("nan")), "NaN is no number"),
}  # fmt: skip


@pytest.mark.parametrize(("payload", "why"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_command_is_refused_in_words(payload: bytes, why: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse(payload)
    assert why in str(caught.value)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=8), SCALARS, max_size=3)
NEARLY = st.fixed_dictionaries(
    {
        "schema": st.just("kerbside.command/1") | JSON,
        "id": st.sampled_from(["a", "b", "c"]) | JSON,
        "expires": st.sampled_from([moment_of(NOW + 10), moment_of(NOW - 10), "9999-99-99T99:99:99Z"]) | JSON,
        "do": st.sampled_from(["status", "replay", "snapshot", "reload", "log_level"]) | JSON,
    },
    optional={"with": JSON | st.fixed_dictionaries({"camera": st.text(max_size=5)}), "more": JSON},
)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | (NEARLY | JSON).map(lambda value: json.dumps(value).encode()))
def test_whatever_arrives_is_a_command_or_refused(payload: bytes) -> None:
    try:
        assert isinstance(parse(payload), Command)
    except CommandError as error:
        assert str(error)
