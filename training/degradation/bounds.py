"""What each parameter of an effect may be. Beyond these a recipe is no road: it divides by zero, or asks for more memory than there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args, get_type_hints

import numpy as np

from training.degradation import effects

GROUPS: tuple[tuple[float, float, str], ...] = (
    (0, 512, "sigma_x_px sigma_y_px length_px radius_px bloom_px softness_px width_px shift_px"),
    (0.05, 512, "sigma_px"),
    (-512, 512, "motion_px skew_px wobble_px"),
    (-3600, 3600, "angle_deg phase_deg"),
    (0.1, 10_000, "period_rows"),
    (0, 1, "opacity dust ambient tint"),
    (0.001, 1, "factor"),
    (0, 2, "depth"),
    (0, 10, "saturation streak"),
    (0, 100, "gain gains strength flash amount"),
    (0.1, 10, "gamma balance"),
    (0.01, 100, "beam radius"),
    (0, 255, "colour airlight"),
    (-1000, 1000, "offset"),
    (-10, 10, "centre edge box"),
    (-0.8, 0.8, "shear_x shear_y squeeze_x squeeze_y"),
    (0, 1000, "shot read read_e streaks spots"),
    (1, 1_000_000, "white_e visibility_m"),
    (0, 10_000, "distance_m"),
    (1, 100, "quality"),
    (0, 51, "qp"),
    (0, 4, "down up"),
)
BOUNDS = {name: (low, high) for low, high, names in GROUPS for name in names.split()}
BLOCKS_PX = (4, 8, 16)
LONGEST_KERNEL = 129


def checked(where: str, effect: str, key: str, given: Any) -> Any:
    """A parameter as its effect takes it, lists as tuples. Raises ValueError: `where`, effect, parameter, expected, actual."""
    name = f"{where}: {effect}'s {key}"
    if key == "kernel":
        return _kernel(name, given)
    if key == "block_px":
        if isinstance(given, bool) or given not in BLOCKS_PX:
            raise ValueError(f"{name} must be one of {BLOCKS_PX}, got {_said(given)}")
        return given
    kind = get_type_hints(getattr(effects, effect))[key]
    if not (parts := get_args(kind)):
        return _value(name, kind, key, given)
    if not isinstance(given, (tuple, list)) or len(given) != len(parts):
        raise ValueError(f"{name} must be {len(parts)} numbers, got {_said(given)}")
    return tuple(_value(name, kind, key, part) for kind, part in zip(parts, given, strict=True))


def _value(name: str, kind: Any, key: str, given: Any) -> bool | int | float:
    if kind is bool:
        if not isinstance(given, bool):
            raise ValueError(f"{name} must be a switch, true or false, got {_said(given)}")
        return given
    low, high = BOUNDS[key]
    kinds = int if kind is int else (int, float)
    if isinstance(given, bool) or not isinstance(given, kinds) or not low <= given <= high:
        what = "whole number" if kind is int else "number"
        raise ValueError(f"{name} must be a {what} from {low:g} to {high:g}, got {_said(given)}")
    return given  # type: ignore[no-any-return]


def _kernel(name: str, given: Any) -> tuple[tuple[float, ...], ...]:
    rows = given if _listed(given) and all(map(_listed, given)) else [[]]
    sides = {len(rows), *map(len, rows)}
    numbers = all(isinstance(part, (int, float)) and 0 <= part <= 1 for row in rows for part in row)
    if len({*map(len, rows)}) != 1 or any(side % 2 == 0 or side > LONGEST_KERNEL for side in sides) or not numbers or not np.sum(rows) > 0:
        raise ValueError(
            f"{name} must be rows of an odd number of weights from 0 to 1, at most {LONGEST_KERNEL} a side, got {_said(given)}"
        )
    return tuple(map(tuple, rows))


def _listed(given: Any) -> bool:
    return isinstance(given, Sequence) and not isinstance(given, str)


def _said(given: Any) -> str:
    """Of a list its length: what is in it may nest deeper than can be printed."""
    return f"a {type(given).__name__} of {len(given)}" if isinstance(given, (list, tuple, dict)) else f"{given!r:.60}"
