"""Whether a precision may be used: what calibration's gate has stored in the model's contract."""

from __future__ import annotations

from collections.abc import Callable

from alpr.contract import Contract
from edge.engines.tensorrt.recipe import VARIANTS

Gate = Callable[[Contract, str, bool], str]
"""A model, a precision, whether its graph's own types decide → why it may not be used, "" where it may."""


def recorded(contract: Contract, precision: str, strong: bool) -> str:
    """By `variants` in the contract: the evaluation sets that the gate needs are no part of a unit."""
    name = VARIANTS[strong][precision] or precision  # fp16 by a flag has no file of its own; the gate has seen the one that is cast
    if precision == "fp32":
        return ""
    if name not in contract.variants:
        return f"its contract has no variant {name}, so nobody knows what {precision} costs: python -m calibration quantise"
    return "" if contract.variants[name].passed else f"its variant {name} lost more than the gate allows"
