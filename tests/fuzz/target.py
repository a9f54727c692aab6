"""One thing that takes input from outside, and thousands of inputs for it: each must be taken or refused in words."""

from __future__ import annotations

import faulthandler
import logging
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

Check = Callable[[Any], bool]
"""An input → True where it was taken, and what came of it is right; False where it was refused in words. What it raises is a defect."""

SETTINGS: dict[str, Any] = {
    "database": None,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": (Phase.generate, Phase.shrink),
}
LONGEST = 4000
"""Characters of what is told of a defect."""
HANG_S = 120.0
"""An input that takes so long hangs: the run ends with the stack of every thread."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is fuzzed, with which inputs, and how what comes of them is checked."""

    name: str
    inputs: SearchStrategy[Any]
    open: Callable[[Path], Check | AbstractContextManager[Check]]  # once a run, with an empty folder to write into
    quick: int = 200  # inputs in `make test`


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a target's inputs; with a defect, the inputs that made it smaller count too."""

    target: str
    inputs: int
    accepted: int
    refused: int  # with a clear error
    defects: int
    seconds: float

    @property
    def passed(self) -> bool:
        return self.defects == 0 and self.inputs > 0


def examine(
    target: Target, folder: Path, examples: int, seed: int, hang_s: float | None = None, tally: Counter[str] | None = None
) -> Counter[str]:
    """Try `examples` inputs → how many were accepted and refused, added to `tally`.

    Raises what the first defect raised, with the smallest input for it.
    """
    opened, tally = target.open(folder), Counter() if tally is None else tally
    with opened if isinstance(opened, AbstractContextManager) else nullcontext(opened) as check, _quiet():
        _given(target, check, tally, hang_s, settings(max_examples=examples, **SETTINGS), seed)()
    return tally


def _given(target: Target, check: Check, tally: Counter[str], hang_s: float | None, how: settings, seed: int) -> Callable[[], None]:
    @hypothesis.seed(seed)
    @how
    @given(target.inputs)
    def once(value: Any) -> None:
        tally["inputs"] += 1
        with _watched(hang_s):
            tally["accepted" if check(value) else "refused"] += 1

    return once


def count(target: Target, folder: Path, examples: int, seed: int, tell: Callable[[str], None]) -> Found:
    """`examine`, with defects told and counted."""
    began_s, tally, defects = time.monotonic(), Counter[str](), 0
    try:
        examine(target, folder, examples, seed, HANG_S, tally)
    except Exception as error:  # whatever it is, it is the find
        found = getattr(error, "exceptions", (error,))  # hypothesis groups them where there are several
        defects = len(found)
        for each in found:
            tell("\n".join([f"{target.name}: {type(each).__name__}: {each}", *getattr(each, "__notes__", ())])[:LONGEST])
    seconds = round(time.monotonic() - began_s, 1)
    return Found(target.name, tally["inputs"], tally["accepted"], tally["refused"], defects, seconds)


@contextmanager
def _watched(hang_s: float | None) -> Iterator[None]:
    """A number that overflows is a defect too: in the field its warning fills the log."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        if hang_s is not None:
            faulthandler.dump_traceback_later(hang_s, exit=True, file=sys.__stderr__)
        try:
            yield
        finally:
            if hang_s is not None:
                faulthandler.cancel_dump_traceback_later()


@contextmanager
def _quiet() -> Iterator[None]:
    """Thousands of refusals are thousands of warnings."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
