"""Places in a unit at which it may be killed: the process ends itself there, by SIGKILL, at the n-th time that it comes by."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from edge.mqtt.connection import Connection
from edge.mqtt.delivery import Delivery
from edge.outbox import ledger, owner
from edge.outbox.store import Store

Place = tuple[Any, str, bool]  # whose function, its name, whether to die after it rather than before

PLACES: dict[str, Place] = {
    "before an event is inserted": (Store, "insert", False),
    "inserted, not committed": (Store, "insert", True),
    "after commit": (Store, "commit", True),
    "committed, caller not told": (ledger, "accepted", True),
    "before publish": (Connection, "publish", False),
    "after publish": (Connection, "publish", True),
    "broker's answer heard": (Delivery, "settle", False),
    "consumer's answer heard": (Delivery, "hear_consumer", False),
    "before the ack is stored": (Store, "finish", False),
    "ack in the transaction, not committed": (Store, "finish", True),
    "after the ack is stored": (ledger, "kept", True),
    "put behind, not committed": (Store, "postpone", True),
    "room made, not committed": (owner, "make_room", True),
}


def arm(place: str, times: int) -> None:
    """Die at a place when it is passed for the n-th time."""
    holder, name, after = PLACES[place]
    setattr(holder, name, _deadly(getattr(holder, name), times, after))


def _deadly(function: Callable[..., Any], times: int, after: bool) -> Callable[..., Any]:
    left = [times]

    def passing(*args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        if left[0] == 0 and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        value = function(*args, **kwargs)
        if left[0] == 0 and after:
            os.kill(os.getpid(), signal.SIGKILL)
        return value

    return passing
