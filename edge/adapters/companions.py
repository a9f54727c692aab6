"""What goes out beside an event: its list hits, and the same read in the shapes of other systems."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from edge.adapters import frigate, openalpr, plate_recognizer
from edge.hits import hits
from edge.mqtt.config import Topics
from edge.mqtt.message import Message

PREFIX = r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$"
TopicPrefix = Annotated[str, Field(pattern=PREFIX, description="topic levels of letters, digits, '_' and '-' between single slashes")]
HAS_HITS = b'"hits":[{'


@dataclass(frozen=True, slots=True)
class Adapters:
    """In whose shapes each read is published once more, as config.yaml has it."""

    frigate: bool = False
    frigate_prefix: TopicPrefix = "frigate"
    openalpr: bool = False
    plate_recognizer: bool = False


class Companions:
    """An event's body as it is published → the messages that go with it. An event without any costs no parsing."""

    def __init__(self, adapters: Adapters, topics: Topics) -> None:
        self._adapters, self._topics = adapters, topics
        self._any = adapters.frigate or adapters.openalpr or adapters.plate_recognizer

    def __call__(self, below: str, body: bytes) -> tuple[Message, ...]:
        """`below`: the event's topic below the device's."""
        if not below.endswith("/plate") or not (self._any or HAS_HITS in body):
            return ()
        event: dict[str, Any] = json.loads(body)
        return (*hits(event, self._topics), *self._adapted(event))

    def _adapted(self, event: Mapping[str, Any]) -> Iterator[Message]:
        if self._adapters.frigate:
            yield from frigate.messages(event, self._adapters.frigate_prefix)
        if self._adapters.openalpr:
            yield openalpr.message(event, self._topics)
        if self._adapters.plate_recognizer:
            yield plate_recognizer.message(event, self._topics)
