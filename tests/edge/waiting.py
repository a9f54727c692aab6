"""Bounded waiting for something that another thread or process brings about."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(value: Callable[[], T], what: str, timeout_s: float = 30.0) -> T:
    """Call `value` until what it returns is true → that. Fails with `what` after timeout_s."""
    deadline = time.monotonic() + timeout_s
    while not (found := value()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what}")
        time.sleep(0.01)
    return found
