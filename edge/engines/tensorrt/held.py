"""Pictures that stay on the device for the stages behind: a ring of places, none overwritten while a stage reads it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from edge.cuda.layout import Rows


@dataclass(slots=True, eq=False)
class Place:
    """Room for one picture."""

    key: Hashable = None
    picture: Rows | None = None  # a PICTURE
    readers: int = 0


class Ring:
    """Who comes too late for a picture finds it gone, and brings its own copy: nothing waits for anything here."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._places = deque(places)  # the one written longest ago first
        self._lock = threading.Lock()

    def claim(self) -> Place | None:
        """The place written longest ago that nobody reads, its picture forgotten; None while all are read."""
        with self._lock:
            place = next((place for place in self._places if not place.readers), None)
            if place is not None:
                self._places.remove(place)
                self._places.append(place)
                place.key = place.picture = None
            return place

    def keep(self, place: Place, key: Hashable, picture: Rows) -> None:
        """From now on the picture is found under its key; two of the same key are both forgotten: which was meant?"""
        with self._lock:
            twins = [other for other in self._places if other.key == key and other is not place]
            place.picture = picture
            place.key = None if twins else key
            for twin in twins:
                twin.key = None

    @contextmanager
    def lease(self, keys: Iterable[Hashable]) -> Iterator[dict[Hashable, Rows]]:
        """Those of the pictures that are still there, and stay so within the context."""
        wanted = set(keys) - {None}
        with self._lock:
            places = [place for place in self._places if place.key in wanted]
            for place in places:
                place.readers += 1
        try:
            yield {place.key: place.picture for place in places if place.picture is not None}
        finally:
            with self._lock:
                for place in places:
                    place.readers -= 1
