"""The discovery messages that are due with a connection: those that are wanted, and an end for whatever was announced before and is not.

A retained message outlives the unit's interest in it. So what was ever announced is written down, and taken back with every connection from
then on: the broker may have been away when it was first done.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.adapters.companions import TopicPrefix
from edge.adapters.fields import payload
from edge.adapters.home_assistant import Described, discovery, topic
from edge.mqtt.message import Message

log = logging.getLogger(__name__)

Platforms = dict[str, dict[str, str]]  # by topic, the platform of each component


@dataclass(frozen=True, slots=True)
class HomeAssistant:
    """Whether and where to announce the unit, as config.yaml has it."""

    enabled: bool = False
    prefix: TopicPrefix = "homeassistant"
    announced: Path = Path("var/home-assistant.json")


class Announcement:
    """Called with every connection."""

    def __init__(self, rules: HomeAssistant, unit: Described) -> None:
        self._rules, self._unit = rules, unit

    def __call__(self) -> tuple[Message, ...]:
        before = self._remembered()
        wanted = {topic(self._unit, self._rules.prefix): discovery(self._unit)} if self._rules.enabled else {}
        self._remember(before, wanted)
        ended = (Message(name, b"", retain=True) for name in before if name not in wanted)
        told = {name: payload(_ending(document, before.get(name, {}))) for name, document in wanted.items()}
        return (*ended, *(Message(name, body, retain=True) for name, body in told.items()))

    def _remembered(self) -> Platforms:
        file = self._rules.announced
        try:
            found: Platforms = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
            return {str(name): {str(key): str(platform) for key, platform in keys.items()} for name, keys in found.items()}
        except (OSError, ValueError, AttributeError) as error:
            log.warning("home_assistant.announced %s cannot be read (%s): what it named stays with Home Assistant", file, error)
            return {}

    def _remember(self, before: Platforms, wanted: Mapping[str, Any]) -> None:
        """Before it is announced: what is written down and was never sent is taken back for nothing, and that is harmless."""
        after = {**before}
        for name, document in wanted.items():
            after[name] = {**before.get(name, {}), **{key: each["platform"] for key, each in document["components"].items()}}
        if after == before:
            return
        file = self._rules.announced
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            new = file.with_name(f"{file.name}.new")
            new.write_text(json.dumps(after, indent=1) + "\n", encoding="utf-8")
            new.replace(file)
        except OSError as error:
            log.warning("home_assistant.announced %s cannot be written (%s): entities may stay when they are switched off", file, error)


def _ending(document: dict[str, Any], before: Mapping[str, str]) -> dict[str, Any]:
    """The document, with the components that are no more named by their platform alone: so Home Assistant removes one."""
    gone = {key: {"platform": platform} for key, platform in before.items() if key not in document["components"]}
    return {**document, "components": {**gone, **document["components"]}}
