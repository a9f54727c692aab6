"""The AsyncAPI document is what the code says, hangs together, and knows every message that goes out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from edge.adapters import Adapters, Announcement, Companions, HomeAssistant
from edge.adapters.home_assistant import Described
from edge.commands.command import Command, result
from edge.mqtt.ack import ack_of
from edge.mqtt.config import Topics
from tests.edge.adapters.events import HIT, body
from tests.edge.plates import IDENTITY
from tools import asyncapi

TOPICS = Topics("kerbside", "kerb-01")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(asyncapi.DOCUMENT.read_text(encoding="utf-8"))
    return loaded


def test_what_is_checked_in_is_up_to_date() -> None:
    assert asyncapi.main(["--check"]) == 0, "python -m tools.asyncapi writes it anew"


def test_an_old_one_is_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = tmp_path / "asyncapi.yaml"
    assert asyncapi.main(["--check", "--out", str(old)]) == 1
    assert asyncapi.main(["--out", str(old)]) == 0 == asyncapi.main(["--check", "--out", str(old)])
    old.write_text(old.read_text().replace("plate", "number", 1))
    assert asyncapi.main(["--check", "--out", str(old)]) == 1 and "is not up to date" in capsys.readouterr().err


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from references(each)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = list(references(document))
    assert len(found) > 50
    for each in found:
        place = document
        for part in each.removeprefix("#/").split("/"):
            place = place[part]


def test_it_has_the_fields_that_asyncapi_3_asks_for_and_no_others(document: dict[str, Any]) -> None:
    """https://www.asyncapi.com/docs/reference/specification/v3.0.0, as far as this document uses it."""
    assert document["asyncapi"] == "3.0.0" and {"title", "version"} <= set(document["info"])
    assert set(document) == {"asyncapi", "info", "defaultContentType", "channels", "operations", "components"}
    for name, channel in document["channels"].items():
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name) and set(channel) == {"address", "description", "parameters", "messages"}
        assert set(re.findall(r"\{(\w+)\}", channel["address"])) == set(channel["parameters"])
    for name, operation in document["operations"].items():
        assert set(operation) == {"action", "summary", "channel", "messages", "bindings"} and operation["action"] in ("send", "receive")
        mqtt = operation["bindings"]["mqtt"]
        assert set(mqtt) == {"qos", "retain", "bindingVersion"} and mqtt["qos"] in (0, 1, 2)
        assert all(each["$ref"].startswith(f"{operation['channel']['$ref']}/messages/") for each in operation["messages"]), name
    for message in document["components"]["messages"].values():
        assert set(message) == {"name", "title", "contentType", "payload"} and set(message["payload"]) == {"schemaFormat", "schema"}
        Draft202012Validator.check_schema(message["payload"]["schema"])


def channels_of(document: dict[str, Any], topic: str) -> list[str]:
    """The channels that a topic may be of."""
    patterns = {name: re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(each["address"])) for name, each in document["channels"].items()}
    return [name for name, pattern in patterns.items() if re.fullmatch(pattern, topic)]


def test_every_message_that_goes_out_is_in_it(document: dict[str, Any], tmp_path: Path) -> None:
    companions = Companions(Adapters(frigate=True, openalpr=True, plate_recognizer=True), TOPICS)
    unit = Described(IDENTITY, TOPICS, ("gate",), lists=True)
    said = [(TOPICS.of("gate/plate"), body(type=kind, hits=(HIT,))) for kind in ("early", "final")]
    said += [(each.topic, each.payload) for kind in ("early", "final") for each in companions("gate/plate", body(type=kind, hits=(HIT,)))]
    said += [(each.topic, each.payload) for each in Announcement(HomeAssistant(True, announced=tmp_path / "a"), unit)()]
    said += [(TOPICS.ack, ack_of(["kerb-01-ab-1"])), (TOPICS.of("cmd/result"), result(Command("a", "status", 0.0, {}), True, {"fps": 1.0}))]
    seen = set()
    for topic, payload in said:
        (name,) = channels_of(document, topic)
        schema = document["components"]["messages"][name]["payload"]["schema"]
        Draft202012Validator(schema).validate(json.loads(payload))
        seen.add(name)
    assert seen == set(document["channels"]) - {"crop", "snapshot", "availability", "status", "command"}
