"""What both protocols can be asked, and the three ways in which they fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from alpr.types import F32
from edge.engines import EngineError


class ServerAwayError(EngineError):
    """There is no connection, or it broke: another attempt may do."""


class ServerLateError(EngineError):
    """No answer in time."""


class ServerRefusalError(EngineError):
    """The server answered, and not with what was asked for."""


class Link(Protocol):
    """A client of one server. For the thread that opened it alone. Its methods raise the errors above."""

    def models(self) -> Sequence[Mapping[str, str]]:
        """name, version, state and reason of everything in its repository, loaded or not."""
        ...

    def config(self, name: str, version: str) -> Mapping[str, Any]:
        """config.pbtxt as the server understood it, whole numbers perhaps as text."""
        ...

    def infer(self, name: str, version: str, tensors: Mapping[str, F32], outputs: Sequence[str]) -> dict[str, F32]: ...

    def close(self) -> None: ...
