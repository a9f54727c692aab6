"""Events of several messages: the event itself, and what goes with it. An event is answered once all of its messages are."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from edge.mqtt.connection import Ack
from edge.mqtt.message import Message
from edge.outbox import Row

NOBODY_LISTENS = 0x10
REFUSED = 0x80

Companions = Callable[[str, bytes], Iterable[Message]]
"""An event's topic below the device's, and its body as it is sent → the messages that go with it."""


def alone(below: str, body: bytes) -> Iterable[Message]:
    return ()


@dataclass(slots=True)
class _Bundle:
    """What is still owed of one event's messages, and what was answered."""

    owed: int
    given_up: bool = False
    own: Ack | None = None
    others: list[tuple[Message, Ack]] = field(default_factory=list)


class Bundles:
    """Bookkeeping only: which messages are still to be sent, and whose answers have come."""

    def __init__(self) -> None:
        self._rest: deque[tuple[Row, Message]] = deque()
        self._under_way: dict[int, tuple[Message | None, _Bundle]] = {}  # by message id; None: the event itself
        self._bundles: dict[int, _Bundle] = {}  # by sequence; an event that goes alone has none

    def begin(self, row: Row, mid: int, messages: Sequence[Message]) -> None:
        """The event itself was sent, as message `mid`: these are to follow."""
        if messages:
            bundle = self._bundles[row.sequence] = _Bundle(1 + len(messages))
            self._under_way[mid] = (None, bundle)
            self._rest.extend((row, message) for message in messages)

    def next(self) -> tuple[Row, Message] | None:
        """The next message to be sent, taken out."""
        return self._rest.popleft() if self._rest else None

    def sent(self, row: Row, mid: int, message: Message) -> None:
        self._under_way[mid] = (message, self._bundles[row.sequence])

    @property
    def unsent(self) -> Iterator[Row]:
        """The events that are not sent in full."""
        return (row for row, _ in self._rest)

    def answered(self, row: Row, ack: Ack) -> Ack | None:
        """An answer to one of an event's messages → the answer to the event, or None as long as it has none.

        Refused is what is refused itself, or whose hit is. Heard is what anybody has heard, in whatever shape; but no hit goes unheard.
        """
        message, bundle = self._under_way.pop(ack.mid, (None, None))
        if bundle is None or bundle.given_up:  # it goes alone; or its own answer came late, and still tells that it has arrived
            return ack if message is None else None
        bundle.owed -= 1
        if message is None:
            bundle.own = ack
        else:
            bundle.others.append((message, ack))
        if bundle.owed:
            return None
        del self._bundles[row.sequence]
        return None if bundle.own is None else _together(bundle.own, bundle.others)

    def forget(self, sequence: int) -> None:
        """The event is given up for now: it will be sent anew, and what is still answered of its companions says nothing."""
        if (bundle := self._bundles.pop(sequence, None)) is not None:
            bundle.given_up = True
            self._rest = deque(item for item in self._rest if item[0].sequence != sequence)

    def clear(self) -> None:
        """The connection is gone."""
        self._rest.clear()
        self._under_way.clear()
        self._bundles.clear()


def _together(own: Ack, others: list[tuple[Message, Ack]]) -> Ack:
    wanted = [ack for message, ack in others if message.wanted]
    for ack in (own, *wanted):
        if ack.code >= REFUSED:
            return ack
    for ack in wanted:
        if ack.code == NOBODY_LISTENS:
            return ack
    heard = (ack for ack in (own, *(ack for _, ack in others)) if ack.code < NOBODY_LISTENS)
    return next(heard, own)
