"""The hybrid recipe: a random subset of effects in a random order, saved as data so that a sample can be replayed.

Random order and several stages follow Real-ESRGAN (Wang et al., ICCVW 2021, arXiv:2107.10833) and LPSRGAN's n-stage model.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from alpr.types import U8
from training.degradation import bounds, effects, steps
from training.degradation.steps import Step

Rng = np.random.Generator
Recipe = tuple[Step, ...]

STEPS: tuple[tuple[float, Callable[[Rng, float, float], Step]], ...] = (
    (0.45, steps.blur), (0.31, steps.motion), (0.14, steps.defocus), (0.05, steps.estimated), (0.72, steps.small),
    (0.46, steps.noise), (0.06, steps.isp_noise), (0.2, steps.jpeg), (0.06, steps.blocking), (0.6, steps.exposure),
    (0.04, steps.overexposed), (0.04, steps.underexposed), (0.4, steps.colour), (0.06, steps.tinted),
    (0.08, steps.glare), (0.03, steps.headlight), (0.04, steps.infrared), (0.18, steps.shadow), (0.18, steps.sharpen),
    (0.03, steps.interlace), (0.03, steps.rolling_shutter), (0.04, steps.rain), (0.04, steps.fog), (0.05, steps.dirt),
    (0.05, steps.occlusion),
)  # fmt: skip
"""Each effect with its chance at severity 1."""
LAST_JPEG = 0.85
"""What ends every camera's chain, nearly."""


def recipe(rng: Rng, line_px: float, severity: float = 1.0) -> Recipe:
    """Draw a recipe for a plate whose line of text is `line_px` high now; severity 0 leaves it alone, 1 is a hard road."""
    drawn = [make(rng, line_px, severity) for chance, make in STEPS if rng.random() < chance * min(1.0, severity)]
    ordered = [drawn[i] for i in rng.permutation(len(drawn))]
    if rng.random() < LAST_JPEG * min(1.0, severity):
        ordered.append(steps.jpeg(rng, line_px, severity))
    return tuple(ordered)


def replay(bgr: U8, recipe: Recipe) -> U8:
    """Apply a recipe; the same recipe on the same picture gives the same bytes."""
    for step in recipe:
        effect = getattr(effects, step.effect)
        noise = {} if step.seed is None else {"rng": np.random.default_rng(step.seed)}
        bgr = effect(bgr, **step.parameters, **noise)
    return bgr


def save(recipe: Recipe) -> list[dict[str, Any]]:
    """A recipe as JSON can hold it."""
    rows = [{"effect": step.effect, "parameters": _listed(step.parameters), "seed": step.seed} for step in recipe]
    return [{key: value for key, value in row.items() if value is not None} for row in rows]


def load(rows: Sequence[Mapping[str, Any]]) -> Recipe:
    """What `save` made → the recipe; ValueError says which step is wrong, and how."""
    if isinstance(rows, (str, bytes, Mapping)) or not isinstance(rows, Sequence):
        raise ValueError(f"expected a list of steps, got {type(rows).__name__}")
    return tuple(_step(f"step {number}", row) for number, row in enumerate(rows, start=1))


def _step(where: str, row: Mapping[str, Any]) -> Step:
    if not isinstance(row, Mapping) or not {"effect", "parameters"} <= set(row) <= {"effect", "parameters", "seed"}:
        said = ", ".join(map(str, row)) if isinstance(row, Mapping) else type(row).__name__
        raise ValueError(f"{where}: expected effect, parameters and perhaps a seed, got {said:.80}")
    name, parameters, seed = row["effect"], row["parameters"], row.get("seed")
    if name not in effects.__all__:
        said = name if isinstance(name, str) else type(name).__name__
        raise ValueError(f"{where}: no effect is called {said!r:.80}; there are {', '.join(effects.__all__)}")
    if not isinstance(parameters, Mapping):
        raise ValueError(f"{where}: expected the parameters of {name} by name, got {type(parameters).__name__}")
    known = dict(list(inspect.signature(getattr(effects, name)).parameters.items())[1:])  # the first is the picture
    draws = known.pop("rng", None) is not None
    if draws != (isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed < 1 << 63):
        said = repr(seed)[:80] if isinstance(seed, (int, float, str)) else type(seed).__name__
        raise ValueError(f"{where}: {name} {'needs a whole number as its seed' if draws else 'takes no seed'}, got {said}")
    missing = {key for key, parameter in known.items() if parameter.default is parameter.empty} - set(parameters)
    unknown = set(parameters) - set(known)
    for problem, keys in (("has no parameter", unknown), ("lacks the parameter", missing)):
        if keys:
            raise ValueError(f"{where}: {name} {problem} {', '.join(sorted(keys)):.80}; it takes {', '.join(known)}")
    return Step(name, {key: bounds.checked(where, name, key, value) for key, value in parameters.items()}, seed)


def _listed(value: Any) -> Any:
    """Tuples → lists, numpy's numbers → Python's."""
    if isinstance(value, Mapping):
        return {key: _listed(part) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        return [_listed(part) for part in value]
    return value.item() if isinstance(value, np.generic) else value
