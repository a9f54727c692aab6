"""Bring a release to units over SSH, and see what becomes of it. All that decides is on the unit (edge.release); this asks and watches."""


class UnitError(RuntimeError):
    """A step that did not succeed on a unit; the message says what was expected, what is there, and how to mend it."""


class AwayError(UnitError):
    """The unit cannot be reached: it goes on by itself with what it has begun."""
