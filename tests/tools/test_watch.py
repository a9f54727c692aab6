"""`tools.watch` as its users run it: a process of its own, against a real mosquitto."""

from __future__ import annotations

import io
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.publish import single
from rich.console import Console

from edge.events import Identity, Place, backfilled, describe, schema, seal
from edge.mqtt import MqttConfig, Publisher
from edge.outbox import Outbox
from tests.edge.mqtt.certificates import Authority
from tests.edge.mqtt.mosquitto import HOST, Ear, Mosquitto, free_port, needs_mosquitto
from tests.edge.plates import IDENTITY, plate_event, vote
from tests.edge.waiting import until
from tools.watch.__main__ import main
from tools.watch.inbox import Inbox, InboxError, inlined
from tools.watch.screen import Lines, LiveTable, cells

TOPIC = "kerbside/kerb-01/gate/plate"
Brokers = Callable[..., Mosquitto]


def event(sequence: int, identity: Identity = IDENTITY, run: int = 1, **changes: Any) -> bytes:
    return seal(describe(plate_event(**{"track": sequence, **changes}), identity), Place("ab" * 16, run, sequence))


class Watcher:
    """A `python -m tools.watch` that is watching."""

    def __init__(self, folder: Path, port: int, *options: str) -> None:
        self.out, self.err = folder / "watch.out", folder / "watch.err"
        command = [sys.executable, "-m", "tools.watch", "--port", str(port), *options]
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(command, stdout=out, stderr=err)
        until(lambda: "watching" in self.err.read_text() or self.process.poll() is not None, "the watcher")
        assert self.process.poll() is None, self.err.read_text()

    def lines(self, count: int) -> list[str]:
        return until(lambda: len(found := self.out.read_text().splitlines()) >= count and found, f"{count} lines")

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[..., Watcher]]:
    watchers: list[Watcher] = []

    def start(port: int, *options: str) -> Watcher:
        watchers.append(Watcher(tmp_path, port, *options))
        return watchers[-1]

    yield start
    for watcher in watchers:
        watcher.process.kill()
        watcher.process.wait(10)


def publish(port: int, *payloads: bytes, topic: str = TOPIC) -> None:
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.connect(HOST, port)
    client.loop_start()
    for payload in payloads:
        client.publish(topic, payload, qos=1).wait_for_publish(30)
    client.disconnect()
    client.loop_stop()


@needs_mosquitto
@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_json_lines_each_id_once_and_the_invalid_named(mosquitto: Brokers, watch: Callable[..., Watcher], version: str) -> None:
    broker = mosquitto()
    watcher = watch(broker.port, "--json", "--mqtt", version)
    publish(broker.port, event(1), event(2), backfilled(event(1)), b"{", b'{"schema": "kerbside.plate/2"}', b"[1]", event(3))
    found = [json.loads(line) for line in watcher.lines(3)]
    assert [each["sequence"] for each in found] == [1, 2, 3]
    assert found[0] == json.loads(event(1))
    until(lambda: watcher.err.read_text().count("invalid event:") == 3, "three complaints")
    started = time.monotonic()
    assert watcher.interrupt() == 0
    assert time.monotonic() - started < 20
    assert "Traceback" not in watcher.err.read_text()


@needs_mosquitto
def test_kept_in_sqlite_also_what_came_while_nobody_watched(mosquitto: Brokers, watch: Callable[..., Watcher], tmp_path: Path) -> None:
    broker, file = mosquitto(), tmp_path / "events.db"
    first = watch(broker.port, "--sqlite", str(file))
    publish(broker.port, event(1), event(2))
    assert "51F-734.20" in first.lines(2)[0]
    assert first.interrupt() == 0
    publish(broker.port, event(3), event(2))
    second = watch(broker.port, "--sqlite", str(file))
    second.lines(1)
    publish(broker.port, event(4))
    second.lines(2)
    second.process.kill()
    second.process.wait(10)
    with sqlite3.connect(file) as db:
        kept = [json.loads(body) for (body,) in db.execute("SELECT body FROM event ORDER BY rowid")]
    assert [each["sequence"] for each in kept] == [1, 2, 3, 4]
    assert kept[0] == json.loads(event(1))


@needs_mosquitto
def test_comes_back_when_the_broker_does(mosquitto: Brokers, watch: Callable[..., Watcher]) -> None:
    broker = mosquitto()
    watcher = watch(broker.port, "--json")
    broker.stop()
    until(lambda: "no connection" in watcher.err.read_text(), "that it notices")
    broker.start()
    until(lambda: watcher.err.read_text().count("watching") == 2, "its return")
    publish(broker.port, event(1))
    assert json.loads(watcher.lines(1)[0])["sequence"] == 1


@needs_mosquitto
def test_a_watcher_with_a_file_tells_the_unit_what_is_safe(mosquitto: Brokers, watch: Callable[..., Watcher], tmp_path: Path) -> None:
    """The unit counts an event as done only then; one that the watcher cannot take stays with the unit."""
    broker = mosquitto()
    file = tmp_path / "events.db"
    watch(broker.port, "--sqlite", str(file))
    config = MqttConfig(port=broker.port, consumer_ack=True)
    with closing(Outbox(tmp_path / "outbox.db", IDENTITY)) as outbox, closing(Publisher(config, outbox, IDENTITY)) as publisher:
        publisher.start()
        accepted = {outbox.accept(plate_event(track=track)) for track in range(150)}
        assert publisher.drain(30)
    with closing(sqlite3.connect(file)) as db:
        assert {row[0] for row in db.execute("SELECT id FROM event")} == accepted
        assert db.execute("SELECT first, last, kept FROM source").fetchall() == [(1, 150, 150)]


@needs_mosquitto
def test_a_unit_that_comes_back_is_told_what_it_may_not_have_heard(
    mosquitto: Brokers, watch: Callable[..., Watcher], tmp_path: Path
) -> None:
    """Acknowledgements that nobody heard, since the unit or the broker had just died: 15 events were sent again at each of 40 kills."""
    broker = mosquitto()
    watch(broker.port, "--sqlite", str(tmp_path / "events.db"))
    ids = [json.loads(event(sequence))["id"] for sequence in (1, 2)]
    with closing(Ear(broker.port, "kerbside/kerb-01/ack")) as ear:
        publish(broker.port, event(1), event(2))
        until(lambda: told(ear) == ids, "what was kept")
        publish(broker.port, b"online", topic="kerbside/kerb-01/availability")
        until(lambda: told(ear) == ids * 2, "the same again")
        publish(broker.port, b"offline", topic="kerbside/kerb-01/availability")
        publish(broker.port, event(3))
        until(lambda: len(told(ear)) == 5, "and nothing else")


@needs_mosquitto
def test_a_watcher_that_comes_back_tells_what_it_had_kept(mosquitto: Brokers, watch: Callable[..., Watcher], tmp_path: Path) -> None:
    """It was killed between its commit and its word: the unit would wait for that, and send the events again."""
    broker, file = mosquitto(), tmp_path / "events.db"
    with closing(Inbox(file)) as inbox:
        inbox.take([event(1), event(2)])
    ids = [json.loads(event(sequence))["id"] for sequence in (1, 2)]
    with closing(Ear(broker.port, "kerbside/kerb-01/ack")) as ear:
        single("kerbside/kerb-01/availability", b"online", 1, retain=True, hostname=HOST, port=broker.port)
        watch(broker.port, "--sqlite", str(file))
        until(lambda: told(ear) == ids, "what it had kept")


def told(ear: Ear) -> list[str]:
    return [each for _, payload, _ in list(ear.heard) for each in json.loads(payload)["ids"]]


@needs_mosquitto
def test_a_second_watcher_tells_nobody(mosquitto: Brokers, watch: Callable[..., Watcher], tmp_path: Path) -> None:
    broker = mosquitto()
    file = tmp_path / "events.db"
    watch(broker.port, "--sqlite", str(file), "--no-ack")
    config = MqttConfig(port=broker.port, consumer_ack=True)
    with closing(Outbox(tmp_path / "outbox.db", IDENTITY)) as outbox, closing(Publisher(config, outbox, IDENTITY)) as publisher:
        publisher.start()
        outbox.accept(plate_event())
        until(lambda: publisher.state.awaiting == 1 and count(file) == 1, "the event in the file")
        assert not publisher.drain(1)


def count(file: Path) -> int:
    with closing(sqlite3.connect(file, timeout=10)) as db:
        return int(db.execute("SELECT count(*) FROM event").fetchone()[0])


@needs_mosquitto
def test_mutual_tls(mosquitto: Brokers, watch: Callable[..., Watcher], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    authority = Authority(tmp_path / "authority")
    (cert, key), (mine, my_key) = authority.sign("broker"), authority.sign("integrator")
    broker = mosquitto(f"cafile {authority.ca_file}", f"certfile {cert}", f"keyfile {key}", "require_certificate true")
    options = ["--ca", str(authority.ca_file), "--cert", str(mine), "--key", str(my_key)]
    assert watch(broker.port, "--json", *options).interrupt() == 0
    stranger = Authority(tmp_path / "stranger")
    assert run("--port", str(broker.port), "--ca", str(stranger.ca_file)) == 1
    assert "not trusted" in capsys.readouterr().err
    assert run("--port", str(broker.port), "--ca", str(authority.ca_file)) == 1
    assert "--cert" in capsys.readouterr().err


@needs_mosquitto
def test_a_wrong_password(mosquitto: Brokers, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    passwords, secret = tmp_path / "passwords", tmp_path / "secret"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "integrator", "right"], check=True, timeout=30)
    broker = mosquitto(f"password_file {passwords}", anonymous=False)
    secret.write_text("hunter2-wrong\n")
    assert run("--port", str(broker.port), "--user", "integrator", "--password-file", str(secret)) == 1
    told = capsys.readouterr().err
    assert "refused" in told
    assert "--user" in told
    assert "hunter2" not in told


def run(*options: str) -> int:
    """`main` in this process, its handlers of signals put back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return main(options)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--host", "no-such-host.invalid"], "cannot be resolved"),
        (["--ca", "/no/such/ca.crt"], "--ca"),
        (["--user", "me", "--password-file", "/no/such/file"], "--password-file"),
        (["--password-file", "/etc/hostname"], "--user"),
        (["--port", "99999"], "--port"),
        (["--prefix", "a/#"], "--prefix"),
        (["--sqlite", "/no/such/folder/events.db"], "/no/such/folder/events.db"),
        (["--sqlite", "/etc/hostname"], "not a database"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(options: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*options) == 1
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1
    assert err.startswith("watch: ")


def test_nobody_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--port", str(free_port())) == 1
    assert "nothing listens there" in capsys.readouterr().err


def test_an_inbox_without_a_file_knows_duplicates_too() -> None:
    inbox = Inbox()
    assert len(inbox.take([event(1), event(2), event(1)])) == 2
    assert inbox.take([backfilled(event(2))]) == []
    assert (inbox.counts.new, inbox.counts.duplicates, inbox.counts.invalid) == (2, 2, 0)


def test_an_inbox_says_what_is_wrong_with_an_event() -> None:
    inbox = Inbox()
    broken = json.loads(event(1))
    broken["chars"][2]["score"] = 1.5
    assert inbox.take([json.dumps(broken).encode()]) == []
    assert inbox.complaints == ["chars.2.score: 1.5 is greater than the maximum of 1"]


def test_an_inbox_knows_what_is_missing(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "events.db")
    inbox.take([event(3), event(4), event(8), event(4)])
    assert inbox.missing() == 3
    assert inbox.kept == {"kerb-01": [json.loads(event(sequence))["id"] for sequence in (3, 4, 8, 4)]}
    inbox.take([event(5), event(7), event(6)])  # late ones fill the gap
    assert inbox.missing() == 0
    inbox.close()
    with closing(sqlite3.connect(tmp_path / "events.db")) as db:
        assert db.execute("SELECT first, last, kept, duplicates FROM source").fetchall() == [(3, 8, 6, 1)]


def test_a_schema_without_references_judges_as_the_shipped_one_does() -> None:
    shipped, inline = Draft202012Validator(schema()), Draft202012Validator(inlined(schema()))
    assert "$ref" not in json.dumps(inline.schema)
    sound = json.loads(event(1))
    spoilt = [{**sound, key: value} for key in sound for value in (None, "", -1, [], {}, [{"text": "a", "score": 2}], "x/y")]
    for document in (sound, *spoilt):
        assert inline.is_valid(document) == shipped.is_valid(document), document


def test_an_inbox_that_cannot_write_keeps_its_word(tmp_path: Path) -> None:
    """The disk is full: an error, and nothing of the batch is said to be kept."""
    inbox = Inbox(tmp_path / "events.db")
    inbox._db.execute("PRAGMA max_page_count = 8")  # type: ignore[union-attr]
    with pytest.raises(InboxError, match="full"):
        inbox.take([event(number) for number in range(1, 50)])
    inbox.close()
    with sqlite3.connect(tmp_path / "events.db") as db:
        assert db.execute("SELECT count(*) FROM event").fetchone() == (0,)


def test_the_table_shows_a_vehicle_once_and_its_final_event() -> None:
    out = io.StringIO()
    table = LiveTable(Console(file=out, force_terminal=True, width=140, height=30))
    table.connection("watching")
    inbox = Inbox()
    early = event(1, type="early", track=5)
    final = event(2, type="final", track=5, vote=vote("30A12345", score=0.4))
    table.show(inbox.take([early, final, event(3, track=6), b"rubbish"]), inbox)
    table.close()
    shown = out.getvalue().split("30A-123.45")[-1]  # the last drawing
    assert "30A-123.45" in out.getvalue()
    assert "51F-734.20" in out.getvalue()
    assert "early" not in shown
    assert "3 events, 0 duplicates dropped, 1 invalid" in shown


def test_the_words_of_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    inbox = Inbox()
    (found,) = inbox.take([backfilled(event(1))])
    assert cells(found)[1:] == ("kerb-01", "gate", "51F-734.20", "0.93", "VN", "final late", "approaching", "4/5", "25", "212 ms")
    Lines(as_json=False).show([found], inbox)
    assert "51F-734.20  0.93  VN" in capsys.readouterr().out
