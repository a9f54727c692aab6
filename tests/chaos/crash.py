"""Places in a unit at which it may be killed: the process ends itself there, by SIGKILL, at the n-th time that it comes by."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edge.mqtt.connection import Connection
from edge.mqtt.delivery import Delivery
from edge.outbox import Outbox, ledger, owner
from edge.outbox.store import Store


@dataclass(frozen=True)
class Place:
    """Before or after a function, and the scene (of `scenes.SCENES`) in which a unit comes by so often."""

    holder: Any
    name: str
    after: bool = True
    acted: bool = False  # what comes by counts only where the function has done something, by what it returns
    scene: str = "delivering"
    times: tuple[int, ...] = (1, 5)


PLACES: dict[str, Place] = {
    "before an event is inserted": Place(Store, "insert", after=False),
    "inserted, not committed": Place(Store, "insert"),
    "after commit": Place(Store, "commit"),
    "committed, caller not told": Place(ledger, "accepted"),
    "before publish": Place(Connection, "publish", after=False),
    "after publish": Place(Connection, "publish"),
    "broker's answer heard": Place(Delivery, "hear_broker", after=False),
    "consumer's answer heard": Place(Delivery, "hear_consumer", after=False),
    "before the ack is stored": Place(Store, "finish", after=False),
    "ack in the transaction, not committed": Place(Store, "finish"),
    "after the ack is stored": Place(ledger, "done"),
    "put behind, not committed": Place(Store, "postpone", scene="nobody listens"),
    "room made, not committed": Place(owner, "make_room", scene="nobody listens"),
    "about to settle": Place(Outbox, "settle", after=False, scene="settling"),
    "settled, not committed": Place(Store, "settle", scene="settling"),
    "told that it settled, not committed": Place(Store, "confirm", scene="recalling, and told"),
    "recalled, not committed": Place(Store, "recall", acted=True, scene="recalling"),
    "recalled": Place(ledger, "recalled", scene="recalling"),
    "replayed, not committed": Place(Store, "replay", acted=True, scene="replaying"),
    "replayed": Place(ledger, "replayed", scene="replaying"),
    "a dead letter, not committed": Place(Store, "refuse", acted=True, scene="refused"),
    "a dead letter": Place(ledger, "dead", scene="refused"),
    "revived, not committed": Place(Store, "revive", acted=True, scene="reviving"),
    "found damaged": Place(owner, "set_aside", after=False, scene="damaged", times=(1,)),
    "set aside, nothing in its place": Place(owner, "set_aside", scene="damaged", times=(1,)),
    "pruned, not committed": Place(Store, "prune", acted=True, scene="full of delivered events"),
    "expired, not committed": Place(Store, "expire", acted=True, scene="full"),
}


def arm(place: str, times: int) -> None:
    """Die at a place when it is passed for the n-th time."""
    where = PLACES[place]
    setattr(where.holder, where.name, _deadly(getattr(where.holder, where.name), times, where))


def _deadly(function: Callable[..., Any], times: int, where: Place) -> Callable[..., Any]:
    left = [times]

    def come_by() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def passing(*args: Any, **kwargs: Any) -> Any:
        if not where.after:
            come_by()
        value = function(*args, **kwargs)
        if where.after and (value or not where.acted):
            come_by()
        return value

    return passing
