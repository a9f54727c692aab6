"""Topics and messages as an AsyncAPI 3 document, made of the code that publishes and the schemas that it ships.

python -m tools.asyncapi            writes integrations/asyncapi.yaml
python -m tools.asyncapi --check    says whether that is up to date: exit code 0 or 1
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

import alpr
from edge.adapters import frigate, openalpr, plate_recognizer
from edge.adapters.home_assistant import Described, topic
from edge.commands.command import RESULT
from edge.events import Identity
from edge.mqtt.config import Topics
from edge.mqtt.presence import OFFLINE, ONLINE
from tools.watch.inbox import inlined

DOCUMENT = Path(__file__).parents[1] / "integrations/asyncapi.yaml"
UNIT = Topics("{prefix}", "{device}")
JSON_SCHEMA = "application/schema+json;version=draft-2020-12"
PARAMETERS = {
    "prefix": {"description": "mqtt.prefix of the unit's config.", "default": "kerbside"},
    "device": {"description": "The unit: device.id of its config, or the name in its certificate."},
    "camera": {"description": "The camera: its id in the unit's config."},
    "frigate_prefix": {"description": "adapters.frigate_prefix of the unit's config.", "default": "frigate"},
    "discovery_prefix": {"description": "home_assistant.prefix of the unit's config.", "default": "homeassistant"},
}
JPEG = {"type": "string", "format": "binary", "description": "A JPEG."}


@dataclass(frozen=True, slots=True)
class Talk:
    """One kind of message, on one kind of topic."""

    name: str
    address: str
    says: str
    schema: dict[str, Any]
    kind: str = "application/json"
    qos: int = 1
    retain: bool = False
    heard: bool = False  # the unit subscribes to it, and does not publish it


def talks() -> Iterator[Talk]:
    """Everything that a unit publishes or hears."""
    there = {"type": "string", "enum": [ONLINE.decode(), OFFLINE.decode()]}
    crop = {**JPEG, "description": "A JPEG; its comment is the id of the event."}
    yield Talk(
        "plate", UNIT.of("{camera}/plate"), "A vehicle's plate: as soon as it is firm, and when the vehicle is gone.", native("plate-event")
    )
    yield Talk("hit", UNIT.hit("{camera}"), "A vehicle that is probably on a list.", native("hit"))
    yield Talk("crop", UNIT.crop("{camera}"), "The plate's picture, where mqtt.crop_qos is set.", crop, "image/jpeg", qos=0)
    yield Talk("availability", UNIT.availability, "Whether the unit is there; its will says offline.", there, "text/plain", retain=True)
    yield Talk("status", UNIT.status, "How the unit is.", native("status"), retain=True)
    yield Talk("ack", UNIT.ack, "A consumer has committed events.", native("ack"), heard=True)
    yield Talk("command", UNIT.of("cmd"), "Asks the unit for something that its config allows.", native("command"), heard=True)
    yield Talk("result", UNIT.of("cmd/result"), "The answer to a command.", result())
    yield Talk("snapshot", UNIT.of("{camera}/snapshot"), "The picture that a command has asked for.", JPEG, "image/jpeg")
    yield from adapted()


def adapted() -> Iterator[Talk]:
    """The same reads in other systems' shapes, where `adapters` asks for them, and Home Assistant's discovery."""
    update, change = frigate.topics("{frigate_prefix}")
    yield Talk("frigateUpdate", update, "Frigate's tracked_object_update of type lpr.", foreign("frigate-tracked-object-update"))
    yield Talk("frigateEvents", change, "Frigate's events: new with an early event, end with a final one.", foreign("frigate-events"))
    both = {"oneOf": [foreign("openalpr-results"), foreign("openalpr-group")]}
    says = "OpenALPR's alpr_results of an early event, its alpr_group of a final one."
    yield Talk("openalpr", openalpr.topic(UNIT, "{camera}"), says, both)
    webhook = foreign("plate-recognizer-webhook")
    yield Talk("plateRecognizer", plate_recognizer.topic(UNIT, "{camera}"), "Plate Recognizer Stream's webhook.", webhook)
    device = topic(Described(Identity("DEVICE"), UNIT, (), lists=False), "{discovery_prefix}").replace("DEVICE", "{device}")
    says = "Home Assistant's MQTT discovery; empty where it was switched off. A '.' in the device's name is a '_' here."
    yield Talk("homeAssistant", device, says, foreign("home-assistant-discovery"), retain=True)


def native(name: str) -> dict[str, Any]:
    return _schema("edge", f"{name}.v1")


def foreign(name: str) -> dict[str, Any]:
    return _schema("edge.adapters", name)


def result() -> dict[str, Any]:
    """As `edge.commands.command.result` makes it."""
    told = {"result": {"description": "What was done."}, "error": {"type": "string", "description": "Why it was not."}}
    properties = {"schema": {"const": RESULT}, "id": {"type": "string"}, "do": {"type": "string"}, "ok": {"type": "boolean"}, **told}
    return {"type": "object", "required": ["schema", "id", "do", "ok"], "properties": properties}


def document() -> dict[str, Any]:
    every = list(talks())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Kerbside",
            "version": alpr.__version__,
            "description": "What a unit publishes and hears over MQTT. docs/integration.md says when and why.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {talk.name: _channel(talk) for talk in every},
        "operations": {talk.name: _operation(talk) for talk in every},
        "components": {"messages": {talk.name: _message(talk) for talk in every}, "parameters": PARAMETERS},
    }


def written() -> str:
    head = "# Made by  python -m tools.asyncapi  of the topics' code and the schemas in edge/schemas and edge/adapters/schemas.\n"
    return head + yaml.dump(document(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=140)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.asyncapi", description="Topics and messages as an AsyncAPI 3 document.")
    parser.add_argument("--out", type=Path, default=DOCUMENT, help="where it is, or goes")
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 where the file is not what would be written")
    args = parser.parse_args(arguments)
    if not args.check:
        args.out.write_text(written(), encoding="utf-8")
        return 0
    if args.out.exists() and args.out.read_text(encoding="utf-8") == written():
        return 0
    print(f"{args.out} is not up to date:  python -m tools.asyncapi  writes it anew", file=sys.stderr)
    return 1


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        """A person reads it: what stands in two places is written twice."""
        return True


def _channel(talk: Talk) -> dict[str, Any]:
    names = re.findall(r"\{(\w+)\}", talk.address)
    return {
        "address": talk.address,
        "description": talk.says,
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in names},
        "messages": {talk.name: {"$ref": f"#/components/messages/{talk.name}"}},
    }


def _operation(talk: Talk) -> dict[str, Any]:
    return {
        "action": "receive" if talk.heard else "send",
        "summary": talk.says,
        "channel": {"$ref": f"#/channels/{talk.name}"},
        "messages": [{"$ref": f"#/channels/{talk.name}/messages/{talk.name}"}],
        "bindings": {"mqtt": {"qos": talk.qos, "retain": talk.retain, "bindingVersion": "0.2.0"}},
    }


def _message(talk: Talk) -> dict[str, Any]:
    payload = {"schemaFormat": JSON_SCHEMA, "schema": talk.schema}
    return {"name": talk.name, "title": talk.schema.get("title", talk.says), "contentType": talk.kind, "payload": payload}


def _schema(package: str, name: str) -> dict[str, Any]:
    """A shipped schema without references into itself, which would mean another place in this document."""
    loaded = json.loads((files(package) / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
    return {key: value for key, value in inlined(loaded).items() if key not in ("$schema", "$id")}


if __name__ == "__main__":
    sys.exit(main())
