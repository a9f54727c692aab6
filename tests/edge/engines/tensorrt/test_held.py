"""Pictures on the device: found while they are there, never overwritten while read, and never mistaken for another."""

from __future__ import annotations

import numpy as np

from edge.cuda.layout import Rows, picture
from edge.engines.tensorrt.held import Place, Ring


def numbered(number: int) -> Rows:
    return picture(number, (4, 4))


def ring(places: int) -> Ring:
    return Ring(Place() for _ in range(places))


def put(into: Ring, key: object, number: int) -> Place | None:
    place = into.claim()
    if place:
        into.keep(place, key, numbered(number))  # type: ignore[arg-type]
    return place


def test_a_picture_is_found_until_its_place_is_needed() -> None:
    pictures = ring(2)
    for number in range(3):
        put(pictures, number, number)
    with pictures.lease([0, 1, 2, None]) as found:
        assert {key: int(row["bytes"]) for key, row in found.items()} == {1: 1, 2: 2}


def test_what_is_being_read_is_not_overwritten() -> None:
    pictures = ring(2)
    put(pictures, "read", 1)
    with pictures.lease(["read"]) as found:
        for number in range(5):
            put(pictures, number, number)
        np.testing.assert_array_equal(found["read"], numbered(1))
        with pictures.lease(["read", 4]) as again:
            assert set(again) == {"read", 4} and pictures.claim() is None
    assert put(pictures, "next", 9) is not None


def test_two_pictures_of_one_key_are_both_forgotten() -> None:
    """Two cameras' frames of the same nanosecond: a plate cut out of the wrong one would be read, believed and published."""
    pictures = ring(3)
    put(pictures, (5, 5), 1)
    put(pictures, (5, 5), 2)
    with pictures.lease([(5, 5)]) as found:
        assert found == {}
