"""A message to publish, by whoever has something to say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One publication. `wanted`: it must be heard by somebody, where the unit keeps what nobody hears."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    wanted: bool = False
